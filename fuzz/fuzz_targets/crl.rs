//! Reading a CRL and looking serial numbers up in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qoltanba::x509::Crl;

fuzz_target!(|octets: &[u8]| {
    let Ok(crl) = Crl::read(octets) else { return };
    assert!(crl.len() <= octets.len());
    for serial in octets.chunks(17).take(8) {
        let _ = crl.find(serial, crl.issuer());
    }
    let _ = (format!("{crl:?}"), crl.evidence());
});
