//! Attributes and namespace declarations of a start tag.

use super::super::chars::{is_absolute_uri, is_space};
use super::super::document::{Attribute, Declaration, NONE, Name, Span};
use super::super::{XML, XMLNS, XmlError};
use super::{Builder, append, length};
use crate::limits;

impl Builder<'_> {
    /// Reads the attributes of a tag; declarations go to the scope, the others wait for
    /// [`Self::settle_attributes`], because a declaration may stand after its use.
    pub(super) fn attributes(&mut self, mut rest: &str, own: u32) -> Result<(), XmlError> {
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
    pub(super) fn settle_attributes(&mut self, from: usize) -> Result<(), XmlError> {
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
    pub(super) fn bind(&self, prefix: &str) -> Result<u32, XmlError> {
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
}
