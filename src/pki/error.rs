//! What can go wrong with the test PKI.

use std::path::{Path, PathBuf};

use crate::token::{PinError, Pkcs12Error, SignError, TokenError};
use crate::x509::CertificateError;

/// Why the test PKI was not made, not read or gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file or directory.
    #[error("{path}: {error}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// The recipe, or the index of a made PKI, does not fit its shape.
    #[error("{0} is not as expected: {1}")]
    Shape(&'static str, String),
    /// The directory holds a PKI made with other options.
    #[error("{0} holds a test PKI made with other options; remove the directory to make another")]
    OtherOptions(PathBuf),
    /// The directory's old tokens cannot be replaced, as this process has them open.
    #[error("the PKCS#11 module was loaded before the test PKI was made")]
    ModuleInUse,
    /// `SOFTHSM2_CONF` does not name this PKI's tokens.
    #[error("SOFTHSM2_CONF must name {0} before the PKCS#11 module is loaded")]
    NotConfigured(PathBuf),
    /// No such certificate in this PKI.
    #[error("no such holder in the test PKI: {0}")]
    NoSuchHolder(String),
    /// A structure that was not encoded.
    #[error("not encoded: {0}")]
    Encoding(String),
    /// A module.
    #[error(transparent)]
    Module(#[from] TokenError),
    /// A token.
    #[error(transparent)]
    Token(#[from] SignError),
    /// No module is given for keys inside tokens.
    #[error("a PKCS#11 module is needed; install SoftHSM with: apt-get install softhsm2")]
    NoModule,
    /// A PKCS#12 file.
    #[error(transparent)]
    KeyFile(#[from] Pkcs12Error),
    /// A PIN's file.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// No randomness.
    #[error("the random source failed")]
    Random,
}

impl PkiError {
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }
}
