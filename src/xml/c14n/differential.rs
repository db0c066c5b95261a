//! Our canonical forms against libxml2's, over random documents.

use std::process::Command;

use super::*;
use crate::xml::testing::{Dice, document};

/// Documents compared in one run; `QOLTANBA_ROUNDS` multiplies them.
const DOCUMENTS: usize = 300;

pub fn rounds() -> usize {
    std::env::var("QOLTANBA_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

pub fn seed() -> u64 {
    let given = std::env::var("QOLTANBA_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_secs()
    });
    eprintln!("QOLTANBA_SEED={seed}");
    seed
}

#[test]
fn whole_documents_are_canonical_as_libxml2_has_them() {
    let mut dice = Dice(seed());
    for _ in 0..rounds() {
        let folder = tempfile::tempdir().unwrap();
        let documents: Vec<String> =
            (0..DOCUMENTS).map(|_| document(&mut dice, &mut Vec::new())).collect();
        for (index, text) in documents.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{index}.xml")), text).unwrap();
        }
        let names: Vec<String> = (0..DOCUMENTS).map(|index| format!("{index}.xml")).collect();
        for (option, method) in [
            ("--c14n", Method::Inclusive10),
            ("--c14n11", Method::Inclusive11),
            ("--exc-c14n", Method::Exclusive),
        ] {
            let run = |names: &[String]| {
                let mut command = Command::new("xmllint");
                let out = command.arg(option).args(names).current_dir(folder.path()).output();
                out.expect("xmllint of libxml2-utils is needed").stdout
            };
            let ours = |text: &String| {
                let document = Document::parse(text.as_bytes()).unwrap();
                let how = Canonicalization::new(method, true);
                how.octets(&document, Subset::DOCUMENT, usize::MAX).unwrap()
            };
            let all_ours: Vec<u8> = documents.iter().flat_map(ours).collect();
            if run(&names) == all_ours {
                continue;
            }
            for (name, text) in names.iter().zip(&documents) {
                let theirs = String::from_utf8(run(std::slice::from_ref(name))).unwrap();
                assert_eq!(String::from_utf8(ours(text)).unwrap(), theirs, "{option} of {text:?}");
            }
            panic!("{option}: the whole differs, its pieces do not");
        }
    }
}
