//! The request document: what the applicant signs (form, consent, manifest of attachments).

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Attachment, Field, Wording};
use crate::identity::Applicant;
use crate::text::Language;

/// A request as the applicant signs it. Its XML is the original; see `to_xml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestDocument {
    /// Identifier of the request.
    pub id: String,
    /// Identifier of the service in the catalogue.
    pub service: String,
    /// Name of the service.
    pub service_name: Wording,
    /// Procedure asked for: issue, re-issue, duplicate.
    pub procedure: String,
    /// Identifier and version of the form that was filled in.
    pub form: String,
    /// Language the applicant worked in.
    pub language: Language,
    /// Number the request is made under.
    pub applicant: Applicant,
    /// Name of the applicant.
    pub applicant_name: String,
    /// The filled-in form, in its order.
    pub fields: Vec<Field>,
    /// The consent the applicant gives by signing, in the words shown.
    pub consent: String,
    /// The attached documents.
    pub attachments: Vec<Attachment>,
    /// The payment, where the service has a fee.
    pub payment: Option<PaymentInfo>,
    /// When the document was made, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// What the payment gateway confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PaymentInfo {
    /// The gateway's number of the payment.
    pub reference: String,
    /// Amount in tiyn (1/100 tenge).
    pub amount: u64,
    /// When it was paid, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub paid_at: OffsetDateTime,
}
