//! What a request says about one attached document.

use serde::{Deserialize, Serialize};

/// Name, kind, size and digest of an attachment: a row of the manifest the applicant signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// File name as the applicant gave it.
    pub name: String,
    /// Media type (RFC 6838).
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub sha256: String,
}
