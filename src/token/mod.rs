//! Keys that sign: the [`Signer`] seam and what stands behind it.

mod error;
mod key;
mod module;
mod objects;
mod pin;
mod pool;
mod signer;

pub use error::TokenError;
pub use key::{KeyChoice, TokenKey, TokenSigner};
pub use module::{Module, PinState, TokenChoice, TokenInfo};
pub use objects::{KeyInfo, NewKey};
pub use pin::{Pin, PinError};
pub use pool::{Token, TokenOptions};
pub use signer::{SignError, Signer, SoftwareSigner, TriesLeft, sign_checked};
