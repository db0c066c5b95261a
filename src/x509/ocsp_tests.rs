//! OCSP against the responder of OpenSSL, and against broken octets.

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

use super::ocsp::{OcspCheck, OcspError, OcspRequest, OcspResponse};
use super::testing::{Authority, NOW, Says, params};
use super::{Certificate, Crl, Freshness, RevocationStatus};
use crate::crypto::DigestAlgorithm;

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_responder_of_openssl_understands_and_is_understood() {
    let now = OffsetDateTime::now_utc();
    let lasting = |mut params: rcgen::CertificateParams| {
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(1);
        params
    };
    let authority = Authority::root("Authority");
    let (good, revoked) =
        (authority.issue(lasting(params("Good"))), authority.issue(lasting(params("Revoked"))));
    let folder = tempfile::tempdir().unwrap();
    let file =
        |name: &str, octets: &[u8]| std::fs::write(folder.path().join(name), octets).unwrap();
    file("ca.pem", authority.issuer.pem().as_bytes());
    file("ca.key", authority.issuer.key().serialize_pem().as_bytes());
    let line = |state: &str, dates: &str, one: &Certificate| {
        format!(
            "{state}\t301231235959Z\t{dates}\t{}\tunknown\t/CN=x\n",
            one.serial_hex().to_uppercase()
        )
    };
    let index = [
        line("V", "", &good.certificate),
        line("R", "260101000000Z,keyCompromise", &revoked.certificate),
    ];
    file("index.txt", index.concat().as_bytes());

    for (holder, hash) in [
        (&good, DigestAlgorithm::Sha256),
        (&good, DigestAlgorithm::Sha1),
        (&revoked, DigestAlgorithm::Sha256),
    ] {
        let (certificate, issuer) = (&holder.certificate, &authority.certificate);
        let nonce = vec![7; 16];
        let request = OcspRequest::new(certificate, issuer, hash, Some(nonce.clone()));
        file("request", &request.to_der());
        openssl(
            folder.path(),
            &[
                "ocsp",
                "-index",
                "index.txt",
                "-CA",
                "ca.pem",
                "-rsigner",
                "ca.pem",
                "-rkey",
                "ca.key",
                "-reqin",
                "request",
                "-respout",
                "response",
                "-ndays",
                "1",
            ],
        );
        let response = std::fs::read(folder.path().join("response")).unwrap();
        let response = OcspResponse::read(&response).unwrap();
        let now = OffsetDateTime::now_utc();
        let freshness = Freshness::default();
        let check = OcspCheck { certificate, issuer, nonce: Some(&nonce), at: now, now, freshness };
        let answer = response.check(&check).unwrap();
        match std::ptr::eq(holder, &revoked) {
            false => assert_eq!(answer.status, RevocationStatus::Good),
            true => assert!(matches!(
                answer.status,
                RevocationStatus::Revoked { reason: Some(reason), .. } if reason == "keyCompromise"
            )),
        }
        let other = OcspCheck { nonce: Some(&[8; 16]), ..check };
        assert_eq!(response.check(&other), Err(OcspError::WrongNonce));
    }
}

#[test]
fn an_error_status_is_told_by_its_name() {
    assert!(matches!(
        OcspResponse::read(&[0x30, 3, 10, 1, 3]),
        Err(OcspError::Refused("tryLater"))
    ));
    assert!(matches!(OcspResponse::read(&[0x30, 3, 10, 1, 4]), Err(OcspError::Malformed(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    // Whatever is changed, cut or added: no panic, and never an answer that still says `good`.
    #[test]
    fn a_changed_response_never_says_good(place in any::<prop::sample::Index>(), to in any::<u8>()) {
        thread_local!(static MADE: (Authority, Certificate, Vec<u8>) = {
            let authority = Authority::root("Authority");
            let leaf = authority.issue(params("Leaf")).certificate;
            let der = Says::good(None).to_der(&leaf, &authority.certificate, &authority.signer());
            (authority, leaf, der)
        });
        MADE.with(|(authority, leaf, der)| {
            let mut changed = der.clone();
            let place = place.index(changed.len());
            prop_assume!(changed[place] != to);
            changed[place] = to;
            let check = OcspCheck {
                certificate: leaf,
                issuer: &authority.certificate,
                nonce: None,
                at: NOW,
                now: NOW,
                freshness: Freshness::default(),
            };
            let answer = OcspResponse::read(&changed).and_then(|response| response.check(&check));
            prop_assert!(answer.is_err(), "octet {place} of {} to {to}: {answer:?}", der.len());
            let _ = OcspResponse::read(&changed[..place]);
            Ok(())
        })?;
    }

    #[test]
    fn a_changed_crl_or_certificate_is_no_panic(place in any::<prop::sample::Index>(), to in any::<u8>()) {
        thread_local!(static MADE: (Certificate, Vec<u8>) = {
            let authority = Authority::root("Authority");
            let revoked = authority.issue(params("Leaf")).certificate;
            let entry = (&revoked, NOW, rcgen::RevocationReason::Superseded);
            (revoked.clone(), authority.crl(NOW, &[entry]))
        });
        MADE.with(|(certificate, crl)| {
            let mut changed = crl.clone();
            changed[place.index(crl.len())] = to;
            if let Ok(crl) = Crl::read(&changed) {
                let _ = crl.find(certificate.serial(), certificate.issuer());
            }
            let _ = Crl::read(&changed[..place.index(crl.len())]);
            let mut changed = certificate.der().to_vec();
            let place = place.index(changed.len());
            changed[place] = to;
            if let Ok(certificate) = Certificate::from_der(&changed) {
                let _ = (certificate.holder(), certificate.subject().to_string());
            }
            let _ = Certificate::from_der(&changed[..place]);
        });
    }
}
