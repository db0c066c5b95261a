//! Every kind of signed thing in one hierarchy: certificates, paths, CRL, OCSP, time-stamps, XML,
//! PDF, CMS.

use qoltanba::crypto::DigestAlgorithm;
use qoltanba::pki::double::{How, Service};
use qoltanba::signature::Stamped;
use qoltanba::timestamp::{TimestampQuestion, verify};
use qoltanba::validation::{SignatureReport, Verdict};
use qoltanba::x509::{RevocationMethod, TrustStore};
use time::Duration;

use crate::place::{APART, FORMATS, GOST, forged, judged, message, now, signed, stamp, stamped};

const NAME: &str = "GOST R 34.10-2012 (512 bits) with Streebog-512";

/// OCSP first, or CRL alone.
const ORDERS: [&[RevocationMethod]; 2] =
    [&[RevocationMethod::Ocsp, RevocationMethod::Crl], &[RevocationMethod::Crl]];

fn only(order: &[RevocationMethod], document: &[u8]) -> SignatureReport {
    let mut reports = judged(&[&GOST.world], order, document);
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

#[test]
fn every_format_is_judged_by_every_source_of_revocation() {
    for format in FORMATS {
        let document = signed(format, &GOST.world.signer("person").unwrap());
        for (order, source) in ORDERS.into_iter().zip(["ocsp", "crl"]) {
            let report = only(order, &document);
            assert_eq!(report.verdict, Verdict::TotalPassed, "{format}: {:?}", report.reasons);
            assert_eq!(report.revocation.source, source);
            assert_eq!(report.algorithm, NAME);
            assert_eq!(report.signer.iin.as_deref(), Some("850314310803"));
        }
        let report = only(ORDERS[1], &forged(format, &document));
        assert_eq!(report.verdict, Verdict::TotalFailed, "{format}");
    }
}

#[test]
fn certificates_have_the_octets_of_national_ones() {
    let person = GOST.world.certificate("person").unwrap();
    let has = |octets: &[u8]| person.der().windows(octets.len()).any(|part| part == octets);
    // Key usage of a GOST key: signature, non-repudiation, key agreement.
    assert!(has(&[3, 2, 3, 0xc8]));
    // 1.2.398.3.10.1.1.2.3.2 with NULL, twice; and key, parameter set and digest as one sequence.
    let value = [6, 10, 0x2a, 0x83, 0x0e, 3, 10, 1, 1, 2, 3, 2, 5, 0];
    assert_eq!(person.der().windows(14).filter(|part| *part == value).count(), 2);
    let key = [
        0x30, 35, 6, 9, 0x2a, 0x83, 0x0e, 3, 10, 1, 1, 2, 2, 0x30, 22, 6, 10, 0x2a, 0x83, 0x0e, 3,
        10, 1, 1, 2, 2, 1, 6, 8, 0x2a, 0x83, 0x0e, 3, 10, 1, 3, 3, 3, 0x81, 0x84, 0, 4, 0x81, 0x80,
    ];
    assert!(has(&key));
}

#[test]
fn nobody_who_must_be_refused_passes() {
    for (id, reason) in [
        ("expired", "expired"),
        ("not-yet-valid", "not-yet-valid"),
        ("revoked", "revoked"),
        ("on-hold", "on-hold"),
        ("wrong-usage", "wrong-key-usage"),
        ("untrusted", "untrusted-issuer"),
    ] {
        let signer = GOST.world.signer(id).unwrap();
        for format in FORMATS {
            let document = signed(format, &signer);
            for order in ORDERS {
                let report = only(order, &document);
                assert_ne!(report.verdict, Verdict::TotalPassed, "{id} {format}");
                let told = report.reasons.iter().any(|told| told.code.as_str() == reason);
                assert!(told, "{id} {format}: {:?}", report.reasons);
            }
        }
    }
}

#[test]
fn answers_with_a_wrong_signature_are_no_answers() {
    let document = signed("XML", &APART.world.signer("person").unwrap());
    let judged = |order| judged(&[&APART.world], order, &document).remove(0);
    assert_eq!(judged(ORDERS[0]).revocation.source, "ocsp");
    APART.double.misbehave(Service::Ocsp, How::WrongSignature, 1.0, None);
    assert_eq!(judged(ORDERS[0]).revocation.source, "crl");
    APART.double.misbehave(Service::Crl, How::WrongSignature, 1.0, None);
    let report = judged(ORDERS[0]);
    assert_eq!(report.verdict, Verdict::Indeterminate);
    for wrong in ["signature of the response", "CRL"] {
        let told = report
            .reasons
            .iter()
            .any(|told| told.code.as_str() == "revocation-unknown" && told.detail.contains(wrong));
        assert!(told, "{:?}", report.reasons);
    }
}

#[test]
fn time_stamps_stand_over_every_imprint() {
    let certificate = |id| GOST.world.certificate(id).unwrap();
    let trust = TrustStore::new(vec![certificate("root")], vec![certificate("ca")]);
    let signer = GOST.world.signer("first-head").unwrap();
    // The last one is GOST 34.311-95, which authorities sign with the newest keys too.
    for imprint in [DigestAlgorithm::Sha256, DigestAlgorithm::Streebog512, DigestAlgorithm::Gost94]
    {
        let token = stamp(&GOST.world, imprint, b"data");
        assert_eq!(token.info().digest, Ok(imprint));
        let verify = |data: &[u8]| {
            let question = TimestampQuestion {
                data: &Stamped::from(data),
                extra: &[],
                trust: &trust,
                revocation: None,
                at: now(),
                now: now(),
                skew: Duration::MINUTE,
                policies: &[],
                accuracy: None,
            };
            verify(&token, &question).map(|stands| stands.info.policy)
        };
        assert_eq!(verify(b"data").as_deref(), Ok("1.2.398.3.3.2.6.4"));
        assert!(verify(b"date").is_err());

        let document = message(b"content", &signer);
        let good = stamped(&document, |value| stamp(&GOST.world, imprint, value));
        let report = only(ORDERS[0], &good);
        assert_eq!(report.verdict, Verdict::TotalPassed, "{:?}", report.reasons);
        assert!(report.timestamps[0].valid, "{imprint:?}: {:?}", report.timestamps);
        // Over another value it proves nothing.
        let bad = stamped(&document, |_| token);
        assert!(!only(ORDERS[0], &bad).timestamps[0].valid);
    }
}
