//! Canonical XML: 1.0 (W3C REC-xml-c14n-20010315), 1.1 (REC-xml-c14n11-20080502) and exclusive
//! (REC-xml-exc-c14n-20020718), each with or without comments, of a document or of one element's
//! subtree, with elements left out.

mod base;
#[cfg(test)]
pub(super) mod differential;
mod walk;

use super::XmlError;
use super::document::{Document, Element};
use crate::crypto::Digester;
use walk::Walk;

/// The three families of canonical forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Canonical XML 1.0: the namespace context goes along.
    Inclusive10,
    /// Canonical XML 1.1: as 1.0, with the `xml:` attributes of a subtree done right.
    Inclusive11,
    /// Exclusive Canonical XML 1.0: only the namespaces used in the piece itself.
    Exclusive,
}

/// One canonicalization algorithm with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonicalization {
    /// The family.
    pub method: Method,
    /// Whether comments are kept, where the subset has them.
    pub comments: bool,
    /// `InclusiveNamespaces/@PrefixList` (exclusive form only); `""` is the default namespace.
    pub inclusive_prefixes: Vec<String>,
}

/// What is canonicalized.
#[derive(Clone, Copy, Debug)]
pub struct Subset<'a> {
    /// The element whose subtree is taken; the whole document where it is `None`.
    pub apex: Option<Element<'a>>,
    /// Elements left out with all that is in them.
    pub excluded: &'a [Element<'a>],
}

/// Takes canonical octets as they appear.
pub trait Sink {
    /// Takes the next octets.
    fn take(&mut self, octets: &[u8]);
}

impl Sink for Vec<u8> {
    fn take(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

impl Sink for Digester {
    fn take(&mut self, octets: &[u8]) {
        self.update(octets);
    }
}

const URIS: [(Method, &str, &str); 3] = [
    (
        Method::Inclusive10,
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ),
    (
        Method::Inclusive11,
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    ),
    (
        Method::Exclusive,
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    ),
];

impl Canonicalization {
    /// Exclusive canonicalization without comments: what this program signs with.
    pub const EXCLUSIVE: Self = Self::new(Method::Exclusive, false);
    /// Canonical XML 1.0 without comments: what a reference without canonicalization means
    /// (xmldsig-core1 §4.4.3.2).
    pub const INCLUSIVE: Self = Self::new(Method::Inclusive10, false);

    /// A method without parameters.
    pub const fn new(method: Method, comments: bool) -> Self {
        Self { method, comments, inclusive_prefixes: Vec::new() }
    }

    /// The algorithm with this identifier.
    pub fn from_uri(uri: &str) -> Option<Self> {
        URIS.iter().find_map(|(method, plain, with_comments)| match uri {
            _ if uri == *plain => Some(Self::new(*method, false)),
            _ if uri == *with_comments => Some(Self::new(*method, true)),
            _ => None,
        })
    }

    /// The algorithm's identifier.
    pub fn uri(&self) -> &'static str {
        let (_, plain, with_comments) = URIS[self.method as usize];
        if self.comments { with_comments } else { plain }
    }

    /// Feeds the canonical form of `subset` to `sink`, at most `limit` octets. (Exclusive forms
    /// repeat namespace declarations, so that a small document can have an enormous one.)
    ///
    /// # Errors
    /// [`XmlError::Limit`]; the sink then holds a part of the form.
    pub fn feed(
        &self,
        document: &Document,
        subset: Subset<'_>,
        limit: usize,
        sink: &mut impl Sink,
    ) -> Result<(), XmlError> {
        Walk::new(document, self, limit, sink).run(subset)
    }

    /// The canonical form of `subset` as octets; see [`Self::feed`].
    ///
    /// # Errors
    /// [`XmlError::Limit`].
    pub fn octets(
        &self,
        document: &Document,
        subset: Subset<'_>,
        limit: usize,
    ) -> Result<Vec<u8>, XmlError> {
        let length = match subset.apex {
            None => document.source().len(),
            Some(apex) => {
                let data = apex.data();
                data.closes_at.saturating_sub(data.name.qualified.start) as usize + 256
            }
        };
        let mut octets = Vec::with_capacity(length.min(limit));
        self.feed(document, subset, limit, &mut octets)?;
        Ok(octets)
    }
}

impl Subset<'_> {
    /// The whole document.
    pub const DOCUMENT: Self = Self { apex: None, excluded: &[] };
}
