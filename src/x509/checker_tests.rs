//! The checker against responders and CRL servers that behave, and that do not.

use rcgen::RevocationReason;
use time::Duration;

use super::testing::{Authority, Holder, NOW, Says, Stub, nonce_of, params, with_addresses};
use super::*;
use crate::crypto::DigestAlgorithm;

struct World {
    stub: Stub,
    authority: Authority,
    leaf: Holder,
}

impl World {
    fn new() -> Self {
        let stub = Stub::start();
        let authority = Authority::root("Authority");
        let (crl, ocsp) = (stub.url("/crl"), stub.url("/ocsp"));
        let leaf = authority.issue(with_addresses(params("Holder"), Some(&crl), Some(&ocsp)));
        Self { stub, authority, leaf }
    }

    fn config(&self) -> RevocationConfig {
        RevocationConfig {
            allowed_hosts: vec![self.stub.host.clone()],
            pause_after_failure: Duration::ZERO,
            ..RevocationConfig::default()
        }
    }

    fn checker(&self, config: RevocationConfig) -> RevocationChecker {
        let fetch = HttpFetch::new(&config.allowed_hosts);
        RevocationChecker::new(config, std::sync::Arc::new(fetch))
    }

    fn ask(&self, checker: &RevocationChecker) -> RevocationAnswer {
        checker.ask(&self.leaf.certificate, &self.authority.certificate, NOW, NOW)
    }

    /// Answers requests with what `say` makes of the nonce, signed by `signer`.
    fn respond(&self, signer: Holder, say: impl Fn(Vec<u8>) -> Says + Send + 'static) {
        let (leaf, issuer) = (self.leaf.certificate.clone(), self.authority.certificate.clone());
        self.stub
            .on("/ocsp", move |request| say(nonce_of(request)).to_der(&leaf, &issuer, &signer));
    }

    fn publish(&self, crl: Vec<u8>) {
        self.stub.on("/crl", move |_| crl.clone());
    }
}

fn says(answer: &RevocationAnswer) -> &str {
    answer.why.as_deref().unwrap_or_default()
}

#[test]
fn a_responder_of_the_issuer_itself_or_one_it_authorised_is_believed() {
    let world = World::new();
    let checker = world.checker(world.config());
    world.respond(world.authority.signer(), |nonce| Says::good(Some(nonce)));
    let answer = world.ask(&checker);
    assert_eq!((answer.status, answer.source), (RevocationStatus::Good, "ocsp"));
    assert!(!answer.evidence.is_empty());
    assert_eq!(answer.url, Some(world.stub.url("/ocsp")));

    let signer = world.authority.responder();
    let certificate = signer.certificate.clone();
    world.respond(signer, move |nonce| Says {
        certificates: vec![certificate.clone()],
        ..Says::good(Some(nonce)).revoked(NOW - Duration::hours(1), 1)
    });
    let answer = world.ask(&checker);
    let reason = Some("keyCompromise".to_owned());
    let revoked = RevocationStatus::Revoked { at: NOW - Duration::hours(1), reason };
    assert_eq!(answer.status, revoked);
}

#[test]
fn hold_and_later_revocation_are_told_apart() {
    let world = World::new();
    let checker = world.checker(world.config());
    let hour = Duration::hours(1);
    world.respond(world.authority.signer(), move |nonce| {
        Says::good(Some(nonce)).revoked(NOW - hour, 6)
    });
    assert_eq!(world.ask(&checker).status, RevocationStatus::OnHold { at: NOW - hour });
    let (leaf, issuer) = (&world.leaf.certificate, &world.authority.certificate);
    let before = checker.ask(leaf, issuer, NOW - hour * 2, NOW);
    assert_eq!(before.status, RevocationStatus::Good);
    assert!(says(&before).contains("revoked later"), "{before:?}");
}

