//! Reading a PDF and the signatures in it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let _ = qoltanba::pdf::read(octets);
});
