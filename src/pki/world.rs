//! A made test PKI, read back: who is in it, with certificates, tokens and PINs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Algorithm, PkiError, softhsm};
use crate::token::{KeyChoice, Module, Pin, Pkcs12, Signer, Token, TokenChoice};
use crate::x509::Certificate;

pub(super) const INDEX: &str = "index.json";

/// A test PKI in a directory.
#[derive(Clone, Debug)]
pub struct World {
    dir: PathBuf,
    index: Index,
}

/// `index.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Index {
    pub algorithm: Algorithm,
    pub base_url: String,
    pub module: Option<PathBuf>,
    #[serde(with = "time::serde::rfc3339")]
    pub made_at: OffsetDateTime,
    /// When the first certificate that should be valid ends.
    #[serde(with = "time::serde::rfc3339")]
    pub good_until: OffsetDateTime,
    pub entries: Vec<Entry>,
}

/// One certificate of the test PKI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Its name in the recipe, for example `person`; also `CKA_ID` and label of its key.
    pub id: String,
    /// Whose it is.
    pub kind: Kind,
    /// Label of the token that holds the key; with keys in files, the name of the PIN.
    pub token: String,
    /// Name in the recipe of the authority that issued it.
    pub issuer: String,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// The subject's common name.
    pub name: String,
    /// A revocation that stands from the beginning.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revocation: Option<Revocation>,
}

/// Whose certificate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A certification authority's.
    Authority,
    /// The OCSP responder's or the time-stamping authority's.
    Service,
    /// A person's or an information system's.
    Holder,
}

/// When and why a certificate was revoked or put on hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The moment.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// A name of RFC 5280 §5.3.1, for example `keyCompromise` or `certificateHold`.
    pub reason: String,
}

/// The addresses of the certification authority's services, as certificates carry them.
#[derive(Clone, Debug)]
pub struct Addresses {
    base: String,
    algorithm: &'static str,
}