#[test]
fn a_responder_that_lies_is_not_believed() {
    let world = World::new();
    let stranger = Authority::root("Authority");
    let old = NOW - Duration::days(2);
    type Lie = Box<dyn Fn(Vec<u8>) -> Says + Send>;
    let lies: Vec<(Holder, Lie, &str)> = vec![
        (
            stranger.signer(),
            Box::new(|n| Says::good(Some(n))),
            "signature of the response is wrong",
        ),
        (world.authority.signer(), Box::new(|_| Says::good(Some(vec![1; 16]))), "nonce"),
        (
            world.authority.signer(),
            Box::new(move |n| Says { made: old, ..Says::good(Some(n)) }),
            "stale",
        ),
        (
            world.authority.signer(),
            Box::new(|n| Says { made: NOW + Duration::hours(1), ..Says::good(Some(n)) }),
            "future",
        ),
        (
            world.authority.signer(),
            Box::new(|n| Says { status: vec![0x82, 0], ..Says::good(Some(n)) }),
            "does not know",
        ),
    ];
    for (signer, lie, expected) in lies {
        world.respond(signer, lie);
        let answer = world.ask(&world.checker(world.config()));
        assert_eq!(answer.status, RevocationStatus::Unknown, "{expected}");
        assert!(says(&answer).contains(expected), "{expected}: {answer:?}");
    }
}

#[test]
fn a_responder_must_be_authorised_for_it() {
    let world = World::new();
    let delegated = |holder: Holder| {
        let certificate = holder.certificate.clone();
        world.respond(holder, move |nonce| Says {
            certificates: vec![certificate.clone()],
            ..Says::good(Some(nonce))
        });
        let answer = world.ask(&world.checker(world.config()));
        assert_eq!(answer.status, RevocationStatus::Unknown);
        says(&answer).to_owned()
    };
    // Any holder of a certificate of the same authority, a responder of another authority, and a
    // responder whose time is over.
    assert!(delegated(world.authority.issue(params("Somebody"))).contains("not for signing OCSP"));
    let stranger = Authority::root("Stranger");
    assert!(delegated(stranger.responder()).contains("another authority"));
    let twin = Authority::root("Authority");
    assert!(delegated(twin.responder()).contains("did not sign its certificate"));
}

#[test]
fn an_answer_about_another_certificate_is_no_answer() {
    let world = World::new();
    let other = world.authority.issue(params("Other")).certificate;
    let (issuer, signer) = (world.authority.certificate.clone(), world.authority.signer());
    world.stub.on("/ocsp", move |request| {
        Says::good(Some(nonce_of(request))).to_der(&other, &issuer, &signer)
    });
    let answer = world.ask(&world.checker(world.config()));
    assert_eq!(answer.status, RevocationStatus::Unknown);
    assert!(says(&answer).contains("another certificate"), "{answer:?}");
}

#[test]
fn a_sha1_answer_without_nonce_is_accepted_while_fresh() {
    let world = World::new();
    let next = Some(NOW + Duration::hours(3));
    world.respond(world.authority.signer(), move |_| Says {
        hash: DigestAlgorithm::Sha1,
        made: NOW - Duration::hours(3),
        next,
        ..Says::good(None)
    });
    let answer = world.ask(&world.checker(world.config()));
    assert_eq!((answer.status, answer.next_update), (RevocationStatus::Good, next));
}

#[test]
fn the_crl_answers_when_the_responder_is_down_and_garbage_is_no_answer() {
    let world = World::new();
    let checker = world.checker(world.config());
    let (leaf, since) = (&world.leaf.certificate, NOW - Duration::days(1));
    let answer = world.ask(&checker);
    assert_eq!(answer.status, RevocationStatus::Unknown);
    assert!(says(&answer).contains("OCSP: ") && says(&answer).contains("CRL: "), "{answer:?}");

    world.stub.on("/ocsp", |_| b"garbage".to_vec());
    world.publish(world.authority.crl(NOW, &[(leaf, since, RevocationReason::Superseded)]));
    let answer = world.ask(&checker);
    let reason = Some("superseded".to_owned());
    assert_eq!(answer.status, RevocationStatus::Revoked { at: since, reason });
    assert_eq!((answer.source, answer.at), ("crl", Some(NOW)));
    assert_eq!(Crl::read(&answer.evidence).unwrap().len(), 1);
}

