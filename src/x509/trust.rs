//! The trust store: anchors, and intermediates that are at hand but not trusted by themselves.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::known::GoodSignatures;
use super::{Certificate, CertificateError, Name};
use crate::crypto::{ValueForm, VerifyError, verify};
use crate::limits;

/// Anchors and intermediates, found by name. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct TrustStore(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    by_subject: HashMap<Vec<Vec<u8>>, Vec<Certificate>>,
    signatures: GoodSignatures,
}

/// Why a trust store was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file or directory cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds something that is no certificate.
    #[error("{}: {source}", path.display())]
    Certificate {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        source: CertificateError,
    },
    /// A file holds no certificate.
    #[error("{}: no certificate in it", .0.display())]
    Empty(PathBuf),
}

impl TrustStore {
    /// A store of these certificates.
    pub fn new(anchors: Vec<Certificate>, intermediates: Vec<Certificate>) -> Self {
        let mut by_subject: HashMap<_, Vec<Certificate>> = HashMap::new();
        for one in anchors.iter().chain(&intermediates) {
            let named = by_subject.entry(one.subject().comparable().to_vec()).or_default();
            named.push(one.clone());
        }
        let signatures = GoodSignatures::default();
        Self(Arc::new(Inner { anchors, intermediates, by_subject, signatures }))
    }

    /// Loads files (DER, or PEM with one or several certificates) and directories of them.
    /// Self-signed certificates become anchors, others intermediates.
    ///
    /// In a directory only names ending in `.pem`, `.crt`, `.cer` or `.der` count.
    ///
    /// # Errors
    /// [`TrustError`] for the first thing that cannot be read.
    pub fn load(paths: &[PathBuf]) -> Result<Self, TrustError> {
        let mut found = Vec::new();
        for path in paths {
            for file in files(path)? {
                found.extend(read(&file)?);
            }
        }
        let (anchors, intermediates) = found.into_iter().partition(is_self_signed);
        Ok(Self::new(anchors, intermediates))
    }

    /// The trust anchors.
    pub fn anchors(&self) -> &[Certificate] {
        &self.0.anchors
    }

    /// Certificates that help to build paths.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.0.intermediates
    }

    /// Whether this very certificate is an anchor.
    pub fn is_anchor(&self, certificate: &Certificate) -> bool {
        self.0.anchors.contains(certificate)
    }

    /// Every certificate of this name.
    pub(crate) fn named(&self, name: &Name) -> impl Iterator<Item = &Certificate> {
        self.0.by_subject.get(name.comparable()).into_iter().flatten()
    }

    /// The issuers' signatures that were found good while this store was in use.
    pub(crate) fn good_signatures(&self) -> &GoodSignatures {
        &self.0.signatures
    }
}

/// Reads every certificate of PEM (RFC 7468) or DER octets.
///
/// # Errors
/// [`CertificateError`] for the first that does not read.
pub fn read_certificates(octets: &[u8]) -> Result<Vec<Certificate>, CertificateError> {
    if octets.first() == Some(&0x30) {
        return Ok(vec![Certificate::from_der(octets)?]);
    }
    let mut found = Vec::new();
    for block in x509_parser::pem::Pem::iter_from_buffer(octets) {
        let block = block.map_err(|error| CertificateError::Malformed(error.to_string()))?;
        if block.label == "CERTIFICATE" {
            found.push(Certificate::from_der(&block.contents)?);
        }
    }
    Ok(found)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, TrustError> {
    let unreadable = |source| TrustError::Unreadable { path: path.to_owned(), source };
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if file.is_file() && ["pem", "crt", "cer", "der"].contains(&ending) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<Certificate>, TrustError> {
    let unreadable = |source| TrustError::Unreadable { path: path.to_owned(), source };
    let refused = |source| TrustError::Certificate { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > limits::TRUST_FILE_BYTES {
        return Err(refused(CertificateError::TooLarge));
    }
    let octets = std::fs::read(path).map_err(unreadable)?;
    let found = read_certificates(&octets).map_err(refused)?;
    if found.is_empty() { Err(TrustError::Empty(path.to_owned())) } else { Ok(found) }
}

// A self-issued certificate is an anchor if its own key signed it. Where the algorithm is none of
// ours, the key identifiers must do.
fn is_self_signed(certificate: &Certificate) -> bool {
    if !certificate.is_self_issued() {
        return false;
    }
    let result =
        certificate.signature_algorithm().map_err(VerifyError::from).and_then(|algorithm| {
            let key = certificate.public_key();
            verify(algorithm, ValueForm::Der, key, certificate.tbs(), certificate.signature())
        });
    match result {
        Ok(()) => true,
        Err(VerifyError::Unsupported(_)) => {
            let authority = certificate.authority_key_id();
            authority.is_none() || authority == certificate.subject_key_id()
        }
        Err(_) => false,
    }
}
