//! Shadow attacks: the document is prepared before it is signed. Preparing is told with its place;
//! using what was prepared fails.

use crate::forge::{ByHand, Paper, Update, entry, stream};
use crate::setting::{PEOPLE, PRINTED, by_citizen, passes, reasons, warnings};

/// The licence with something prepared in it, signed by an unsuspecting officer.
fn prepared(change: impl Fn(&Paper) -> Update) -> Vec<u8> {
    let paper = Paper::new(&PRINTED.pdf);
    let paper = Paper::new(&paper.updated(&change(&paper)));
    ByHand::new(&PEOPLE.officer).sign(&paper)
}

#[track_caller]
fn told(document: &[u8], wanted: &str) {
    assert!(passes(document), "{}", reasons(document));
    let warnings = warnings(document);
    let hidden = |one: &String| one.starts_with("hidden-content") && one.contains(wanted);
    assert!(warnings.iter().any(hidden), "{wanted}: {warnings:?}");
}

#[track_caller]
fn fails(name: &str, document: &[u8]) {
    assert!(!passes(document), "{name}");
    if let Ok(signed) = by_citizen(document) {
        assert!(!passes(&signed), "{name} under a second signature");
        println!("{name}: {}", reasons(&signed));
    }
}

/// Draws `drawing` on the first page, behind everything that is there.
fn overlay(paper: &Paper, drawing: &[u8], resources: &str) -> Update {
    let (page, next) = (paper.page(1), paper.next());
    let content = paper.under(page, b"Contents");
    let text = paper.text(page);
    let list = format!("[{content} 0 R {next} 0 R]");
    let mut objects = vec![
        (page, entry(&text, "Contents", &list).into_bytes()),
        (next, stream("", &[b"q ", drawing, b" Q"].concat())),
    ];
    if !resources.is_empty() {
        objects[0].1 = entry(&entry(&text, "Contents", &list), "Resources", resources).into_bytes();
    }
    Update { objects, ..Update::default() }
}

#[test]
fn hide_an_overlay_is_told_and_its_removal_fails() {
    let white = prepared(|paper| overlay(paper, b"1 1 1 rg 40 300 500 300 re f", ""));
    told(&white, "page 1: a filled rectangle covers text");
    let paper = Paper::new(&white);
    let page = paper.page(1);
    let first = paper.under(page, b"Contents");
    let bare = entry(&paper.text(page), "Contents", &format!("{first} 0 R"));
    fails("overlay removed", &paper.with(page, &bare));
    let image = prepared(|paper| {
        let mut update = overlay(paper, b"500 0 0 300 40 300 cm /Evil Do", "");
        let next = paper.next() + 1;
        let picture =
            "/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8";
        update.objects.push((next, stream(picture, b"\xff")));
        let resources = paper.under(paper.page(1), b"Resources");
        let forms = paper.under(resources, b"XObject");
        update
            .objects
            .push((forms, entry(&paper.text(forms), "Evil", &format!("{next} 0 R")).into_bytes()));
        update
    });
    told(&image, "covers text");
    let paper = Paper::new(&image);
    let picture = paper.find(|one| {
        one.get(b"Subtype").is_ok_and(|one| one.as_name().ok() == Some(b"Image".as_slice()))
    });
    fails("image removed", &paper.updated(&Update { freed: vec![picture], ..Update::default() }));
    fails("image emptied", &paper.with(picture, "<</Type/XObject/Subtype/Image>>"));
}

