//! The seam between documents and keys. Behind it stand PKCS#11 tokens and PKCS#12 files today;
//! remote agents follow without a change above.

use crate::crypto::{SignatureAlgorithm, ValueForm, verify};
use crate::x509::Certificate;

/// A private key with its certificate, wherever it lives.
pub trait Signer: Send + Sync {
    /// The certificate of the key.
    fn certificate(&self) -> &Certificate;

    /// The algorithm [`Signer::sign`] uses.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs `message` (the program hashes it, the key signs the digest). ECDSA values come as
    /// r ‖ s ([`ValueForm::Fixed`]).
    ///
    /// # Errors
    /// [`SignError`]; the caller must not retry after [`SignError::PinIncorrect`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why no signature was made. No variant ever holds a PIN, a key or a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The PIN is wrong; some tokens tell how many tries are left.
    #[error("the PIN is wrong{}", tries(*.tries_left))]
    PinIncorrect {
        /// Tries left, where the token tells.
        tries_left: Option<TriesLeft>,
    },
    /// The token is locked: its PIN was entered wrongly too often.
    #[error("the PIN is locked; the token's issuer can unlock it")]
    PinLocked,
    /// The token was taken out, or its module does not answer.
    #[error("the token is not there: {0}")]
    TokenGone(String),
    /// No key or certificate fits the choice.
    #[error("no such key: {0}")]
    NoSuchKey(String),
    /// Every session of the token is in use.
    #[error("every session of the token is in use; try again later")]
    Busy,
    /// The key's algorithm is none of ours.
    #[error("unsupported key: {0}")]
    UnsupportedKey(String),
    /// The value that came back does not verify with the certificate.
    #[error("the key does not belong to the certificate: the signature it made does not verify")]
    KeyMismatch,
    /// Anything else the module reported.
    #[error("the token failed: {0}")]
    Failed(String),
}

/// How close a token is to being locked (PKCS#11 token flags).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriesLeft {
    /// `CKF_USER_PIN_COUNT_LOW`: at least one wrong PIN was entered.
    Few,
    /// `CKF_USER_PIN_FINAL_TRY`.
    One,
}

/// Signs and checks the value against the certificate before anyone uses it.
///
/// # Errors
/// As [`Signer::sign`]; [`SignError::KeyMismatch`] if the value does not verify.
pub fn sign_checked(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let value = signer.sign(message)?;
    let key = signer.certificate().public_key();
    verify(signer.algorithm(), ValueForm::Fixed, key, message, &value)
        .map_err(|_| SignError::KeyMismatch)?;
    Ok(value)
}

impl<S: Signer + ?Sized> Signer for Box<S> {
    fn certificate(&self) -> &Certificate {
        (**self).certificate()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        (**self).algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (**self).sign(message)
    }
}

fn tries(left: Option<TriesLeft>) -> &'static str {
    match left {
        None => "",
        Some(TriesLeft::Few) => "; few tries are left before the token is locked",
        Some(TriesLeft::One) => "; one try is left before the token is locked",
    }
}
