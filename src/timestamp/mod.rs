//! Time-stamps (RFC 3161, RFC 5816): asked of authorities, read, and verified in full.

mod client;
mod request;
mod token;
mod verify;

pub use client::{StampError, TimestampClient};
pub use request::{Request, read_response};
pub use token::{Token, TokenInfo};
pub use verify::{TimestampQuestion, VerifiedTimestamp, verify};

use crate::reason::Reason;

/// Why a token or response is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Larger than [`crate::limits::TIMESTAMP_BYTES`].
    #[error("the time-stamp is larger than {} bytes", crate::limits::TIMESTAMP_BYTES)]
    TooLarge,
    /// Not what the standard describes.
    #[error("not a time-stamp: {0}")]
    Malformed(String),
    /// The authority refused (RFC 3161 §2.4.2).
    #[error("the authority refused: status {status}{}", failure.map(|why| format!(", {why}")).unwrap_or_default())]
    Rejected {
        /// `PKIStatus`.
        status: u32,
        /// The name of the first bit of `PKIFailureInfo`.
        failure: Option<&'static str>,
    },
    /// The answer is for another request: imprint, nonce or policy differ.
    #[error("the answer belongs to another request: {0}")]
    NotAsked(&'static str),
    /// A check of the token failed.
    #[error("{0}")]
    Refused(Reason),
}

impl From<crate::x509::der::DerError> for TimestampError {
    fn from(error: crate::x509::der::DerError) -> Self {
        Self::Malformed(error.to_string())
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
