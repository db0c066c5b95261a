//! Levels T, LT and LTA (ETSI EN 319 132-1 §6): unsigned properties put into a signature that
//! stands. Nothing here asks anybody: tokens and values are given.

use super::document::{Document, Element};
use super::place::place;
use super::xades::{self, Home, Unsigned, Values};
use super::{DSIG, XADES, XmlError, dsig};
use crate::reason::Reason;
use crate::signature::{Stamped, ValidationMaterial};

/// A document that lacks only its archive time-stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    document: Vec<u8>,
    content: Option<Vec<u8>>,
    n: usize,
}

/// What the signature time-stamp of signature `n` (in the order of [`super::read`]) is made over:
/// its `SignatureValue`, canonical (EN 319 132-1 §5.3).
///
/// # Errors
/// [`XmlError::Refused`] where there is no such signature.
pub fn to_be_stamped(
    document: &[u8],
    _content: Option<&[u8]>,
    n: usize,
) -> Result<Stamped, XmlError> {
    dsig::value_stamped(&Document::parse(document)?, n)
}

/// The document with this time-stamp token in signature `n`: level T.
///
/// # Errors
/// [`XmlError::Refused`] where the signature has no XAdES properties, or another signature covers
/// it and would break.
pub fn with_timestamp(document: &[u8], n: usize, token: &[u8]) -> Result<Vec<u8>, XmlError> {
    add(document, None, n, |home, _| Ok(xades::stamp(home, false, token)))
}

/// The document with these certificates and revocation values in signature `n`: level LT. What it
/// carries already is not written again; values for an archive time-stamp that stands go into
/// properties of their own.
///
/// # Errors
/// As [`with_timestamp`].
pub fn with_material(
    document: &[u8],
    n: usize,
    material: &ValidationMaterial,
) -> Result<Vec<u8>, XmlError> {
    add(document, None, n, |home, signature| {
        let properties = Unsigned::list(home.0)?;
        let mut carried = Values::default();
        let mut later = false;
        for (element, property) in properties {
            if matches!(property, Unsigned::Values | Unsigned::ArchiveStamp) {
                later = true;
                carried.take(element);
            }
        }
        let mut known: Vec<&[u8]> = carried.evidence.iter().map(Vec::as_slice).collect();
        let in_key_info = dsig::certificates(signature)?;
        known.extend(carried.certificates.iter().chain(&in_key_info).map(|one| one.der()));
        let fresh = |items: &[Vec<u8>]| {
            let mut out: Vec<Vec<u8>> = Vec::new();
            for item in items {
                if !known.contains(&item.as_slice()) && !out.contains(item) {
                    out.push(item.clone());
                }
            }
            out
        };
        let fresh = ValidationMaterial {
            certificates: fresh(&material.certificates),
            ocsp: fresh(&material.ocsp),
            crls: fresh(&material.crls),
        };
        Ok(xades::values(home, later, &fresh))
    })
}

/// What the next archive time-stamp of signature `n` is made over, and the document that waits for
/// it: level LTA, as often as it is renewed (EN 319 132-1 §5.5.2). `content` is what a detached
/// signature was made over.
///
/// # Errors
/// As [`with_timestamp`]; also where a digest of the signature does not hold.
pub fn to_be_archived(
    document: &[u8],
    content: Option<&[u8]>,
    n: usize,
) -> Result<(Stamped, Draft), XmlError> {
    let over = dsig::archived(&Document::parse(document)?, content, n)?;
    let content = content.map(<[u8]>::to_vec);
    Ok((over, Draft { document: document.to_vec(), content, n }))
}

impl Draft {
    /// The document with its archive time-stamp.
    ///
    /// # Errors
    /// As [`with_timestamp`].
    pub fn finish(self, token: &[u8]) -> Result<Vec<u8>, XmlError> {
        let content = self.content.as_deref();
        add(&self.document, content, self.n, |home, _| Ok(xades::stamp(home, true, token)))
    }
}

/// The document with one more unsigned property at the end of those of signature `n`.
pub(super) fn add(
    octets: &[u8],
    content: Option<&[u8]>,
    n: usize,
    write: impl FnOnce(&Home<'_>, Element<'_>) -> Result<String, Reason>,
) -> Result<Vec<u8>, XmlError> {
    let document = Document::parse(octets)?;
    let made = {
        let mut all = document.root().descendants().filter(|found| found.is(DSIG, "Signature"));
        let missing = || XmlError::Refused(format!("the document has no signature {n}"));
        let signature = all.nth(n).ok_or_else(missing)?;
        let refused = |reason: Reason| XmlError::Refused(reason.to_string());
        let qualifying = xades::qualifying(signature).map_err(refused)?;
        let qualifying = qualifying.ok_or_else(|| {
            XmlError::Refused("the signature has no XAdES properties to be added to".to_owned())
        })?;
        let property = write(&Home(qualifying), signature).map_err(refused)?;
        if property.is_empty() {
            return Ok(octets.to_vec());
        }
        let (place_in, property) = home(qualifying, property)?;
        let (before, after) = place(&document, place_in);
        [before, property, after].concat().into_bytes()
    };
    unharmed(octets, &made, content, n)?;
    Ok(made)
}

/// Where a property goes, with the elements around it that are not there yet.
fn home<'a>(qualifying: Element<'a>, property: String) -> Result<(Element<'a>, String), XmlError> {
    let child = |element: Element<'a>, name| element.children().find(|one| one.is(XADES, name));
    let around = |element, name, inside: &str| Home(element).around(name, inside);
    let Some(unsigned) = child(qualifying, "UnsignedProperties") else {
        let list = around(qualifying, "UnsignedSignatureProperties", &property);
        return Ok((qualifying, around(qualifying, "UnsignedProperties", &list)));
    };
    match child(unsigned, "UnsignedSignatureProperties") {
        Some(list) => Ok((list, property)),
        // They come before those of the data objects, which would have to be moved.
        None if unsigned.children().next().is_some() => {
            let detail = "unsigned properties of data objects without those of the signature";
            Err(XmlError::Refused(detail.to_owned()))
        }
        None => Ok((unsigned, around(unsigned, "UnsignedSignatureProperties", &property))),
    }
}

/// What was added must leave every other signature as it was: a later one may cover this one.
fn unharmed(before: &[u8], after: &[u8], content: Option<&[u8]>, n: usize) -> Result<(), XmlError> {
    let (old, new) = (dsig::read(before, content)?, dsig::read(after, content)?);
    for (index, old) in old.iter().enumerate() {
        // A signature within this one (a counter-signature) may have come between.
        let Some(new) = new.iter().find(|new| new.signed_octets == old.signed_octets) else {
            return Err(XmlError::Refused(format!("the signature {} would be lost", old.id)));
        };
        let harmed = new.faults != old.faults || !new.timestamps.starts_with(&old.timestamps);
        if harmed {
            let detail = match index == n {
                true => "the signature does not bear the addition".to_owned(),
                false => format!(
                    "the signature {} covers this one, which must be extended before that is made",
                    old.id
                ),
            };
            return Err(XmlError::Refused(detail));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
