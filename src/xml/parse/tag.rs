//! Attributes and namespace declarations of a start tag.

use memchr::{memchr2, memchr3};

use super::super::chars::is_absolute_uri;
use super::super::document::{Attribute, Declaration, NONE, Name, Span, same_name};
use super::super::{DSIG, XADES, XML, XMLNS, XmlError};
use super::{Builder, append, length, span};
use crate::limits;

impl Builder<'_> {
    /// Reads the attributes of a tag up to its end; says whether it is an empty-element tag, and
    /// whether an attribute may be an id. Declarations go to the scope, the others wait for
    /// [`Self::settle_attributes`], because a declaration may stand after its use.
    pub(super) fn attributes(&mut self, own: u32) -> Result<(bool, bool), XmlError> {
        let (mut count, mut has_id) = (0, false);
        loop {
            let before = self.at;
            self.skip_space();
            match self.octets.get(self.at..).unwrap_or_default() {
                [b'>', ..] => {
                    self.at += 1;
                    return Ok((false, has_id));
                }
                [b'/', b'>', ..] => {
                    self.at += 2;
                    return Ok((true, has_id));
                }
                [] => return Err(self.error("a tag without end")),
                _ if before == self.at => {
                    return Err(self.error("no white space before an attribute"));
                }
                _ => {}
            }
            count += 1;
            if count > limits::XML_ATTRIBUTES {
                return Err(XmlError::Limit("attributes of an XML element"));
            }
            let (qualified, prefix_length) = self.name()?;
            self.skip_space();
            if self.octets.get(self.at) != Some(&b'=') {
                return Err(self.error("an attribute without value"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value()?;
            let prefix = Span { start: qualified.start, length: prefix_length };
            let local = after_prefix(qualified, prefix_length);
            if self.document.octets(qualified) == b"xmlns" {
                self.declare(Span::default(), value, own)?;
            } else if self.document.octets(prefix) == b"xmlns" {
                self.declare(local, value, own)?;
            } else {
                has_id |= self.document.octets(local).eq_ignore_ascii_case(b"id");
                let name = Name { qualified, prefix_length, namespace: NONE };
                self.document.attributes.push(Attribute { name, value });
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
            _ if ![DSIG, XADES].contains(&value) && !is_absolute_uri(value) => {
                Some("a namespace name that is no absolute URI")
            }
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
    pub(super) fn settle_attributes(&mut self, from: usize) -> Result<(), XmlError> {
        for index in from..self.document.attributes.len() {
            let Some(Attribute { name, .. }) = self.document.attributes.get(index).copied() else {
                break;
            };
            if name.prefix_length > 0 {
                let prefix = Span { start: name.qualified.start, length: name.prefix_length };
                let namespace = self.bind(prefix)?;
                if let Some(attribute) = self.document.attributes.get_mut(index) {
                    attribute.name.namespace = namespace;
                }
            }
        }
        let mut attributes = std::mem::take(&mut self.document.attributes);
        let fresh = attributes.get_mut(from..).unwrap_or_default();
        let document = &self.document;
        let key = |a: &Attribute| (document.uri(a.name.namespace), document.local(a.name));
        let doubled = !fresh.is_sorted_by(|a, b| key(a) < key(b)) && {
            fresh.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
            fresh.windows(2).any(|pair| matches!(pair, [a, b] if key(a) == key(b)))
        };
        self.document.attributes = attributes;
        if doubled {
            return Err(self.error("an attribute stands twice"));
        }
        Ok(())
    }

    /// The declaration a prefix is bound to; [`NONE`] for no prefix and no default namespace.
    pub(super) fn bind(&self, prefix: Span) -> Result<u32, XmlError> {
        let wanted = self.document.octets(prefix);
        let bound = self.scope.iter().rev().copied().find(|index| {
            let declaration = self.document.declarations.get(*index as usize);
            declaration.is_some_and(|found| {
                found.prefix.length == prefix.length
                    && same_name(self.document.octets(found.prefix), wanted)
            })
        });
        match bound {
            Some(index) => Ok(index),
            None if prefix.length == 0 => Ok(NONE),
            None => Err(self.error("a prefix that is not declared")),
        }
    }

    /// Reads a value in quotes and normalizes it (XML 1.0 §3.3.3, all attributes being CDATA).
    fn value(&mut self) -> Result<Span, XmlError> {
        let without_end = "an attribute value without end";
        let quote = match self.octets.get(self.at) {
            Some(quote @ (b'"' | b'\'')) => *quote,
            _ => return Err(self.error("an attribute value without quotes")),
        };
        let from = self.at + 1;
        let rest = self.octets.get(from..).unwrap_or_default();
        let end = memchr3(quote, b'<', b'&', rest).ok_or_else(|| self.error(without_end))?;
        let plain = rest.get(..end).unwrap_or_default();
        if rest.get(end) == Some(&quote) && plain.iter().all(|octet| *octet >= b' ') {
            self.at = from + end + 1;
            return Ok(span(from, from + end));
        }
        let close = memchr2(quote, b'<', rest).ok_or_else(|| self.error(without_end))?;
        if rest.get(close) == Some(&b'<') {
            return Err(self.error("< in an attribute value"));
        }
        let raw = self.source.get(from..from + close).unwrap_or_default();
        let value = self.normalized(raw)?;
        self.at = from + close + 1;
        Ok(append(&mut self.document.pool, &value))
    }

    fn normalized(&self, raw: &str) -> Result<String, XmlError> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find(['&', '\t', '\n']) {
            let (plain, special) = rest.split_at(at);
            value.push_str(plain);
            rest = special.get(1..).unwrap_or_default();
            if !special.starts_with('&') {
                value.push(' ');
                continue;
            }
            let reference = rest.split_once(';');
            let (name, after) = reference.ok_or_else(|| self.error("a reference without end"))?;
            value.push(self.resolve(name)?);
            rest = after;
        }
        value.push_str(rest);
        Ok(value)
    }
}

/// The local part of a name.
fn after_prefix(qualified: Span, prefix_length: u32) -> Span {
    let skipped = if prefix_length == 0 { 0 } else { prefix_length + 1 };
    Span { start: qualified.start + skipped, length: qualified.length - skipped }
}
