//! What is taken and what is refused.

use super::*;
use proptest::prelude::*;

/// Documents libxml2 refuses, and those this room refuses beyond it.
const REFUSED: &[&str] = &[
    "",
    " ",
    "text",
    "<a>",
    "</a>",
    "<a></b>",
    "<a/><b/>",
    "<a/>text",
    "text<a/>",
    "<a/>&#32;",
    "<a/><![CDATA[x]]>",
    "<![CDATA[x]]><a/>",
    "<a>]]></a>",
    "<a>&foo;</a>",
    "<a>&</a>",
    "<a>& </a>",
    "<a>&lt</a>",
    "<a>&#0;</a>",
    "<a>&#1;</a>",
    "<a>&#xD800;</a>",
    "<a>&#x110000;</a>",
    "<a>&#xFFFE;</a>",
    "<a>&#;</a>",
    "<a>&#x;</a>",
    "<a>&#X41;</a>",
    "<a>&#+65;</a>",
    "<a>&#x+41;</a>",
    "<a>&;</a>",
    "<a>\u{1}</a>",
    "<a>\u{FFFE}</a>",
    "<a>\u{FFFF}</a>",
    "<a>\0</a>",
    "<a b/>",
    "<a b=c/>",
    "<a b='c/>",
    "<a b='<'/>",
    "<a b='&foo;'/>",
    "<a b='&'/>",
    "<a b='1'c='2'/>",
    "<a b='1' b='2'/>",
    "<a 1='b'/>",
    "<a ='b'/>",
    "<a b c='d'/>",
    "<1/>",
    "<-a/>",
    "< a/>",
    "<a></ a>",
    "<a></a b>",
    "<a/ >",
    "<a><b></a></b>",
    "<!-- a -- b --><a/>",
    "<!-- a ---><a/>",
    "<a><!-- </a>",
    "<!--><a/>",
    "<!---><a/>",
    "<?xml?><a/>",
    "<?XML x?><a/>",
    "<?xMl?><a/>",
    "<a><?1?></a>",
    "<a><? x?></a>",
    "<a><?x</a>",
    " <?xml version='1.0'?><a/>",
    "<a/><?xml version='1.0'?>",
    "<?xml version='1.1'?><a/>",
    "<?xml version='2.0'?><a/>",
    "<?xml encoding='UTF-8'?><a/>",
    "<?xml version='1.0' standalone='maybe'?><a/>",
    "<?xml version='1.0'encoding='UTF-8'?><a/>",
    "<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>",
    "<?xml version='1.0' encoding='UTF-16'?><a/>",
    "<?xml version='1.0' encoding='windows-1251'?><a/>",
    "<?xml version='1.0' x='1'?><a/>",
    "<!DOCTYPE a><a/>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "<!doctype a><a/>",
    "<!ELEMENT a ANY><a/>",
    "<a><![cdata[x]]></a>",
    "<a><![CDATA[x]]</a>",
    "<p:a/>",
    "<a p:b='c'/>",
    "<a xmlns:p=''/>",
    "<a xmlns:p='urn:p'><p:b:c/></a>",
    "<:a/>",
    "<a:/>",
    "<a :b='c'/>",
    "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>",
    "<a xmlns='urn:a' xmlns='urn:b'/>",
    "<a xmlns:p='urn:a' xmlns:p='urn:b'/>",
    "<a xmlns:xml='urn:a'/>",
    "<a xmlns:xmlns='urn:a'/>",
    "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
    "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
    "<a xmlns='relative'/>",
    "<a xmlns:p='../up'/>",
    "<a xmlns='urn:a b'/>",
    "<a><b xmlns:p='urn:p'/><p:c/></a>",
    "<xmlns:a/>",
    "<a xmlns:='urn:a'/>",
    "<a><?p:q?></a>",
    "\u{FEFF}\u{FEFF}<a/>",
    "<a>\u{B7}</a",
    "<\u{B7}a/>",
    "<a \u{A0}b='c'/>",
];

#[test]
fn what_is_no_document_is_refused() {
    for text in REFUSED {
        assert!(Document::parse(text.as_bytes()).is_err(), "taken: {text:?}");
    }
    assert!(Document::parse(b"<a>\xFF</a>").is_err());
    assert!(Document::parse(b"\xFE\xFF\0<\0a\0/\0>").is_err());
}

#[test]
fn what_is_a_document_is_taken() {
    for text in [
        "<a/>",
        "\u{FEFF}<a/>",
        "<?xml version=\"1.0\"?><a/>",
        "<a b = 'c'\n/>",
        "<a></a >",
        "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<!-- x --><?y z?><a/>\n<!---->",
        "<\u{49B}\u{43E}\u{43B} \u{4D9}='\u{4B1}'/>",
        "<a xmlns='' b='>'>></a>",
        "<a>]]&gt;]]<!-- -->></a>",
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='kk'/>",
        "<a><![CDATA[]]></a>",
        "<a xmlns:p='urn:x' xmlns:q='urn:y' p:b='1' q:b='2' b='3'/>",
        "<a p:b='1' xmlns:p='urn:p'/>",
        "<a>&#x10FFFF;&#9;&lt;&gt;&amp;&apos;&quot;</a>",
        "<a><?x?><?y   z ?></a>",
    ] {
        Document::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
}

#[test]
fn the_tree_says_what_stands_in_the_document() {
    let text = "<a xmlns='urn:a' xmlns:p='urn:p' p:n='1' n='x\ty\r\nz&#10;&#13;'>\
                t\r\nu<p:b xmlns=''/>\r&#13;<![CDATA[<&]]><b xmlns=''>&lt;</b></a>";
    let document = Document::parse(text.as_bytes()).unwrap();
    let root = document.root();
    assert!(root.is("urn:a", "a"));
    assert_eq!(root.attribute("n"), Some("x y z\n\r"));
    assert_eq!(root.attribute_of("urn:p", "n"), Some("1"));
    assert_eq!(root.text(), "t\nu\n\r<&");
    let children: Vec<_> = root.children().map(|e| (e.namespace(), e.name())).collect();
    assert_eq!(children, [(Some("urn:p"), "b"), (None, "b")]);
    assert_eq!(root.child("b").unwrap().text(), "");
    assert_eq!(root.children().nth(1).unwrap().text(), "<");
    assert_eq!(root.descendants().count(), 3);
}

#[test]
fn bounds_hold() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(Document::parse(nested(limits::XML_DEPTH).as_bytes()).is_ok());
    let too_deep = Document::parse(nested(limits::XML_DEPTH + 1).as_bytes());
    assert!(matches!(too_deep, Err(XmlError::Limit(_))));
    let wide: String = (0..=limits::XML_ATTRIBUTES).map(|n| format!(" a{n}=''")).collect();
    assert!(matches!(Document::parse(format!("<a{wide}/>").as_bytes()), Err(XmlError::Limit(_))));
    let many = "<a>".to_owned() + &"<b/>".repeat(limits::XML_NODES) + "</a>";
    assert!(matches!(Document::parse(many.as_bytes()), Err(XmlError::Limit(_))));
}

proptest! {
    #[test]
    fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Document::parse(&octets);
    }

    #[test]
    fn any_markup_is_no_panic(text in "[<>/!?=&;#\\[\\]A-Cxml:'\" \r\n-]{0,60}") {
        let _ = Document::parse(text.as_bytes());
        let _ = Document::parse(format!("<a>{text}</a>").as_bytes());
    }
}
