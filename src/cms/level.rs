//! Raising a signature to a higher level (EN 319 122-1 §6): what is added stands beside the
//! signatures, whose octets stay as they are. The outcome is DER whatever the input was.

use rasn::types::Any;
use rasn_cms::ContentInfo;

use super::archive::{Hashed, octets_of};
use super::content::Signed;
use super::read::{SignedMessage, Signer, parse, whole};
use super::unsigned::{Unsigned, imprint};
use super::wire::{
    ARCHIVE_TIME_STAMP_V3, DATA, HASH_INDEX_V3, OCSP_RESPONSE, OtherRevocationInfo,
    SIGNATURE_TIME_STAMP, SIGNED_DATA, UnsignedSet, as_set, attribute, dotted, encode, oid,
};
use super::{CmsError, Content};
use crate::crypto::DigestAlgorithm;
use crate::limits;
use crate::signature::{Stamped, ValidationMaterial};

/// The digest of the index and of the content in what is archived here.
const ARCHIVE_DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;

/// What the signature time-stamp of signer `n` (in the order of [`super::read`]) is made over: the
/// signature value (EN 319 122-1 §5.3).
///
/// # Errors
/// [`CmsError`] where the message cannot be read, or has no such signer.
pub fn to_be_stamped(
    document: &[u8],
    _content: Option<&[u8]>,
    n: usize,
) -> Result<Stamped, CmsError> {
    let message = whole(document)?;
    Ok(Stamped::Octets(message.signer(n)?.info.signature.to_vec()))
}

/// Level T: the message with this signature time-stamp of signer `n`.
///
/// # Errors
/// As [`to_be_stamped`]; [`CmsError::WrongTimestamp`] for a token over something else.
pub fn with_timestamp(document: &[u8], n: usize, token: &[u8]) -> Result<Vec<u8>, CmsError> {
    let mut message = whole(document)?;
    let value = message.signer(n)?.info.signature.to_vec();
    stamps(token, &Stamped::Octets(value))?;
    message.add_unsigned(n, attribute(SIGNATURE_TIME_STAMP, Any::new(token.to_vec()))?)?;
    message.write()
}

/// Level LT: the message with certificates and revocation values (§6.3; RFC 5940 for OCSP). They
/// belong to every signer.
///
/// # Errors
/// As [`to_be_stamped`]; [`CmsError::TooMany`].
pub fn with_material(
    document: &[u8],
    n: usize,
    material: &ValidationMaterial,
) -> Result<Vec<u8>, CmsError> {
    let mut message = whole(document)?;
    message.signer(n)?;
    let certificates = material.certificates.iter().cloned().map(Any::new);
    message.add_certificates(certificates.collect())?;
    let crls = message.signed.crls.get_or_insert_default();
    crls.extend(material.crls.iter().cloned().map(Any::new));
    for response in &material.ocsp {
        let info = Any::new(response.clone());
        let other = OtherRevocationInfo { format: oid(OCSP_RESPONSE), info };
        crls.push(Any::new(encode(&other)?));
    }
    as_set(crls);
    if crls.len() > limits::CERTIFICATES {
        return Err(CmsError::TooMany("revocation values"));
    }
    if crls.is_empty() {
        message.signed.crls = None;
    }
    message.write()
}

/// An archive time-stamp that waits for its token.
#[derive(Clone)]
pub struct Draft {
    message: SignedMessage,
    n: usize,
    index: Vec<u8>,
    over: Stamped,
}

/// Level LTA: what an archive time-stamp (version 3) of signer `n` is made over, as of now. It can
/// be done again later, and then covers the one before.
///
/// # Errors
/// As [`to_be_stamped`]; [`CmsError::WrongDigest`] where the content is missing.
pub fn to_be_archived(
    document: &[u8],
    content: Option<&[u8]>,
    n: usize,
) -> Result<(Stamped, Draft), CmsError> {
    to_be_archived_with(document, &content.map_or(Content::Inside, Content::Detached), n)
}

