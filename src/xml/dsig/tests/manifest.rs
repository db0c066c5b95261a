//! Manifests: what they list is checked and told.

use super::super::*;
use super::{codes, reference, template};
use crate::limits;
use crate::xml::testing::{p256_signer, value_holds, xmlsec1_signs};

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const TYPE: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";

/// A document with two pieces, one of them listed in the manifest of an enveloped signature.
fn signed(listed: &str, transform: &str) -> String {
    let signer = p256_signer();
    let to_manifest = reference("#m", &[(transform, "")])
        .replace("<ds:Reference ", &format!("<ds:Reference Type='{TYPE}' "));
    let object = format!("<ds:Object><ds:Manifest xml:id='m'>{listed}</ds:Manifest></ds:Object>");
    let made = template(&signer, EXCLUSIVE, &to_manifest, &object);
    let text = format!("<a><b xml:id='b'>1</b><c xml:id='c'>2</c>{made}</a>");
    String::from_utf8(xmlsec1_signs(&text, &signer, &[])).unwrap()
}

fn only(text: &str) -> FoundSignature {
    read(text.as_bytes(), None).unwrap().remove(0)
}

#[test]
fn what_a_manifest_lists_is_covered_and_checked() {
    let text = signed(&reference("#b", &[(EXCLUSIVE, "")]), EXCLUSIVE);
    let found = only(&text);
    assert_eq!(found.faults, vec![]);
    assert!(value_holds(&found));
    let kinds: Vec<_> = found.scope.items.iter().map(|item| item.what.as_str()).collect();
    assert_eq!(kinds, ["ds:Manifest \"#m\"", "b \"#b\""]);
    assert_eq!(found.scope.octets[1], b"<b xml:id=\"b\">1</b>");
    let changed = only(&text.replace(">1</b>", ">9</b>"));
    assert_eq!(codes(&changed), ["content-changed"]);
    assert!(changed.faults[0].detail.contains("manifest"), "{}", changed.faults[0]);
    assert!(value_holds(&changed), "the signature itself is untouched");
    assert_eq!(changed.scope.octets[1], b"");
    // What is not listed may change, and nothing is told of it.
    let other = only(&text.replace(">2</c>", ">9</c>"));
    assert_eq!(other.faults, vec![]);
    assert!(!other.scope.covers_whole_document);
    // The list itself may not.
    let listed = only(&text.replace("URI=\"#b\"", "URI=\"#c\""));
    assert_eq!(codes(&listed), ["content-changed"]);
    let moved = only(&text.replace(TYPE, "urn:other"));
    assert_eq!(moved.faults, vec![], "a manifest is followed whatever its reference is called");
    assert_eq!(moved.scope.items.len(), 2);
}

#[test]
fn a_manifest_over_the_whole_document_covers_it() {
    let enveloped = reference("", &[(crate::xml::ENVELOPED, ""), (EXCLUSIVE, "")]);
    let found = only(&signed(&enveloped, EXCLUSIVE));
    assert_eq!(found.faults, vec![]);
    assert!(found.scope.covers_whole_document);
    assert!(String::from_utf8_lossy(&found.scope.octets[1]).ends_with("</c></a>"));
}

#[test]
fn manifests_that_deceive_or_burden_are_refused() {
    let one = reference("#b", &[(EXCLUSIVE, "")]);
    // Only its text would be covered.
    let text = signed(&one, "http://www.w3.org/2000/09/xmldsig#base64");
    assert!(codes(&only(&text)).contains(&"refused"), "{:?}", only(&text).faults);
    let text = signed(&one, EXCLUSIVE);
    let nowhere = text.replace("ds:Manifest", "ds:SignatureProperties");
    assert!(codes(&only(&nowhere)).contains(&"content-changed"));
    assert_eq!(codes(&only(&signed("", EXCLUSIVE))), ["malformed"]);
    let many = signed(&one.repeat(limits::XML_MANIFEST_REFERENCES + 1), EXCLUSIVE);
    assert_eq!(codes(&only(&many)), ["refused"]);
    // One in the other, each listed by the one before.
    let signer = p256_signer();
    let manifest = |id: &str, to: &str| {
        let listed = reference(to, &[(EXCLUSIVE, "")]);
        format!("<ds:Object><ds:Manifest xml:id='{id}'>{listed}</ds:Manifest></ds:Object>")
    };
    for (depth, expected) in [(3, &[][..]), (4, &["refused"][..])] {
        // The innermost first, since its digests are made first.
        let mut objects = manifest("m1", "#b");
        for level in 2..=depth {
            objects += &manifest(&format!("m{level}"), &format!("#m{}", level - 1));
        }
        let first = reference(&format!("#m{depth}"), &[(EXCLUSIVE, "")]);
        let made = template(&signer, EXCLUSIVE, &first, &objects);
        let text = format!("<a><b xml:id='b'>1</b>{made}</a>");
        let text = String::from_utf8(xmlsec1_signs(&text, &signer, &[])).unwrap();
        assert_eq!(codes(&only(&text)), expected, "{depth}");
    }
}
