//! CMS signatures (RFC 5652, ETSI EN 319 122-1): made in two steps, so that the key may live
//! anywhere, and read over the octets as they were received.

mod algorithm;
mod archive;
mod attributes;
mod content;
mod envelope;
mod level;
mod make;
mod read;
mod unsigned;
mod wire;

pub use content::Content;
pub use level::{
    Draft, to_be_archived, to_be_archived_with, to_be_stamped, with_material, with_timestamp,
};
pub use make::{Prepared, SigningOptions, prepare, prepare_beside, prepare_counter};
pub use read::{SignedMessage, parse, read, read_with};
pub(crate) use unsigned::imprint;

/// A message in any wrapping, as DER; what is signed in it stays octet for octet.
///
/// # Errors
/// [`CmsError`].
pub fn to_der(message: &[u8]) -> Result<Vec<u8>, CmsError> {
    read::whole(message)?.write()
}

use crate::crypto::UnsupportedAlgorithm;

/// Why no signature was made or none could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CmsError {
    /// Larger than [`crate::limits::CMS_BYTES`].
    #[error("the CMS signature is larger than {} bytes", crate::limits::CMS_BYTES)]
    TooLarge,
    /// Not a CMS `SignedData` in DER, BER, base64 or PEM.
    #[error("not a CMS signature: {0}")]
    Malformed(String),
    /// More signers or certificates than [`crate::limits`] allows.
    #[error("too many {0} in the CMS signature")]
    TooMany(&'static str),
    /// A `SignedData` without a signer proves nothing (RFC 5652 §5.1 allows it for certificates).
    #[error("the CMS message has no signer")]
    NoSigner,
    /// The digest given for signing is not the content's, or not of the algorithm's length.
    #[error("the digest does not belong to the content")]
    WrongDigest,
    /// The value given to complete a signature does not verify with its certificate.
    #[error("the signature value does not verify with the certificate")]
    WrongValue,
    /// The message has no signer of this number, counted from 0; a counter-signer is none.
    #[error("the CMS message has no signer {0}")]
    NoSuchSigner(usize),
    /// The time-stamp given was made over something else, or is none.
    #[error("the time-stamp was not made over this signature")]
    WrongTimestamp,
    /// The algorithm cannot be used for signing.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedAlgorithm),
}

#[cfg(test)]
mod level_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
