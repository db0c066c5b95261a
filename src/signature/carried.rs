//! Time-stamps that came with a signature.

use serde::{Deserialize, Serialize};

use crate::crypto::{DigestAlgorithm, digest};

/// A time-stamp (RFC 3161) that came with a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedTimestamp {
    /// What it was made over.
    pub kind: TimestampKind,
    /// The token: a CMS `SignedData`.
    pub token: Vec<u8>,
    /// What its imprint must be of.
    pub over: Stamped,
}

/// What a time-stamp proves about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimestampKind {
    /// Made over the signature value: the signature existed at that time.
    Signature,
    /// Made over the content and signed with it: the signature was made after that time.
    Content,
    /// Made over the signature and all that was carried with it then, older time-stamps and
    /// revocation values included: all of it existed at that time. A document time-stamp of a
    /// PDF is one for every signature in the revisions before it.
    Archive,
}

/// What a time-stamp was made over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamped {
    /// These octets.
    Octets(Vec<u8>),
    /// Octets that are too many to be kept, by their digest. The format takes the algorithm from
    /// the token's imprint.
    Digest(DigestAlgorithm, Vec<u8>),
}

impl Stamped {
    /// The digest by this algorithm; `None` if only another one is known.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        match self {
            Self::Octets(octets) => Some(digest(algorithm, octets)),
            Self::Digest(known, value) => (*known == algorithm).then(|| value.clone()),
        }
    }
}

impl From<&[u8]> for Stamped {
    fn from(octets: &[u8]) -> Self {
        Self::Octets(octets.to_vec())
    }
}
