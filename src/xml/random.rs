//! Random documents for the tests of this room: rich in namespaces, Kazakh letters, line ends,
//! references, CDATA, comments, instructions and `xml:` attributes; and broken ones.

use std::fmt::Write as _;

/// A small generator (splitmix64), so that a seed names a document.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    pub fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

const NAMES: &[&str] = &["a", "b", "жол", "Қолтаңба", "х-1", "Ә_ғ", "data"];
const PREFIXES: &[&str] = &["p", "q", "қ", "ns1"];
// No `&`: libxml2 2.9 writes it unescaped in namespace names, against C14N 1.0 §2.3.
const URIS: &[&str] = &["urn:a", "urn:b", "http://example.kz/x#y", "http://example.kz/%D2%9B?a=b"];
const TEXTS: &[&str] = &[
    "мәтін",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "&amp;",
    "&lt;",
    "&gt;",
    ">",
    "\"",
    "'",
    "&#13;",
    "&#xA;",
    "&#9;",
    "&#x49B;",
    "&quot;",
    "&apos;",
    "😀",
    "ұ",
    "]]&gt;",
    "&#xD;&#xA;",
    "x",
    "\u{85}",
    "\u{2028}",
];
const VALUES: &[&str] = &[
    "мән", " ", "\n", "\r\n", "\r", "\t", "&amp;", "&lt;", "&gt;", ">", "&#13;", "&#10;", "&#9;",
    "&quot;", "&apos;", "Ғ", "  x  ", "&#32;",
];

// Not `./` and the like: libxml2 adds a slash to every base whose last letter but one is a dot.
const BASES: &[&str] = &[
    "http://example.kz/aa/bb?cc#dd",
    "http://example.kz",
    "//host/xx/",
    "/rooted/xx",
    "xx/yy",
    "xx/",
    "../up",
    "..",
    ".",
    "../../xx/./yy/../zz",
    "?qq",
    "#ff",
    "",
    "urn:aa",
    "aa//bb",
    "xx/..",
    "../../..",
];

/// What honest writers do not write.
const ODDITIES: &[&str] = &[
    "<",
    ">",
    "&",
    "'",
    "\"",
    "=",
    "/",
    ":",
    " ",
    "?",
    "!",
    "-",
    "]]>",
    "--",
    "<!--",
    "-->",
    "?>",
    "/>",
    "</a>",
    "<a>",
    "<b/>",
    "<p:b/>",
    "&#0;",
    "&#xD800;",
    "&#xFFFE;",
    "&#x110000;",
    "&#x;",
    "&#X41;",
    "&lt",
    "&foo;",
    "&;",
    "\u{1}",
    "\u{FFFE}",
    "\u{FFFF}",
    "\u{FEFF}",
    "\u{A0}",
    "\u{B7}",
    "\u{300}",
    "\u{2028}",
    "<![CDATA[",
    "<![CDATA[x]]>",
    "<?xml version='1.0'?>",
    "<?xml?>",
    "<?XML x?>",
    "<?a:b?>",
    "<!DOCTYPE a>",
    "<!ELEMENT a ANY>",
    " xmlns:p=''",
    " xmlns:p='urn:a'",
    " xmlns='urn:a'",
    " xmlns='relative'",
    " xmlns:q='../up'",
    " xmlns:q='http://[::1]/'",
    " xmlns:q='urn:a b'",
    " xmlns:q='urn:%zz'",
    " xmlns:q='http://a/қ'",
    " xmlns:xml='urn:a'",
    " xmlns:xmlns='urn:a'",
    " xmlns:r='http://www.w3.org/XML/1998/namespace'",
    " xmlns:r='http://www.w3.org/2000/xmlns/'",
    " xmlns='http://www.w3.org/2000/xmlns/'",
    " p:a0='1' q:a0='1'",
    " p:z='1' ns1:z='1'",
    " z='1'",
    " xml:id='x'",
    " xml:lang=''",
    " a b='c'",
    "xmlns",
    "version='1.1'",
    " encoding='utf-16'",
    " standalone='maybe'",
];

/// The document with up to three pieces put in, taken out or doubled.
pub fn broken(dice: &mut Dice, mut text: String) -> String {
    let place = |dice: &mut Dice, text: &str| {
        let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let places: Vec<usize> = places.collect();
        let first = dice.below(places.len());
        let last = (first + 1 + dice.below(4)).min(places.len() - 1);
        (places[first], places[last])
    };
    for _ in 0..1 + dice.below(3) {
        let (from, to) = place(dice, &text);
        match dice.below(4) {
            0 => text.replace_range(from..to, ""),
            1 => {
                let piece = text[from..to].to_owned();
                let (at, _) = place(dice, &text);
                text.insert_str(at, &piece);
            }
            2 => text.replace_range(from..to, dice.pick(ODDITIES)),
            _ => text.insert_str(from, dice.pick(ODDITIES)),
        }
    }
    text
}

