use std::fmt::Write as _;
use std::io::Cursor;

use proptest::prelude::*;
use time::macros::datetime;

use super::scan::separable;
use super::*;
use crate::xml::testing::{Dice, document, p256_signer, value_holds};
use crate::xml::{SigningOptions, read, sign};

fn signed(text: &str) -> Vec<u8> {
    let options = SigningOptions::new(datetime!(2026-11-21 12:00 UTC));
    sign(text.as_bytes(), &*p256_signer().0, &options).unwrap()
}

/// The reading as a whole, and in pieces of several sizes.
fn readings(octets: &[u8]) -> [Result<Vec<FoundSignature>, XmlError>; 4] {
    let pieces = |read, piece| read_in(&mut Cursor::new(octets), Sizes { read, piece });
    [read(octets, None), read_large(&mut Cursor::new(octets)), pieces(64, 100), pieces(7, 1)]
}

/// Everything that is told of a signature, save the covered octets, which are not kept.
fn told(found: &FoundSignature) -> String {
    let mut found = found.clone();
    found.scope.octets.clear();
    format!("{found:?}")
}

/// Whether a document passes; panics where the readings differ.
#[track_caller]
fn same(octets: &[u8]) -> bool {
    let [tree, streams @ ..] = readings(octets);
    let mut passed = true;
    for stream in &streams {
        passed &= match (&tree, stream) {
            (Ok(tree), Ok(stream)) => {
                assert_eq!(tree.len(), 1);
                assert_eq!(told(&tree[0]), told(&stream[0]), "{}", String::from_utf8_lossy(octets));
                tree[0].faults.is_empty() && value_holds(&stream[0])
            }
            (Err(_), Err(_)) | (Ok(_), Err(XmlError::Large(_))) => false,
            _ => panic!("{tree:?}\n{stream:?}\n{}", String::from_utf8_lossy(octets)),
        };
    }
    passed
}

/// A random document with so much in it that it is cut in many places.
fn long(seed: u64, bytes: usize) -> String {
    let mut dice = Dice(seed);
    let mut out = String::from(
        "<?xml version='1.0'?>\r\n<!-- before --><?p i?>\n<r xmlns='urn:r' xmlns:p='urn:p' \
         xmlns:unused='urn:u' id='root'>\r\n<p:deep xml:lang='kk' a=' > ' xmlns:q='urn:q'>",
    );
    let mut closed = false;
    while out.len() < bytes {
        let part = document(&mut dice, &mut Vec::new());
        let part = part
            .split_once("?>\r\n")
            .filter(|_| part.starts_with("<?xml "))
            .map_or(part.as_str(), |(_, rest)| rest);
        out.push_str(part);
        if dice.one_in(40) {
            let unit = dice.pick(&["a]]\r\n", "Қ&#x49B;&amp;", "]", "😀\r", "x y\n", "&lt;]"]);
            out.push_str(&unit.repeat(dice.below(bytes / 8)));
            out.push_str("&gt;");
        }
        if dice.one_in(40) {
            write!(out, "<![CDATA[{}]]>", "<&\r\n".repeat(dice.below(bytes / 32))).unwrap();
        }
        if !closed && out.len() > bytes / 2 {
            out.push_str("</p:deep>");
            closed = true;
        }
    }
    if !closed {
        out.push_str("</p:deep>");
    }
    // The generator's ids begin anew with each part.
    let mut ids = 0;
    let pieces: Vec<&str> = out.split("xml:id=\"id-").collect();
    let mut whole = pieces[0].to_owned();
    for piece in &pieces[1..] {
        ids += 1;
        write!(whole, "xml:id=\"n{ids}-{piece}").unwrap();
    }
    whole + "\n</r>\r\n<!-- after -->\n<?after?>\n"
}

#[test]
fn documents_of_many_pieces_have_the_digest_of_the_tree() {
    for seed in 0..2 {
        let octets = signed(&long(seed, limits::STREAM_BYTES * 5 / 4));
        let (tree, stream) = (read(&octets, None), read_large(&mut Cursor::new(&octets)));
        assert_eq!(told(&tree.unwrap()[0]), told(&stream.unwrap()[0]), "seed {seed}");
        // One octet in the middle.
        let mut changed = octets.clone();
        let at = octets.len() / 2;
        let at = at + changed[at..].iter().position(|octet| *octet == b'x').unwrap();
        changed[at] = b'y';
        let stream = read_large(&mut Cursor::new(&changed));
        assert!(stream.is_err() || !stream.unwrap()[0].faults.is_empty(), "seed {seed}");
    }
    for seed in 0..20 {
        assert!(same(&signed(&long(seed, 3_000))), "seed {seed}");
    }
}

