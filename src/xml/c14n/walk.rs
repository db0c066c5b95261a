//! The walk over the tree that writes a canonical form. Most of a form stands in the source as it
//! is: such pieces are only noted, and what lies side by side is handed on in one go.

use std::borrow::Cow;

use memchr::memchr;

use super::super::document::{Attribute, Document, Element, Kind, Name, Span, same_name};
use super::super::{XML, XmlError};
use super::{Canonicalization, Method, Sink, Subset, base};

/// An element whose end tag is still to come.
struct Open<'a> {
    end: u32,
    element: Element<'a>,
    /// Length of `rendered` before it.
    rendered: usize,
}

pub(super) struct Walk<'a, S> {
    document: &'a Document,
    octets: &'a [u8],
    how: &'a Canonicalization,
    sink: &'a mut S,
    left: usize,
    /// A piece of the source that is still to be written.
    kept: (usize, usize),
    /// Namespaces written on the open elements: prefix and name, the nearest last.
    rendered: Vec<(&'a str, &'a str)>,
    open: Vec<Open<'a>>,
}

impl<'a, S: Sink> Walk<'a, S> {
    pub(super) fn new(
        document: &'a Document,
        how: &'a Canonicalization,
        limit: usize,
        sink: &'a mut S,
    ) -> Self {
        let octets = document.pool.as_bytes();
        let (rendered, open) = (Vec::with_capacity(8), Vec::with_capacity(16));
        Self { document, octets, how, sink, left: limit, kept: (0, 0), rendered, open }
    }

    pub(super) fn run(mut self, subset: Subset<'_>) -> Result<(), XmlError> {
        let document = self.document;
        let (mut at, end) = match subset.apex {
            None => (0, document.nodes.len() as u32),
            Some(apex) => (apex.index, apex.node().end),
        };
        if subset.apex.is_some_and(|apex| subset.excluded.iter().any(|one| one.contains(apex))) {
            return Ok(());
        }
        while at < end {
            self.close(at)?;
            let Some(node) = document.nodes.get(at as usize) else { break };
            let beside_root = subset.apex.is_none() && self.open.is_empty();
            match node.kind {
                Kind::Element(_) => {
                    if subset.excluded.iter().any(|excluded| excluded.index == at) {
                        at = node.end;
                        continue;
                    }
                    let apex = subset.apex.is_some_and(|apex| apex.index == at);
                    self.start(Element { document, index: at }, node.end, apex)?;
                }
                Kind::Text(text) => self.text(text)?,
                Kind::Comment(_) if !self.how.comments => {}
                Kind::Comment(text) => {
                    self.aside(at, beside_root, &["<!--", document.str(text), "-->"])?;
                }
                Kind::Instruction(target, data) => {
                    let (target, data) = (document.str(target), document.str(data));
                    let space = if data.is_empty() { "" } else { " " };
                    self.aside(at, beside_root, &["<?", target, space, data, "?>"])?;
                }
            }
            at += 1;
        }
        self.close(end)?;
        self.flush()
    }

    /// Writes the end tags of the elements that end before node `at`.
    fn close(&mut self, at: u32) -> Result<(), XmlError> {
        while let Some(open) = self.open.pop_if(|open| open.end <= at) {
            self.rendered.truncate(open.rendered);
            let data = open.element.data();
            let name = data.name.qualified;
            if data.empty_tag {
                self.put(b"</")?;
                self.keep(name.start as usize, name.length as usize)?;
            } else {
                self.keep(data.closes_at as usize, 2 + name.length as usize)?;
            }
            self.angle()?;
        }
        Ok(())
    }

    fn start(&mut self, element: Element<'a>, end: u32, apex: bool) -> Result<(), XmlError> {
        let name = element.data().name.qualified;
        let rendered = self.rendered.len();
        self.open.push(Open { end, element, rendered });
        // The name with the angle before it.
        self.keep((name.start as usize).saturating_sub(1), name.length as usize + 1)?;
        match self.how.method {
            Method::Exclusive => self.exclusive_namespaces(element, apex),
            Method::Inclusive10 | Method::Inclusive11 => self.inclusive_namespaces(element, apex),
        }
        self.write_namespaces(rendered)?;
        if apex && self.how.method != Method::Exclusive && element.parent().is_some() {
            for (name, value) in self.apex_attributes(element) {
                self.written(name, value.as_bytes())?;
            }
        } else {
            for attribute in element.attribute_data() {
                if !self.is_empty_base(attribute) {
                    self.attribute(attribute)?;
                }
            }
        }
        self.angle()
    }