/// As [`to_be_archived`], for content of any size.
///
/// # Errors
/// As [`to_be_archived`].
pub fn to_be_archived_with(
    document: &[u8],
    content: &Content<'_>,
    n: usize,
) -> Result<(Stamped, Draft), CmsError> {
    let message = whole(document)?;
    let signer = message.signer(n)?;
    let inside = message.signed.encap_content_info.content.as_deref();
    let content = Signed::of(inside, content);
    let unsigned = Unsigned::of(&signer.info);
    let index = Hashed::of(&message, &unsigned).index(ARCHIVE_DIGEST)?;
    let over = octets_of(&message, signer, &content, ARCHIVE_DIGEST, &index)?;
    Ok((over.clone(), Draft { message: message.clone(), n, index, over }))
}

impl Draft {
    /// The message with the archive time-stamp.
    ///
    /// # Errors
    /// [`CmsError::WrongTimestamp`] for a token over something else, or with an imprint by
    /// another algorithm than SHA-256.
    pub fn finish(mut self, token: &[u8]) -> Result<Vec<u8>, CmsError> {
        if stamps(token, &self.over)? != ARCHIVE_DIGEST {
            return Err(CmsError::WrongTimestamp);
        }
        let (mut stamp, _) = parse(token)?;
        stamp.add_unsigned(0, attribute(HASH_INDEX_V3, Any::new(self.index))?)?;
        let stamp = Any::new(stamp.write()?);
        self.message.add_unsigned(self.n, attribute(ARCHIVE_TIME_STAMP_V3, stamp)?)?;
        self.message.write()
    }
}

/// Whether the token is one over this; its algorithm.
pub(super) fn stamps(token: &[u8], over: &Stamped) -> Result<DigestAlgorithm, CmsError> {
    let Some((Some(algorithm), value, _)) = imprint(token) else {
        return Err(CmsError::WrongTimestamp);
    };
    match over.digest(algorithm) == Some(value) {
        true => Ok(algorithm),
        false => Err(CmsError::WrongTimestamp),
    }
}

impl SignedMessage {
    pub(super) fn signer(&self, n: usize) -> Result<&Signer, CmsError> {
        self.signers.get(n).ok_or(CmsError::NoSuchSigner(n))
    }

    /// Adds an unsigned attribute to a signer, whose other fields stay octet for octet.
    pub(super) fn add_unsigned(&mut self, n: usize, attribute: Any) -> Result<(), CmsError> {
        let signer = self.signers.get(n).ok_or(CmsError::NoSuchSigner(n))?;
        let mut unsigned = signer.info.unsigned_attributes.clone().unwrap_or_default();
        unsigned.push(attribute);
        as_set(&mut unsigned);
        let mut fields = signer.signed_fields().to_vec();
        fields.push(Any::new(encode(&UnsignedSet(unsigned))?));
        let octets = encode(&fields)?;
        let place = self.signers.get_mut(n).zip(self.signed.signer_infos.get_mut(n));
        if let Some((signer, info)) = place {
            *signer = Signer::read(&octets)?;
            *info = Any::new(octets);
        }
        Ok(())
    }

    pub(super) fn add_certificates(&mut self, more: Vec<Any>) -> Result<(), CmsError> {
        let certificates = self.signed.certificates.get_or_insert_default();
        certificates.extend(more);
        as_set(certificates);
        match certificates.len() > limits::CERTIFICATES {
            true => Err(CmsError::TooMany("certificates")),
            false => Ok(()),
        }
    }

    /// The message as DER, its version as its parts demand (RFC 5652 §5.1).
    pub(super) fn write(mut self) -> Result<Vec<u8>, CmsError> {
        let begins = |list: &Option<Vec<Any>>, tag: u8| {
            let list = list.as_deref().unwrap_or_default();
            list.iter().any(|one| one.as_bytes().first() == Some(&tag))
        };
        let signed = &mut self.signed;
        let data = dotted(&signed.encap_content_info.content_type) == DATA;
        let by_key = self.signers.iter().any(|one| one.info.version == 3.into());
        signed.version = if begins(&signed.certificates, 0xa3) || begins(&signed.crls, 0xa1) {
            5
        } else if begins(&signed.certificates, 0xa2) {
            4
        } else if begins(&signed.certificates, 0xa1) || by_key || !data {
            3
        } else {
            1
        }
        .into();
        let content = Any::new(encode(signed)?);
        let octets = encode(&ContentInfo { content_type: oid(SIGNED_DATA), content })?;
        match octets.len() > limits::CMS_BYTES {
            true => Err(CmsError::TooLarge),
            false => Ok(octets),
        }
    }
}