#[test]
fn a_bad_crl_is_no_answer() {
    let world = World::new();
    let twin = Authority::root("Authority");
    let mut flipped = world.authority.crl(NOW, &[]);
    let place = flipped.windows(12).position(|part| part == b"260000000000").unwrap_or(60);
    flipped[place] ^= 1;
    for (crl, expected) in [
        (twin.crl(NOW, &[]), "signature of the CRL is wrong"),
        (Authority::root("Other").crl(NOW, &[]), "nobody known signed"),
        (world.authority.crl(NOW - Duration::days(8), &[]), "stale"),
        (world.authority.crl(NOW + Duration::days(1), &[]), "future"),
        (b"garbage".to_vec(), "not a CRL"),
        (flipped, ""),
    ] {
        world.publish(crl);
        let answer = world.ask(&world.checker(world.config()));
        assert_eq!(answer.status, RevocationStatus::Unknown, "{expected}");
        assert!(says(&answer).contains(expected), "{expected}: {answer:?}");
    }
}

#[test]
fn a_kept_crl_answers_after_everyone_stopped() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let kept =
        RevocationConfig { cache_dir: Some(directory.path().join("crls")), ..world.config() };
    world.respond(world.authority.signer(), |nonce| Says::good(Some(nonce)));
    world.publish(world.authority.crl(NOW, &[]));
    assert_eq!(world.ask(&world.checker(kept.clone())).source, "ocsp");

    world.stub.down("/ocsp");
    world.stub.down("/crl");
    for mode in [RevocationMode::Online, RevocationMode::Offline] {
        let checker = world.checker(RevocationConfig { mode, ..kept.clone() });
        let answer = world.ask(&checker);
        assert_eq!((answer.status, answer.source), (RevocationStatus::Good, "crl"), "{mode:?}");
    }
    let hits = world.stub.hits.lock().unwrap().len();
    let offline = RevocationConfig { mode: RevocationMode::Offline, ..kept.clone() };
    world.ask(&world.checker(offline.clone()));
    assert_eq!(world.stub.hits.lock().unwrap().len(), hits, "offline asks nobody");

    // The directory is not trusted: what was changed in it is not used.
    for file in std::fs::read_dir(directory.path().join("crls")).unwrap() {
        let path = file.unwrap().path();
        std::fs::write(&path, Authority::root("Authority").crl(NOW, &[])).unwrap();
    }
    assert_eq!(world.ask(&world.checker(offline)).status, RevocationStatus::Unknown);
}

#[test]
fn a_fetched_crl_is_used_until_it_should_be_refreshed_and_never_replaced_by_an_older_one() {
    let world = World::new();
    let config = RevocationConfig { order: vec![RevocationMethod::Crl], ..world.config() };
    let checker = world.checker(config);
    let (leaf, issuer) = (&world.leaf.certificate, &world.authority.certificate);
    let since = NOW - Duration::hours(1);
    world.publish(world.authority.crl(NOW, &[(leaf, since, RevocationReason::KeyCompromise)]));
    world.ask(&checker);
    world.ask(&checker);
    assert_eq!(world.stub.hits("/crl"), 1);
    world.publish(world.authority.crl(NOW - Duration::days(1), &[]));
    let later = NOW + Duration::hours(1);
    let answer = checker.ask(leaf, issuer, later, later);
    assert_eq!(world.stub.hits("/crl"), 2);
    assert!(matches!(answer.status, RevocationStatus::Revoked { .. }), "{answer:?}");
}

