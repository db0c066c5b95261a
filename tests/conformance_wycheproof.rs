//! `crypto::verify` against Wycheproof, whose cases nobody here wrote.
//!
//! `data/wycheproof-divergences.json` lists what ends otherwise than Wycheproof says, each with
//! its reason: one case as `set#case`, or every case of a set that diverges as `set#*`. A case
//! that diverges and is not listed fails the test, and so does an entry that nothing needs.

use std::collections::BTreeMap;

use qoltanba::crypto::{
    DigestAlgorithm, KeyKind, PssParameters, PublicKey, SignatureAlgorithm, ValueForm, verify,
};
use serde::Deserialize;
use wycheproof::{EllipticCurve, HashFunction, TestResult};
use wycheproof::{ecdsa, rsa_pkcs1_verify, rsa_pss_verify};

#[derive(Deserialize)]
struct Divergence {
    case: String,
    expected: String,
    got: String,
    reason: String,
}

struct Outcome {
    case: String,
    expected: TestResult,
    got: Result<(), String>,
}

#[test]
fn wycheproof() {
    let mut outcomes = Vec::new();
    rsa_pkcs1(&mut outcomes);
    rsa_pss(&mut outcomes);
    ecdsa(&mut outcomes);

    let listed: Vec<Divergence> =
        serde_json::from_str(include_str!("data/wycheproof-divergences.json")).unwrap();
    let mut needed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut valid = 0;
    for Outcome { case, expected, got } in &outcomes {
        valid += usize::from(got.is_ok());
        let right = match expected {
            TestResult::Valid => got.is_ok(),
            TestResult::Invalid => got.is_err(),
            TestResult::Acceptable => true,
        };
        if right {
            continue;
        }
        let set = case.split('#').next().unwrap();
        let known = listed.iter().find(|one| one.case == *case || one.case == format!("{set}#*"));
        let Some(known) = known else {
            wrong.push(format!("{case}: expected {expected:?}, got {got:?}"));
            continue;
        };
        let word = |valid| if valid { "valid" } else { "invalid" };
        assert_eq!(known.expected, word(*expected == TestResult::Valid), "{case}");
        assert_eq!(known.got, word(got.is_ok()), "{case}");
        assert!(!known.reason.is_empty(), "{case} has no reason");
        // What is refused for its parameters is refused by name, never called wrong.
        let why = got.as_ref().expect_err("only refusals are listed");
        assert!(why.starts_with("unsupported algorithm: RSA"), "{case}: {why}");
        *needed.entry(&known.case).or_default() += 1;
    }
    for known in listed.iter().filter(|known| !needed.contains_key(known.case.as_str())) {
        wrong.push(format!("{}: no longer diverges", known.case));
    }
    let diverging: usize = needed.values().sum();
    let right = outcomes.len() - diverging - wrong.len();
    say(&format!("wycheproof {right}/{} ({diverging} refused by policy)", outcomes.len()));
    for (case, count) in &needed {
        say(&format!("  {case}: {count} as listed"));
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(valid > 1_000, "a verifier that refuses everything would pass: {valid}");
}

fn judge(
    algorithm: Result<SignatureAlgorithm, String>,
    form: ValueForm,
    key: &PublicKey,
    message: &[u8],
    value: &[u8],
) -> Result<(), String> {
    verify(algorithm?, form, key, message, value).map_err(|error| error.to_string())
}

fn digest_of(hash: HashFunction) -> Result<DigestAlgorithm, String> {
    match hash {
        HashFunction::Sha1 => Ok(DigestAlgorithm::Sha1),
        HashFunction::Sha2_256 => Ok(DigestAlgorithm::Sha256),
        HashFunction::Sha2_384 => Ok(DigestAlgorithm::Sha384),
        HashFunction::Sha2_512 => Ok(DigestAlgorithm::Sha512),
        // No identifier of these stands in the table, so nothing gets as far as a verification.
        other => DigestAlgorithm::from_oid(&format!("{other:?}"))
            .map_err(|error| format!("unsupported algorithm: RSASSA-PSS with {}", error.name)),
    }
}

fn rsa_key(bits: usize, octets: &[u8], spki: &[u8]) -> PublicKey {
    PublicKey { kind: KeyKind::Rsa { bits }, octets: octets.to_vec(), spki: spki.to_vec() }
}

fn rsa_pkcs1(outcomes: &mut Vec<Outcome>) {
    use rsa_pkcs1_verify::TestName::*;
    let sets = [
        Rsa2048Sha256,
        Rsa2048Sha384,
        Rsa2048Sha512,
        Rsa3072Sha256,
        Rsa3072Sha384,
        Rsa3072Sha512,
        Rsa4096Sha256,
        Rsa4096Sha384,
        Rsa4096Sha512,
        Rsa8192Sha256,
        Rsa8192Sha384,
        Rsa8192Sha512,
    ];
    for set in sets {
        for group in rsa_pkcs1_verify::TestSet::load(set).unwrap().test_groups {
            let algorithm = match digest_of(group.hash).unwrap() {
                DigestAlgorithm::Sha384 => SignatureAlgorithm::RsaPkcs1Sha384,
                DigestAlgorithm::Sha512 => SignatureAlgorithm::RsaPkcs1Sha512,
                _ => SignatureAlgorithm::RsaPkcs1Sha256,
            };
            let key = rsa_key(group.key_size, &group.asn_key, &group.der);
            for test in group.tests {
                let got = judge(Ok(algorithm), ValueForm::Der, &key, &test.msg, &test.sig);
                let case = format!("{set:?}#{}", test.tc_id);
                outcomes.push(Outcome { case, expected: test.result, got });
            }
        }
    }
}

fn rsa_pss(outcomes: &mut Vec<Outcome>) {
    use rsa_pss_verify::TestName::*;
    let sets = [
        RsaPss2048Sha256Mgf1SaltLen0,
        RsaPss2048Sha256Mgf1SaltLen32,
        RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss2048Sha384Mgf1SaltLen48,
        RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha256Mgf1SaltLen32,
        RsaPss4096Sha384Mgf1SaltLen48,
        RsaPss4096Sha512Mgf1SaltLen32,
        RsaPss4096Sha512Mgf1SaltLen64,
        RsaPssmisc,
    ];
    for set in sets {
        for group in rsa_pss_verify::TestSet::load(set).unwrap().test_groups {
            let digests = [group.hash, group.mgf_hash.unwrap()].map(digest_of);
            let other = match &digests {
                [Ok(DigestAlgorithm::Sha1), _] | [_, Ok(DigestAlgorithm::Sha1)] => "/sha-1",
                [Err(_), _] | [_, Err(_)] => "/other-digest",
                _ => "",
            };
            let salt = group.salt_size.try_into().unwrap();
            let algorithm = match digests {
                [Ok(digest), Ok(mask)] => PssParameters::new(digest, mask, salt)
                    .map(SignatureAlgorithm::pss)
                    .map_err(|error| error.to_string()),
                [Err(unknown), _] | [_, Err(unknown)] => Err(unknown),
            };
            let key = rsa_key(group.key_size, &group.asn_key, &group.der);
            for test in group.tests {
                let algorithm = algorithm.clone();
                let got = judge(algorithm, ValueForm::Der, &key, &test.msg, &test.sig);
                let case = format!("{set:?}{other}#{}", test.tc_id);
                outcomes.push(Outcome { case, expected: test.result, got });
            }
        }
    }
}

fn ecdsa(outcomes: &mut Vec<Outcome>) {
    use ecdsa::TestName::*;
    let sets = [
        (EcdsaSecp256r1Sha256, ValueForm::Der),
        (EcdsaSecp256r1Sha256P1363, ValueForm::Fixed),
        (EcdsaSecp256r1Sha512, ValueForm::Der),
        (EcdsaSecp256r1Sha512P1363, ValueForm::Fixed),
        (EcdsaSecp384r1Sha256, ValueForm::Der),
        (EcdsaSecp384r1Sha384, ValueForm::Der),
        (EcdsaSecp384r1Sha384P1363, ValueForm::Fixed),
        (EcdsaSecp384r1Sha512, ValueForm::Der),
        (EcdsaSecp384r1Sha512P1363, ValueForm::Fixed),
    ];
    for (set, form) in sets {
        for group in ecdsa::TestSet::load(set).unwrap().test_groups {
            let kind = match group.key.curve {
                EllipticCurve::Secp256r1 => KeyKind::P256,
                EllipticCurve::Secp384r1 => KeyKind::P384,
                curve => panic!("{curve:?}"),
            };
            let (octets, spki) = (group.key.key.to_vec(), group.der.to_vec());
            let key = PublicKey { kind, octets, spki };
            let algorithm = match digest_of(group.hash).unwrap() {
                DigestAlgorithm::Sha256 => SignatureAlgorithm::EcdsaSha256,
                DigestAlgorithm::Sha384 => SignatureAlgorithm::EcdsaSha384,
                _ => SignatureAlgorithm::EcdsaSha512,
            };
            for test in group.tests {
                let got = judge(Ok(algorithm), form, &key, &test.msg, &test.sig);
                let case = format!("{set:?}#{}", test.tc_id);
                outcomes.push(Outcome { case, expected: test.result, got });
            }
        }
    }
}

/// Prints a line that the test runner does not swallow.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}
