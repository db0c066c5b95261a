//! What a signature format hands on: one signature found in a document, in a form that no longer
//! knows XML, CMS or PDF. Formats fill it, `validation` judges it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::crypto::{SignatureAlgorithm, UnsupportedAlgorithm, ValueForm};
use crate::reason::Reason;
use crate::x509::Certificate;

/// The format and level of one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SignatureFormat {
    /// XML signature without XAdES properties (W3C xmldsig-core1).
    #[serde(rename = "XMLDSig")]
    XmlDsig,
    /// ETSI EN 319 132-1, level B-B.
    #[serde(rename = "XAdES-B-B")]
    XadesBB,
    /// RFC 5652 without `signingCertificate(V2)`.
    #[serde(rename = "CMS")]
    Cms,
    /// ETSI EN 319 122-1, level B-B.
    #[serde(rename = "CAdES-B-B")]
    CadesBB,
    /// A PDF signature that is not PAdES (ISO 32000-1 §12.8).
    #[serde(rename = "PDF")]
    Pdf,
    /// ETSI EN 319 142-1, level B-B.
    #[serde(rename = "PAdES-B-B")]
    PadesBB,
}

impl SignatureFormat {
    /// The name of format and level.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XmlDsig => "XMLDSig",
            Self::XadesBB => "XAdES-B-B",
            Self::Cms => "CMS",
            Self::CadesBB => "CAdES-B-B",
            Self::Pdf => "PDF",
            Self::PadesBB => "PAdES-B-B",
        }
    }
}

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
    /// The time-stamps carried along, not judged yet.
    pub timestamps: Vec<CarriedTimestamp>,
}

/// A time-stamp (RFC 3161) that came with a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedTimestamp {
    /// What it was made over.
    pub kind: TimestampKind,
    /// The token: a CMS `SignedData`.
    pub token: Vec<u8>,
    /// The octets its imprint must be of.
    pub over: Vec<u8>,
}

/// What a time-stamp proves about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimestampKind {
    /// Made over the signature value: the signature existed at that time.
    Signature,
    /// Made over the content and signed with it: the signature was made after that time.
    Content,
}

/// What a signature covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedScope {
    /// The covered pieces, in the order of the signature.
    pub items: Vec<ScopeItem>,
    /// Whether everything of the document but the signatures themselves is covered.
    pub covers_whole_document: bool,
    /// The verified octets, one entry for each item: canonical XML, or the PDF revision. Consumers
    /// read only these, never the document they came in.
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
