//! The walk over the tree that writes a canonical form.

use std::borrow::Cow;

use super::super::document::{Attribute, Document, Element, Kind, Name, Span};
use super::super::{XML, XmlError};
use super::{Canonicalization, Method, Sink, Subset, base};

/// An element whose end tag is still to come.
struct Open {
    end: u32,
    name: Span,
    /// Length of `rendered` before it.
    rendered: usize,
}

pub(super) struct Walk<'a, S> {
    document: &'a Document,
    how: &'a Canonicalization,
    sink: &'a mut S,
    left: usize,
    /// Namespaces written on the open elements: prefix and name, the nearest last.
    rendered: Vec<(&'a str, &'a str)>,
    open: Vec<Open>,
}

impl<'a, S: Sink> Walk<'a, S> {
    pub(super) fn new(
        document: &'a Document,
        how: &'a Canonicalization,
        limit: usize,
        sink: &'a mut S,
    ) -> Self {
        Self { document, how, sink, left: limit, rendered: Vec::new(), open: Vec::new() }
    }

    pub(super) fn run(mut self, subset: Subset<'_>) -> Result<(), XmlError> {
        let document = self.document;
        let (mut at, end) = match subset.apex {
            None => (0, document.nodes.len() as u32),
            Some(apex) => (apex.index, apex.node().end),
        };
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
                Kind::Text(text) => self.escaped(document.str(text), &TEXT)?,
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
        self.close(end)
    }

    /// Writes the end tags of the elements that end before node `at`.
    fn close(&mut self, at: u32) -> Result<(), XmlError> {
        while let Some(open) = self.open.pop_if(|open| open.end <= at) {
            self.rendered.truncate(open.rendered);
            self.put("</")?;
            self.put(self.document.str(open.name))?;
            self.put(">")?;
        }
        Ok(())
    }

    fn start(&mut self, element: Element<'a>, end: u32, apex: bool) -> Result<(), XmlError> {
        let data = element.data();
        let name = data.name.qualified;
        let rendered = self.rendered.len();
        self.open.push(Open { end, name, rendered });
        self.put("<")?;
        self.put(self.document.str(name))?;
        match self.how.method {
            Method::Exclusive => self.exclusive_namespaces(element, apex),
            Method::Inclusive10 | Method::Inclusive11 => self.inclusive_namespaces(element, apex),
        }
        self.write_namespaces(rendered)?;
        if apex && self.how.method != Method::Exclusive && element.parent().is_some() {
            for (name, value) in self.apex_attributes(element) {
                self.attribute(name, &value)?;
            }
        } else {
            for attribute in element.attribute_data() {
                self.attribute(attribute.name, self.document.str(attribute.value))?;
            }
        }
        self.put(">")
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
        let known = self.rendered.iter().rev().find(|(known, _)| *known == prefix);
        let known = known.map_or("", |(_, uri)| uri);
        if known != uri && prefix != "xml" {
            self.rendered.push((prefix, uri));
        }
    }

    fn write_namespaces(&mut self, from: usize) -> Result<(), XmlError> {
        if let Some(fresh) = self.rendered.get_mut(from..) {
            fresh.sort_unstable();
        }
        for index in from..self.rendered.len() {
            let Some((prefix, uri)) = self.rendered.get(index).copied() else { break };
            let name = if prefix.is_empty() { " xmlns" } else { " xmlns:" };
            self.put(name)?;
            self.put(prefix)?;
            self.put("=\"")?;
            self.escaped(uri, &ATTRIBUTE)?;
            self.put("\"")?;
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

    fn attribute(&mut self, name: Name, value: &str) -> Result<(), XmlError> {
        self.put(" ")?;
        self.put(self.document.str(name.qualified))?;
        self.put("=\"")?;
        self.escaped(value, &ATTRIBUTE)?;
        self.put("\"")
    }

    /// Writes a comment or instruction, on its own line beside the root element.
    fn aside(&mut self, at: u32, beside_root: bool, pieces: &[&str]) -> Result<(), XmlError> {
        if beside_root && at > self.document.root {
            self.put("\n")?;
        }
        for piece in pieces {
            self.put(piece)?;
        }
        if beside_root && at < self.document.root {
            self.put("\n")?;
        }
        Ok(())
    }

    fn escaped(&mut self, text: &str, escapes: &Escapes) -> Result<(), XmlError> {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|octet| escapes.special[octet as usize]) {
            let (plain, special) = rest.split_at(at);
            self.put(plain)?;
            let octet = special.as_bytes().first().copied().unwrap_or_default();
            self.put((escapes.replacement)(octet))?;
            rest = special.get(1..).unwrap_or_default();
        }
        self.put(rest)
    }

    fn put(&mut self, text: &str) -> Result<(), XmlError> {
        let left = self.left.checked_sub(text.len());
        self.left = left.ok_or(XmlError::Limit("octets of a canonical form"))?;
        self.sink.take(text.as_bytes());
        Ok(())
    }
}

/// The octets that are written otherwise, and how.
struct Escapes {
    special: [bool; 256],
    replacement: fn(u8) -> &'static str,
}

static TEXT: Escapes = Escapes { special: marked(b"&<>\r"), replacement };
static ATTRIBUTE: Escapes = Escapes { special: marked(b"&<\"\t\n\r"), replacement };

const fn marked(octets: &[u8]) -> [bool; 256] {
    let mut special = [false; 256];
    let mut at = 0;
    while at < octets.len() {
        special[octets[at] as usize] = true;
        at += 1;
    }
    special
}

fn replacement(octet: u8) -> &'static str {
    match octet {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\t' => "&#x9;",
        b'\n' => "&#xA;",
        _ => "&#xD;",
    }
}
