use proptest::prelude::*;
use tempfile::TempDir;
use time::macros::datetime;

use super::testing::{p256, rsa, run, stands};
use super::*;
use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::ReasonCode;
use crate::signature::{Level, SignatureFormat};
use crate::token::{Signer, sign_checked};

const CONTENT: &[u8] = "Лицензия № 1: Ә Ғ Қ Ң Ө Ұ Ү Һ І".as_bytes();

fn signed(signer: &dyn Signer, options: SigningOptions) -> Vec<u8> {
    let digest = digest(DigestAlgorithm::Sha256, CONTENT);
    let prepared = prepare(&digest, signer.certificate(), signer.algorithm(), options).unwrap();
    // As between two calls of a service.
    let prepared = Prepared::from_bytes(&prepared.to_bytes().unwrap()).unwrap();
    let value = sign_checked(signer, prepared.to_be_signed()).unwrap();
    prepared.complete(&value).unwrap()
}

fn attached() -> SigningOptions {
    SigningOptions { content: Some(CONTENT.to_vec()), ..Default::default() }
}

fn pem(signer: &dyn Signer) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(signer.certificate().der());
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn codes(found: &crate::signature::FoundSignature) -> Vec<ReasonCode> {
    found.faults.iter().map(|fault| fault.code).collect()
}

#[test]
fn openssl_accepts_what_we_sign() {
    let folder = TempDir::new().unwrap();
    let time = Some(datetime!(2026-11-21 10:00 UTC));
    let signers: [Box<dyn Signer>; 2] = [Box::new(p256("Person")), Box::new(rsa(folder.path()))];
    for signer in &signers {
        std::fs::write(folder.path().join("content"), CONTENT).unwrap();
        for options in [attached(), SigningOptions { signing_time: time, ..Default::default() }] {
            let detached = options.content.is_none();
            let cms = signed(signer.as_ref(), options);
            std::fs::write(folder.path().join("s.cms"), &cms).unwrap();
            std::fs::write(folder.path().join("own.pem"), pem(signer.as_ref())).unwrap();
            let mut arguments = vec!["cms", "-verify", "-binary", "-inform", "DER", "-cades"];
            arguments.extend(["-in", "s.cms", "-out", "out", "-CAfile", "own.pem"]);
            arguments.extend(["-purpose", "any", "-no_check_time", "-partial_chain"]);
            if detached {
                arguments.extend(["-content", "content"]);
            }
            run(folder.path(), "openssl", &arguments);
            assert_eq!(std::fs::read(folder.path().join("out")).unwrap(), CONTENT);

            let found = read(&cms, detached.then_some(CONTENT)).unwrap();
            assert!(stands(&found[0]), "{:?}", found[0].faults);
            assert_eq!(found[0].format, SignatureFormat::Cades(Level::B));
            assert_eq!(found[0].claimed_time, if detached { time } else { None });
            assert_eq!(found[0].scope.octets, [CONTENT]);
        }
    }
}

#[test]
fn we_accept_what_openssl_signs() {
    let folder = TempDir::new().unwrap();
    let signer = rsa(folder.path());
    std::fs::write(folder.path().join("content"), CONTENT).unwrap();
    for (form, extra) in [
        ("DER", ""),
        ("DER", "-nodetach"),
        ("DER", "-nodetach -stream -indef"),
        ("PEM", "-nodetach -cades"),
        ("PEM", "-nodetach -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest"),
        ("DER", "-nodetach -noattr"),
        ("DER", "-nodetach -keyid -nocerts"),
        ("DER", "-nodetach -md sha512"),
    ] {
        let line = format!(
            "cms -sign -binary -in content -signer c.pem -inkey k.pem -outform {form} -out s {extra}"
        );
        run(folder.path(), "openssl", &line.split_whitespace().collect::<Vec<_>>());
        let cms = std::fs::read(folder.path().join("s")).unwrap();
        let detached = !extra.contains("-nodetach");
        if form == "DER" {
            assert_eq!(parse(&cms).unwrap().0.has_content(), !detached, "{extra}");
        }
        let found = read(&cms, detached.then_some(CONTENT)).unwrap();
        assert_eq!(found.len(), 1);
        if extra.contains("-nocerts") {
            assert_eq!(codes(&found[0]), [ReasonCode::CertificateMissing]);
            continue;
        }
        assert!(stands(&found[0]), "{extra}: {:?} {:?}", found[0].faults, found[0].algorithm);
        assert_eq!(found[0].certificate.as_ref(), Some(signer.certificate()));
        if detached {
            assert_eq!(codes(&read(&cms, None).unwrap()[0]), [ReasonCode::ContentMissing]);
            let other = read(&cms, Some(b"other")).unwrap();
            assert_eq!(codes(&other[0]), [ReasonCode::ContentChanged]);
            let streamed = |algorithm| digest(algorithm, CONTENT);
            let found = read_with(&cms, &Content::Digested(&streamed)).unwrap();
            assert!(stands(&found[0]));
        } else {
            // Two contents: which one would be shown?
            assert!(!stands(&read(&cms, Some(b"other")).unwrap()[0]));
        }
    }
}

