//! The keys of a test PKI: inside tokens, or in memory and PKCS#12 files where no token that is at
//! hand has the algorithm.

use crate::crypto::{PublicKey, SignatureAlgorithm};
use crate::token::{SignError, SoftwareKey, TokenKey};

/// A key that certifies, or that is certified.
pub enum Key {
    Token(TokenKey),
    Software(SoftwareKey),
}

impl Key {
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Token(key) => key.public_key(),
            Self::Software(key) => key.public_key(),
        }
    }

    pub fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::Token(key) => key.algorithm(),
            Self::Software(key) => key.algorithm(),
        }
    }

    /// The value as every signer gives it.
    pub fn sign_checked(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::Token(key) => key.sign_checked(message),
            Self::Software(key) => key.sign_checked(message),
        }
    }
}
