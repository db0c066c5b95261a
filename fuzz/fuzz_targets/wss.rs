//! Opening a SOAP message, and preparing a signature over it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use qoltanba::crypto::SignatureAlgorithm;
use qoltanba::text::Language;
use qoltanba::x509::Certificate;
use qoltanba::xml::Document;
use qoltanba::xml::wss::{
    Freshness, MessageOptions, Receiver, SoapVersion, TokenForm, open, prepare,
};
use time::Duration;
use time::macros::datetime;

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::from_der_or_pem(include_bytes!("certificate.pem")).expect("the certificate reads")
});

fuzz_target!(|octets: &[u8]| {
    let now = datetime!(2026-11-21 12:00 UTC);
    let window = Duration::minutes(5);
    let freshness = Some(Freshness { now, window, skew: Duration::MINUTE });
    for receiver in [
        Receiver::default(),
        Receiver { freshness, ..Receiver::default() },
        Receiver { actor: Some("urn:bus"), ..Receiver::default() },
    ] {
        match open(octets, &receiver) {
            Ok(message) => {
                let body = Document::parse(&message.body).expect("a Body is a document");
                assert!(body.root().is(message.version.namespace(), "Body"));
            }
            Err(error) => {
                for version in [SoapVersion::V11, SoapVersion::V12] {
                    let fault = error.fault(version, Language::Kk);
                    Document::parse(&fault).expect("a fault is a document");
                }
            }
        }
    }
    for (lifetime, token) in
        [(None, TokenForm::KeyIdentifier), (Some(window), TokenForm::BinarySecurityToken)]
    {
        let options = MessageOptions { lifetime, token, ..MessageOptions::new(now) };
        let prepared = prepare(octets, &CERTIFICATE, SignatureAlgorithm::RsaPkcs1Sha256, &options);
        if let Ok(prepared) = prepared {
            assert!(Document::parse(prepared.to_be_signed()).is_ok());
        }
    }
});
