//! Stored diagnostics judged again.

use proptest::prelude::*;
use time::Duration;

use super::setting::*;
use crate::signature::TimestampKind::Signature;
use crate::text::Language;
use crate::validation::policy::Policy;
use crate::validation::{Diagnostic, ReplayError, SubIndication as S, Verified};
use crate::x509::testing::NOW;

fn json(verified: &Verified) -> (String, Vec<u8>) {
    let report = serde_json::to_string(&verified.report).unwrap();
    (report, serde_json::to_vec(&verified.diagnostic()).unwrap())
}

#[test]
fn a_replay_under_the_same_policy_gives_the_same_report_and_diagnostic() {
    let later = NOW + Duration::days(60);
    let policy = Policy::built_in().unwrap();
    let worlds: [fn(&World); 4] = [
        |_| {},
        |world| world.revoke(&world.signer.certificate, NOW - Duration::DAY),
        |world| world.silence(&world.signer.certificate),
        |world| world.revoke(&world.tsa.certificate, NOW + Duration::DAY),
    ];
    for prepare in worlds {
        let world = World::new();
        prepare(&world);
        for stamps in [&[][..], &[(Signature, NOW)]] {
            let found = world.signature(stamps);
            let first = world.judge_under(found, later, None, &policy);
            let (report, diagnostic) = json(&first);
            let again = Diagnostic::read(&diagnostic).unwrap().replay(None, Language::En).unwrap();
            assert_eq!(json(&again), (report, diagnostic));
        }
    }
}

#[test]
fn another_policy_gives_another_verdict_without_asking_anybody() {
    let world = World::new();
    world.silence(&world.signer.certificate);
    let policy = Policy::built_in().unwrap();
    let first = world.judge_under(world.signature(&[]), NOW, None, &policy);
    assert_eq!(Outcome::of(&first), indeterminate(S::TryLater));
    let (_, diagnostic) = json(&first);
    let source =
        policy.source().replace("revocation-answer = \"fail\"", "revocation-answer = \"warn\"");
    let lenient = Policy::parse(&source.replace("kz-2026", "lenient")).unwrap();
    let read = Diagnostic::read(&diagnostic).unwrap();
    let again = read.replay(Some(&lenient), Language::En).unwrap();
    assert_eq!(Outcome::of(&again), PASSED);
    assert_eq!(again.report.policy.id, "lenient");
}

#[test]
fn a_policy_that_takes_no_stamp_asks_about_another_time() {
    let world = World::new();
    let later = NOW + Duration::days(20);
    world.revoke(&world.signer.certificate, NOW + Duration::DAY);
    let policy = Policy::built_in().unwrap();
    let first = world.judge_under(world.signature(&[(Signature, NOW)]), later, None, &policy);
    assert_eq!(Outcome::of(&first), PASSED);
    let source = policy.source().replace("accuracy-seconds = 60", "accuracy-seconds = 0");
    let strict = Policy::parse(&source).unwrap();
    let (_, diagnostic) = json(&first);
    let again = Diagnostic::read(&diagnostic).unwrap().replay(Some(&strict), Language::En).unwrap();
    // Nobody was asked about the later time, so nothing is claimed about it.
    assert_eq!(Outcome::of(&again), indeterminate(S::TryLater));
}

#[test]
fn what_is_no_diagnostic_is_refused() {
    let world = World::new();
    let policy = Policy::built_in().unwrap();
    let (_, good) = json(&world.judge_under(world.signature(&[]), NOW, None, &policy));
    let text = String::from_utf8(good).unwrap();
    for (from, to) in [
        ("qoltanba-diagnostic-1", "qoltanba-diagnostic-9"),
        ("\"now\"", "\"then\""),
        ("\"signatures\":[", "\"signatures\":[1,"),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = text.replace(from, to);
        assert!(matches!(Diagnostic::read(wrong.as_bytes()), Err(ReplayError::Malformed(_))));
    }
    // A policy text that is not the one named.
    let other = Diagnostic::read(text.replace("skew-minutes = 5", "skew-minutes = 6").as_bytes());
    assert!(matches!(other.unwrap().replay(None, Language::En), Err(ReplayError::Malformed(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_diagnostics_are_no_panic(at in 0_usize..8_000, with in any::<u8>()) {
        static GOOD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            let world = World::new();
            let policy = Policy::built_in().unwrap();
            let found = world.signature(&[(Signature, NOW)]);
            json(&world.judge_under(found, NOW, None, &policy)).1
        });
        let mut octets = GOOD.clone();
        let at = at % octets.len();
        octets[at] = with;
        if let Ok(read) = Diagnostic::read(&octets) {
            let _ = read.replay(None, Language::Ru);
        }
    }
}
