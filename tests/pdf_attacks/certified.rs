//! Certified documents: what DocMDP and FieldMDP permit stays valid, the attacks on certification
//! (evil annotations, sneaky signatures) do not.

use crate::forge::{ByHand, Paper, Update, entry, stream};
use crate::setting::{PEOPLE, by_citizen, judge, passes, reasons};

/// A page with a line of text at (72, 700), and a form field in free space below.
fn certified(level: u8, more: &str) -> Vec<u8> {
    let reference = format!(
        "/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams\
         <</Type/TransformParams/P {level}/V/1.2>>>>{more}]"
    );
    let paper = Paper::new(&plain());
    let field = paper.next();
    let text = format!(
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(note)/F 4/Rect[72 300 300 320]/P {} 0 R>>",
        paper.page(1)
    );
    let objects = vec![(field, text.into_bytes())];
    let fields = format!("{field} 0 R");
    let hand =
        ByHand { objects, fields: &fields, ..ByHand::certified(&PEOPLE.officer, &reference) };
    hand.sign(&paper)
}

/// One page with one line.
fn plain() -> Vec<u8> {
    let content = stream("", b"BT /F1 12 Tf 72 700 Td (The fee is 100 tenge) Tj ET");
    let font = "<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>";
    let objects = [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources{font}>>")
            .into_bytes(),
        content,
    ];
    assembled(objects.to_vec(), 1)
}

/// A document of these objects, numbered from 1, with this catalog.
pub fn assembled(objects: Vec<Vec<u8>>, root: u32) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, text) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    out.extend_from_slice(table.as_bytes());
    let size = objects.len() + 1;
    let trailer = format!("trailer\n<</Size {size}/Root {root} 0 R>>\nstartxref\n{start}\n%%EOF\n");
    out.extend_from_slice(trailer.as_bytes());
    out
}

const FORM: &str = "/Type/XObject/Subtype/Form/BBox[0 0 228 20]";

fn filled(document: &[u8], value: &str) -> Vec<u8> {
    let paper = Paper::new(document);
    let field = paper
        .find(|one| one.get(b"T").is_ok_and(|name| name.as_str().ok() == Some(b"note".as_slice())));
    let next = paper.next();
    let text = entry(&paper.text(field), "V", &format!("({value})"));
    let text = entry(&text, "AP", &format!("<</N {next} 0 R>>"));
    let drawn = format!("BT /F1 12 Tf 2 4 Td ({value}) Tj ET");
    let objects = vec![(field, text.into_bytes()), (next, stream(FORM, drawn.as_bytes()))];
    paper.updated(&Update { objects, ..Update::default() })
}

fn annotated(document: &[u8], kind: &str, rect: &str) -> Vec<u8> {
    let paper = Paper::new(document);
    let (page, next) = (paper.page(1), paper.next());
    let text = paper.text(page);
    let list = paper.parsed.get_dictionary((page, 0)).unwrap().get(b"Annots").unwrap();
    let list: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} 0 R", one.as_reference().unwrap().0))
        .collect();
    let list = format!("[{} {next} 0 R]", list.join(" "));
    let annotation = format!("<</Type/Annot{kind}/Rect[{rect}]/F 4/AP<</N {} 0 R>>>>", next + 1);
    let objects = vec![
        (page, entry(&text, "Annots", &list).into_bytes()),
        (next, annotation.into_bytes()),
        (next + 1, stream(FORM, b"1 1 1 rg 0 0 228 20 re f")),
    ];
    paper.updated(&Update { objects, ..Update::default() })
}

/// Whether the officer's certification stands under a citizen's signature over the change.
fn stands(changed: &[u8]) -> bool {
    by_citizen(changed).is_ok_and(|signed| passes(&signed))
}

