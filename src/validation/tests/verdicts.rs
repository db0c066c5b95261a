//! Verdicts at the best trusted time (EN 319 102-1 §5.3, §5.5, §5.6).

use time::Duration;

use super::setting::*;
use crate::crypto::DigestAlgorithm;
use crate::reason::ReasonCode;
use crate::signature::TimestampKind::{Archive, Content, Signature};
use crate::signature::{CarriedTimestamp, FoundSignature, Stamped};
use crate::timestamp::testing::{Says, tsa_params};
use crate::validation::policy::Policy;
use crate::validation::{SubIndication as S, TimeSource};
use crate::x509::testing::{Holder, NOW};

const DAY: Duration = Duration::DAY;
/// After the signer's certificate has expired; those of the authorities still hold.
const LATER: time::OffsetDateTime = NOW.saturating_add(Duration::days(60));

#[test]
fn a_certificate_that_expires_later_does_not_spoil_a_stamped_signature() {
    let world = World::new();
    let bare = world.judge(world.signature(&[]), LATER);
    assert_eq!(bare, indeterminate(S::OutOfBoundsNotRevoked));
    assert_eq!(world.judge(world.signature(&[(Signature, NOW)]), LATER), PASSED);
    // A stamp made when the certificate had expired already proves too little.
    let late = world.signature(&[(Signature, LATER - DAY)]);
    assert_eq!(world.judge(late, LATER), indeterminate(S::OutOfBoundsNotRevoked));
    world.silence(&world.signer.certificate);
    let unknown = world.judge(world.signature(&[]), LATER);
    assert_eq!(unknown, indeterminate(S::OutOfBoundsNoPoe));
}

#[test]
fn a_certificate_revoked_later_does_not_spoil_a_stamped_signature_and_earlier_does() {
    let world = World::new();
    world.revoke(&world.signer.certificate, NOW);
    let now = NOW + DAY * 5;
    assert_eq!(world.judge(world.signature(&[]), now), indeterminate(S::RevokedNoPoe));
    assert_eq!(world.judge(world.signature(&[(Signature, NOW - DAY)]), now), PASSED);
    // Stamped after the revocation: the signature may be older, so this is no proof against it.
    let after = world.signature(&[(Signature, NOW + DAY)]);
    assert_eq!(world.judge(after, now), indeterminate(S::RevokedNoPoe));
    // Its content was stamped after the revocation: the signature is younger than that.
    let content = world.signature(&[(Content, NOW + DAY), (Signature, NOW + DAY * 2)]);
    assert_eq!(world.judge(content, now), failed(S::Revoked));
    let mut claimed = world.signature(&[(Signature, NOW + DAY)]);
    claimed.claimed_time = Some(NOW + Duration::hours(1));
    assert_eq!(world.judge(claimed, now), failed(S::Revoked));
}

