//! Reading an OCSP response and checking it against a certificate it is not about.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use qoltanba::x509::ocsp::{OcspCheck, OcspResponse};
use qoltanba::x509::{Certificate, Freshness};
use time::macros::datetime;

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::from_der_or_pem(include_bytes!("certificate.pem")).expect("the certificate reads")
});

fuzz_target!(|octets: &[u8]| {
    let Ok(response) = OcspResponse::read(octets) else { return };
    let now = datetime!(2026-01-01 0:00 UTC);
    let certificate = &*CERTIFICATE;
    let check = OcspCheck {
        certificate,
        issuer: certificate,
        nonce: Some(&[7; 16]),
        at: now,
        now,
        freshness: Freshness::default(),
    };
    assert!(response.check(&check).is_err(), "nobody signed this");
});
