//! What a detached signature was made over.

use std::fmt;

use crate::crypto::DigestAlgorithm;

/// The content beside a detached signature.
#[derive(Clone, Copy)]
pub enum DetachedContent<'a> {
    /// Its octets.
    Octets(&'a [u8]),
    /// Content too large to be held, which CMS needs digests of only: asked for each algorithm
    /// once.
    Digested(&'a (dyn Fn(DigestAlgorithm) -> Vec<u8> + Sync)),
}

impl<'a> DetachedContent<'a> {
    /// The octets, where they are held.
    pub fn octets(self) -> Option<&'a [u8]> {
        match self {
            Self::Octets(octets) => Some(octets),
            Self::Digested(_) => None,
        }
    }
}

impl<'a> From<&'a [u8]> for DetachedContent<'a> {
    fn from(octets: &'a [u8]) -> Self {
        Self::Octets(octets)
    }
}

impl fmt::Debug for DetachedContent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets(octets) => write!(f, "Octets({})", octets.len()),
            Self::Digested(_) => f.write_str("Digested"),
        }
    }
}