#[test]
fn given_crl_files_are_read_and_their_faults_told() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let (good, bad) = (directory.path().join("good.crl"), directory.path().join("bad.crl"));
    let held =
        (&world.leaf.certificate, NOW - Duration::days(1), RevocationReason::CertificateHold);
    std::fs::write(&good, world.authority.crl(NOW, &[held])).unwrap();
    std::fs::write(&bad, "nothing").unwrap();
    let config = RevocationConfig {
        mode: RevocationMode::Offline,
        crl_files: vec![bad, good.clone()],
        ..RevocationConfig::default()
    };
    let checker = world.checker(config);
    assert_eq!(checker.problems().len(), 1);
    let answer = world.ask(&checker);
    assert_eq!(answer.status, RevocationStatus::OnHold { at: NOW - Duration::days(1) });
    assert_eq!(answer.url, Some(good.display().to_string()));
}

#[test]
fn nobody_is_asked_whom_the_operator_did_not_allow() {
    let world = World::new();
    let hosts = vec!["pki.gov.kz".to_owned()];
    let config = RevocationConfig { allowed_hosts: hosts, ..world.config() };
    // The checker itself holds back, even with a client that would ask.
    let fetch = HttpFetch::new(std::slice::from_ref(&world.stub.host));
    let answer = world.ask(&RevocationChecker::new(config, std::sync::Arc::new(fetch)));
    assert_eq!(answer.status, RevocationStatus::Unknown);
    assert!(says(&answer).contains("not allowed"), "{answer:?}");
    assert!(world.stub.hits.lock().unwrap().is_empty());
}

#[test]
fn an_address_that_failed_is_left_alone_for_a_while() {
    let world = World::new();
    let pause = Duration::minutes(1);
    let checker = world.checker(RevocationConfig { pause_after_failure: pause, ..world.config() });
    world.ask(&checker);
    world.ask(&checker);
    assert_eq!(world.stub.hits("/ocsp"), 1);
    let (leaf, issuer) = (&world.leaf.certificate, &world.authority.certificate);
    checker.ask(leaf, issuer, NOW + pause * 2, NOW + pause * 2);
    assert_eq!(world.stub.hits("/ocsp"), 2);
}

#[test]
fn an_ocsp_answer_is_used_again_as_long_as_configured() {
    let world = World::new();
    world.respond(world.authority.signer(), |nonce| Says::good(Some(nonce)));
    let reuse = Duration::minutes(1);
    let checker = world.checker(RevocationConfig { ocsp_reuse: Some(reuse), ..world.config() });
    let both = [world.ask(&checker), world.ask(&checker)];
    assert_eq!(world.stub.hits("/ocsp"), 1);
    assert_eq!(both[0].evidence, both[1].evidence);
}

#[test]
fn a_certificate_that_expired_before_the_crl_may_have_been_dropped_from_it() {
    let world = World::new();
    let mut expired = with_addresses(params("Holder"), Some(&world.stub.url("/crl")), None);
    expired.not_after = NOW - Duration::days(10);
    let expired = world.authority.issue(expired).certificate;
    world.publish(world.authority.crl(NOW, &[]));
    let checker = world.checker(world.config());
    let at = NOW - Duration::days(20);
    let answer = checker.ask(&expired, &world.authority.certificate, at, NOW);
    assert_eq!(answer.status, RevocationStatus::Unknown);
    assert!(says(&answer).contains("after the certificate had expired"), "{answer:?}");
}

#[test]
fn many_who_ask_the_same_wait_for_one_answer() {
    let world = World::new();
    world.respond(world.authority.signer(), |nonce| Says::good(Some(nonce)));
    world.publish(world.authority.crl(NOW, &[]));
    let reuse = Duration::minutes(1);
    let directory = tempfile::tempdir().unwrap();
    let checker = world.checker(RevocationConfig {
        ocsp_reuse: Some(reuse),
        cache_dir: Some(directory.path().to_owned()),
        ..world.config()
    });
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(world.ask(&checker).status, RevocationStatus::Good));
        }
    });
    assert_eq!((world.stub.hits("/ocsp"), world.stub.hits("/crl")), (1, 1));
}

