//! The reasoned refusal: the other answer an authority signs.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Authority, Origin, Signatory, Wording};
use crate::identity::Applicant;

/// A reasoned refusal. Its XML is the original, its PDF the presentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Refusal {
    /// Number from the register.
    pub number: String,
    /// Unguessable verification code: whoever holds it may see the document.
    pub code: String,
    /// Address behind the QR code.
    pub verify_url: String,
    /// Identifier of the service in the catalogue.
    pub service: String,
    /// Name of the service.
    pub service_name: Wording,
    /// Who refuses.
    pub authority: Authority,
    /// Number of the applicant.
    pub applicant: Applicant,
    /// Name of the applicant.
    pub applicant_name: String,
    /// Grounds in law, at least one.
    pub grounds: Vec<Ground>,
    /// What in this request meets the grounds, in the words and language of the officer.
    pub reason: String,
    /// When the document was made, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub issued_at: OffsetDateTime,
    /// Who signs.
    pub signatory: Signatory,
    /// The request this answers.
    pub origin: Origin,
}

/// A ground of refusal from the service's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// Its identifier in the catalogue.
    pub code: String,
    /// Its wording in law.
    pub text: Wording,
}