#[test]
fn hide_an_annotation_over_text_is_told() {
    let signed = prepared(|paper| {
        let (page, next) = (paper.page(1), paper.next());
        let text = paper.text(page);
        Update {
            objects: vec![
                (page, entry(&text, "Annots", &format!("[{next} 0 R]")).into_bytes()),
                (
                    next,
                    format!(
                        "<</Type/Annot/Subtype/Stamp/Rect[40 300 540 600]/F 4/AP<</N {} 0 R>>>>",
                        next + 1
                    )
                    .into_bytes(),
                ),
                (next + 1, stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", b"1 g 0 0 9 9 re f")),
            ],
            ..Update::default()
        }
    });
    // Signing by hand replaces the list, so the annotation is put among the form's fields.
    let paper = Paper::new(&PRINTED.pdf);
    let next = paper.next();
    let stamp =
        format!("<</Type/Annot/Subtype/Stamp/Rect[40 300 540 600]/F 4/AP<</N {} 0 R>>>>", next + 1);
    let objects = vec![
        (next, stamp.into_bytes()),
        (next + 1, stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", b"1 g 0 0 9 9 re f")),
    ];
    let fields = format!("{next} 0 R");
    let covered = ByHand { objects, fields: &fields, ..ByHand::new(&PEOPLE.officer) }.sign(&paper);
    told(&covered, &format!("page 1, object {next}: an annotation (Stamp) covers text"));
    // In the other one it is an annotation that nobody uses any more.
    told(&signed, "an annotation that no page uses");
    let paper = Paper::new(&covered);
    let page = paper.page(1);
    let field = paper
        .find(|one| one.get(b"T").is_ok_and(|name| name.as_str().ok() == Some(b"Hand".as_slice())));
    let bare = entry(&paper.text(page), "Annots", &format!("[{field} 0 R]"));
    fails("annotation removed", &paper.with(page, &bare));
}

#[test]
fn replace_a_field_that_shows_something_else_is_told_and_the_swap_fails() {
    let paper = Paper::new(&PRINTED.pdf);
    let next = paper.next();
    let form = "/Type/XObject/Subtype/Form/BBox[0 0 228 20]";
    let field = format!(
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(sum)/V(1000)/F 4/Rect[72 30 300 50]/AP<</N {} 0 R>>>>",
        next + 1
    );
    let objects = vec![
        (next, field.into_bytes()),
        (next + 1, stream(form, b"BT /F1 12 Tf 2 4 Td (9000) Tj ET")),
    ];
    let fields = format!("{next} 0 R");
    let signed = ByHand { objects, fields: &fields, ..ByHand::new(&PEOPLE.officer) }.sign(&paper);
    told(
        &signed,
        &format!(
            "page 1, object {next}: a form field shows something else than its value \"1000\""
        ),
    );
    let paper = Paper::new(&signed);
    let swapped = stream(form, b"BT /F1 12 Tf 2 4 Td (1) Tj ET");
    let update = Update { objects: vec![(next + 1, swapped)], ..Update::default() };
    fails("appearance swapped", &paper.updated(&update));
    let without = entry(&paper.text(next), "V", "(9000)");
    fails("value changed", &paper.with(next, &without));
}

#[test]
fn a_hidden_layer_is_told_and_switching_it_on_fails() {
    let layer = |paper: &Paper, state: &str| {
        let (root, next) = (paper.root(), paper.next());
        let layers = format!("<</OCGs[{next} 0 R]/D<</{state}[{next} 0 R]>>>>");
        Update {
            objects: vec![
                (root, entry(&paper.text(root), "OCProperties", &layers).into_bytes()),
                (next, b"<</Type/OCG/Name(Fine print)>>".to_vec()),
            ],
            ..Update::default()
        }
    };
    let signed = prepared(|paper| layer(paper, "OFF"));
    told(&signed, "the layer \"Fine print\" is hidden");
    let paper = Paper::new(&signed);
    let root = paper.root();
    let on = paper.text(root).replace("/OFF[", "/ON[");
    fails("layer switched on", &paper.with(root, &on));
}

#[test]
fn hide_and_replace_unused_pages_are_told_and_pointing_to_them_fails() {
    let signed = prepared(|paper| {
        let next = paper.next();
        let page = format!("<</Type/Page/MediaBox[0 0 595 842]/Contents {} 0 R>>", next + 1);
        Update {
            objects: vec![
                (next, page.into_bytes()),
                (next + 1, stream("", b"BT /F1 12 Tf 72 700 Td (Evil) Tj ET")),
                (next + 2, b"<</Type/Catalog/Pages 2 0 R>>".to_vec()),
                (next + 3, stream("", b"BT /F1 12 Tf 72 700 Td (Evil) Tj ET")),
            ],
            ..Update::default()
        }
    });
    told(&signed, "a page that no page uses");
    told(&signed, "a catalog that no page uses");
    told(&signed, "content that no page uses");
    let paper = Paper::new(&signed);
    let hidden = paper.find(|one| one.has_type(b"Catalog") && !one.has(b"Metadata"));
    fails("catalog swapped", &paper.updated(&Update { root: Some(hidden), ..Update::default() }));
    let content = paper.under(paper.page(1), b"Contents");
    let evil = paper.octets.windows(6).position(|one| one == b"(Evil)").unwrap();
    let at = paper.octets[..evil].windows(5).rposition(|one| one == b" obj\n").unwrap();
    let at = paper.octets[..at].iter().rposition(|one| *one == b'\n').unwrap() + 1;
    let pointed = vec![(content, at)];
    fails("content pointed elsewhere", &paper.updated(&Update { pointed, ..Update::default() }));
}

#[test]
fn an_object_outside_every_section_is_told() {
    let paper = Paper::new(&PRINTED.pdf);
    let mut octets = paper
        .updated(&Update { objects: vec![(paper.next(), b"(x)".to_vec())], ..Update::default() });
    let hidden = b"7 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n";
    let section =
        crate::forge::rfind(&octets, b"xref\n".as_slice().split_last().unwrap().1).unwrap();
    let start = crate::forge::rfind(&octets[..section], b"\nxref\n").unwrap() + 1;
    octets.splice(start..start, hidden.iter().copied());
    let old = format!("startxref\n{start}\n");
    let new = format!("startxref\n{}\n", start + hidden.len());
    let at = crate::forge::rfind(&octets, old.as_bytes()).unwrap();
    octets.splice(at..at + old.len(), new.into_bytes());
    let signed = ByHand::new(&PEOPLE.officer).sign(&Paper::new(&octets));
    told(&signed, "an object that no section lists");
}