#[test]
fn those_who_ask_together_get_one_answer_even_if_none_is_kept() {
    let world = World::new();
    let signer = world.authority.signer();
    let (leaf, issuer) = (world.leaf.certificate.clone(), world.authority.certificate.clone());
    world.stub.on("/ocsp", move |request| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        Says::good(Some(nonce_of(request))).to_der(&leaf, &issuer, &signer)
    });
    let checker = world.checker(world.config());
    let together = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                together.wait();
                assert_eq!(world.ask(&checker).status, RevocationStatus::Good);
            });
        }
    });
    assert_eq!(world.stub.hits("/ocsp"), 1);
    world.ask(&checker);
    assert_eq!(world.stub.hits("/ocsp"), 2, "without nextUpdate nothing is kept");
}

#[test]
fn by_default_an_answer_is_used_until_its_next_update_and_an_hour_at_most() {
    let world = World::new();
    let checker = world.checker(world.config());
    let (leaf, issuer) = (&world.leaf.certificate, &world.authority.certificate);
    for (life, used_until) in [(10, 10), (180, 60)] {
        let next = Some(NOW + Duration::minutes(life));
        let made = move |nonce| Says { next, ..Says::good(Some(nonce)) };
        world.respond(world.authority.signer(), made);
        let checker = if life == 10 { &checker } else { &world.checker(world.config()) };
        let ask = |minutes| {
            let now = NOW + Duration::minutes(minutes);
            checker.ask(leaf, issuer, now, now);
            world.stub.hits("/ocsp")
        };
        let first = ask(0);
        assert_eq!(ask(used_until - 1), first, "{life}");
        assert_eq!(ask(used_until), first + 1, "{life}");
    }
}

#[test]
fn evidence_from_a_document_is_judged_and_spares_the_question() {
    let world = World::new();
    let (leaf, issuer) = (&world.leaf.certificate, &world.authority.certificate);
    let checker = world.checker(world.config());
    let signer = world.authority.signer();
    let good = Says::good(None).to_der(leaf, issuer, &signer);
    let ask = |evidence: &[&[u8]]| checker.with_evidence(evidence).ask(leaf, issuer, NOW, NOW);
    let answer = ask(&[b"garbage", &good]);
    assert_eq!((answer.status, answer.source), (RevocationStatus::Good, "ocsp"));
    assert_eq!((answer.url.as_deref(), answer.evidence), (Some("the document"), good.clone()));

    let since = NOW - Duration::minutes(10);
    let revoked = world.authority.crl(NOW, &[(leaf, since, RevocationReason::KeyCompromise)]);
    let earlier = Says { made: NOW - Duration::minutes(5), ..Says::good(None) };
    let earlier = earlier.to_der(leaf, issuer, &signer);
    let answer = ask(&[&earlier, &revoked]);
    assert!(matches!(answer.status, RevocationStatus::Revoked { .. }), "the newest: {answer:?}");
    assert!(world.stub.hits.lock().unwrap().is_empty(), "nobody was asked");

    // Old, strange, or of a stranger: then the responder is asked, and it is down.
    let old = Says { made: NOW - Duration::days(3), ..Says::good(None) };
    let stranger = Authority::root("Authority");
    let forged = Says::good(None).to_der(leaf, issuer, &stranger.signer());
    for useless in [old.to_der(leaf, issuer, &signer), forged, stranger.crl(NOW, &[])] {
        assert_eq!(ask(&[&useless]).status, RevocationStatus::Unknown);
    }
    assert!(world.stub.hits("/ocsp") > 0);
}

