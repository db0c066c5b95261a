//! From octets to the checked tree, in one pass: what is no well-formed document, or is one that
//! is never taken here, ends it.

mod declaration;
mod scan;
mod tag;
#[cfg(test)]
mod tests;

use memchr::{memchr, memchr3, memmem};

use super::chars::{is_char, is_ncname, is_space, qualified};
use super::document::{
    Declaration, Document, ElementData, Kind, NONE, Name, Node, Span, same_name,
};
use super::{XML, XmlError};
use crate::limits;
use scan::{NAME, SPACE, START, is};

impl Document {
    /// Parses and checks a document.
    ///
    /// Taken is XML 1.0 with namespaces in UTF-8. Beside what is not well-formed, these are
    /// refused: a document type declaration, XML 1.1, another encoding, unbound prefixes, names
    /// with two colons, attributes that are equal once prefixes are resolved, namespace names that
    /// are no absolute URIs (C14N 1.0 §1.3), and what passes the XML limits of `limits.rs`.
    ///
    /// # Errors
    /// [`XmlError::Malformed`], [`XmlError::Refused`], [`XmlError::Limit`].
    pub fn parse(octets: &[u8]) -> Result<Self, XmlError> {
        if octets.len() > limits::DOCUMENT_BYTES {
            return Err(XmlError::Limit("octets of an XML document"));
        }
        let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
        let source = simdutf8::compat::from_utf8(octets)
            .map_err(|error| malformed(error.valid_up_to(), "not UTF-8"))?;
        if source.starts_with('\u{FEFF}') {
            return Err(malformed(0, "a second byte order mark"));
        }
        let source = scan::checked(source)?;
        Builder::new(&source).build()
    }
}

/// One element that is open while parsing.
struct Open {
    node: u32,
    /// Its qualified name.
    name: Span,
    /// Length of the scope before its declarations.
    scope: usize,
}

struct Builder<'x> {
    source: &'x str,
    octets: &'x [u8],
    /// Where reading stands.
    at: usize,
    document: Document,
    open: Vec<Open>,
    /// Indices of the declarations in scope, the nearest last.
    scope: Vec<u32>,
}

impl<'x> Builder<'x> {
    fn new(source: &'x str) -> Self {
        // The declaration of the prefix `xml` stands first; its characters come after the source.
        let mut pool = String::with_capacity(source.len() + source.len() / 32 + 64);
        pool.push_str(source);
        let mut document = Document {
            pool,
            source_length: source.len(),
            nodes: Vec::with_capacity(source.len() / 24 + 8),
            elements: Vec::with_capacity(source.len() / 64 + 8),
            attributes: Vec::with_capacity(source.len() / 256 + 8),
            declarations: Vec::with_capacity(8),
            with_ids: Vec::new(),
            root: NONE,
        };
        let prefix = append(&mut document.pool, "xml");
        let uri = append(&mut document.pool, XML);
        document.declarations.push(Declaration { prefix, uri });
        let octets = source.as_bytes();
        Self { source, octets, at: 0, document, open: Vec::with_capacity(16), scope: vec![0] }
    }

