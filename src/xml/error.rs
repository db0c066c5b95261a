//! Why a document was not taken, or a signature not made.

use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::token::SignError;

/// What went wrong with a whole document. Faults of one signature are no errors: they stand in
/// the signature that was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// The octets are no XML 1.0 document with namespaces, in UTF-8.
    #[error("not well-formed XML at octet {position}: {what}")]
    Malformed {
        /// Octets before the place (after removal of a byte order mark and line-end
        /// normalization).
        position: usize,
        /// What was found.
        what: String,
    },
    /// Well-formed perhaps, but a construction that is never taken here.
    #[error("refused XML: {0}")]
    Refused(String),
    /// A bound of `limits.rs` was passed.
    #[error("too large: {0}")]
    Limit(&'static str),
    /// A document larger than what is read into memory, of a form that cannot be verified piece by
    /// piece.
    #[error("{}", large(.0))]
    Large(String),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The value given for a prepared signature does not verify with its certificate.
    #[error("the signature value does not belong to the prepared document and its certificate")]
    WrongValue,
    /// A stored prepared signature cannot be read back.
    #[error("not a prepared signature: {0}")]
    NotPrepared(String),
}

fn large(why: &str) -> String {
    format!(
        "larger than {} bytes; of that size, a document is verified only if one enveloped \
         signature over all of it is the last child of its root, and {why}",
        limits::DOCUMENT_BYTES
    )
}

impl XmlError {
    /// The error as a reason for a report.
    pub fn reason(&self) -> Reason {
        let code = match self {
            Self::Malformed { .. } | Self::NotPrepared(_) => ReasonCode::Malformed,
            Self::Refused(_) | Self::Limit(_) | Self::Large(_) => ReasonCode::Refused,
            Self::Sign(_) | Self::WrongValue => ReasonCode::BadSignature,
        };
        Reason::new(code, self.to_string())
    }
}