    fn inclusive_namespaces(&mut self, element: Element<'a>, apex: bool) {
        let document = self.document;
        if !apex {
            for declared in element.declarations() {
                self.render(document.str(declared.prefix), document.str(declared.uri));
            }
            return;
        }
        let mut seen: Vec<&str> = Vec::new();
        let mut at = Some(element);
        while let Some(element) = at {
            for declared in element.declarations() {
                let prefix = document.str(declared.prefix);
                if !seen.contains(&prefix) {
                    seen.push(prefix);
                    self.render(prefix, document.str(declared.uri));
                }
            }
            at = element.parent();
        }
    }

    fn exclusive_namespaces(&mut self, element: Element<'a>, apex: bool) {
        let document = self.document;
        let name = element.data().name;
        self.render(document.prefix(name), document.uri(name.namespace));
        for attribute in element.attribute_data() {
            let name = attribute.name;
            if name.prefix_length > 0 {
                self.render(document.prefix(name), document.uri(name.namespace));
            }
        }
        let how = self.how;
        if apex {
            for prefix in &how.inclusive_prefixes {
                if let Some((prefix, uri)) = element.binding(prefix) {
                    self.render(prefix, uri);
                }
            }
        } else if !how.inclusive_prefixes.is_empty() {
            for declared in element.declarations() {
                let prefix = document.str(declared.prefix);
                if how.inclusive_prefixes.iter().any(|listed| listed == prefix) {
                    self.render(prefix, document.str(declared.uri));
                }
            }
        }
    }

    /// Notes a namespace for writing, unless the nearest written one of its prefix is the same.
    fn render(&mut self, prefix: &'a str, uri: &'a str) {
        let mut known = self.rendered.iter().rev();
        let known = known.find(|(known, _)| same_name(known.as_bytes(), prefix.as_bytes()));
        let known = known.map_or("", |(_, uri)| uri);
        // Mostly it is the same declaration, which need not be compared letter by letter.
        if !std::ptr::eq(known, uri) && known != uri && prefix != "xml" {
            self.rendered.push((prefix, uri));
        }
    }

    fn write_namespaces(&mut self, from: usize) -> Result<(), XmlError> {
        if self.rendered.len() == from {
            return Ok(());
        }
        if let Some(fresh) = self.rendered.get_mut(from..) {
            fresh.sort_unstable();
        }
        for index in from..self.rendered.len() {
            let Some((prefix, uri)) = self.rendered.get(index).copied() else { break };
            let name: &[u8] = if prefix.is_empty() { b" xmlns" } else { b" xmlns:" };
            self.put(name)?;
            self.put(prefix.as_bytes())?;
            self.put(b"=\"")?;
            self.escaped(uri.as_bytes(), &ATTRIBUTE)?;
            self.put(b"\"")?;
        }
        Ok(())
    }

    /// The attributes of an apex with those of the prefix `xml` it inherits from elements that
    /// are not in the subset (C14N 1.0 §2.4, C14N 1.1 §2.4), in canonical order.
    fn apex_attributes(&self, apex: Element<'a>) -> Vec<(Name, Cow<'a, str>)> {
        let document = self.document;
        let value = |attribute: &Attribute| Cow::Borrowed(document.str(attribute.value));
        let own = apex.attribute_data().iter();
        let mut all: Vec<_> = own.map(|attribute| (attribute.name, value(attribute))).collect();
        let mut at = apex.parent();
        while let Some(element) = at {
            for attribute in element.attribute_data() {
                let name = attribute.name;
                if document.uri(name.namespace) != XML {
                    continue;
                }
                let local = document.local(name);
                let nearer = all.iter_mut().find(|(other, _)| {
                    document.uri(other.namespace) == XML && document.local(*other) == local
                });
                match (self.how.method, local, nearer) {
                    (Method::Inclusive11, "base", Some((_, value))) => {
                        *value = Cow::Owned(base::join(document.str(attribute.value), value));
                    }
                    (Method::Inclusive10, _, None)
                    | (Method::Inclusive11, "lang" | "space" | "base", None) => {
                        all.push((name, value(attribute)));
                    }
                    _ => {}
                }
            }
            at = element.parent();
        }
        if self.how.method == Method::Inclusive11 {
            all.retain(|(name, value)| {
                !(value.is_empty()
                    && document.local(*name) == "base"
                    && document.uri(name.namespace) == XML)
            });
        }
        all.sort_by(|(a, _), (b, _)| {
            let key = |name: &Name| (document.uri(name.namespace), document.local(*name));
            key(a).cmp(&key(b))
        });
        all
    }

    /// C14N 1.1 writes no empty `xml:base` (§2.4 says so of joined ones; libxml2 and so everybody
    /// who signs with it has it of all).
    fn is_empty_base(&self, attribute: &Attribute) -> bool {
        let name = attribute.name;
        attribute.value.length == 0
            && self.how.method == Method::Inclusive11
            && self.document.local(name) == "base"
            && self.document.uri(name.namespace) == XML
    }

