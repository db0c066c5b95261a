//! Keys that sign: the [`Signer`] seam and what stands behind it.

mod signer;

pub use signer::{SignError, Signer, SoftwareSigner, TriesLeft, sign_checked};
