//! From octets to the checked tree. quick-xml finds the markup; every rule it leaves to others is
//! checked here.

use std::borrow::Cow;

use quick_xml::events::Event;

use super::chars::{forbidden, is_absolute_uri, is_char, is_ncname, is_space, qualified};
use super::document::{
    Attribute, Declaration, Document, ElementData, Kind, NONE, Name, Node, Span,
};
use super::{XML, XMLNS, XmlError};
use crate::limits;

pub(super) fn parse(octets: &[u8]) -> Result<Document, XmlError> {
    if octets.len() > limits::DOCUMENT_BYTES {
        return Err(XmlError::Limit("octets of an XML document"));
    }
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let source =
        std::str::from_utf8(octets).map_err(|error| malformed(error.valid_up_to(), "not UTF-8"))?;
    if source.starts_with('\u{FEFF}') {
        return Err(malformed(0, "a second byte order mark"));
    }
    let source = line_ends(source);
    if let Some(position) = forbidden(&source) {
        return Err(malformed(position, "a character that XML 1.0 forbids"));
    }
    Builder::new(&source).build()
}

/// One element that is open while parsing.
struct Open {
    node: u32,
    /// Length of the scope before its declarations.
    scope: usize,
}

struct Builder<'x> {
    source: &'x str,
    document: Document,
    open: Vec<Open>,
    /// Indices of the declarations in scope, the nearest last.
    scope: Vec<u32>,
    position: usize,
}

impl<'x> Builder<'x> {
    fn new(source: &'x str) -> Self {
        // The declaration of the prefix `xml` stands first; its characters come after the source.
        let mut pool = String::with_capacity(source.len() + source.len() / 16 + 64);
        pool.push_str(source);
        let mut document = Document {
            pool,
            source_length: source.len(),
            nodes: Vec::with_capacity(source.len() / 24 + 8),
            elements: Vec::with_capacity(source.len() / 64 + 8),
            attributes: Vec::new(),
            declarations: Vec::new(),
            root: NONE,
        };
        let prefix = append(&mut document.pool, "xml");
        let uri = append(&mut document.pool, XML);
        document.declarations.push(Declaration { prefix, uri });
        Self { source, document, open: Vec::new(), scope: vec![0], position: 0 }
    }

    fn build(mut self) -> Result<Document, XmlError> {
        let mut reader = quick_xml::Reader::from_str(self.source);
        let config = reader.config_mut();
        config.check_end_names = true;
        config.allow_unmatched_ends = false;
        config.allow_dangling_amp = false;
        loop {
            self.position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let event = reader.read_event();
            match event.map_err(|error| self.error(error.to_string()))? {
                Event::Start(tag) => self.start(&tag, false)?,
                Event::Empty(tag) => {
                    self.start(&tag, true)?;
                    self.end(self.offset(&tag) + tag.len() as u32)?;
                }
                Event::End(name) => self.end(self.offset(&name).saturating_sub(2))?,
                Event::Text(text) => self.text(&text)?,
                Event::CData(text) => {
                    self.inside("a CDATA section")?;
                    if !text.is_empty() {
                        self.push(Kind::Text(self.span(&text)))?;
                    }
                }
                Event::GeneralRef(name) => {
                    self.inside("a reference")?;
                    let mut characters = String::new();
                    self.resolve(&name, &mut characters)?;
                    let span = append(&mut self.document.pool, &characters);
                    self.push(Kind::Text(span))?;
                }
                Event::Comment(text) => {
                    if text.contains("--") || text.ends_with('-') {
                        return Err(self.error("a comment with --"));
                    }
                    self.push(Kind::Comment(self.span(&text)))?;
                }
                Event::PI(instruction) => self.instruction(&instruction)?,
                Event::Decl(content) if self.position == 0 => self.declaration(&content)?,
                Event::Decl(_) => return Err(self.error("an XML declaration that is not first")),
                Event::DocType(_) => {
                    return Err(XmlError::Refused("a document type declaration".to_owned()));
                }
                Event::Eof => break,
            }
        }
        if !self.open.is_empty() {
            return Err(self.error("the document ends in an open element"));
        }
        if self.document.root == NONE {
            return Err(self.error("there is no root element"));
        }
        Ok(self.document)
    }

