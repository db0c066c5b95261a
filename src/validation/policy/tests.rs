//! Tests of reading and asking policies.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::crypto::{KeyKind, SignatureAlgorithm};

fn with(from: &str, to: &str) -> Result<Policy, PolicyError> {
    assert!(KZ_2026.contains(from), "{from} is not in the file");
    Policy::parse(&KZ_2026.replace(from, to))
}

#[test]
fn the_built_in_policy_says_of_every_algorithm_what_the_table_says() {
    let policy = Policy::built_in().unwrap();
    for row in SIGNATURES.iter().filter(|row| row.algorithm.is_some()) {
        let rule = policy.rules.algorithms.iter().find(|rule| rule.name == row.name);
        assert_eq!(rule.expect(row.name).until, row.accepted_until, "{}", row.name);
    }
    for row in DIGESTS {
        let rule = policy.rules.digests.iter().find(|rule| rule.name == row.name);
        assert_eq!(rule.expect(row.name).until, row.accepted_until, "{}", row.name);
    }
    let md5 = policy.rules.algorithms.iter().find(|rule| rule.name.contains("MD5"));
    assert!(md5.is_some_and(|rule| rule.until.is_some()));
    assert_eq!(policy.revocation().methods().len(), 2);
    assert_eq!(Policy::named("kz-2026").unwrap().name().sha256.len(), 64);
    assert!(matches!(Policy::named("other"), Err(PolicyError::Unknown(_))));
}

#[test]
fn weak_algorithms_and_keys_are_refused_by_name() {
    let policy = Policy::built_in().unwrap();
    let (old, today) = (datetime!(2013-06-01 0:00 UTC), datetime!(2026-11-21 0:00 UTC));
    let sha1 = SignatureAlgorithm::RsaPkcs1Sha1;
    assert_eq!(policy.accepts_algorithm(sha1, old), Ok(()));
    let refused = policy.accepts_algorithm(sha1, today).unwrap_err();
    assert_eq!(refused, "RSASSA-PKCS1-v1_5 with SHA-1 is accepted until 2014-01-01 only");
    let small = policy.accepts_key(&KeyKind::Rsa { bits: 1024 }, today).unwrap_err();
    assert_eq!(small, "RSA with 1024 bits is not accepted");
    assert_eq!(policy.accepts_key(&KeyKind::Rsa { bits: 2048 }, today), Ok(()));
    assert!(policy.accepts_key(&KeyKind::Other("DSA".to_owned()), today).is_err());
    assert_eq!(policy.accepts_digest(DigestAlgorithm::Sha1, old), Ok(()));
    let refused = policy.accepts_digest(DigestAlgorithm::Sha1, today).unwrap_err();
    assert_eq!(refused, "SHA-1 is accepted until 2014-01-01 only");
}

#[test]
fn a_policy_can_be_stricter_and_never_looser() {
    let today = datetime!(2026-11-21 0:00 UTC);
    let strict = with("kind = \"RSA\"\nbits = 2048", "kind = \"RSA\"\nbits = 3072").unwrap();
    assert!(strict.accepts_key(&KeyKind::Rsa { bits: 2048 }, today).is_err());
    let ended = with(
        "name = \"ECDSA with SHA-256\"",
        "name = \"ECDSA with SHA-256\"\nuntil = \"2020-01-01T00:00:00Z\"",
    );
    assert!(ended.unwrap().accepts_algorithm(SignatureAlgorithm::EcdsaSha256, today).is_err());
    let sha1 = "name = \"SHA-1\"\nuntil = \"2014";
    for (from, to) in [
        ("2014-01-01", "2034-01-01"),
        ("bits = 2048", "bits = 1024"),
        (sha1, "name = \"SHA-1\"\nuntil = \"2015"),
    ] {
        assert!(matches!(with(from, to), Err(PolicyError::TooLoose(_))), "{to}");
    }
}

#[test]
fn misspelt_policies_are_refused() {
    for (from, to) in [
        ("key-usage = ", "key-usages = "),
        ("algorithm = \"fail\"", "algorithm = \"perhaps\""),
        ("algorithm = \"fail\"", "signature-value = \"ignore\""),
        ("skew-minutes = 5", "skew-minutes = -5"),
        ("version = 1", "version = 1\nmore = 2"),
    ] {
        assert!(matches!(with(from, to), Err(PolicyError::Malformed(_))), "{to}");
    }
    assert!(matches!(with("ECDSA with SHA-384", "X"), Err(PolicyError::UnknownAlgorithm(_))));
    assert!(matches!(with("P-384", "P-999"), Err(PolicyError::UnknownKey(_))));
    let large = format!("{KZ_2026}#{}", "x".repeat(limits::POLICY_BYTES));
    assert_eq!(Policy::parse(&large), Err(PolicyError::TooLarge));
}

proptest! {
    #[test]
    fn any_text_is_no_panic(text in ".{0,200}", cut in 0_usize..3_000) {
        let _ = Policy::parse(&text);
        let _ = Policy::parse(KZ_2026.get(..cut).unwrap_or_default());
    }
}
