//! Reading a certificate, and judging a path made of it alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qoltanba::x509::{Certificate, PathRequest, TrustStore, validate};
use time::macros::datetime;

fuzz_target!(|octets: &[u8]| {
    let Ok(certificate) = Certificate::from_der_or_pem(octets) else { return };
    let _ = (certificate.holder(), certificate.serial_hex(), format!("{certificate:?}"));
    let trust = TrustStore::new(vec![certificate.clone()], Vec::new());
    let at = datetime!(2026-01-01 0:00 UTC);
    let _ = validate(&trust, &PathRequest::new(&certificate, &[], at));
    let unknown = TrustStore::default();
    let extra = [certificate.clone()];
    assert!(validate(&unknown, &PathRequest::new(&certificate, &extra, at)).is_err());
});
