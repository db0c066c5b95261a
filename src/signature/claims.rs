//! What a signer says beside the signature.

use serde::{Deserialize, Serialize};

/// What the signer says of itself and of the content. The signature covers it; nobody has checked
/// whether it is true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignerClaims {
    /// Roles in which is signed (EN 319 132-1 §5.2.6).
    pub roles: Vec<String>,
    /// What the signature commits the signer to, as URIs (EN 319 132-1 §5.2.3).
    pub commitments: Vec<String>,
    /// What kind of content is signed, as media types (EN 319 132-1 §5.2.4).
    pub content_types: Vec<String>,
}

impl SignerClaims {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
