//! `[payment]`: the payment gateway, and the key that signs what is asked of it.

use std::path::PathBuf;

use serde::Deserialize;

use super::TokenConfig;
use crate::limits;
use crate::token::{KeyChoice, Module, Pin, Pkcs12, Signer, Token, TokenChoice};

/// `[payment]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentConfig {
    /// Address of the gateway.
    pub url: String,
    /// Certificates of the gateway: its answers must be signed with one of them.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
    /// The key that signs the questions.
    pub key: Option<KeyConfig>,
    /// Nothing is signed. Only for a gateway, or an adapter to one, on this machine.
    #[serde(default)]
    pub unsigned: bool,
}

/// A key of the service itself, in a token or a PKCS#12 file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// The PKCS#12 file.
    pub p12: Option<PathBuf>,
    /// The token, by its label or serial number, in one of `[token] modules`.
    pub token: Option<String>,
    /// The key, by its label; needed where several sign.
    pub label: Option<String>,
    /// File with the PIN, or the password of the PKCS#12 file.
    pub pin_file: PathBuf,
}

/// Why a configured key cannot be used. It never holds a PIN or a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

impl PaymentConfig {
    /// The files it names.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let key = self.key.iter_mut();
        let key = key.flat_map(|key| key.p12.iter_mut().chain([&mut key.pin_file]));
        self.certificates.iter_mut().chain(key)
    }
}

impl KeyConfig {
    /// Logs in and gives the signer. The PIN is tried once.
    ///
    /// # Errors
    /// [`KeyError`] with what stands in the way.
    pub fn signer(&self, tokens: &TokenConfig) -> Result<Box<dyn Signer>, KeyError> {
        let choice = self.label.clone().map_or(KeyChoice::Only, KeyChoice::Label);
        let pin = Pin::from_file(&self.pin_file).map_err(told)?;
        match (&self.p12, &self.token) {
            (Some(path), None) => {
                let file = std::fs::File::open(path);
                let file =
                    file.map_err(|error| KeyError(format!("{}: {error}", path.display())))?;
                let mut octets = Vec::new();
                let mut file = std::io::Read::take(file, limits::PKCS12_BYTES as u64 + 1);
                std::io::Read::read_to_end(&mut file, &mut octets).map_err(told)?;
                let file = Pkcs12::read(&octets, &pin).map_err(told)?;
                Ok(Box::new(file.signer(&choice).map_err(told)?))
            }
            (None, Some(name)) => {
                let (module, token) = find(name, tokens)?;
                let token = Token::open_with(&module, &token, Some(&pin), tokens.options());
                let token = token.map_err(told)?;
                Ok(Box::new(token.signer(&choice).map_err(told)?))
            }
            _ => Err(KeyError("name either a PKCS#12 file (p12) or a token".to_owned())),
        }
    }
}

fn find(
    name: &str,
    tokens: &TokenConfig,
) -> Result<(std::sync::Arc<Module>, TokenChoice), KeyError> {
    for path in &tokens.modules {
        let module = Module::open(path).map_err(told)?;
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

fn told(error: impl std::fmt::Display) -> KeyError {
    KeyError(error.to_string())
}
