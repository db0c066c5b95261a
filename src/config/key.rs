//! A key of the service itself: what seals its reports, what signs its questions to others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::TokenConfig;
use crate::limits;
use crate::token::{KeyChoice, Module, Pin, Pkcs12, Signer, Token, TokenChoice};
use crate::x509::Certificate;

/// A PKCS#12 file, or a key in a token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyConfig {
    /// The PKCS#12 file; without it a token is used.
    pub p12: Option<PathBuf>,
    /// The token, by its label or serial number, in one of `[token] modules`; needed where there
    /// are several.
    pub token: Option<String>,
    /// The key, by its label; needed where several sign.
    pub label: Option<String>,
    /// The certificate, where it is not beside the key.
    pub certificate: Option<PathBuf>,
    /// File with the PIN, or the password of the PKCS#12 file.
    pub pin_file: Option<PathBuf>,
    /// Environment variable with it, instead of the file.
    pub pin_env: Option<String>,
}

/// Why a configured key cannot be used. It never holds a PIN or a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

impl KeyConfig {
    /// Logs in and gives the signer. The PIN is tried once, and nobody is asked for it.
    ///
    /// # Errors
    /// [`KeyError`] with what stands in the way.
    pub fn signer(&self, tokens: &TokenConfig) -> Result<Arc<dyn Signer>, KeyError> {
        let choice = self.label.clone().map_or(KeyChoice::Only, KeyChoice::Label);
        let certificate = self.certificate.as_deref().map(read).transpose()?;
        let certificate = certificate.map(|octets| Certificate::from_der_or_pem(&octets));
        let certificate = certificate.transpose().map_err(told)?;
        let pin = match (&self.pin_file, &self.pin_env) {
            (Some(path), None) => Pin::from_file(path).map_err(told)?,
            (None, Some(name)) => Pin::from_env(name).map_err(told)?,
            _ => return Err(told("name one of pin_file and pin_env")),
        };
        match (&self.p12, &self.token) {
            (Some(_), Some(_)) => Err(told("name either a PKCS#12 file (p12) or a token")),
            (Some(path), None) => {
                let file = Pkcs12::read(&read(path)?, &pin).map_err(told)?;
                Ok(match certificate {
                    Some(certificate) => {
                        Arc::new(file.signer_with(&choice, certificate).map_err(told)?)
                    }
                    None => Arc::new(file.signer(&choice).map_err(told)?),
                })
            }
            (None, name) => {
                let (module, token) = place(name.as_deref(), tokens)?;
                let token = Token::open_with(&module, &token, Some(&pin), tokens.options());
                let token = token.map_err(told)?;
                Ok(match certificate {
                    Some(certificate) => {
                        Arc::new(token.signer_with(&choice, certificate).map_err(told)?)
                    }
                    None => Arc::new(token.signer(&choice).map_err(told)?),
                })
            }
        }
    }

    /// The files it names.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.p12.iter_mut().chain(&mut self.certificate).chain(&mut self.pin_file)
    }
}

/// The module and the token in it.
fn place(name: Option<&str>, tokens: &TokenConfig) -> Result<(Arc<Module>, TokenChoice), KeyError> {
    let modules: Result<Vec<_>, _> = tokens.modules.iter().map(|path| Module::open(path)).collect();
    let modules = modules.map_err(told)?;
    let Some(name) = name else {
        return match modules.as_slice() {
            [module] => Ok((module.clone(), TokenChoice::Only)),
            _ => Err(told("name a token, or a PKCS#12 file (p12)")),
        };
    };
    for module in modules {
        let shown = module.tokens().map_err(told)?;
        if shown.iter().any(|token| token.label == name) {
            return Ok((module, TokenChoice::Label(name.to_owned())));
        }
        if shown.iter().any(|token| token.serial == name) {
            return Ok((module, TokenChoice::Serial(name.to_owned())));
        }
    }
    Err(KeyError(format!("there is no token {name:?} in the modules of [token]")))
}

/// A file, up to the limit of such files: never more than that is read.
fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let named = |why: std::io::Error| KeyError(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(named)?;
    let mut octets = Vec::new();
    let mut file = std::io::Read::take(file, limits::PKCS12_BYTES as u64 + 1);
    std::io::Read::read_to_end(&mut file, &mut octets).map_err(named)?;
    Ok(octets)
}

fn told(error: impl std::fmt::Display) -> KeyError {
    KeyError(error.to_string())
}
