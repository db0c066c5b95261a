//! Keys that sign: the [`Signer`] seam and what stands behind it.

mod error;
mod gost;
mod key;
mod module;
mod objects;
mod pin;
mod pkcs12;
mod pool;
mod signer;
mod software;

pub use error::TokenError;
pub use gost::{GostInput, GostMechanism, GostValue};
pub use key::{KeyChoice, TokenKey, TokenSigner};
pub use module::{Module, PinState, TokenChoice, TokenInfo};
pub use objects::{KeyInfo, NewKey};
pub use pin::{Pin, PinError};
pub use pkcs12::{Pkcs12, Pkcs12Error};
pub use pool::{Token, TokenOptions};
pub use signer::{SignError, Signer, TriesLeft, sign_checked};
pub use software::{SoftwareKey, SoftwareSigner};
