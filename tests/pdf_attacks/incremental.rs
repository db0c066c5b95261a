//! Incremental saving attacks: something is appended to a signed licence.

use crate::forge::{Paper, Update, entry, rfind, stream};
use crate::setting::{PRINTED, SIGNED, by_citizen, passes, reasons};

type Attack = (&'static str, Vec<u8>);

/// Every attack, alone and under a citizen's honest signature.
#[test]
fn nothing_appended_is_accepted() {
    let mut made = 0;
    for (name, forged) in attacks() {
        assert!(forged.starts_with(&SIGNED), "{name}: the signed octets stay");
        assert!(!passes(&forged), "{name} is accepted");
        let why = reasons(&forged);
        assert!(!why.is_empty(), "{name}: no reason");
        println!("{name}: {why}");
        made += 1;
        // What cannot be read cannot be signed either.
        let Ok(signed) = by_citizen(&forged) else { continue };
        assert!(!passes(&signed), "{name} is accepted under a second signature");
        println!("{name}, signed again: {}", reasons(&signed));
        made += 1;
    }
    assert!(made >= 55, "only {made} attacks were made");
}

#[test]
fn the_reason_names_the_object_and_what_became_of_it() {
    let paper = Paper::new(&SIGNED);
    let page = paper.page(1);
    let content = paper.under(page, b"Contents");
    let cases = [
        (content, stream("", b"BT ET"), "the content of a page was changed"),
        (page, entry(&paper.text(page), "Rotate", "180").into_bytes(), "page 1 was changed"),
    ];
    for (number, text, wanted) in cases {
        let objects = vec![(number, text)];
        let forged = paper.updated(&Update { objects, ..Update::default() });
        let forged = by_citizen(&forged).unwrap();
        let why = reasons(&forged);
        assert!(why.contains(&format!("object {number}: {wanted}")), "{why}");
    }
}

fn attacks() -> Vec<Attack> {
    let mut out = content();
    out.extend(annotations());
    out.extend(definitions());
    out.extend(catalogs());
    out.extend(sections());
    out
}

fn content() -> Vec<Attack> {
    let paper = Paper::new(&SIGNED);
    let (page, next) = (paper.page(1), paper.next());
    let content = paper.under(page, b"Contents");
    let text = paper.text(page);
    let evil = stream("", b"BT /F0 20 Tf 100 700 Td (Evil) Tj ET");
    let of = |objects: Vec<(u32, Vec<u8>)>| paper.updated(&Update { objects, ..Update::default() });
    let as_stream = |objects| paper.updated(&Update { objects, stream: true, ..Update::default() });
    let page_with = |key, value: &str| (page, entry(&text, key, value).into_bytes());
    let more = format!("[{content} 0 R {next} 0 R]");
    vec![
        ("page content replaced", of(vec![(content, evil.clone())])),
        ("page content replaced, section as stream", as_stream(vec![(content, evil.clone())])),
        (
            "page points to other content",
            of(vec![page_with("Contents", &format!("{next} 0 R")), (next, evil.clone())]),
        ),
        ("content added", of(vec![page_with("Contents", &more), (next, evil.clone())])),
        ("page turned", of(vec![page_with("Rotate", "180")])),
        ("page cut", of(vec![page_with("CropBox", "[0 0 300 300]")])),
        ("page enlarged", of(vec![page_with("MediaBox", "[0 0 1200 1200]")])),
        ("resources replaced", of(vec![page_with("Resources", "<<>>")])),
        ("page action", of(vec![page_with("AA", "<</O<</S/JavaScript/JS(app.alert(1))>>>>")])),
        ("content removed", paper.updated(&Update { freed: vec![content], ..Update::default() })),
        ("page removed", paper.updated(&Update { freed: vec![page], ..Update::default() })),
    ]
}

fn annotations() -> Vec<Attack> {
    let paper = Paper::new(&SIGNED);
    let (page, next) = (paper.page(1 + PRINTED.stamp.page as u32), paper.next());
    let text = paper.text(page);
    let widget = paper.under(page, b"Annots");
    let old = format!("{widget} 0 R");
    let form = "/Type/XObject/Subtype/Form/BBox[0 0 500 700]";
    let cover = stream(form, b"1 1 1 rg 0 0 500 700 re f");
    let annotation = |kind: &str| {
        format!("<</Type/Annot{kind}/Rect[50 50 550 750]/F 4/AP<</N {} 0 R>>>>", next + 1)
    };
    let with = |kind: &str, list: &str| {
        let list = list.replace("NEW", &format!("{next} 0 R"));
        let objects = vec![
            (page, entry(&text, "Annots", &list).into_bytes()),
            (next, annotation(kind).into_bytes()),
            (next + 1, cover.clone()),
        ];
        paper.updated(&Update { objects, ..Update::default() })
    };
    let moved = entry(&paper.text(widget), "Rect", "[50 50 550 750]");
    let field = "/Subtype/Widget/FT/Sig/T(Evil)";
    vec![
        ("a stamp over the text", with("/Subtype/Stamp", &format!("[{old} NEW]"))),
        ("a note over the text", with("/Subtype/FreeText/DA(/F 9 Tf)", &format!("[{old} NEW]"))),
        ("a text field over the text", with("/Subtype/Widget/FT/Tx/T(E)", &format!("[{old} NEW]"))),
        ("an empty signature over the text", with(field, &format!("[{old} NEW]"))),
        ("annotations replaced", with("/Subtype/Stamp", "[NEW]")),
        ("annotations removed", paper.with(page, &entry(&text, "Annots", "[]"))),
        ("the stamp moved over the text", paper.with(widget, &moved)),
        (
            "the stamp redrawn",
            paper.updated(&Update {
                objects: vec![
                    (
                        widget,
                        entry(&paper.text(widget), "AP", &format!("<</N {next} 0 R>>"))
                            .into_bytes(),
                    ),
                    (next, cover.clone()),
                ],
                ..Update::default()
            }),
        ),
    ]
}

fn definitions() -> Vec<Attack> {
    let paper = Paper::new(&SIGNED);
    let font = paper.find(|one| one.has_type(b"Font"));
    let program = paper.find(|one| one.has(b"Length1"));
    let mapping = paper.under(font, b"ToUnicode");
    let frame = paper.find(|one| {
        one.get(b"Subtype").is_ok_and(|kind| kind.as_name().ok() == Some(b"Form".as_slice()))
    });
    let attached = paper.find(|one| one.has_type(b"EmbeddedFile"));
    let named = paper.find(|one| one.has_type(b"Filespec"));
    let information = paper.parsed.trailer.get(b"Info").unwrap().as_reference().unwrap().0;
    let signature = paper.find(|one| one.has_type(b"Sig"));
    let of = |number: u32, text: Vec<u8>| {
        paper.updated(&Update { objects: vec![(number, text)], ..Update::default() })
    };
    let helvetica = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec();
    vec![
        ("font redefined", of(font, helvetica)),
        ("font program swapped", of(program, stream("/Length1 4", b"evil"))),
        ("letters mean others", of(mapping, stream("", b"evil"))),
        ("frame redrawn", of(frame, stream("/Subtype/Form/BBox[0 0 9 9]", b"0 0 9 9 re f"))),
        (
            "attached XML replaced",
            of(attached, stream("/Type/EmbeddedFile", b"<licence>evil</licence>")),
        ),
        (
            "attachment renamed",
            of(named, entry(&paper.text(named), "UF", "(other.xml)").into_bytes()),
        ),
        (
            "title changed",
            of(information, entry(&paper.text(information), "Title", "(Another)").into_bytes()),
        ),
        ("signature redefined", of(signature, b"<</Type/Sig>>".to_vec())),
        ("signature is a number", of(signature, b"42".to_vec())),
    ]
}

fn catalogs() -> Vec<Attack> {
    let paper = Paper::new(&SIGNED);
    let (root, next) = (paper.root(), paper.next());
    let text = paper.text(root);
    let pages = paper.under(root, b"Pages");
    let with = |key, value: &str| paper.with(root, &entry(&text, key, value));
    let evil_page = format!("<</Type/Page/Parent {pages} 0 R/MediaBox[0 0 595 842]>>");
    let kids = entry(&paper.text(pages), "Kids", &format!("[{next} 0 R]"));
    let swapped = paper.updated(&Update {
        objects: vec![(next, text.clone().into_bytes())],
        root: Some(next),
        ..Update::default()
    });
    let inserted = paper.updated(&Update {
        objects: vec![(pages, kids.into_bytes()), (next, evil_page.into_bytes())],
        ..Update::default()
    });
    vec![
        ("catalog swapped", swapped),
        ("pages replaced", inserted),
        ("another page tree", with("Pages", &format!("{next} 0 R"))),
        ("script on opening", with("OpenAction", "<</S/JavaScript/JS(app.alert(1))>>")),
        ("layers added", with("OCProperties", "<</OCGs[]/D<<>>>>")),
        ("names replaced", with("Names", "<<>>")),
        ("structure replaced", with("StructTreeRoot", "<</Type/StructTreeRoot>>")),
        ("form replaced", with("AcroForm", "<</Fields[]>>")),
        ("form removed", with("AcroForm", "null")),
        ("permissions added", with("Perms", "<</DocMDP 1 0 R>>")),
        ("language changed", with("Lang", "(en)")),
    ]
}

fn sections() -> Vec<Attack> {
    let paper = Paper::new(&SIGNED);
    let page = paper.page(1 + PRINTED.stamp.page as u32);
    let content = paper.under(page, b"Contents");
    let evil = stream("", b"BT (Evil) Tj ET");
    let good =
        paper.updated(&Update { objects: vec![(content, evil.clone())], ..Update::default() });
    let table = rfind(&good, b"\nxref\n").unwrap();
    let with_tail = |tail: &str| [SIGNED.as_slice(), tail.as_bytes()].concat();
    let object = [format!("{content} 0 obj\n").as_bytes(), &evil, b"\nendobj\n"].concat();
    // An older revision's object is pointed to again: the page without its signature.
    let head = format!("\n{page} 0 obj");
    let first = SIGNED.windows(head.len()).position(|one| one == head.as_bytes()).unwrap() + 1;
    vec![
        ("objects without a section", [SIGNED.as_slice(), &object].concat()),
        ("a section without startxref", good[..rfind(&good, b"startxref").unwrap()].to_vec()),
        ("a section that is cut", good[..table + 12].to_vec()),
        ("only %%EOF", with_tail("%%EOF\n")),
        ("junk", with_tail("junk")),
        ("a comment", with_tail("% nothing\n")),
        ("the old startxref again", {
            let last = rfind(&SIGNED, b"startxref").unwrap();
            [SIGNED.as_slice(), &object, &SIGNED[last..]].concat()
        }),
        (
            "an older object is pointed to",
            paper.updated(&Update { pointed: vec![(page, first)], ..Update::default() }),
        ),
    ]
}
