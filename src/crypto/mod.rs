//! Algorithms: one table of what exists and is accepted until when, digests, and signature
//! verification.

mod algorithm;
mod digest;
mod gost;
mod provider;
mod pss;
mod random;
mod verify;

pub use algorithm::{
    DIGESTS, DigestAlgorithm, DigestRow, SIGNATURES, SignatureAlgorithm, SignatureRow,
    UnsupportedAlgorithm,
};
pub use digest::{Digester, digest, hex};
pub use gost::{GostCurve, GostPrivateKey};
pub use provider::{Provider, providers, use_provider};
pub use pss::PssParameters;
pub use random::{Random, SystemRandom};
pub use verify::{
    KeyKind, PublicKey, ValueForm, VerifyError, ecdsa_der_to_fixed, ecdsa_fixed_to_der, verify,
};
