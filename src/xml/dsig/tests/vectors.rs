//! The interoperability suites: every file has its row in `vectors.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::*;
use super::codes;
use crate::crypto::{DigestAlgorithm, digest};
use crate::testing::{corpora, say};
use crate::xml::c14n::{Canonicalization, Subset};
use crate::xml::ids::Ids;

/// The row of every file: what is made of it, and why.
#[test]
fn every_file_gets_its_verdict() {
    let Some(corpora) = corpora("XML signature vectors") else { return };
    let root = corpora.join("xmldsig");
    let mut files = Vec::new();
    list(&root, &mut files);
    let mut rows = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for path in files {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let (verdict, why) = verdict(&path);
        *counts.entry(verdict).or_default() += 1;
        rows.push(format!("{name} | {verdict} | {why}").trim_end().to_owned());
    }
    rows.sort();
    let expected = include_str!("../vectors.txt").lines().filter(|line| !line.starts_with('#'));
    let expected: Vec<_> = expected.collect();
    let unexpected: Vec<_> = rows.iter().filter(|row| !expected.contains(&row.as_str())).collect();
    assert!(unexpected.is_empty(), "without such a row in vectors.txt: {unexpected:#?}");
    assert_eq!(expected.len(), rows.len(), "vectors.txt names files that are not there");
    let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    say(&format!("{} files of the XML signature suites: {}", rows.len(), counts.join(", ")));
}

fn list(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => list(&path, out),
            false => out.push(path),
        }
    }
}

fn verdict(path: &Path) -> (&'static str, String) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let octets = std::fs::read(path).unwrap();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("xml" | "tmpl") => signed(path, &octets),
        Some("txt") if name.contains("c14n-") => match form(path) {
            Some(form) if form == octets => ("equal", "octet for octet".to_owned()),
            Some(_) => ("DIFFERS", String::new()),
            None => ("refused by policy", "an XPath node set that is no subtree".to_owned()),
        },
        _ => ("no document", String::new()),
    }
}

/// What reading a signed document gives; the one file beside it that it refers to is its content.
fn signed(path: &Path, octets: &[u8]) -> (&'static str, String) {
    let text = String::from_utf8_lossy(octets);
    let uris = text.split("<").filter(|tag| tag.contains("Reference "));
    let uris = uris.filter_map(|tag| tag.split("URI=\"").nth(1)?.split('"').next());
    let uris: BTreeSet<_> = uris.filter(|uri| !uri.is_empty() && !uri.starts_with('#')).collect();
    let content = match uris.iter().collect::<Vec<_>>().as_slice() {
        [uri] => std::fs::read(path.with_file_name(uri)).ok(),
        _ => None,
    };
    let found = match read(octets, content.as_deref()) {
        Err(error @ XmlError::Malformed { .. }) => return ("reject", error.to_string()),
        Err(error) => return ("refused by policy", error.to_string()),
        Ok(found) if found.is_empty() => return ("no signature", String::new()),
        Ok(found) => found,
    };
    let all: Vec<_> = found.iter().flat_map(judged).collect();
    let only = |codes: &[&str]| all.iter().all(|code| codes.contains(code));
    let unknown = found.iter().any(|found| found.algorithm.is_err());
    let verdict = match all.is_empty() && !unknown {
        true => "accept",
        false if only(&["refused", "unsupported-algorithm"]) => "refused by policy",
        false if only(&["refused", "unsupported-algorithm", "content-missing"]) => "incomplete",
        false => "reject",
    };
    let why = found.iter().map(|found| {
        let algorithm = match &found.algorithm {
            Ok(algorithm) => algorithm.row().name,
            Err(unknown) => &unknown.name,
        };
        format!("{algorithm}: {}", judged(found).join(" "))
    });
    (verdict, why.collect::<Vec<_>>().join("; "))
}

/// The codes of the faults, with the policy's word on the digests.
fn judged(found: &FoundSignature) -> Vec<&'static str> {
    let mut codes = codes(found);
    if found.digests.contains(&DigestAlgorithm::Sha1) {
        codes.push("unsupported-algorithm");
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Our canonical form of what such a file holds; `None` where it is no subtree without some of its
/// elements, and so nothing a signature that we take can cover.
fn form(path: &Path) -> Option<Vec<u8>> {
    let suite = path.parent().unwrap();
    let (document, chosen) = match path.file_name().unwrap().to_str().unwrap() {
        "c14n-0.txt" => ("signature.xml", ("Something", Canonicalization::INCLUSIVE)),
        "c14n-9.txt" => ("signature.xml", ("Something", Canonicalization::EXCLUSIVE)),
        "c14n-18.txt" => {
            let how = Canonicalization {
                inclusive_prefixes: vec![String::new()],
                ..Canonicalization::EXCLUSIVE
            };
            ("signature.xml", ("Something", how))
        }
        "c14n-27.txt" => ("signature.xml", ("SignedInfo", Canonicalization::INCLUSIVE)),
        "sign-spec-c14n-2.txt" => ("sign-spec.xml", ("SignedInfo", Canonicalization::INCLUSIVE)),
        "sign-xfdl-c14n-0.txt" => ("sign-xfdl.xml", ("", Canonicalization::INCLUSIVE)),
        _ => return None,
    };
    let document = Document::parse(&std::fs::read(suite.join(document)).unwrap()).unwrap();
    let apex = document.root().descendants().find(|element| element.name() == chosen.0);
    let left_out = |element: &Element<'_>| {
        filled_in(*element) || apex.is_none() && element.is(DSIG, "Signature")
    };
    let excluded: Vec<_> = document.root().descendants().filter(left_out).collect();
    Some(chosen.1.octets(&document, Subset { apex, excluded: &excluded }, usize::MAX).unwrap())
}

/// The fields of the form `sign-xfdl.xml` that its signature leaves out, and its trigger items.
fn filled_in(element: Element<'_>) -> bool {
    const FIELDS: [&str; 5] = ["CHECK16", "CHECK17", "FIELD47", "BUTTON2", "FIELD48"];
    let Some(page) = element.parent().filter(|parent| parent.is("", "page")) else { return false };
    let id = element.attribute("sid");
    let field = page.attribute("sid") == Some("PAGE1") && id.is_some_and(|id| FIELDS.contains(&id));
    field || element.is("", "triggeritem") && id.is_none()
}

/// The digests of merlin-exc-c14n-one: four exclusive forms of one element, with comments.
#[test]
fn exclusive_forms_of_the_interoperability_suite() {
    let Some(corpora) = corpora("exclusive canonicalization vectors") else { return };
    let path = corpora.join("xmldsig/merlin-exc-c14n-one/exc-signature.xml");
    let text = std::fs::read(path).unwrap();
    let document = Document::parse(&text).unwrap();
    let ids = Ids::of(&document).unwrap();
    let apex = ids.element("to-be-signed");
    let all = document.root().descendants().filter(|element| element.is(DSIG, "Reference"));
    let mut checked = 0;
    for found in all {
        let transform = found.descendants().find(|element| element.is(DSIG, "Transform")).unwrap();
        let how = transform::canonicalization(transform).unwrap().unwrap();
        let octets = how.octets(&document, Subset { apex, excluded: &[] }, usize::MAX).unwrap();
        let value = encoding::decode(&found.child("DigestValue").unwrap().text()).unwrap();
        assert_eq!(digest(DigestAlgorithm::Sha1, &octets), value);
        checked += 1;
    }
    assert_eq!(checked, 4);
}