#[test]
fn no_question_fails_while_crls_are_swapped() {
    let world = World::new();
    let config = RevocationConfig {
        order: vec![RevocationMethod::Crl],
        crl_refresh: Duration::ZERO,
        ..world.config()
    };
    let checker = world.checker(config);
    world.publish(world.authority.crl(NOW, &[]));
    assert_eq!(world.ask(&checker).status, RevocationStatus::Good);
    let done = std::sync::atomic::AtomicBool::new(false);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(relaxed) {
                    assert_eq!(world.ask(&checker).status, RevocationStatus::Good);
                    asked.fetch_add(1, relaxed);
                }
            });
        }
        for number in 1..=20 {
            world.publish(world.authority.crl(NOW + Duration::seconds(number), &[]));
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        done.store(true, relaxed);
    });
    let (hits, asked) = (world.stub.hits("/crl"), asked.load(relaxed));
    assert!(asked > hits, "those who need not wait do not: {asked} questions, {hits} fetches");
    assert_eq!(world.ask(&checker).at, Some(NOW + Duration::seconds(20)));
    let revoked = (&world.leaf.certificate, NOW, RevocationReason::KeyCompromise);
    world.publish(world.authority.crl(NOW + Duration::seconds(21), &[revoked]));
    let answer = world.ask(&checker);
    assert!(matches!(answer.status, RevocationStatus::Revoked { .. }), "{answer:?}");
}

#[test]
fn a_useless_answer_is_remembered_for_a_while_and_then_asked_for_again() {
    let pause = Duration::minutes(1);
    type Body = Box<dyn Fn(&[u8]) -> Vec<u8> + Send>;
    type Way = fn(&World) -> Body;
    let ways: [(&str, Way); 4] = [
        ("not an OCSP response", |_| Box::new(|_| b"garbage".to_vec())),
        ("does not know", |world| {
            let (leaf, issuer) = (world.leaf.certificate.clone(), &world.authority);
            let (signer, issuer) = (issuer.signer(), issuer.certificate.clone());
            let unknown = Says { status: vec![0x82, 0], ..Says::good(None) };
            // Its own word that it will know no more for a week is not taken.
            let unknown = Says { next: Some(NOW + Duration::weeks(1)), ..unknown };
            Box::new(move |_| unknown.to_der(&leaf, &issuer, &signer))
        }),
        ("nonce", |world| {
            let (leaf, issuer) = (world.leaf.certificate.clone(), &world.authority);
            let (signer, issuer) = (issuer.signer(), issuer.certificate.clone());
            Box::new(move |_| Says::good(Some(vec![9; 16])).to_der(&leaf, &issuer, &signer))
        }),
        ("signature of the response is wrong", |world| {
            let (leaf, issuer) = (world.leaf.certificate.clone(), &world.authority);
            let (signer, issuer) = (Authority::root("Authority").signer(), &issuer.certificate);
            let issuer = issuer.clone();
            Box::new(move |_| Says::good(None).to_der(&leaf, &issuer, &signer))
        }),
    ];
    for (expected, way) in ways {
        let world = World::new();
        let config = RevocationConfig { pause_after_failure: pause, ..world.config() };
        let checker = world.checker(config);
        world.stub.on("/ocsp", way(&world));
        let ask =
            |at, now| checker.ask(&world.leaf.certificate, &world.authority.certificate, at, now);
        assert!(says(&ask(NOW, NOW)).contains(expected), "{expected}");
        let asked = world.stub.hits("/ocsp");
        let second = Duration::SECOND;
        let again = ask(NOW + second, NOW + second);
        assert!(says(&again).contains(expected), "the reason stays: {again:?}");
        assert_eq!(world.stub.hits("/ocsp"), asked, "{expected}: asked again at once");
        assert_eq!(ask(NOW - Duration::DAY, NOW).status, RevocationStatus::Unknown);
        assert_eq!(world.stub.hits("/ocsp"), asked, "{expected}: asked again for another time");
        world.respond(world.authority.signer(), |nonce| Says::good(Some(nonce)));
        let later = NOW + pause * 2;
        assert_eq!(ask(later, later).status, RevocationStatus::Good, "{expected}");
    }
}

