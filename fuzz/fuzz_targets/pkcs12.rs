//! Opening a PKCS#12 file. Changed files fail at their MAC, so the keys behind it are read on their
//! own too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qoltanba::token::{Pin, Pkcs12, SoftwareKey};

fuzz_target!(|octets: &[u8]| {
    // Iterations only cost time; the largest counts are refused anyway.
    let _ = Pkcs12::read(octets, &Pin::new("Aa123456".to_owned()));
    let _ = SoftwareKey::from_pkcs8(octets);
});
