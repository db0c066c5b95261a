//! Signature wrapping and universal forgeries: the octets that the ranges point to stay the signed
//! ones, or the signature dictionary lies about them.

use crate::forge::{Paper, last_contents, rfind, stream};
use crate::setting::{SIGNED, passes, reasons};

/// The place of the array behind the last `/ByteRange`.
fn range_place() -> std::ops::Range<usize> {
    let start = rfind(&SIGNED, b"/ByteRange").unwrap() + 10;
    let open = SIGNED[start..].iter().position(|octet| *octet == b'[').unwrap();
    let close = SIGNED[start..].iter().position(|octet| *octet == b']').unwrap();
    start + open..start + close + 1
}

/// The document with another text in the place of the array; spaces fill the rest.
fn with_range(text: &str) -> Vec<u8> {
    let place = range_place();
    let width = place.len().max(text.len());
    let mut out = SIGNED.clone();
    out[place.start..place.start + width].copy_from_slice(format!("{text:width$}").as_bytes());
    out
}

/// The same with `/Contents` overwritten.
fn with_contents(text: &str) -> Vec<u8> {
    let place = last_contents(&SIGNED);
    let mut out = SIGNED.clone();
    let width = place.len();
    out[place].copy_from_slice(format!("{text:width$}").as_bytes());
    out
}

#[test]
fn universal_forgeries_are_refused_by_name() {
    let gap = last_contents(&SIGNED);
    let (a, b, size) = (gap.start, gap.end, SIGNED.len());
    let rest = size - b;
    let ranges = [
        ("null", "null".to_owned(), "/ByteRange is not [0 a b c]"),
        ("empty", "[]".to_owned(), "/ByteRange is not [0 a b c]"),
        ("one part", format!("[0 {size}]"), "/ByteRange is not [0 a b c]"),
        ("three parts", format!("[0 {a} {b} 9 {} 9]", b + 10), "/ByteRange is not [0 a b c]"),
        ("negative", format!("[0 {a} {b} -{rest}]"), "/ByteRange is not [0 a b c]"),
        ("from elsewhere", format!("[1 {a} {b} {rest}]"), "/ByteRange is not [0 a b c]"),
        ("overlapping", format!("[0 {b} {a} {}]", size - a), "leaves out something else"),
        ("nothing", "[0 0 0 0]".to_owned(), "leaves out something else"),
        ("everything", format!("[0 {size} {size} 0]"), "leaves out something else"),
        ("larger gap", format!("[0 {} {b} {rest}]", a - 20), "leaves out something else"),
        ("smaller gap", format!("[0 {} {} {rest}]", a + 1, b - 1), "leaves out something else"),
        ("beyond the end", format!("[0 {a} {b} {}]", rest + 1), "beyond the end"),
        ("not to the end", format!("[0 {a} {b} {}]", rest - 9), "no document by themselves"),
        ("huge", format!("[0 {a} {b} {}]", u64::MAX), "/ByteRange is null or no list"),
        ("a fraction", format!("[0 {a} {b} {rest}.0]"), "/ByteRange is not [0 a b c]"),
    ];
    for (name, text, wanted) in ranges {
        let forged = with_range(&text);
        let why = reasons(&forged);
        assert!(!passes(&forged) && why.contains(wanted), "{name}: {why}");
    }
    let contents = [
        ("empty", "<>", "is empty"),
        ("zeros", "<00>", "holds zeros"),
        ("null", "null", "is null"),
        ("another", "<30820100>", ""),
        ("text", "(abc)", "no hexadecimal string"),
        ("odd", "<308>", ""),
        ("a dictionary", "<</A 1>>", ""),
    ];
    for (name, text, wanted) in contents {
        let forged = with_contents(text);
        let why = reasons(&forged);
        assert!(!passes(&forged) && why.contains(wanted), "{name}: {why}");
        assert!(!why.is_empty());
    }
    for (key, other) in [("/ByteRange", "/BiteRange"), ("/Contents <", "/Content5 <")] {
        let at = rfind(&SIGNED, key.as_bytes()).unwrap();
        let mut forged = SIGNED.clone();
        forged[at..at + key.len()].copy_from_slice(other.as_bytes());
        let why = reasons(&forged);
        assert!(!passes(&forged) && why.contains("missing"), "{key}: {why}");
    }
}

/// The second part is moved behind content of the forger's; the ranges follow it, so that the
/// digest fits.
#[test]
fn wrapped_signatures_are_refused_by_name() {
    let gap = last_contents(&SIGNED);
    let evil = stream("", b"BT /F0 20 Tf 100 700 Td (Evil) Tj ET");
    let content = {
        let paper = Paper::new(&SIGNED);
        paper.under(paper.page(1), b"Contents")
    };
    let object = [format!("\n{content} 0 obj\n").as_bytes(), &evil, b"\nendobj\n"].concat();
    let dictionary_end = b"/ByteRange[0 1 2 3]>>\nendobj\n".as_slice();
    let section = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 99>>\n".as_slice();
    let wrappers: [(&str, Vec<u8>); 4] = [
        ("an object", object.clone()),
        ("an object behind a copy of the range", [dictionary_end, &object].concat()),
        ("an object and a section", [dictionary_end, &object, section].concat()),
        ("a comment", b"% nothing\n".to_vec()),
    ];
    for (name, inserted) in wrappers {
        let (before, after) = SIGNED.split_at(gap.end);
        let mut forged = [before, &inserted, after].concat();
        let place = range_place();
        let width = place.len();
        let numbers =
            format!("[0 {} {} {}]", gap.start, gap.end + inserted.len(), SIGNED.len() - gap.end);
        let at = match place.start < gap.start {
            true => place.start,
            false => place.start + inserted.len(),
        };
        forged[at..at + width].copy_from_slice(format!("{numbers:width$}").as_bytes());
        let why = reasons(&forged);
        assert!(!passes(&forged), "{name}");
        assert!(why.contains("signature wrapping"), "{name}: {why}");
        println!("{name}: {why}");
    }
}

#[test]
fn a_signature_from_another_document_is_refused() {
    let other = crate::setting::by_citizen(&crate::setting::PRINTED.pdf).unwrap();
    let foreign = &other[last_contents(&other)];
    let place = last_contents(&SIGNED);
    let mut forged = SIGNED.clone();
    let length = place.len().min(foreign.len());
    forged[place.start..place.start + length - 1].copy_from_slice(&foreign[..length - 1]);
    assert!(!passes(&forged));
    assert!(reasons(&forged).contains("content-changed"), "{}", reasons(&forged));
}
