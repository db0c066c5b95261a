//! Which algorithm a signer names.

use rasn_cms::AlgorithmIdentifier;

use super::wire::{RSASSA_PSS, dotted};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, UnsupportedAlgorithm};

/// The algorithm of a signature; some signers name only the kind of their key, and the digest
/// says the rest.
pub(super) fn signature_algorithm(
    identifier: &AlgorithmIdentifier,
    digest: &Result<DigestAlgorithm, UnsupportedAlgorithm>,
) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
    let oid = dotted(&identifier.algorithm);
    if oid == RSASSA_PSS {
        let parameters = identifier.parameters.as_ref();
        return crate::x509::pss(parameters.map_or(&[], |parameters| parameters.as_bytes()));
    }
    match digest {
        Ok(digest) => SignatureAlgorithm::from_key_and_digest(&oid, *digest),
        Err(_) => SignatureAlgorithm::from_oid(&oid),
    }
}
