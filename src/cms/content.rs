//! The signed content: where it is, and its digests, each made once however many signers there
//! are.

use std::cell::RefCell;

use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::{Reason, ReasonCode};
use crate::signature::{ScopeItem, SignedScope, Stamped};

/// Where the signed content is.
pub enum Content<'a> {
    /// Inside the message, or nowhere.
    Inside,
    /// Beside it.
    Detached(&'a [u8]),
    /// Beside it and too large to hold: asked for its digest, once for each algorithm.
    Digested(&'a dyn Fn(DigestAlgorithm) -> Vec<u8>),
}

/// The content of a message or of a counter-signature.
pub(super) struct Signed<'a> {
    source: Source<'a>,
    place: &'static str,
    digests: RefCell<Vec<(DigestAlgorithm, Vec<u8>)>>,
}

enum Source<'a> {
    Octets(&'a [u8]),
    Digested(&'a dyn Fn(DigestAlgorithm) -> Vec<u8>),
    Missing,
    Ambiguous,
}

const INSIDE: &str = "content of the message";
const DETACHED: &str = "detached content";
const SIGNATURE: &str = "signature";

impl<'a> Signed<'a> {
    /// The content that the message has inside, or that was given beside it.
    pub(super) fn of(inside: Option<&'a [u8]>, content: &Content<'a>) -> Self {
        let place = if inside.is_some() { INSIDE } else { DETACHED };
        let source = match (inside, content) {
            (Some(inside), Content::Inside) => Source::Octets(inside),
            (Some(inside), Content::Detached(beside)) if inside == *beside => {
                Source::Octets(inside)
            }
            (Some(inside), Content::Digested(beside)) => {
                let algorithm = DigestAlgorithm::Sha256;
                match beside(algorithm) == digest(algorithm, inside) {
                    true => Source::Octets(inside),
                    false => Source::Ambiguous,
                }
            }
            // Two contents: which one would be shown?
            (Some(_), Content::Detached(_)) => Source::Ambiguous,
            (None, Content::Inside) => Source::Missing,
            (None, Content::Detached(octets)) => Source::Octets(octets),
            (None, Content::Digested(digest)) => Source::Digested(*digest),
        };
        Self { source, place, digests: RefCell::default() }
    }

    /// The value of a signature (RFC 5652 §11.4).
    pub(super) fn counter_signed(value: &'a [u8]) -> Self {
        Self { source: Source::Octets(value), place: SIGNATURE, digests: RefCell::default() }
    }

    pub(super) fn is_counter_signed(&self) -> bool {
        self.place == SIGNATURE
    }

    /// Why there is none to judge.
    pub(super) fn fault(&self) -> Option<Reason> {
        match self.source {
            Source::Octets(_) | Source::Digested(_) => None,
            Source::Missing => Some(ReasonCode::ContentMissing.into()),
            Source::Ambiguous => {
                let detail = "the message carries content of its own beside the one given";
                Some(Reason::new(ReasonCode::Refused, detail))
            }
        }
    }

    pub(super) fn octets(&self) -> Option<&'a [u8]> {
        match self.source {
            Source::Octets(octets) => Some(octets),
            _ => None,
        }
    }

    pub(super) fn digest(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        let known = self.digests.borrow().iter().find(|one| one.0 == algorithm).cloned();
        if let Some((_, value)) = known {
            return Some(value);
        }
        let value = match self.source {
            Source::Octets(octets) => digest(algorithm, octets),
            Source::Digested(digest) => digest(algorithm),
            Source::Missing | Source::Ambiguous => return None,
        };
        self.digests.borrow_mut().push((algorithm, value.clone()));
        Some(value)
    }

    /// What a time-stamp over the content was made over.
    pub(super) fn stamped(&self, algorithm: Option<DigestAlgorithm>) -> Option<Stamped> {
        let algorithm = algorithm.unwrap_or(DigestAlgorithm::Sha256);
        Some(Stamped::Digest(algorithm, self.digest(algorithm)?))
    }

    pub(super) fn scope(&self) -> SignedScope {
        let (size, octets) = match self.source {
            Source::Octets(octets) => (format!(", {} bytes", octets.len()), octets.to_vec()),
            _ => (String::new(), Vec::new()),
        };
        let what = format!("{}{size}", self.place);
        SignedScope {
            items: vec![ScopeItem { kind: "content".to_owned(), what }],
            covers_whole_document: self.fault().is_none(),
            octets: vec![octets],
            later: Vec::new(),
        }
    }
}
