//! What a signature format hands on: one signature found in a document, in a form that no longer
//! knows XML, CMS or PDF. Formats fill it, `validation` judges it.

mod carried;
mod content;
mod format;
mod material;

pub use carried::{CarriedTimestamp, Stamped, TimestampKind};
pub use content::ContentFile;
pub(crate) use content::digest_of;
pub use format::{Level, SignatureFormat};
pub use material::ValidationMaterial;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, UnsupportedAlgorithm, ValueForm};
use crate::reason::Reason;
use crate::x509::Certificate;

/// One signature as it was found. Nothing in it is believed yet but what the format itself could
/// check: structure and digests.
#[derive(Clone, Debug)]
pub struct FoundSignature {
    /// The signature's own identifier, or one made from its place (`signature-1`).
    pub id: String,
    /// Format and level.
    pub format: SignatureFormat,
    /// The signature algorithm, or the name of one that is not implemented.
    pub algorithm: Result<SignatureAlgorithm, UnsupportedAlgorithm>,
    /// The digests its references, or its signed message digest, are made with, each once. The
    /// policy judges them.
    pub digests: Vec<DigestAlgorithm>,
    /// How an ECDSA value is written in this format.
    pub value_form: ValueForm,
    /// The octets the value is made over: canonical `SignedInfo`, or DER signed attributes.
    pub signed_octets: Vec<u8>,
    /// The signature value.
    pub value: Vec<u8>,
    /// The certificate the signature itself points to.
    pub certificate: Option<Certificate>,
    /// Every certificate carried along.
    pub certificates: Vec<Certificate>,
    /// The signing time the signer claims.
    pub claimed_time: Option<OffsetDateTime>,
    /// What exactly is covered.
    pub scope: SignedScope,
    /// What the format found wrong by itself: digests that differ, broken structure,
    /// constructions it refuses, content that is missing. Empty for an honest signature.
    pub faults: Vec<Reason>,
    /// What is odd but no fault, in the same codes.
    pub warnings: Vec<Reason>,
    /// The time-stamps carried along, not judged yet, in the order they were made: each archive
    /// time-stamp covers the ones before it.
    pub timestamps: Vec<CarriedTimestamp>,
    /// Revocation values carried along, not judged yet: OCSP responses (whole, or the
    /// `BasicOCSPResponse`) and CRLs, DER.
    pub evidence: Vec<Vec<u8>>,
}

/// What a signature covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedScope {
    /// The covered pieces, in the order of the signature.
    pub items: Vec<ScopeItem>,
    /// Whether everything of the document but the signatures themselves is covered.
    pub covers_whole_document: bool,
    /// What was added to the document later and a rule permits, object by object.
    #[serde(default)]
    pub later: Vec<String>,
    /// The verified octets, one entry for each item: canonical XML, or the content. Consumers read
    /// only these, never the document they came in. Empty for a PDF, whose signed revision is a
    /// part of the document itself (`pdf::signed_revision`).
    #[serde(skip)]
    pub octets: Vec<Vec<u8>>,
}

/// One covered piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeItem {
    /// `document`, `element`, `bytes` or `content` (detached).
    pub kind: String,
    /// Which piece: an element's name and id, or a range of bytes.
    pub what: String,
}
