//! Reading the signatures of a document with their properties, and adding to them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qoltanba::crypto::verify;
use qoltanba::signature::ValidationMaterial;
use qoltanba::xml;

fuzz_target!(|octets: &[u8]| {
    let Ok(found) = xml::read(octets, Some(b"content")) else { return };
    for signature in &found {
        if let (Ok(algorithm), Some(certificate)) = (&signature.algorithm, &signature.certificate) {
            let (key, form) = (certificate.public_key(), signature.value_form);
            let _ = verify(*algorithm, form, key, &signature.signed_octets, &signature.value);
        }
        assert_eq!(signature.scope.items.len(), signature.scope.octets.len());
    }
    for n in 0..found.len().min(2) {
        let _ = xml::to_be_stamped(octets, None, n);
        let Ok(stamped) = xml::with_timestamp(octets, n, b"token") else { continue };
        let material = ValidationMaterial {
            certificates: vec![b"certificate".to_vec()],
            ocsp: vec![b"ocsp".to_vec()],
            crls: vec![b"crl".to_vec()],
        };
        // What was put in is read again.
        let Ok(with) = xml::with_material(&stamped, n, &material) else { continue };
        let again = xml::read(&with, Some(b"content")).expect("a document");
        assert_eq!(again[n].faults, found[n].faults);
        if let Ok((_, draft)) = xml::to_be_archived(&with, Some(b"content"), n) {
            let _ = draft.finish(b"token");
        }
    }
});
