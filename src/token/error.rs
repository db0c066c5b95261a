//! What a module's return codes mean to us: wrong PIN, lost connection, or simply failed.

use cryptoki::error::{Error, RvError};

use super::SignError;

/// Why a PKCS#11 module did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The library cannot be loaded or initialised.
    #[error("the PKCS#11 module {path} cannot be used: {detail}")]
    Module {
        /// The library's path.
        path: String,
        /// What went wrong.
        detail: String,
    },
    /// A call failed.
    #[error("the PKCS#11 module failed: {0}")]
    Failed(String),
}

impl From<TokenError> for SignError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Module { .. } => Self::TokenGone(error.to_string()),
            TokenError::Failed(detail) => Self::Failed(detail),
        }
    }
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        Self::Failed(describe(&error))
    }
}

/// How one piece of work on a session ended badly.
#[derive(Debug)]
pub(super) enum Fault {
    /// Sessions and handles are void: connect again and find the objects anew.
    Lost(SignError),
    /// An answer that another try would not change.
    Final(SignError),
}

impl Fault {
    pub(super) fn into_inner(self) -> SignError {
        match self {
            Self::Lost(error) | Self::Final(error) => error,
        }
    }
}

impl From<SignError> for Fault {
    fn from(error: SignError) -> Self {
        Self::Final(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let detail = describe(&error);
        let Error::Pkcs11(code, _) = error else { return Self::Final(SignError::Failed(detail)) };
        match code {
            // Whatever else: after a PIN error nothing is tried again.
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => {
                Self::Final(SignError::PinIncorrect { tries_left: None })
            }
            RvError::PinLocked => Self::Final(SignError::PinLocked),
            RvError::SessionCount => Self::Final(SignError::Busy),
            RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::DeviceRemoved
            | RvError::DeviceError
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::SlotIdInvalid
            | RvError::UserNotLoggedIn
            | RvError::OperationActive
            | RvError::KeyHandleInvalid
            | RvError::ObjectHandleInvalid => Self::Lost(SignError::TokenGone(detail)),
            _ => Self::Final(SignError::Failed(detail)),
        }
    }
}

/// The call and its return code, without the paragraph of prose the library adds.
fn describe(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("C_{function:?} answered {code:?}"),
        other => other.to_string(),
    }
}