    fn start(&mut self, tag: &str, empty_tag: bool) -> Result<(), XmlError> {
        if self.open.is_empty() && self.document.root != NONE {
            return Err(self.error("a second root element"));
        }
        if self.open.len() >= limits::XML_DEPTH {
            return Err(XmlError::Limit("depth of XML elements"));
        }
        let name = tag.split(is_space).next().unwrap_or_default();
        let prefix_length = self.qualified(name)?;
        let scope = self.scope.len();
        let declarations = length(&self.document.declarations);
        let attributes = length(&self.document.attributes);
        self.attributes(tag.get(name.len()..).unwrap_or_default(), declarations)?;
        let prefix = name.get(..prefix_length as usize).unwrap_or_default();
        let name =
            Name { qualified: self.span(name), prefix_length, namespace: self.bind(prefix)? };
        self.settle_attributes(attributes as usize)?;

        let data = length(&self.document.elements);
        self.document.elements.push(ElementData {
            name,
            attributes: (attributes, length(&self.document.attributes)),
            declarations: (declarations, length(&self.document.declarations)),
            closes_at: 0,
            empty_tag,
        });
        let node = self.push(Kind::Element(data))?;
        if self.open.is_empty() {
            self.document.root = node;
        }
        self.open.push(Open { node, scope });
        Ok(())
    }

    fn end(&mut self, closes_at: u32) -> Result<(), XmlError> {
        let Some(open) = self.open.pop() else { return Err(self.error("an end tag too much")) };
        self.scope.truncate(open.scope);
        let end = length(&self.document.nodes);
        if let Some(node) = self.document.nodes.get_mut(open.node as usize) {
            node.end = end;
            if let Kind::Element(data) = node.kind
                && let Some(data) = self.document.elements.get_mut(data as usize)
            {
                data.closes_at = closes_at;
            }
        }
        Ok(())
    }

    /// Reads the attributes of a tag; declarations go to the scope, the others wait for
    /// [`Self::settle_attributes`], because a declaration may stand after its use.
    fn attributes(&mut self, mut rest: &str, own: u32) -> Result<(), XmlError> {
        let mut count = 0;
        loop {
            let found = rest.trim_start_matches(is_space);
            if found.is_empty() {
                return Ok(());
            }
            if found.len() == rest.len() {
                return Err(self.error("no white space before an attribute"));
            }
            count += 1;
            if count > limits::XML_ATTRIBUTES {
                return Err(XmlError::Limit("attributes of an XML element"));
            }
            let (name, after) =
                found.split_once('=').ok_or_else(|| self.error("an attribute without value"))?;
            let name = name.trim_end_matches(is_space);
            let prefix_length = self.qualified(name)?;
            let after = after.trim_start_matches(is_space);
            let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let quote = quote.ok_or_else(|| self.error("an attribute value without quotes"))?;
            let (value, after) = after
                .get(1..)
                .and_then(|after| after.split_once(quote))
                .ok_or_else(|| self.error("an attribute value without end"))?;
            rest = after;
            let value = self.value(value)?;
            match name.split_at_checked(prefix_length as usize) {
                Some(("", "xmlns")) => self.declare(Span::default(), value, own)?,
                Some(("xmlns", local)) => {
                    let local = self.span(local.get(1..).unwrap_or_default());
                    self.declare(local, value, own)?;
                }
                _ => {
                    let qualified = self.span(name);
                    let name = Name { qualified, prefix_length, namespace: NONE };
                    self.document.attributes.push(Attribute { name, value });
                }
            }
        }
    }

