//! What may follow a signature by itself: validation data. And what may not hide behind it.

use qoltanba::pdf;
use qoltanba::signature::ValidationMaterial;
use qoltanba::token::Signer as _;

use crate::forge::{Paper, Update, entry, stream};
use crate::setting::{PEOPLE, SIGNED, judge, passes, reasons};

/// The licence with certificates in its security store (EN 319 142-1 §5.4), added after signing.
fn with_store() -> Vec<u8> {
    let material = ValidationMaterial {
        certificates: vec![PEOPLE.citizen.certificate().der().to_vec()],
        ..ValidationMaterial::default()
    };
    pdf::with_material(&SIGNED, 0, &material).unwrap()
}

#[test]
fn validation_data_alone_leaves_the_signature_valid_and_is_told() {
    let document = with_store();
    assert!(document.len() > SIGNED.len() && document.starts_with(&SIGNED));
    let report = judge(&document).unwrap();
    assert!(passes(&document), "{}", reasons(&document));
    let later = &report.signatures[0].later_changes;
    assert!(later.iter().any(|one| one.contains("validation data (DSS)")), "{later:?}");
    assert!(judge(&SIGNED).unwrap().signatures[0].later_changes.is_empty());
}

#[test]
fn a_page_changed_together_with_validation_data_fails() {
    let stored = with_store();
    let paper = Paper::new(&stored);
    let (page, root, next) = (paper.page(1), paper.root(), paper.next());
    let content = paper.under(page, b"Contents");
    let evil = stream("", b"BT /F0 20 Tf 100 700 Td (Evil) Tj ET");
    let store = entry(&paper.text(root), "DSS", &format!("<</Certs[{next} 0 R]>>"));
    let certificate = stream("", PEOPLE.citizen.certificate().der());
    let turned = entry(&paper.text(page), "Rotate", "180");
    for (name, object) in [("content", (content, evil)), ("page", (page, turned.into_bytes()))] {
        let objects = vec![(root, store.clone().into_bytes()), (next, certificate.clone()), object];
        let changed = paper.updated(&Update { objects, ..Update::default() });
        assert!(!passes(&changed), "{name}");
        let why = reasons(&changed);
        assert!(why.contains("page"), "{name}: {why}");
        assert!(!why.contains("DSS"), "{name}: {why}");
    }
    // The same store alone is welcome: it is the page that fails.
    let objects = vec![(root, store.into_bytes()), (next, certificate)];
    let honest = paper.updated(&Update { objects, ..Update::default() });
    assert!(passes(&honest), "{}", reasons(&honest));
}

#[test]
fn content_does_not_pass_as_validation_data() {
    let paper = Paper::new(&SIGNED);
    let (page, root) = (paper.page(1), paper.root());
    let content = paper.under(page, b"Contents");
    // The page's content is named as a certificate of the store, and replaced.
    let store = entry(&paper.text(root), "DSS", &format!("<</Certs[{content} 0 R]>>"));
    let evil = stream("", b"BT /F0 20 Tf 100 700 Td (Evil) Tj ET");
    let objects = vec![(root, store.into_bytes()), (content, evil)];
    let changed = paper.updated(&Update { objects, ..Update::default() });
    assert!(!passes(&changed));
    assert!(reasons(&changed).contains(&format!("object {content}")), "{}", reasons(&changed));
}
