//! `[seal]`: the key with which the service seals what it says itself.

use serde::Deserialize;

use super::KeyConfig;

/// `[seal]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealConfig {
    /// The key.
    pub key: KeyConfig,
    /// How many days a sealed report is found by its code.
    #[serde(default = "keep_days")]
    pub keep_days: u16,
}

/// Five years.
fn keep_days() -> u16 {
    1826
}