#[test]
fn a_message_without_signers_is_none() {
    let folder = TempDir::new().unwrap();
    rsa(folder.path());
    let line = "crl2pkcs7 -nocrl -certfile c.pem -outform DER -out s";
    run(folder.path(), "openssl", &line.split(' ').collect::<Vec<_>>());
    let cms = std::fs::read(folder.path().join("s")).unwrap();
    assert_eq!(read(&cms, None).unwrap_err(), CmsError::NoSigner);
}

#[test]
fn another_certificate_of_the_same_name_is_found_out() {
    // The signed reference names the certificate; issuer and serial alone would not tell.
    let (signer, twin) = (p256("Person"), p256("Person"));
    let cms = signed(&signer, attached());
    let (old, new) = (signer.certificate().der(), twin.certificate().der());
    if old.len() != new.len() {
        return another_certificate_of_the_same_name_is_found_out();
    }
    let at = cms.windows(old.len()).position(|window| window == old).unwrap();
    let mut forged = cms.clone();
    forged[at..at + old.len()].copy_from_slice(new);
    // The serial in the signer's identifier must follow, or no certificate is found at all.
    let (old, new) = (signer.certificate().serial(), twin.certificate().serial());
    if old.len() != new.len() {
        return another_certificate_of_the_same_name_is_found_out();
    }
    let at = (0..forged.len() - old.len()).rev().find(|at| &forged[*at..*at + old.len()] == old);
    forged[at.unwrap()..][..old.len()].copy_from_slice(new);
    let found = read(&forged, None).unwrap();
    assert_eq!(codes(&found[0]), [ReasonCode::CertificateMismatch]);
}

#[test]
fn wrong_values_and_digests_never_leave() {
    let signer = p256("Person");
    let prepare =
        |digest: &[u8], options| prepare(digest, signer.certificate(), signer.algorithm(), options);
    assert_eq!(prepare(&[0; 20], SigningOptions::default()).unwrap_err(), CmsError::WrongDigest);
    assert_eq!(prepare(&[0; 32], attached()).unwrap_err(), CmsError::WrongDigest);
    let prepared = prepare(&[0; 32], SigningOptions::default()).unwrap();
    assert_eq!(prepared.complete(&[1; 64]).unwrap_err(), CmsError::WrongValue);
}

#[test]
fn deep_nesting_is_refused() {
    for unit in [&[0x30, 0x80][..], &[0x24, 0x80], &[0xa0, 0x80]] {
        assert!(read(&unit.repeat(500_000), None).is_err());
    }
}

proptest! {
    #[test]
    fn any_octets_are_no_panic(mut octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&octets, None);
        octets.insert(0, 0x30);
        let _ = read(&octets, Some(b"content"));
    }

    #[test]
    fn a_flipped_octet_is_no_panic_and_no_other_content(at in 0usize..2000, bit in 0u8..8) {
        static CMS: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| signed(&p256("Person"), attached()));
        let mut cms = CMS.clone();
        let at = at % cms.len();
        cms[at] ^= 1 << bit;
        if let Ok(found) = read(&cms, None) {
            for found in found {
                prop_assert!(!stands(&found) || found.scope.octets == [CONTENT]);
            }
        }
    }
}