#[test]
fn an_answer_too_old_for_one_time_may_do_for_an_earlier_one() {
    let world = World::new();
    let pause = Duration::minutes(1);
    let checker = world.checker(RevocationConfig { pause_after_failure: pause, ..world.config() });
    let made = NOW - Duration::days(2);
    let old = move |nonce| Says { made, ..Says::good(Some(nonce)) };
    world.respond(world.authority.signer(), old);
    let ask =
        |at| checker.ask(&world.leaf.certificate, &world.authority.certificate, at, NOW).status;
    assert_eq!(ask(NOW), RevocationStatus::Unknown);
    assert_eq!(ask(NOW + Duration::SECOND), RevocationStatus::Unknown);
    assert_eq!(world.stub.hits("/ocsp"), 1);
    assert_eq!(ask(made), RevocationStatus::Good);
    assert_eq!(world.stub.hits("/ocsp"), 2);
}

#[test]
fn those_who_ask_a_lying_responder_together_share_one_question() {
    let world = World::new();
    world.stub.on("/ocsp", |_| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        b"garbage".to_vec()
    });
    let checker = world.checker(world.config());
    let begun = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                begun.wait();
                let answer = world.ask(&checker);
                assert!(says(&answer).contains("not an OCSP response"), "{answer:?}");
            });
        }
    });
    assert_eq!(world.stub.hits("/ocsp"), 1);
}

#[test]
fn a_crl_server_that_sends_garbage_is_left_alone_for_a_while() {
    let world = World::new();
    let pause = Duration::minutes(1);
    let order = vec![RevocationMethod::Crl];
    let config = RevocationConfig { order, pause_after_failure: pause, ..world.config() };
    let checker = world.checker(config);
    world.publish(b"garbage".to_vec());
    let both = [world.ask(&checker), world.ask(&checker)];
    assert!(both.iter().all(|answer| says(answer).contains("not a CRL")), "{both:?}");
    assert_eq!(world.stub.hits("/crl"), 1);
    world.publish(world.authority.crl(NOW, &[]));
    let later = NOW + pause;
    let answer = checker.ask(&world.leaf.certificate, &world.authority.certificate, later, later);
    assert_eq!(answer.status, RevocationStatus::Good, "{answer:?}");
}

#[test]
fn a_checker_goes_on_with_what_another_learnt_and_finds_lists_replaced_on_disk_when_told() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let config = RevocationConfig {
        cache_dir: Some(directory.path().to_owned()),
        ocsp_reuse: Some(Duration::minutes(1)),
        ..world.config()
    };
    world.respond(world.authority.signer(), |nonce| Says::good(Some(nonce)));
    world.publish(world.authority.crl(NOW, &[]));
    let first = world.checker(config.clone());
    world.ask(&first);
    let memory = first.memory().unwrap();
    let second = world.checker(config).remembering(memory.clone());
    assert_eq!(world.ask(&second).source, "ocsp");
    assert_eq!((world.stub.hits("/ocsp"), world.stub.hits("/crl")), (1, 1));

    let offline = RevocationConfig {
        mode: RevocationMode::Offline,
        order: vec![RevocationMethod::Crl],
        ..world.config()
    };
    let offline = world.checker(offline).remembering(memory.clone());
    let since = NOW - Duration::hours(1);
    let revoked = (&world.leaf.certificate, since, RevocationReason::KeyCompromise);
    let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let put = |crl: Vec<u8>| std::fs::write(&file, crl).unwrap();
    put(world.authority.crl(NOW + Duration::SECOND, &[revoked]));
    assert_eq!(world.ask(&offline).status, RevocationStatus::Good, "not told yet");
    memory.look_again();
    let answer = world.ask(&offline);
    assert!(matches!(answer.status, RevocationStatus::Revoked { .. }), "{answer:?}");
    // Neither an older list nor a stranger's takes its place.
    for useless in [world.authority.crl(NOW, &[]), Authority::root("Authority").crl(NOW, &[])] {
        put(useless);
        memory.look_again();
        assert_eq!(world.ask(&offline).status, answer.status);
    }
}
