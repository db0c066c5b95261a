//! Reading a CMS signature; a time-stamp token is one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let _ = qoltanba::cms::read(octets, None);
    let _ = qoltanba::cms::read(octets, Some(b"content"));
});
