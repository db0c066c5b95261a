//! Reading a document piece by piece finds what reading it whole finds.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use qoltanba::xml::{XmlError, read, read_large};

fuzz_target!(|octets: &[u8]| {
    match (read(octets, None), read_large(&mut Cursor::new(octets))) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!((whole.len(), pieces.len()), (1, 1));
            let told = |mut found: Vec<qoltanba::signature::FoundSignature>| {
                found.iter_mut().for_each(|one| one.scope.octets.clear());
                format!("{found:?}")
            };
            assert_eq!(told(whole), told(pieces));
        }
        (Err(_), Err(_)) | (Ok(_), Err(XmlError::Large(_))) => {}
        (whole, pieces) => panic!("{whole:?}\n{pieces:?}"),
    }
});
