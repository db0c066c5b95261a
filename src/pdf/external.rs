//! Signing by somebody who takes a digest and returns a whole CMS signature: the national agents
//! and phones do.

use super::hole::Waiting;
use super::make::{SigningOptions, waiting};
use super::{PdfError, read};
use crate::cms::{self, CmsError, Content};
use crate::crypto::{DigestAlgorithm, verify};
use crate::limits;

/// A document that waits for a CMS signature made elsewhere. It survives between two calls as
/// octets.
#[derive(Clone, Debug)]
pub struct External(Waiting);

/// Appends a signature dictionary that waits for a CMS signature made elsewhere, whoever the
/// signer will be.
///
/// # Errors
/// As [`super::prepare`].
pub fn prepare_external(pdf: &[u8], options: &SigningOptions) -> Result<External, PdfError> {
    waiting(pdf, options, limits::PDF_SIGNATURE_BYTES).map(External)
}

impl External {
    /// What the detached CMS signature must be made over.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let (before, behind) = self.0.parts();
        [before, behind].concat()
    }

    /// The digest of it, for an agent that takes one.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Vec<u8> {
        self.0.digest(algorithm)
    }

    /// Puts a detached CMS signature in (DER, BER, base64 or PEM) and returns the signed document.
    /// It must have one signer, be made over this document, and verify with its certificate.
    ///
    /// # Errors
    /// [`PdfError::NotForThis`] with the reason; [`PdfError::SignatureTooLarge`].
    pub fn complete(&self, message: &[u8]) -> Result<Vec<u8>, PdfError> {
        let message = cms::to_der(message)?;
        let digest = |algorithm| self.0.digest(algorithm);
        let signatures = cms::read_with(&message, &Content::Digested(&digest))?;
        let refused = |why: &str| PdfError::NotForThis(why.to_owned());
        let [found] = signatures.as_slice() else {
            return Err(refused("it has not one signer"));
        };
        if cms::parse(&message)?.0.has_content() {
            return Err(refused("it carries content of its own"));
        }
        if let Some(fault) = found.faults.first() {
            return Err(PdfError::NotForThis(fault.to_string()));
        }
        let (Ok(algorithm), Some(certificate)) = (&found.algorithm, &found.certificate) else {
            return Err(refused("its algorithm is not supported, or it has no certificate"));
        };
        let key = certificate.public_key();
        verify(*algorithm, found.value_form, key, &found.signed_octets, &found.value)
            .map_err(|_| CmsError::WrongValue)?;
        let document = self.0.filled(&message)?;
        // As any reader sees it.
        let stands = read(&document)?.into_iter().any(|one| {
            one.value == found.value && one.faults.is_empty() && one.scope.covers_whole_document
        });
        match stands {
            true => Ok(document),
            false => Err(refused("the document does not verify with it")),
        }
    }

    /// Octets to store between two calls.
    ///
    /// # Errors
    /// [`PdfError::Malformed`] if it cannot be encoded, which no prepared document meets.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PdfError> {
        rasn::der::encode(&self.0).map_err(|error| PdfError::Malformed(error.to_string()))
    }

    /// Takes stored octets back.
    ///
    /// # Errors
    /// [`PdfError::Malformed`].
    pub fn from_bytes(stored: &[u8]) -> Result<Self, PdfError> {
        let waiting: Waiting =
            rasn::der::decode(stored).map_err(|error| PdfError::Malformed(error.to_string()))?;
        waiting.checked().map(Self)
    }
}
