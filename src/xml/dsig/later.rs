//! The octets under time-stamps that are still to be made.

use super::own_references;
use super::parts::Parts;
use super::reference::{Context, Detached, Outside};
use super::stamps::{Covered, Stamping};
use crate::crypto::DigestAlgorithm;
use crate::reason::Reason;
use crate::signature::Stamped;
use crate::xml::XmlError;
use crate::xml::c14n::Canonicalization;
use crate::xml::document::Document;
use crate::xml::xades::{self, Unsigned};

/// What a signature time-stamp of signature `n` is made over: its value element, canonical
/// (EN 319 132-1 §5.3).
///
/// # Errors
/// [`XmlError`] where there is no such signature.
pub(in crate::xml) fn value_stamped(document: &Document, n: usize) -> Result<Stamped, XmlError> {
    with(document, None, n, false, |stamping| {
        let value = stamping.parts.value;
        stamping.canonical(&Canonicalization::EXCLUSIVE, value).map(Stamped::Octets)
    })
}

/// What the next archive time-stamp of signature `n` is made over, by its SHA-256.
///
/// # Errors
/// [`XmlError`] where there is no such signature, or its references do not hold.
pub(in crate::xml) fn archived(
    document: &Document,
    content: Option<&[u8]>,
    n: usize,
) -> Result<Stamped, XmlError> {
    with(document, content, n, true, |stamping| {
        if let Some(fault) = stamping.references.iter().flat_map(|one| &one.faults).next() {
            return Err(fault.clone());
        }
        let before = match xades::qualifying(stamping.signature)? {
            Some(qualifying) => Unsigned::list(qualifying)?,
            None => Vec::new(),
        };
        let before: Vec<_> = before.into_iter().map(|(element, _)| element).collect();
        let (how, algorithm) = (&Canonicalization::EXCLUSIVE, DigestAlgorithm::Sha256);
        let digest = stamping.archive(how, algorithm, &before, &mut Covered::default())?;
        Ok(Stamped::Digest(algorithm, digest))
    })
}

fn with(
    document: &Document,
    content: Option<&[u8]>,
    n: usize,
    follow: bool,
    run: impl FnOnce(&mut Stamping<'_, '_>) -> Result<Stamped, Reason>,
) -> Result<Stamped, XmlError> {
    let missing = || XmlError::Refused(format!("the document has no signature {n}"));
    let detached = content.map(Detached::Octets);
    let mut context =
        Context::of(document, Outside { detached, ..Outside::default() })?.ok_or_else(missing)?;
    let signature = context.signatures.get(n).copied().ok_or_else(missing)?;
    let refused = |reason: Reason| XmlError::Refused(reason.to_string());
    let parts = Parts::of(signature).map_err(refused)?;
    let references = match follow {
        true => own_references(&mut context, signature, &parts),
        false => Vec::new(),
    };
    let mut stamping =
        Stamping { context: &mut context, signature, parts: &parts, references: &references };
    run(&mut stamping).map_err(refused)
}
