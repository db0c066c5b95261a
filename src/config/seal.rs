//! `[seal]`: the key with which the service seals what it says itself.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::TokenConfig;
use crate::limits;
use crate::token::{KeyChoice, Module, Pin, Pkcs12, Signer, Token, TokenChoice};
use crate::x509::Certificate;

/// `[seal]`: a PKCS#12 file, or a key in a token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SealConfig {
    /// The PKCS#12 file; without it a token is used.
    pub p12: Option<PathBuf>,
    /// The token, by its label or serial number; needed where there are several.
    pub token: Option<String>,
    /// The key, by its label; needed where several sign documents.
    pub key: Option<String>,
    /// The certificate, where it is not beside the key.
    pub certificate: Option<PathBuf>,
    /// File with the PIN or password.
    pub pin_file: Option<PathBuf>,
    /// Environment variable with the PIN or password, instead of the file.
    pub pin_env: Option<String>,
    /// How many days a sealed report is found by its code.
    pub keep_days: u16,
}

/// Why there is no seal, for the operator to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[seal]: {0}")]
pub struct SealError(String);

impl Default for SealConfig {
    fn default() -> Self {
        Self {
            p12: None,
            token: None,
            key: None,
            certificate: None,
            pin_file: None,
            pin_env: None,
            keep_days: 1826,
        }
    }
}

impl SealConfig {
    /// Opens the key. Nobody is asked for the PIN: it comes from the file or the environment.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn signer(&self, tokens: &TokenConfig) -> Result<Arc<dyn Signer>, SealError> {
        let key = self.key.clone().map_or(KeyChoice::Only, KeyChoice::Label);
        let certificate = self.certificate.as_ref().map(read).transpose()?;
        let certificate =
            certificate.map(|octets| Certificate::from_der_or_pem(&octets)).transpose();
        let certificate = certificate.map_err(error)?;
        let pin = match (&self.pin_file, &self.pin_env) {
            (Some(path), None) => Pin::from_file(path).map_err(error)?,
            (None, Some(name)) => Pin::from_env(name).map_err(error)?,
            _ => return Err(SealError("name one of pin_file and pin_env".to_owned())),
        };
        if let Some(path) = &self.p12 {
            if self.token.is_some() {
                return Err(SealError("name one of p12 and token".to_owned()));
            }
            let file = Pkcs12::read(&read(path)?, &pin).map_err(error)?;
            return Ok(match certificate {
                Some(certificate) => Arc::new(file.signer_with(&key, certificate).map_err(error)?),
                None => Arc::new(file.signer(&key).map_err(error)?),
            });
        }
        let (module, choice) = self.place(tokens)?;
        let token =
            Token::open_with(&module, &choice, Some(&pin), tokens.options()).map_err(error)?;
        Ok(match certificate {
            Some(certificate) => Arc::new(token.signer_with(&key, certificate).map_err(error)?),
            None => Arc::new(token.signer(&key).map_err(error)?),
        })
    }

    fn place(&self, tokens: &TokenConfig) -> Result<(Arc<Module>, TokenChoice), SealError> {
        let modules: Result<Vec<_>, _> =
            tokens.modules.iter().map(|path| Module::open(path)).collect();
        let modules = modules.map_err(error)?;
        let Some(name) = &self.token else {
            return match modules.as_slice() {
                [module] => Ok((module.clone(), TokenChoice::Only)),
                _ => Err(SealError("name a token, or a p12 file".to_owned())),
            };
        };
        for module in modules {
            let tokens = module.tokens().map_err(error)?;
            if tokens.iter().any(|token| token.label == *name) {
                return Ok((module, TokenChoice::Label(name.clone())));
            }
            if tokens.iter().any(|token| token.serial == *name) {
                return Ok((module, TokenChoice::Serial(name.clone())));
            }
        }
        Err(SealError(format!("there is no token {name:?}")))
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, SealError> {
    let named = |why: String| SealError(format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| named(error.to_string()))?.len();
    if size > limits::DOCUMENT_BYTES as u64 {
        return Err(named("too large".to_owned()));
    }
    std::fs::read(path).map_err(|error| named(error.to_string()))
}

fn error(error: impl std::fmt::Display) -> SealError {
    SealError(error.to_string())
}
