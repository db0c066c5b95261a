//! Which algorithm a signer names.

use rasn::types::Integer;
use rasn_cms::AlgorithmIdentifier;

use super::wire::{MGF1, PssParameters, RSASSA_PSS, dotted};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, UnsupportedAlgorithm};

/// The algorithm of a signature; some signers name only the kind of their key, and the digest
/// says the rest.
pub(super) fn signature_algorithm(
    identifier: &AlgorithmIdentifier,
    digest: &Result<DigestAlgorithm, UnsupportedAlgorithm>,
) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
    let oid = dotted(&identifier.algorithm);
    if oid == RSASSA_PSS {
        return pss(identifier);
    }
    match digest {
        Ok(digest) => SignatureAlgorithm::from_key_and_digest(&oid, *digest),
        Err(_) => SignatureAlgorithm::from_oid(&oid),
    }
}

/// Only the form every profile asks for: one digest for message and mask, a salt of its length.
fn pss(identifier: &AlgorithmIdentifier) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
    let unusual = || UnsupportedAlgorithm { name: "RSASSA-PSS with unusual parameters".to_owned() };
    let octets = identifier.parameters.as_ref().ok_or_else(unusual)?;
    let parameters: PssParameters = rasn::ber::decode(octets.as_bytes()).map_err(|_| unusual())?;
    // The defaults all name SHA-1.
    let hash = parameters.hash.ok_or_else(unusual)?;
    let mask = parameters.mask.ok_or_else(unusual)?;
    let mask_hash = mask.parameters.as_ref().ok_or_else(unusual)?;
    let mask_hash: AlgorithmIdentifier =
        rasn::ber::decode(mask_hash.as_bytes()).map_err(|_| unusual())?;
    let digest = DigestAlgorithm::from_oid(&dotted(&hash.algorithm))?;
    let same = mask_hash.algorithm == hash.algorithm && dotted(&mask.algorithm) == MGF1;
    let salt = parameters.salt_length == Some(Integer::from(digest.length()));
    let trailer = parameters.trailer.is_none_or(|trailer| trailer == Integer::from(1));
    if !(same && salt && trailer) {
        return Err(unusual());
    }
    SignatureAlgorithm::pss(digest)
}