impl World {
    /// Reads the test PKI made in `dir`.
    ///
    /// # Errors
    /// [`PkiError`] if there is none, or it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, PkiError> {
        let path = dir.join(INDEX);
        let text = std::fs::read(&path).map_err(PkiError::file(&path))?;
        let index = serde_json::from_slice(&text)
            .map_err(|error| PkiError::Shape(INDEX, error.to_string()))?;
        Ok(Self { dir: dir.to_owned(), index })
    }

    pub(super) fn new(dir: &Path, index: Index) -> Self {
        Self { dir: dir.to_owned(), index }
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The algorithm of every key in it.
    pub fn algorithm(&self) -> Algorithm {
        self.index.algorithm
    }

    /// Address of the double that serves it.
    pub fn base_url(&self) -> &str {
        &self.index.base_url
    }

    /// The addresses of its services.
    pub fn addresses(&self) -> Addresses {
        Addresses::new(&self.index.base_url, self.index.algorithm)
    }

    /// Path of the PKCS#11 module its tokens belong to; `None` where keys lie in files.
    pub fn module_path(&self) -> Option<&Path> {
        self.index.module.as_deref().filter(|_| self.algorithm().uses_tokens())
    }

    /// The PKCS#12 file with a holder's key; `None` where it lies on a token.
    ///
    /// # Errors
    /// [`PkiError::NoSuchHolder`].
    pub fn key_path(&self, id: &str) -> Result<Option<PathBuf>, PkiError> {
        let path = self.dir.join("keys").join(format!("{}.p12", self.entry(id)?.id));
        Ok((!self.algorithm().uses_tokens()).then_some(path))
    }

    /// The directory with the trust anchor and nothing else.
    pub fn trust_dir(&self) -> PathBuf {
        self.dir.join("trust")
    }

    /// Every certificate, issuers first.
    pub fn entries(&self) -> &[Entry] {
        &self.index.entries
    }

    /// The certificate with this name in the recipe.
    ///
    /// # Errors
    /// [`PkiError::NoSuchHolder`].
    pub fn entry(&self, id: &str) -> Result<&Entry, PkiError> {
        let found = self.index.entries.iter().find(|entry| entry.id == id);
        found.ok_or_else(|| PkiError::NoSuchHolder(id.to_owned()))
    }

    /// Path of a certificate in DER; the PEM form lies beside it.
    ///
    /// # Errors
    /// [`PkiError::NoSuchHolder`].
    pub fn certificate_path(&self, id: &str) -> Result<PathBuf, PkiError> {
        Ok(self.dir.join("certs").join(format!("{}.cer", self.entry(id)?.id)))
    }

    /// A certificate.
    ///
    /// # Errors
    /// [`PkiError`] if there is no such holder or the file cannot be read.
    pub fn certificate(&self, id: &str) -> Result<Certificate, PkiError> {
        let path = self.certificate_path(id)?;
        let der = std::fs::read(&path).map_err(PkiError::file(&path))?;
        Ok(Certificate::from_der(&der)?)
    }

    /// The file with the PIN of a holder's token, or the password of the key's file.
    ///
    /// # Errors
    /// [`PkiError::NoSuchHolder`].
    pub fn pin_path(&self, id: &str) -> Result<PathBuf, PkiError> {
        Ok(self.dir.join("pins").join(format!("{}.pin", self.entry(id)?.token)))
    }

    /// The PIN of a holder's token.
    ///
    /// # Errors
    /// [`PkiError`] if there is no such holder or the file cannot be read.
    pub fn pin(&self, id: &str) -> Result<Pin, PkiError> {
        Ok(Pin::from_file(&self.pin_path(id)?)?)
    }

    /// The module of its tokens.
    ///
    /// # Errors
    /// [`PkiError::NotConfigured`] if the process was not started with these tokens' SoftHSM
    /// configuration (see [`softhsm::enter`]), or the module cannot be loaded.
    pub fn module(&self) -> Result<Arc<Module>, PkiError> {
        let path = self.module_path().ok_or(PkiError::NoModule)?;
        if !softhsm::configured(&self.dir) {
            return Err(PkiError::NotConfigured(softhsm::configuration(&self.dir)));
        }
        Ok(Module::open(path)?)
    }

    /// A holder's token, logged in.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn token(&self, id: &str) -> Result<Arc<Token>, PkiError> {
        let choice = TokenChoice::Label(self.entry(id)?.token.clone());
        Ok(Token::open(&self.module()?, &choice, Some(&self.pin(id)?))?)
    }

    /// A holder's signer: key and certificate on the token, or in the PKCS#12 file.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn signer(&self, id: &str) -> Result<Box<dyn Signer>, PkiError> {
        Ok(match self.key_path(id)? {
            None => Box::new(self.token(id)?.signer(&KeyChoice::Id(id.as_bytes().to_vec()))?),
            Some(path) => {
                let file = std::fs::read(&path).map_err(PkiError::file(&path))?;
                Box::new(Pkcs12::read(&file, &self.pin(id)?)?.signer(&KeyChoice::Only)?)
            }
        })
    }
}

impl Addresses {
    /// The addresses under a base such as `http://127.0.0.1:9080`.
    pub fn new(base: &str, algorithm: Algorithm) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), algorithm: algorithm.as_str() }
    }

    /// The root's certificate.
    pub fn root_certificate(&self) -> String {
        format!("{}/cert/root_test_{}.cer", self.base, self.algorithm)
    }

    /// The issuing authority's certificate.
    pub fn issuer_certificate(&self) -> String {
        format!("{}/cert/nca_{}_test.cer", self.base, self.algorithm)
    }

    /// The root's CRL.
    pub fn root_crl(&self) -> String {
        format!("{}/crl/root_{}_test.crl", self.base, self.algorithm)
    }

    /// The issuing authority's CRL.
    pub fn crl(&self) -> String {
        format!("{}/crl/nca_{}_test.crl", self.base, self.algorithm)
    }

    /// The issuing authority's delta CRL.
    pub fn delta_crl(&self) -> String {
        format!("{}/crl/nca_d_{}_test.crl", self.base, self.algorithm)
    }

    /// The OCSP responder.
    pub fn ocsp(&self) -> String {
        format!("{}/ocsp", self.base)
    }

    /// The time-stamping authority.
    pub fn tsp(&self) -> String {
        format!("{}/tsp", self.base)
    }
}