#[test]
fn permitted_changes_stay_valid_and_are_told() {
    let cases = [
        ("signed again", certified(2, "")),
        ("filled at level 2", filled(&certified(2, ""), "paid")),
        ("filled at level 3", filled(&certified(3, ""), "paid")),
        ("a note in free space", annotated(&certified(3, ""), "/Subtype/Square", "72 100 300 120")),
    ];
    for (name, changed) in cases {
        let signed = by_citizen(&changed).unwrap();
        assert!(passes(&signed), "{name}: {}", reasons(&signed));
    }
    // Without a certification, an empty field may be filled, and a careful reader is told.
    let paper = Paper::new(&plain());
    let field = paper.next();
    let text = "<</Type/Annot/Subtype/Widget/FT/Tx/T(note)/F 4/Rect[72 300 300 320]>>";
    let fields = format!("{field} 0 R");
    let objects = vec![(field, text.as_bytes().to_vec())];
    let hand = ByHand { objects, fields: &fields, ..ByHand::new(&PEOPLE.officer) };
    let signed = by_citizen(&filled(&hand.sign(&paper), "paid")).unwrap();
    assert!(passes(&signed), "{}", reasons(&signed));
    let report = judge(&signed).unwrap();
    let told = report.signatures[0].warnings.iter().any(|one| one.detail.contains("\"note\""));
    assert!(told, "{:?}", report.signatures[0].warnings);
}

#[test]
fn what_the_level_forbids_fails() {
    let lock = "<</Type/SigRef/TransformMethod/FieldMDP/TransformParams\
                <</Type/TransformParams/Action/Include/Fields[(note)]/V/1.2>>>>";
    let lock_all = "<</Type/SigRef/TransformMethod/FieldMDP/TransformParams\
                    <</Type/TransformParams/Action/All/V/1.2>>>>";
    let note = "/Subtype/FreeText/DA(/F1 9 Tf)";
    let twice = by_citizen(&filled(&certified(2, ""), "paid")).unwrap();
    let cases = [
        ("filled at level 1", filled(&certified(1, ""), "paid")),
        ("a locked field filled", filled(&certified(2, lock), "paid")),
        ("a field filled, all locked", filled(&certified(2, lock_all), "paid")),
        ("a note at level 2", annotated(&certified(2, ""), note, "72 100 300 120")),
        ("a field changed back after an approval", filled(&twice, "not paid")),
    ];
    for (name, changed) in cases {
        assert!(!passes(&changed), "{name}");
        match by_citizen(&changed) {
            Ok(signed) => {
                assert!(!passes(&signed), "{name}");
                assert!(reasons(&signed).contains("added-after-signing"), "{name}");
            }
            // Level 1: this program does not even sign it.
            Err(error) => assert!(error.to_string().contains("certified"), "{name}: {error}"),
        }
    }
}

#[test]
fn evil_annotations_and_sneaky_signatures_fail() {
    let text = "60 690 300 715";
    let field = "/Subtype/Widget/FT/Sig/T(Sneaky)";
    let forms = "/Subtype/Widget/FT/Tx/T(Sneaky)";
    for kind in
        ["/Subtype/FreeText/DA(/F1 9 Tf)", "/Subtype/Stamp", "/Subtype/Redact", "/Subtype/Square"]
    {
        assert!(!stands(&annotated(&certified(3, ""), kind, text)), "{kind} over the text");
    }
    for level in [2, 3] {
        let cases =
            [(field, text), (field, "72 100 300 120"), (forms, text), (forms, "72 100 300 120")];
        for (kind, place) in cases {
            assert!(!stands(&annotated(&certified(level, ""), kind, place)), "{kind} at {place}");
        }
    }
    // A field that was there is moved over the text.
    let paper = Paper::new(&certified(3, ""));
    let note = paper
        .find(|one| one.get(b"T").is_ok_and(|name| name.as_str().ok() == Some(b"note".as_slice())));
    let moved = paper.with(note, &entry(&paper.text(note), "Rect", "[60 690 300 715]"));
    assert!(!stands(&moved));
    // The certification itself is taken away, or weakened.
    let paper = Paper::new(&certified(2, ""));
    let root = paper.root();
    let without = paper.with(root, &entry(&paper.text(root), "Perms", "<<>>"));
    assert!(!stands(&without));
}

#[test]
fn a_sneaky_stamp_over_a_licence_fails_without_any_certification() {
    let signed = crate::setting::SIGNED.clone();
    let stamp = qoltanba::pdf::Stamp {
        page: 0,
        rect: [50.0, 300.0, 500.0, 700.0],
        lines: vec!["Another text".to_owned()],
        font: qoltanba::licensing::print::stamp_font().into(),
    };
    let options = qoltanba::pdf::SigningOptions {
        stamp: Some(stamp),
        ..qoltanba::pdf::SigningOptions::at(crate::setting::NOW)
    };
    let forged = qoltanba::pdf::sign(&signed, &PEOPLE.citizen, &options).unwrap();
    assert!(!passes(&forged));
    assert!(reasons(&forged).contains("covers signed text"), "{}", reasons(&forged));
}