    fn build(mut self) -> Result<Document, XmlError> {
        self.declaration()?;
        while let Some(octet) = self.octets.get(self.at) {
            match (octet, self.octets.get(self.at + 1)) {
                (b'<', Some(b'/')) => self.end_tag()?,
                (b'<', Some(b'!')) => self.aside()?,
                (b'<', Some(b'?')) => self.instruction()?,
                (b'<', _) => self.start_tag()?,
                (b'&', _) => self.reference()?,
                _ => self.text()?,
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

    fn start_tag(&mut self) -> Result<(), XmlError> {
        if self.open.is_empty() && self.document.root != NONE {
            return Err(self.error("a second root element"));
        }
        if self.open.len() >= limits::XML_DEPTH {
            return Err(XmlError::Limit("depth of XML elements"));
        }
        self.at += 1;
        let (qualified, prefix_length) = self.name()?;
        let scope = self.scope.len();
        let declarations = length(&self.document.declarations);
        let attributes = length(&self.document.attributes);
        let (empty_tag, has_id) = self.attributes(declarations)?;
        let prefix = Span { start: qualified.start, length: prefix_length };
        let namespace = self.bind(prefix)?;
        self.settle_attributes(attributes as usize)?;

        let data = length(&self.document.elements);
        self.document.elements.push(ElementData {
            name: Name { qualified, prefix_length, namespace },
            attributes: (attributes, length(&self.document.attributes)),
            declarations: (declarations, length(&self.document.declarations)),
            closes_at: (self.at as u32).saturating_sub(2),
            empty_tag,
        });
        let node = self.push(Kind::Element(data))?;
        if has_id {
            self.document.with_ids.push(node);
        }
        if self.open.is_empty() {
            self.document.root = node;
        }
        match empty_tag {
            true => self.scope.truncate(scope),
            false => self.open.push(Open { node, name: qualified, scope }),
        }
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), XmlError> {
        let Some(open) = self.open.pop() else { return Err(self.error("an end tag too much")) };
        let closes_at = self.at as u32;
        let name = self.document.octets(open.name);
        let from = self.at + 2;
        let written = self.octets.get(from..from + name.len());
        if !written.is_some_and(|written| same_name(written, name)) {
            return Err(self.error("an end tag that is not that of the open element"));
        }
        self.at = from + name.len();
        self.skip_space();
        if self.octets.get(self.at) != Some(&b'>') {
            return Err(self.error("an end tag that is not that of the open element"));
        }
        self.at += 1;
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

    /// Text up to the next markup or reference. Markup ends before it, so it is never empty.
    fn text(&mut self) -> Result<(), XmlError> {
        let from = self.at;
        if self.open.is_empty() {
            self.skip_space();
            return match self.octets.get(self.at) {
                Some(b'<') | None => Ok(()),
                Some(_) => Err(self.error("text outside the root element")),
            };
        }
        let mut at = from;
        while let Some(found) = memchr3(b'<', b'&', b']', self.octets.get(at..).unwrap_or_default())
        {
            at += found;
            match self.octets.get(at..) {
                Some([b']', b']', b'>', ..]) => return Err(self.error("]]> in text")),
                Some([b']', ..]) => at += 1,
                _ => {
                    self.at = at;
                    return self.push(Kind::Text(span(from, at))).map(drop);
                }
            }
        }
        Err(self.error("the document ends in an open element"))
    }

    fn reference(&mut self) -> Result<(), XmlError> {
        self.inside("a reference")?;
        let rest = self.source.get(self.at + 1..).unwrap_or_default();
        let name = memchr(b';', rest.as_bytes()).and_then(|end| rest.get(..end));
        let name = name.ok_or_else(|| self.error("a reference without end"))?;
        let start = self.document.pool.len() as u32;
        let character = self.resolve(name)?;
        self.document.pool.push(character);
        self.at += name.len() + 2;
        self.push(Kind::Text(Span { start, length: character.len_utf8() as u32 })).map(drop)
    }

    /// The character a reference stands for. Without a document type there are only the five
    /// predefined entities and character references (XML 1.0 §4.1, §4.6).
    fn resolve(&self, name: &str) -> Result<char, XmlError> {
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
        character.ok_or_else(|| self.error("an unknown entity or character"))
    }

    /// A comment or a CDATA section; a document type declaration is refused.
    fn aside(&mut self) -> Result<(), XmlError> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        if let Some(inside) = rest.strip_prefix(b"<!--") {
            // No `--` in a comment, and no `-` at its end (XML 1.0 §2.5).
            let end = memmem::find(inside, b"--");
            let end = end.ok_or_else(|| self.error("a comment without end"))?;
            if inside.get(end + 2) != Some(&b'>') {
                return Err(self.error("a comment with --"));
            }
            let from = self.at + 4;
            self.at = from + end + 3;
            self.push(Kind::Comment(span(from, from + end)))?;
        } else if let Some(inside) = rest.strip_prefix(b"<![CDATA[") {
            self.inside("a CDATA section")?;
            let end = memmem::find(inside, b"]]>");
            let end = end.ok_or_else(|| self.error("a CDATA section without end"))?;
            let from = self.at + 9;
            self.at = from + end + 3;
            if end > 0 {
                self.push(Kind::Text(span(from, from + end)))?;
            }
        } else if rest.get(2..9).is_some_and(|word| word.eq_ignore_ascii_case(b"DOCTYPE")) {
            return Err(XmlError::Refused("a document type declaration".to_owned()));
        } else {
            return Err(self.error("markup that is none"));
        }
        Ok(())
    }

    fn instruction(&mut self) -> Result<(), XmlError> {
        let rest = self.octets.get(self.at + 2..).unwrap_or_default();
        let end = memmem::find(rest, b"?>");
        let end = end.ok_or_else(|| self.error("a processing instruction without end"))?;
        let from = self.at + 2;
        let content = self.source.get(from..from + end).unwrap_or_default();
        let target = content.split(is_space).next().unwrap_or_default();
        if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            return Err(self.error("a processing instruction without a proper target"));
        }
        let data = content.get(target.len()..).unwrap_or_default().trim_start_matches(is_space);
        let (target, data) =
            (span(from, from + target.len()), span(from + end - data.len(), from + end));
        self.at = from + end + 2;
        self.push(Kind::Instruction(target, data)).map(drop)
    }

    /// A qualified name, with the length of its prefix (Namespaces §4).
    fn name(&mut self) -> Result<(Span, u32), XmlError> {
        let from = self.at;
        let rest = self.octets.get(from..).unwrap_or_default();
        let (mut count, mut all, mut colon) = (0, 0, None);
        while let Some(octet) = rest.get(count).filter(|octet| is(**octet, NAME)) {
            if *octet == b':' && colon.replace(count).is_some() {
                return Err(self.error("a name that is no qualified name"));
            }
            all |= octet;
            count += 1;
        }
        let local = colon.map_or(0, |colon| colon + 1);
        let begins = |at: usize| rest.get(at).is_some_and(|octet| is(*octet, START));
        let mut good = begins(0) && begins(local) && count > local;
        if all >= 0x80 {
            let name = self.source.get(from..from + count);
            good = name.is_some_and(|name| qualified(name).is_some());
        }
        self.at = from + count;
        match good {
            true => Ok((span(from, self.at), colon.unwrap_or_default() as u32)),
            false => Err(self.error("a name that is no qualified name")),
        }
    }

    fn skip_space(&mut self) {
        while self.octets.get(self.at).is_some_and(|octet| is(*octet, SPACE)) {
            self.at += 1;
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

    #[cold]
    fn error(&self, what: impl Into<String>) -> XmlError {
        malformed(self.at, what)
    }
}

fn span(from: usize, to: usize) -> Span {
    Span { start: from as u32, length: (to - from) as u32 }
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