    /// An attribute that stands in the source as it is written canonically: a space before it,
    /// nothing around `=`, double quotes, and a value that needed no normalization (so that there
    /// is nothing in it to escape).
    fn attribute(&mut self, attribute: &Attribute) -> Result<(), XmlError> {
        let (name, value) = (attribute.name.qualified, attribute.value);
        let (from, name_end) = (name.start as usize, (name.start + name.length) as usize);
        let (start, end) = (value.start as usize, (value.start + value.length) as usize);
        let as_written = start == name_end + 2
            && end < self.document.source_length
            && self.octets.get(name_end..start) == Some(b"=\"")
            && self.octets.get(from.wrapping_sub(1)) == Some(&b' ');
        if as_written {
            return self.keep(from - 1, end + 2 - from);
        }
        self.written(attribute.name, self.document.octets(value))
    }

    fn written(&mut self, name: Name, value: &[u8]) -> Result<(), XmlError> {
        self.put(b" ")?;
        self.put(self.document.octets(name.qualified))?;
        self.put(b"=\"")?;
        self.escaped(value, &ATTRIBUTE)?;
        self.put(b"\"")
    }

    /// Text of the source has neither `<` nor `&` nor CR in it; that of a CDATA section may have
    /// the first two, and that of a reference is one character of any kind.
    fn text(&mut self, text: Span) -> Result<(), XmlError> {
        let octets = self.document.octets(text);
        let (mut start, end) = (text.start as usize, (text.start + text.length) as usize);
        let in_section = self.octets.get(start.wrapping_sub(1)) == Some(&b'[');
        if start >= self.document.source_length || in_section {
            return self.escaped(octets, &TEXT);
        }
        while let Some(found) = memchr(b'>', self.octets.get(start..end).unwrap_or_default()) {
            self.keep(start, found)?;
            self.put(b"&gt;")?;
            start += found + 1;
        }
        self.keep(start, end - start)
    }

    /// Writes a comment or instruction, on its own line beside the root element.
    fn aside(&mut self, at: u32, beside_root: bool, pieces: &[&str]) -> Result<(), XmlError> {
        if beside_root && at > self.document.root {
            self.put(b"\n")?;
        }
        for piece in pieces {
            self.put(piece.as_bytes())?;
        }
        if beside_root && at < self.document.root {
            self.put(b"\n")?;
        }
        Ok(())
    }

    fn escaped(&mut self, text: &[u8], escapes: &[bool; 256]) -> Result<(), XmlError> {
        let mut rest = text;
        while let Some(at) = rest.iter().position(|octet| escapes[*octet as usize]) {
            let (plain, special) = rest.split_at(at);
            self.put(plain)?;
            let Some((octet, after)) = special.split_first() else { break };
            self.put(replacement(*octet))?;
            rest = after;
        }
        self.put(rest)
    }

    /// The `>` of a tag. Where it follows in the source, it goes with what is kept.
    fn angle(&mut self) -> Result<(), XmlError> {
        if self.kept.0 < self.kept.1 && self.octets.get(self.kept.1) == Some(&b'>') {
            self.kept.1 += 1;
            return Ok(());
        }
        self.put(b">")
    }

    /// Writes a piece of the source, as soon as something else follows it.
    fn keep(&mut self, start: usize, length: usize) -> Result<(), XmlError> {
        if self.kept.1 != start {
            self.flush()?;
            self.kept = (start, start);
        }
        self.kept.1 += length;
        Ok(())
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), XmlError> {
        self.flush()?;
        self.hand_on(octets)
    }

    fn flush(&mut self) -> Result<(), XmlError> {
        let (from, to) = std::mem::take(&mut self.kept);
        self.hand_on(self.octets.get(from..to).unwrap_or_default())
    }

    fn hand_on(&mut self, octets: &[u8]) -> Result<(), XmlError> {
        let left = self.left.checked_sub(octets.len());
        self.left = left.ok_or(XmlError::Limit("octets of a canonical form"))?;
        if !octets.is_empty() {
            self.sink.take(octets);
        }
        Ok(())
    }
}

/// The octets that are written otherwise.
static TEXT: [bool; 256] = marked(b"&<>\r");
static ATTRIBUTE: [bool; 256] = marked(b"&<\"\t\n\r");

const fn marked(octets: &[u8]) -> [bool; 256] {
    let mut special = [false; 256];
    let mut at = 0;
    while at < octets.len() {
        special[octets[at] as usize] = true;
        at += 1;
    }
    special
}

fn replacement(octet: u8) -> &'static [u8] {
    match octet {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        b'\t' => b"&#x9;",
        b'\n' => b"&#xA;",
        _ => b"&#xD;",
    }
}
