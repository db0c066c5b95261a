//! PDF signatures (ISO 32000-1 §12.8, ETSI EN 319 142-1): made by incremental update, read by
//! positions in the file, so that what is judged is exactly what was signed.

mod attachments;
mod changes;
mod compare;
mod content;
mod diagnose;
mod digests;
mod dss;
mod external;
mod field;
mod file;
mod filter;
mod font;
mod hole;
mod lasting;
mod level;
mod make;
mod permissions;
mod read;
mod references;
mod rules;
mod shadow;
mod skim;
mod stamp;
mod syntax;
mod tokens;
mod tree;
mod update;
mod xref;

pub use attachments::{Attached, Relationship, attach, attachments};
pub use external::{External, prepare_external};
pub use field::{EmptyField, empty_fields, prepare_fields};
pub use filter::compress;
pub use level::{Draft, to_be_archived, to_be_stamped, with_material, with_timestamp};
pub use make::{Certification, Prepared, SigningOptions, prepare, sign};
pub use read::{before_signature, read, read_digested, signed_revision};
pub use stamp::Stamp;

use crate::cms::CmsError;
use crate::token::SignError;

/// Why a PDF was not read or not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// Not a PDF, or one whose structure is broken. It is never repaired.
    #[error("not a well-formed PDF: {0}")]
    Malformed(String),
    /// The file is encrypted; a signature in it could not be shown to anyone without its password.
    #[error("the PDF is encrypted; save it without a password")]
    Encrypted,
    /// More of something than [`crate::limits`] allows.
    #[error("too many {0} in the PDF")]
    TooMany(&'static str),
    /// The page of the stamp is not there.
    #[error("the PDF has no page {0}")]
    NoSuchPage(usize),
    /// The stamp's font cannot be used.
    #[error("the stamp cannot be drawn: {0}")]
    Stamp(String),
    /// A certification signature forbids any change (DocMDP level 1).
    #[error("the PDF is certified against any change")]
    Certified,
    /// A construction that is allowed but not written here.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
    /// The CMS part failed.
    #[error(transparent)]
    Cms(#[from] CmsError),
    /// The signature needs more room than [`crate::limits::PDF_SIGNATURE_BYTES`].
    #[error("the signature is larger than the room kept for it")]
    SignatureTooLarge,
    /// A signature made elsewhere does not belong to the document.
    #[error("the signature does not fit the document: {0}")]
    NotForThis(String),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl PdfError {
    fn malformed(what: &str) -> Self {
        Self::Malformed(what.to_owned())
    }
}

impl From<syntax::SyntaxError> for PdfError {
    fn from(error: syntax::SyntaxError) -> Self {
        Self::Malformed(error.to_string())
    }
}

#[cfg(test)]
mod level_tests;
#[cfg(test)]
mod tests;
