//! Canonical forms: each is a document whose canonical form it is again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qoltanba::xml::Document;
use qoltanba::xml::c14n::{Canonicalization, Method, Subset};

const LIMIT: usize = 1 << 22;

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = Document::parse(octets) else { return };
    for method in [Method::Inclusive10, Method::Inclusive11, Method::Exclusive] {
        for comments in [false, true] {
            let how = Canonicalization {
                inclusive_prefixes: vec![String::new(), "a".to_owned()],
                ..Canonicalization::new(method, comments)
            };
            let Ok(form) = how.octets(&document, Subset::DOCUMENT, LIMIT) else { continue };
            let again = Document::parse(&form).expect("a canonical form is a document");
            let twice = how.octets(&again, Subset::DOCUMENT, LIMIT);
            assert_eq!(twice.as_deref(), Ok(form.as_slice()));
            for apex in document.root().descendants().take(8) {
                let excluded: Vec<_> = apex.children().step_by(2).collect();
                let subset = Subset { apex: Some(apex), excluded: &excluded };
                if let Ok(form) = how.octets(&document, subset, LIMIT) {
                    Document::parse(&form).expect("a canonical subtree is a document");
                }
            }
        }
    }
});
