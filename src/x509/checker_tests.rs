//! The checker against responders and CRL servers that behave, and that do not.

mod memory;

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
    assert_eq!(answer.url.as_deref(), Some(world.stub.url("/ocsp").as_str()));

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
    assert_eq!(answer.url.as_deref(), good.to_str());
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
fn evidence_from_a_document_is_judged_and_spares_the_question() {
    let world = World::new();
    let (leaf, issuer) = (&world.leaf.certificate, &world.authority.certificate);
    let checker = world.checker(world.config());
    let signer = world.authority.signer();
    let good = Says::good(None).to_der(leaf, issuer, &signer);
    let ask = |evidence: &[&[u8]]| checker.with_evidence(evidence).ask(leaf, issuer, NOW, NOW);
    let answer = ask(&[b"garbage", &good]);
    assert_eq!((answer.status, answer.source), (RevocationStatus::Good, "ocsp"));
    assert_eq!(answer.url.as_deref(), Some("the document"));
    assert_eq!(*answer.evidence, *good);

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
