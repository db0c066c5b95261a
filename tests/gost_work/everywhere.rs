//! Every kind of signed thing in one hierarchy: certificates, paths, CRL, OCSP, time-stamps, XML,
//! PDF, CMS.

use qoltanba::crypto::DigestAlgorithm;
use qoltanba::pki::double::{How, Service};
use qoltanba::signature::Stamped;
use qoltanba::timestamp::{TimestampQuestion, verify};
use qoltanba::validation::{SignatureReport, Verdict};
use qoltanba::x509::{RevocationMethod, TrustStore};
use time::Duration;

use crate::place::{FORMATS, GOST, forged, judged, message, now, signed, stamp, stamped};

const NAME: &str = "GOST R 34.10-2012 (512 bits) with Streebog-512";

fn only(document: &[u8], method: RevocationMethod) -> SignatureReport {
    let mut reports = judged(&[&GOST.world], &[method], document);
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

#[test]
fn every_format_is_judged_by_every_source_of_revocation() {
    for format in FORMATS {
        let document = signed(format, &GOST.world.signer("person").unwrap());
        for method in [RevocationMethod::Ocsp, RevocationMethod::Crl] {
            let report = only(&document, method);
            assert_eq!(report.verdict, Verdict::TotalPassed, "{format}: {:?}", report.reasons);
            assert_eq!(report.algorithm, NAME);
            assert_eq!(report.signer.iin.as_deref(), Some("850314310803"));
        }
        let report = only(&forged(format, &document), RevocationMethod::Crl);
        assert_eq!(report.verdict, Verdict::TotalFailed, "{format}");
    }
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
            for method in [RevocationMethod::Ocsp, RevocationMethod::Crl] {
                let report = only(&document, method);
                assert_ne!(report.verdict, Verdict::TotalPassed, "{id} {format}");
                let told = report.reasons.iter().any(|told| told.code.as_str() == reason);
                assert!(told, "{id} {format} {method:?}: {:?}", report.reasons);
            }
        }
    }
}

#[test]
fn answers_with_a_wrong_signature_are_no_answers() {
    // Its own certificate's answers only: the double is everybody's.
    let document = signed("XML", &GOST.world.signer("employee").unwrap());
    for (service, method) in
        [(Service::Ocsp, RevocationMethod::Ocsp), (Service::Crl, RevocationMethod::Crl)]
    {
        let mut reports = Vec::new();
        // Another test may take the order instead, so there is time for a second one.
        for _ in 0..5 {
            GOST.double.misbehave(service, How::WrongSignature, 1.0, Some(2));
            reports.push(only(&document, method));
        }
        GOST.double.misbehave(service, How::None, 1.0, None);
        let refused = reports.iter().find(|report| report.verdict == Verdict::Indeterminate);
        let refused = refused.expect("a wrong signature is seen");
        assert!(refused.reasons.iter().any(|told| told.code.as_str() == "revocation-unknown"));
        assert_eq!(only(&document, method).verdict, Verdict::TotalPassed);
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
        let question = |data| TimestampQuestion {
            skew: Duration::MINUTE,
            data,
            extra: &[],
            trust: &trust,
            revocation: None,
            at: now(),
            now: now(),
            policies: &[],
            accuracy: None,
        };
        let stands = verify(&token, &question(&Stamped::from(b"data".as_slice()))).unwrap();
        assert_eq!(stands.info.policy, "1.2.398.3.3.2.6.4");
        assert!(verify(&token, &question(&Stamped::from(b"date".as_slice()))).is_err());

        let document = message(b"content", &signer);
        let good = stamped(&document, |value| stamp(&GOST.world, imprint, value));
        let report = only(&good, RevocationMethod::Ocsp);
        assert_eq!(report.verdict, Verdict::TotalPassed, "{:?}", report.reasons);
        assert!(report.timestamps[0].valid, "{imprint:?}: {:?}", report.timestamps);
        // Over another value it proves nothing.
        let bad = stamped(&document, |_| token);
        assert!(!only(&bad, RevocationMethod::Ocsp).timestamps[0].valid);
    }
}
