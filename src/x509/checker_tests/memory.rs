//! What the checker remembers: answers, lists and failures, and who waits for whom.

use super::*;

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
