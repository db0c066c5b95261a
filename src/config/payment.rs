//! `[payment]`: the payment gateway, and the key that signs what is asked of it.

use std::path::PathBuf;

use serde::Deserialize;

use super::KeyConfig;

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

impl PaymentConfig {
    /// The files it names.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.certificates.iter_mut().chain(self.key.iter_mut().flat_map(KeyConfig::paths))
    }
}