    /// Adds a namespace declaration to the scope (Namespaces §3 and §5).
    fn declare(&mut self, prefix: Span, uri: Span, own: u32) -> Result<(), XmlError> {
        let (name, value) = (self.document.str(prefix), self.document.str(uri));
        let reserved = value == XML || value == XMLNS;
        let wrong = match name {
            "xml" => (value != XML).then_some("the prefix xml is bound to another namespace"),
            "xmlns" => Some("the prefix xmlns is declared"),
            _ if reserved => Some("a reserved namespace is bound to another prefix"),
            "" if value.is_empty() => None,
            _ if value.is_empty() => Some("a prefix is taken back"),
            _ if !is_absolute_uri(value) => Some("a namespace name that is no absolute URI"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(self.error(wrong));
        }
        let of_this_element = self.document.declarations.get(own as usize..).unwrap_or_default();
        if of_this_element.iter().any(|other| self.document.str(other.prefix) == name) {
            return Err(self.error("a prefix is declared twice"));
        }
        self.scope.push(length(&self.document.declarations));
        self.document.declarations.push(Declaration { prefix, uri });
        if self.scope.len() > limits::XML_NAMESPACES_IN_SCOPE {
            return Err(XmlError::Limit("XML namespaces in scope"));
        }
        Ok(())
    }

    /// Resolves the prefixes of the attributes of this tag, puts them into canonical order and
    /// finds doubles, declarations included.
    fn settle_attributes(&mut self, from: usize) -> Result<(), XmlError> {
        for index in from..self.document.attributes.len() {
            let Some(Attribute { name, .. }) = self.document.attributes.get(index).copied() else {
                break;
            };
            if name.prefix_length > 0 {
                let namespace = self.bind(self.document.prefix(name))?;
                if let Some(attribute) = self.document.attributes.get_mut(index) {
                    attribute.name.namespace = namespace;
                }
            }
        }
        let mut attributes = std::mem::take(&mut self.document.attributes);
        let fresh = attributes.get_mut(from..).unwrap_or_default();
        let document = &self.document;
        let key = |a: &Attribute| (document.uri(a.name.namespace), document.local(a.name));
        fresh.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        let doubled = fresh.windows(2).any(|pair| matches!(pair, [a, b] if key(a) == key(b)));
        self.document.attributes = attributes;
        if doubled {
            return Err(self.error("an attribute stands twice"));
        }
        Ok(())
    }

    /// The declaration a prefix is bound to; [`NONE`] for no prefix and no default namespace.
    fn bind(&self, prefix: &str) -> Result<u32, XmlError> {
        let bound = self.scope.iter().rev().copied().find(|index| {
            let declaration = self.document.declarations.get(*index as usize);
            declaration.is_some_and(|found| self.document.str(found.prefix) == prefix)
        });
        match bound {
            Some(index) => Ok(index),
            None if prefix.is_empty() => Ok(NONE),
            None => Err(self.error("a prefix that is not declared")),
        }
    }

    /// Normalizes an attribute value (XML 1.0 §3.3.3, all attributes being CDATA).
    fn value(&mut self, raw: &str) -> Result<Span, XmlError> {
        if !raw.bytes().any(|octet| matches!(octet, b'<' | b'&' | b'\t' | b'\n')) {
            return Ok(self.span(raw));
        }
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find(['<', '&', '\t', '\n']) {
            let (plain, special) = rest.split_at(at);
            value.push_str(plain);
            rest = special.get(1..).unwrap_or_default();
            match special.as_bytes().first() {
                Some(b'<') => return Err(self.error("< in an attribute value")),
                Some(b'&') => {
                    let (name, after) = rest
                        .split_once(';')
                        .ok_or_else(|| self.error("a reference without end"))?;
                    self.resolve(name, &mut value)?;
                    rest = after;
                }
                _ => value.push(' '),
            }
        }
        value.push_str(rest);
        Ok(append(&mut self.document.pool, &value))
    }

    /// The character a reference stands for. Without a document type there are only the five
    /// predefined entities and character references (XML 1.0 §4.1, §4.6).
    fn resolve(&self, name: &str, out: &mut String) -> Result<(), XmlError> {
        let number = |digits: &str, radix| {
            let only_digits = digits.chars().all(|c| c.is_digit(radix));
            let code = u32::from_str_radix(digits, radix).ok().filter(|_| only_digits);
            code.and_then(char::from_u32).filter(|c| is_char(*c))
        };
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
                (Some(digits), _) => number(digits, 16),
                (None, Some(digits)) => number(digits, 10),
                (None, None) => None,
            },
        };
        out.push(character.ok_or_else(|| self.error("an unknown entity or character"))?);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        if text.is_empty() {
            return Ok(());
        }
        if self.open.is_empty() {
            return match text.chars().all(is_space) {
                true => Ok(()),
                false => Err(self.error("text outside the root element")),
            };
        }
        if text.contains("]]>") {
            return Err(self.error("]]> in text"));
        }
        self.push(Kind::Text(self.span(text)))?;
        Ok(())
    }

    fn instruction(&mut self, content: &str) -> Result<(), XmlError> {
        let target = content.split(is_space).next().unwrap_or_default();
        if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            return Err(self.error("a processing instruction without a proper target"));
        }
        let data = content.get(target.len()..).unwrap_or_default().trim_start_matches(is_space);
        self.push(Kind::Instruction(self.span(target), self.span(data)))?;
        Ok(())
    }

    /// Checks `xml version="1.0" encoding="UTF-8" standalone="no"` (XML 1.0 §2.8, §4.3.3).
    fn declaration(&self, content: &str) -> Result<(), XmlError> {
        let mut rest = content.strip_prefix("xml").unwrap_or_default();
        let mut expected = ["version", "encoding", "standalone"].into_iter();
        let mut first = true;
        loop {
            let found = rest.trim_start_matches(is_space);
            if found.is_empty() && !first {
                return Ok(());
            }
            let wrong = || self.error("a broken XML declaration");
            let (name, after) = found.split_once('=').ok_or_else(wrong)?;
            let name = name.trim_end_matches(is_space);
            if found.len() == rest.len() || !expected.any(|expected| expected == name) {
                return Err(wrong());
            }
            if first && name != "version" {
                return Err(wrong());
            }
            first = false;
            let after = after.trim_start_matches(is_space);
            let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let quote = quote.ok_or_else(wrong)?;
            let (value, after) =
                after.get(1..).and_then(|after| after.split_once(quote)).ok_or_else(wrong)?;
            match (name, value) {
                ("version", "1.0") | ("standalone", "yes" | "no") => {}
                ("version", _) => {
                    return Err(XmlError::Refused("an XML version other than 1.0".to_owned()));
                }
                ("encoding", encoding) if encoding.eq_ignore_ascii_case("UTF-8") => {}
                ("encoding", _) => {
                    return Err(XmlError::Refused("an encoding other than UTF-8".to_owned()));
                }
                _ => return Err(wrong()),
            }
            rest = after;
        }
    }

    fn push(&mut self, kind: Kind) -> Result<u32, XmlError> {
        let index = length(&self.document.nodes);
        if self.document.nodes.len() >= limits::XML_NODES {
            return Err(XmlError::Limit("XML nodes"));
        }
        let parent = self.open.last().map_or(NONE, |open| open.node);
        self.document.nodes.push(Node { kind, parent, end: index + 1 });
        Ok(index)
    }

    fn inside(&self, what: &str) -> Result<(), XmlError> {
        match self.open.is_empty() {
            true => Err(self.error(format!("{what} outside the root element"))),
            false => Ok(()),
        }
    }

    fn qualified(&self, name: &str) -> Result<u32, XmlError> {
        match qualified(name) {
            Some(prefix_length) => Ok(prefix_length as u32),
            None => Err(self.error("a name that is no qualified name")),
        }
    }

    /// Events borrow from the source, so the place of a piece is the distance of the pointers.
    fn offset(&self, piece: &str) -> u32 {
        let distance = (piece.as_ptr() as usize).wrapping_sub(self.source.as_ptr() as usize);
        u32::try_from(distance).unwrap_or_default()
    }

    fn span(&self, piece: &str) -> Span {
        Span { start: self.offset(piece), length: piece.len() as u32 }
    }

    fn error(&self, what: impl Into<String>) -> XmlError {
        malformed(self.position, what)
    }
}

/// Line ends as XML 1.0 §2.11 has them: before anything else, CR LF and CR become LF.
fn line_ends(source: &str) -> Cow<'_, str> {
    if source.bytes().any(|octet| octet == b'\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

fn append(pool: &mut String, text: &str) -> Span {
    let start = pool.len() as u32;
    pool.push_str(text);
    Span { start, length: text.len() as u32 }
}

/// Lengths fit: the document limit is far under 4 GiB.
fn length<T>(items: &[T]) -> u32 {
    items.len() as u32
}

fn malformed(position: usize, what: impl Into<String>) -> XmlError {
    XmlError::Malformed { position, what: what.into() }
}

#[cfg(test)]
mod tests {
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
        assert!(matches!(
            Document::parse(format!("<a{wide}/>").as_bytes()),
            Err(XmlError::Limit(_))
        ));
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
}