/// A random document; `ids` takes the values of the `xml:id` attributes put on its elements.
pub fn document(dice: &mut Dice, ids: &mut Vec<String>) -> String {
    let mut out = String::new();
    if dice.one_in(2) {
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n");
    }
    asides(dice, &mut out);
    element(dice, 0, &mut Vec::new(), ids, &mut out);
    asides(dice, &mut out);
    out
}

fn asides(dice: &mut Dice, out: &mut String) {
    for _ in 0..dice.below(3) {
        aside(dice, out);
        out.push_str(dice.pick(&["\n", "", "\r\n "]));
    }
}

fn aside(dice: &mut Dice, out: &mut String) {
    out.push_str(dice.pick(&[
        "<!--түсінік-->",
        "<!---->",
        "<!-- a\r\nb &amp; < -->",
        "<?pi?>",
        "<?pi  data ?>",
        "<?нұсқау a=\"b\"\r\n&lt; <?>",
    ]));
}

/// `scope` holds the bound prefixes, the nearest last.
fn element(
    dice: &mut Dice,
    depth: usize,
    scope: &mut Vec<(String, String)>,
    ids: &mut Vec<String>,
    out: &mut String,
) {
    let outer = scope.len();
    let mut tag = String::new();
    let mut declarations = String::new();
    let mut declared: Vec<&str> = Vec::new();
    for _ in 0..[0, 0, 1, 2, 3][dice.below(5)] {
        let prefix = if dice.one_in(3) { "" } else { dice.pick(PREFIXES) };
        if declared.contains(&prefix) {
            continue;
        }
        declared.push(prefix);
        let uri = if prefix.is_empty() && dice.one_in(3) { "" } else { dice.pick(URIS) };
        let colon = if prefix.is_empty() { "" } else { ":" };
        let _ = write!(declarations, " xmlns{colon}{prefix}=\"{uri}\"");
        scope.push((prefix.to_owned(), uri.to_owned()));
    }
    if dice.one_in(20) {
        declarations.push_str(" xmlns:xml='http://www.w3.org/XML/1998/namespace'");
    }
    let bound: Vec<String> = scope
        .iter()
        .map(|(prefix, _)| prefix.clone())
        .filter(|prefix| !prefix.is_empty())
        .collect();
    for index in 0..dice.below(5) {
        let space = dice.pick(&[" ", "\n ", "\t", "\r\n"]);
        let local = format!("{}{index}", dice.pick(NAMES));
        let name = match bound.len() {
            0 => local,
            _ if dice.one_in(2) => local,
            count => format!("{}:{local}", bound[dice.below(count)]),
        };
        let value: String = (0..dice.below(4)).map(|_| dice.pick(VALUES)).collect();
        let quote = dice.pick(&["\"", "'"]);
        let equals = dice.pick(&["=", " = "]);
        let _ = write!(tag, "{space}{name}{equals}{quote}{value}{quote}");
    }
    for (odds, attribute) in [
        (5, " xml:lang='kk'"),
        (9, " xml:lang='ru'"),
        (6, " xml:space='preserve'"),
        (9, " xml:space='default'"),
    ] {
        if dice.one_in(odds) && !tag.contains(&attribute[..9]) {
            tag.push_str(attribute);
        }
    }
    if dice.one_in(4) {
        let _ = write!(tag, " xml:base='{}'", dice.pick(BASES));
    }
    if dice.one_in(2) {
        let id = format!("id-{}", ids.len());
        let _ = write!(tag, " xml:id=\"{id}\"");
        ids.push(id);
    }
    // A prefix may be used before it is declared.
    tag = if dice.one_in(2) { declarations + &tag } else { tag + &declarations };
    let prefix = match bound.len() {
        0 => String::new(),
        _ if dice.one_in(2) => String::new(),
        count => format!("{}:", bound[dice.below(count)]),
    };
    let name = format!("{prefix}{}", dice.pick(NAMES));
    if depth > 0 && dice.one_in(6) {
        let _ = write!(out, "<{name}{tag}/>");
    } else {
        let _ = write!(out, "<{name}{tag}>");
        for _ in 0..dice.below(if depth < 5 { 6 } else { 2 }) {
            match dice.below(8) {
                0..=2 => out.push_str(dice.pick(TEXTS)),
                3 => aside(dice, out),
                4 => out.push_str(dice.pick(&[
                    "<![CDATA[<&>\r\n]]>",
                    "<![CDATA[]]>",
                    "<![CDATA[ә\r]]>",
                ])),
                _ if depth < 6 => element(dice, depth + 1, scope, ids, out),
                _ => {}
            }
        }
        let _ = write!(out, "</{name}{}>", dice.pick(&["", " ", "\r\n"]));
    }
    scope.truncate(outer);
}
