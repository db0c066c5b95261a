//! The licence document: what the authority signs and the holder keeps.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use super::{Field, Wording};
use crate::identity::{Applicant, Bin};

/// A licence or permit. Its XML is the original, its PDF the presentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Licence {
    /// Number from the register.
    pub number: String,
    /// Unguessable verification code: whoever holds it may see the document.
    pub code: String,
    /// Address behind the QR code.
    pub verify_url: String,
    /// Whether the law calls it a licence or a permit.
    pub document: DocumentKind,
    /// Identifier of the service in the catalogue.
    pub service: String,
    /// Name of the service.
    pub service_name: Wording,
    /// What is licensed, as an identifier: `export`, `import`.
    pub kind: String,
    /// What is licensed, as the line under the title: "for the export of …".
    pub kind_name: Wording,
    /// Who issues.
    pub authority: Authority,
    /// Number of the holder.
    pub holder: Applicant,
    /// Name of the holder.
    pub holder_name: String,
    /// The licensed particulars, in the order of the form.
    pub fields: Vec<Field>,
    /// Special conditions; may be empty.
    pub conditions: Vec<Wording>,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity, inclusive.
    pub valid_to: Date,
    /// When the document was made, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub issued_at: OffsetDateTime,
    /// Who signs.
    pub signatory: Signatory,
    /// The request this answers.
    pub origin: Origin,
}

/// Whether the law calls the document a licence or a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    /// Licence (лицензия).
    Licence,
    /// Permit (рұқсат, разрешение).
    Permit,
}

/// The authority that decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its name.
    pub name: Wording,
    /// Its number.
    pub bin: Bin,
}

/// The official who signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatory {
    /// Name in full.
    pub name: String,
    /// Position.
    pub position: Wording,
}

/// The request a decision answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Origin {
    /// Identifier of the request.
    pub request_id: String,
    /// Incoming number it was registered under.
    pub incoming_number: String,
    /// SHA-256 of the signed request's octets, lower-case hexadecimal.
    pub request_sha256: String,
}