#[test]
fn a_text_that_cannot_be_parted_is_too_large() {
    let mut scanner = Scanner::new(Cursor::new(vec![b']'; 9_000_000]), 256 * 1024);
    assert!(matches!(scanner.piece(), Err(XmlError::Large(_))));
    // What no text may hold is found, wherever the text is parted.
    let octets = String::from_utf8(signed("<a>TEXT</a>")).unwrap();
    for length in 0..140 {
        let text = format!("{}]]>", "x".repeat(length));
        let readings = readings(octets.replace("TEXT", &text).as_bytes());
        assert!(readings.iter().all(Result::is_err), "{length}: {readings:?}");
    }
}

#[test]
fn other_forms_are_told_to_be_too_large() {
    let once = String::from_utf8(signed("<a id='x'><b/></a>")).unwrap();
    assert!(same(once.as_bytes()));
    let twice = String::from_utf8(signed(&once)).unwrap();
    let inner = String::from_utf8(signed("<c/>")).unwrap();
    let uri = "URI=\"\"";
    let large = [
        "<a/>".to_owned(),
        "<a><b/></a>".to_owned(),
        once.replace("</a>", "<c/></a>"),
        once.replace("<b/>", &format!("<b>{inner}</b>")),
        once.replace(uri, "URI=\"#y\"").replace("<b/>", "<b id='y'/>"),
        once.replace(uri, "URI=\"file\""),
        once.replace("http://www.w3.org/2000/09/xmldsig#enveloped-signature", "urn:x"),
        twice,
    ];
    for text in &large {
        let error = read_large(&mut Cursor::new(text.as_bytes())).unwrap_err();
        assert!(matches!(error, XmlError::Large(_)), "{error}: {text}");
        assert!(error.to_string().contains("33554432 bytes"), "{error}");
    }
    // By the root's id nothing beside the root is signed, as in the tree.
    let by_id = once.replace(uri, "URI=\"#x\"");
    assert!(!same(by_id.as_bytes()));
    assert!(!same(format!("<!-- x -->{by_id}").as_bytes()));
}

#[test]
fn what_is_no_document_is_refused_as_by_the_tree() {
    let once = String::from_utf8(signed("<a id='x'><b y='1'>t</b></a>")).unwrap();
    let broken = [
        once.replace("</b>", "</c>"),
        once.replace("</b>", ""),
        once.replace("</a>", ""),
        once.replace("</a>", "</a>x"),
        once.replace("</a>", "</a><a/>"),
        once.replace("<b ", "<b id='x' "),
        once.replace("<b ", "<b q:z='' "),
        once.replace("<b ", "<b y='2' "),
        once.replace(">t<", ">&t;<"),
        once.replace(">t<", ">]]><"),
        once.replace(">t<", "><!DOCTYPE a><"),
        once.replace(">t<", "><!-- -- --><"),
        once.replace(">t<", "><?xml version='1.0'?><"),
        once.replace(">t<", "><!"),
        format!("<!DOCTYPE a>{once}"),
        format!("x{once}"),
        format!("\u{feff}\u{feff}{once}"),
        String::new(),
    ];
    for text in &broken {
        let [tree, streams @ ..] = readings(text.as_bytes());
        assert!(tree.is_err() || tree.unwrap().is_empty(), "{text}");
        assert!(streams.iter().all(Result::is_err), "{text}");
    }
    assert!(same(format!("\u{feff}{once}").as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_text_is_parted_where_nothing_is_torn(
        units in prop::collection::vec(prop::sample::select(vec![
            "]", "]]", "\r\n", "\r", "\n", "&amp;", "&#x49B;", "ә", "😀", "]&gt;", "a", " ",
        ]), 1..12),
        at in any::<prop::sample::Index>(),
    ) {
        let text = units.concat();
        let known = &text.as_bytes()[..at.index(text.len() + 1)];
        if let Some(length) = separable(known) {
            prop_assert!(text.is_char_boundary(length));
            let read = |text: &str| {
                Document::parse(format!("<a>{text}</a>").as_bytes()).unwrap().root().text()
            };
            let (left, right) = text.split_at(length);
            prop_assert_eq!(read(left) + &read(right), read(&text));
            prop_assert!(!left.ends_with(']'));
        }
    }

    #[test]
    fn any_small_document_is_judged_as_by_the_tree(seed in any::<u64>()) {
        prop_assert!(same(&signed(&document(&mut Dice(seed), &mut Vec::new()))));
    }

    #[test]
    fn any_damage_is_judged_as_by_the_tree(
        seed in any::<u64>(), at in any::<prop::sample::Index>(), octet in any::<u8>(),
    ) {
        let mut octets = signed(&document(&mut Dice(seed), &mut Vec::new()));
        let at = at.index(octets.len());
        octets[at] = octet;
        same(&octets);
    }

    #[test]
    fn any_octets_are_refused_or_read(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_large(&mut Cursor::new(&octets));
    }
}
