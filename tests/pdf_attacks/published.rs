//! The 21 forgeries of 2019 (universal forgery, incremental saving, signature wrapping).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

/// File and the words that must name the trick; a change of either is seen here.
const EXPECTED: &str = include_str!("../data/pdf-forgeries.toml");

#[test]
fn every_published_forgery_is_refused_with_the_name_of_its_trick() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora");
    let root = std::env::var_os("QOLTANBA_CORPORA").unwrap_or_else(|| beside.into());
    let folder = PathBuf::from(root).join("pdf-insecurity");
    if !folder.is_dir() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: published PDF forgeries: QOLTANBA_CORPORA names no folder"
        );
        return;
    }
    let expected: BTreeMap<String, String> = toml::from_str(EXPECTED).unwrap();
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pdf") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let octets = std::fs::read(&path).unwrap();
        assert!(!crate::setting::passes(&octets), "{name} is accepted");
        let why = match qoltanba::pdf::read(&octets) {
            Err(error) => error.to_string(),
            Ok(signatures) => {
                assert!(!signatures.is_empty(), "{name}: no signature and no reason");
                assert!(signatures.iter().all(|one| !one.faults.is_empty()), "{name}: no reason");
                let faults = signatures.iter().flat_map(|one| &one.faults);
                faults.map(|one| one.detail.clone()).collect::<Vec<_>>().join("; ")
            }
        };
        found.insert(name, why);
    }
    assert_eq!(found.len(), 21);
    // The new table is printed where it differs: read each line before taking it over.
    if found != expected {
        found.iter().for_each(|(name, why)| println!("\"{name}\" = '{why}'"));
    }
    assert_eq!(found, expected);
}
