//! From octets to the checked tree. quick-xml finds the markup; every rule it leaves to others is
//! checked here.

mod tag;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use quick_xml::events::Event;

use super::chars::{forbidden, is_char, is_ncname, is_space, qualified};
use super::document::{Declaration, Document, ElementData, Kind, NONE, Name, Node, Span};
use super::{XML, XmlError};
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
        // Searching a string costs more than finding that the octet is not there.
        if text.bytes().any(|octet| octet == b'>') && text.contains("]]>") {
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