#[test]
fn the_earliest_stamp_that_stands_gives_the_time() {
    let world = World::new();
    let found = world.signature(&[(Signature, NOW), (Signature, NOW - DAY), (Signature, NOW)]);
    let policy = Policy::built_in().unwrap();
    let verified = world.judge_under(found.clone(), LATER, None, &policy);
    let time = verified.judgements[0].time;
    assert_eq!((time.time, time.source), (NOW - DAY, TimeSource::TimeStamp));
    // With the earliest one spoilt the others remain, and the report says so.
    let mut spoilt = found;
    spoilt.timestamps[1].over = Stamped::from(b"other".as_slice());
    let verified = world.judge_under(spoilt, LATER, None, &policy);
    assert_eq!(verified.judgements[0].time.time, NOW);
    let report = &verified.report.signatures[0];
    assert_eq!(report.warnings[0].code, ReasonCode::TimestampInvalid);
    assert_eq!(
        report.timestamps.iter().map(|one| one.valid).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(report.timestamps[1].sub_indication, Some(S::HashFailure));
}

#[test]
fn a_stamp_by_a_revoked_or_expired_authority_has_no_proof_of_its_own() {
    let world = World::new();
    world.revoke(&world.tsa.certificate, NOW + DAY);
    let found = world.signature(&[(Signature, NOW)]);
    let policy = Policy::built_in().unwrap();
    let verified = world.judge_under(found.clone(), LATER, None, &policy);
    assert_eq!(Outcome::of(&verified), indeterminate(S::OutOfBoundsNotRevoked));
    let stamp = &verified.report.signatures[0].timestamps[0];
    assert_eq!((stamp.valid, stamp.sub_indication), (false, Some(S::NoPoe)));
    // The register proves when it was judged, so the stamp still counts there.
    assert_eq!(world.registered(found, LATER, NOW + Duration::hours(1)), PASSED);

    let world = World::new();
    let years = NOW + DAY * 800;
    let verified = world.judge_under(world.signature(&[(Signature, NOW)]), years, None, &policy);
    let stamp = &verified.report.signatures[0].timestamps[0];
    assert_eq!(stamp.sub_indication, Some(S::NoPoe));
}

#[test]
fn an_archive_stamp_keeps_what_was_stamped_by_an_authority_that_expired() {
    let world = World::new();
    let mut short = tsa_params();
    short.not_after = NOW + DAY * 10;
    let short = world.root.issue(short);
    let mut found = world.signature(&[]);
    let stamp = |kind, time, by: &Holder, found: &FoundSignature| CarriedTimestamp {
        kind,
        token: Says::about(&found.value, time).token(by),
        over: Stamped::from(found.value.as_slice()),
    };
    found.timestamps.push(stamp(Signature, NOW, &short, &found));
    assert_eq!(world.judge(found.clone(), LATER), indeterminate(S::OutOfBoundsNotRevoked));
    found.timestamps.push(stamp(Archive, NOW + DAY * 5, &world.tsa, &found));
    let policy = Policy::built_in().unwrap();
    let verified = world.judge_under(found.clone(), LATER, None, &policy);
    assert_eq!(Outcome::of(&verified), PASSED);
    assert_eq!(verified.judgements[0].time.time, NOW);
    // Made when the first authority had expired already, it keeps nothing.
    found.timestamps[1] = stamp(Archive, NOW + DAY * 20, &world.tsa, &found);
    assert_eq!(world.judge(found.clone(), NOW + DAY * 25), PASSED);
    let verified = world.judge_under(found, NOW + DAY * 25, None, &policy);
    assert!(!verified.report.signatures[0].timestamps[0].valid);
    assert_eq!(verified.judgements[0].time.time, NOW + DAY * 20);
}

#[test]
fn where_nobody_tells_the_authoritys_status_today_its_status_then_counts_and_is_told() {
    let world = World::new();
    world.silence_after(&world.tsa.certificate, NOW + DAY);
    let found = world.signature(&[(Signature, NOW)]);
    let policy = Policy::built_in().unwrap();
    let verified = world.judge_under(found.clone(), LATER, None, &policy);
    assert_eq!(Outcome::of(&verified), PASSED);
    let warning = &verified.report.signatures[0].warnings[0];
    assert_eq!(warning.code, ReasonCode::RevocationUnknown);
    assert!(warning.detail.contains("the responder is down"), "{}", warning.detail);
    let strict = changed("time-stamp-fresh = \"warn\"", "time-stamp-fresh = \"fail\"");
    let verified = world.judge_under(found, LATER, None, &strict);
    assert_eq!(Outcome::of(&verified), indeterminate(S::OutOfBoundsNotRevoked));
}

#[test]
fn a_signature_proved_older_or_younger_than_its_certificate_fails() {
    let world = World::new();
    let before = NOW - VALID - DAY;
    let old = world.signature(&[(Signature, before)]);
    assert_eq!(world.judge(old, NOW), failed(S::NotYetValid));
    // Judged before its time without proof, nothing is settled.
    assert_eq!(world.judge(world.signature(&[]), before), indeterminate(S::OutOfBoundsNoPoe));
    let young = world.signature(&[(Content, NOW + VALID + DAY), (Signature, LATER - DAY)]);
    assert_eq!(world.judge(young, LATER), failed(S::Expired));
}

#[test]
fn stamps_must_be_in_order() {
    let world = World::new();
    let found = world.signature(&[(Content, NOW), (Signature, NOW - DAY)]);
    assert_eq!(world.judge(found, NOW), indeterminate(S::TimestampOrderFailure));
    let found = world.signature(&[(Content, NOW - DAY), (Signature, NOW)]);
    assert_eq!(world.judge(found, NOW), PASSED);
}

#[test]
fn a_revoked_issuer_is_told_apart() {
    let world = World::new();
    world.revoke(&world.issuing.certificate, NOW);
    let now = NOW + DAY;
    assert_eq!(world.judge(world.signature(&[]), now), indeterminate(S::RevokedCaNoPoe));
    assert_eq!(world.judge(world.signature(&[(Signature, NOW - DAY)]), now), PASSED);
}

#[test]
fn a_silent_responder_asks_to_come_back() {
    let world = World::new();
    world.silence(&world.signer.certificate);
    let policy = Policy::built_in().unwrap();
    let verified = world.judge_under(world.signature(&[]), NOW, None, &policy);
    assert_eq!(Outcome::of(&verified), indeterminate(S::TryLater));
    let reason = &verified.report.signatures[0].reasons[0];
    assert!(reason.detail.contains("the responder is down"), "{}", reason.detail);
}

#[test]
fn a_forged_signature_fails_whatever_proves_its_time() {
    let world = World::new();
    let mut found = world.signature(&[(Signature, NOW)]);
    found.signed_octets.push(0);
    assert_eq!(world.judge(found, NOW), failed(S::SigCryptoFailure));
    // A stamp that anybody can make for itself proves nothing.
    let mut found = world.signature(&[]);
    let stranger = crate::timestamp::testing::tsa(&crate::x509::testing::Authority::root("Own"));
    let token = Says::about(&found.value, NOW).token(&stranger);
    let over = found.value.clone();
    found.timestamps.push(crate::signature::CarriedTimestamp {
        kind: Signature,
        token,
        over: Stamped::Octets(over),
    });
    assert_eq!(world.judge(found, LATER), indeterminate(S::OutOfBoundsNotRevoked));
}

/// The built-in policy with one line changed.
fn changed(from: &str, to: &str) -> Policy {
    let source = Policy::built_in().unwrap().source().to_owned();
    assert!(source.contains(from), "{from}");
    Policy::parse(&source.replace(from, to)).unwrap()
}

#[test]
fn levels_decide_what_a_failed_check_means() {
    let world = World::new();
    world.silence(&world.signer.certificate);
    let judged = |level: &str| {
        let line = format!("revocation-answer = \"{level}\"");
        let policy = changed("revocation-answer = \"fail\"", &line);
        world.judge_under(world.signature(&[]), NOW, None, &policy)
    };
    let counts = |level: &str| {
        let verified = judged(level);
        let report = &verified.report.signatures[0];
        (Outcome::of(&verified) == PASSED, report.reasons.len(), report.warnings.len())
    };
    assert_eq!(counts("fail"), (false, 1, 0));
    assert_eq!(counts("warn"), (true, 0, 1));
    assert_eq!(counts("ignore"), (true, 0, 0));
    // Ignored is not forgotten.
    let detailed = judged("ignore").detailed(crate::text::Language::En);
    let checks = detailed.signatures[0].blocks.iter().flat_map(|block| &block.checks);
    let told = checks.filter(|one| one.name == "revocation-answer" && one.reason.is_some());
    assert_eq!(told.count(), 1);
}

#[test]
fn a_policy_chooses_sources_and_freshness() {
    let world = World::new();
    *world.register.source.lock().unwrap() = Some(("crl", NOW - DAY * 2));
    let found = || world.signature(&[]);
    let outcome = |policy: &Policy| Outcome::of(&world.judge_under(found(), NOW, None, policy));
    let week = changed("without-next-update-minutes = 60", "without-next-update-minutes = 10080");
    assert_eq!(outcome(&Policy::built_in().unwrap()), indeterminate(S::TryLater), "stale");
    assert_eq!(outcome(&week), PASSED);
    let source = week.source().replace("order = [\"ocsp\", \"crl\"]", "order = [\"ocsp\"]");
    assert_eq!(outcome(&Policy::parse(&source).unwrap()), indeterminate(S::TryLater), "source");
    let source = week.source().replace("crl-age-hours = 0", "crl-age-hours = 24");
    assert_eq!(outcome(&Policy::parse(&source).unwrap()), indeterminate(S::TryLater), "age");
}

#[test]
fn a_weak_digest_is_refused_by_name_and_counts_as_of_the_best_time() {
    let world = World::new();
    let mut found = world.signature(&[]);
    found.digests.push(DigestAlgorithm::Sha1);
    let policy = Policy::built_in().unwrap();
    let verified = world.judge_under(found.clone(), NOW, None, &policy);
    let judgement = &verified.judgements[0];
    assert_eq!(judgement.sub_indication, Some(S::CryptoConstraintsFailureNoPoe));
    let wanted =
        |one: &crate::reason::Reason| one.detail.contains("digest: SHA-1 is accepted until");
    assert!(judgement.reasons.iter().any(wanted), "{:?}", judgement.reasons);
    // It is told, and no reason, where the policy says so.
    let lenient = changed("digest = \"fail\"", "digest = \"warn\"");
    let verified = world.judge_under(found, NOW, None, &lenient);
    assert!(verified.judgements[0].passed() && verified.judgements[0].warnings.iter().any(wanted));
}

#[test]
fn a_policy_refuses_algorithms_and_usages_by_name() {
    let world = World::new();
    let ended = changed(
        "name = \"ECDSA with SHA-256\"",
        "name = \"ECDSA with SHA-256\"\nuntil = \"2026-11-01T00:00:00Z\"",
    );
    let verified = world.judge_under(world.signature(&[]), NOW, None, &ended);
    assert_eq!(Outcome::of(&verified), indeterminate(S::CryptoConstraintsFailureNoPoe));
    let detail = &verified.report.signatures[0].reasons[0].detail;
    assert!(detail.contains("ECDSA with SHA-256 is accepted until 2026-11-01"), "{detail}");
    let needed = changed("certificate-policy = \"ignore\"", "certificate-policy = \"fail\"");
    let verified = world.judge_under(world.signature(&[]), NOW, None, &needed);
    assert_eq!(Outcome::of(&verified), indeterminate(S::ChainConstraintsFailure));
}

#[test]
fn identity_is_told_in_its_own_field() {
    let world = World::new();
    let policy = Policy::built_in().unwrap();
    let verified = world.judge_under(world.signature(&[]), NOW, None, &policy);
    let report = &verified.report.signatures[0];
    assert_eq!(Outcome::of(&verified), PASSED);
    assert!(!report.identity.matches);
    assert_eq!(report.identity.reasons[0].code, ReasonCode::IinMismatch);
    let free = changed("iin = true", "iin = false");
    let verified = world.judge_under(world.signature(&[]), NOW, None, &free);
    assert!(verified.report.signatures[0].identity.matches);
}

#[test]
fn the_same_input_policy_and_time_give_the_same_report() {
    let world = World::new();
    world.revoke(&world.signer.certificate, NOW - DAY);
    let found = world.signature(&[(Signature, NOW)]);
    let policy = Policy::built_in().unwrap();
    let told = || {
        let verified = world.judge_under(found.clone(), LATER, None, &policy);
        let detailed = verified.detailed(crate::text::Language::Kk);
        let all = (&verified.report, &detailed, &verified.diagnostic());
        serde_json::to_string(&all).unwrap()
    };
    assert_eq!(told(), told());
}
