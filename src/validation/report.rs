//! The report a caller gets: the shape is part of the API and of the command line, and stable.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::identity::IdentityFinding;
use super::policy::{Policy, PolicyName};
use super::times::StampJudgement;
use super::{Judgement, SubIndication, TimeSource, TrustedTime, Verdict};
use crate::reason::{Reason, ReasonCode};
use crate::signature::{FoundSignature, SignatureFormat, SignerClaims, TimestampKind};
use crate::text::Language;
use crate::x509::{Certificate, RevocationAnswer, RevocationStatus};

/// The report on one document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The document that was judged.
    pub document: DocumentInfo,
    /// The worst verdict of its signatures.
    #[schema(value_type = String, example = "TOTAL-PASSED")]
    pub verdict: Verdict,
    /// Each signature, in the order of the document.
    pub signatures: Vec<SignatureReport>,
    /// The licence the document is, and its state today; `null` if it is none of ours.
    pub licence: Option<LicenceInfo>,
    /// The policy it was judged under.
    #[serde(default)]
    pub policy: PolicyName,
}

/// Format, size and digest of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentInfo {
    /// `XML`, `PDF` or `CMS`.
    pub format: String,
    /// Size in bytes.
    pub size: usize,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// The report on one signature.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignatureReport {
    /// The signature's identifier in the document.
    pub id: String,
    /// Format and level.
    #[schema(value_type = String, example = "XAdES-B-B")]
    pub format: SignatureFormat,
    /// The verdict.
    #[schema(value_type = String, example = "TOTAL-PASSED")]
    pub verdict: Verdict,
    /// Why it is not TOTAL-PASSED (EN 319 102-1).
    #[schema(value_type = Option<String>)]
    pub sub_indication: Option<SubIndication>,
    /// Every reason, the gravest first.
    pub reasons: Vec<ReasonInfo>,
    /// What is odd but no reason against the signature.
    pub warnings: Vec<ReasonInfo>,
    /// The signer, as the certificate names it.
    pub signer: SignerInfo,
    /// The signature algorithm by its standard name.
    pub algorithm: String,
    /// What exactly is covered.
    pub signed_scope: Vec<ScopeInfo>,
    /// What was added to a PDF after this signature and a rule permits, object by object.
    #[serde(default)]
    pub later_changes: Vec<String>,
    /// Whether everything of the document is covered.
    pub covers_whole_document: bool,
    /// The signing time the signer claims; no proof.
    #[serde(with = "time::serde::rfc3339::option")]
    pub claimed_time: Option<OffsetDateTime>,
    /// What else the signer says; no proof either.
    #[serde(default, skip_serializing_if = "ClaimsInfo::is_empty")]
    pub claims: ClaimsInfo,
    /// The time the signature was judged at.
    pub trusted_time: TrustedTimeInfo,
    /// The signer's certificate, if there is one.
    pub certificate: Option<CertificateInfo>,
    /// What is known of its revocation.
    pub revocation: RevocationInfo,
    /// The time-stamps it carries.
    #[serde(default)]
    pub timestamps: Vec<TimestampInfo>,
    /// Whether the signer is who the policy wants; never part of the verdict.
    #[serde(default)]
    pub identity: IdentityInfo,
}

/// A reason with its sentence in the language asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonInfo {
    /// The machine-readable code.
    #[schema(value_type = String, example = "revoked")]
    pub code: ReasonCode,
    /// The sentence for people.
    pub message: String,
    /// The technical detail, in English; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Who signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignerInfo {
    /// Name with patronymic.
    pub name: String,
    /// Number of the person.
    pub iin: Option<String>,
    /// Number of the organisation.
    pub bin: Option<String>,
    /// Name of the organisation.
    pub organisation: Option<String>,
    /// Roles by the national profile.
    pub roles: Vec<String>,
}

/// One covered piece.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScopeInfo {
    /// `document`, `element`, `signature` (its value), `bytes` or `content`.
    pub kind: String,
    /// Which piece.
    pub what: String,
}

/// What the signer says beside the signature, covered by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimsInfo {
    /// Roles in which is signed.
    pub roles: Vec<String>,
    /// What the signature commits the signer to, as URIs.
    pub commitments: Vec<String>,
    /// What kind of content is signed, as media types.
    pub content_types: Vec<String>,
}

/// The time of judgement and what makes it believable.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustedTimeInfo {
    /// The moment.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// `now`, `given`, `register` or `time-stamp`.
    #[schema(value_type = String, example = "now")]
    pub source: TimeSource,
}

/// The signer's certificate in short.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateInfo {
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// Issuer (RFC 4514).
    pub issuer: String,
    /// First moment of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Last moment of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
}

/// What is known of the certificate's revocation, and who said so.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevocationInfo {
    /// `good`, `revoked`, `on-hold`, `unknown` or `not-checked`.
    pub status: String,
    /// `ocsp`, `crl` or `none`.
    pub source: String,
    /// When the answer was true (`thisUpdate`).
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

impl RevocationInfo {
    /// The key under which a catalogue of texts says the status.
    pub fn status_key(&self) -> &'static str {
        match self.status.as_str() {
            "good" => "revocation-good",
            "revoked" => "revocation-revoked",
            "on-hold" => "revocation-on-hold",
            "not-checked" => "revocation-not-checked",
            _ => "revocation-unknown",
        }
    }
}

/// The key under which a catalogue of texts says a licence's state.
pub fn licence_state_key(state: &str) -> &'static str {
    match state {
        "active" => "state-active",
        "suspended" => "state-suspended",
        "reissued" => "state-reissued",
        "refused" => "state-refused",
        "terminated" => "state-terminated",
        "not-begun" => "state-not-begun",
        "expired" => "state-expired",
        _ => "state-unknown",
    }
}

/// A time-stamp of the signature.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimestampInfo {
    /// `signature`, `content` or `archive`.
    #[schema(value_type = String, example = "signature")]
    pub kind: TimestampKind,
    /// The authority (RFC 4514); empty if the token names none.
    pub authority: String,
    /// The time it states.
    #[serde(with = "time::serde::rfc3339::option")]
    pub time: Option<OffsetDateTime>,
    /// Whether it proves that time.
    pub valid: bool,
    /// Why it proves nothing.
    pub reason: Option<ReasonInfo>,
    /// The same in the words of EN 319 102-1.
    #[schema(value_type = Option<String>)]
    pub sub_indication: Option<SubIndication>,
}

/// Whether the signer is who the policy wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentityInfo {
    /// Whether every rule holds.
    pub matches: bool,
    /// Which do not.
    pub reasons: Vec<ReasonInfo>,
}

/// A licence of our register, as it stands today.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LicenceInfo {
    /// The licence number.
    pub number: String,
    /// `active`, `suspended`, `reissued`, `terminated` or `unknown`.
    pub state: String,
    /// Name of the holder.
    pub holder: Option<String>,
    /// First day of validity, `YYYY-MM-DD`.
    pub valid_from: Option<String>,
    /// Last day of validity, `YYYY-MM-DD`.
    pub valid_to: Option<String>,
    /// Whether the document is, octet for octet, the one the register holds.
    pub matches_register: bool,
    /// For a PDF: whether the licence attached to it is, octet for octet, the register's original.
    #[serde(default)]
    pub attachment_matches: Option<bool>,
    /// For a PDF with a licence attached: whether its pages show the register's licence, as this
    /// program prints it or as one of the register's copies shows it.
    #[serde(default)]
    pub pages_match: Option<bool>,
}

impl ReasonInfo {
    /// The reason with its sentence.
    pub fn new(reason: &Reason, language: Language) -> Self {
        Self {
            code: reason.code,
            message: reason.code.message(language).to_owned(),
            detail: reason.detail.clone(),
        }
    }
}

impl Report {
    /// The report over the signatures found and the judgements on them.
    pub(super) fn new(
        document: DocumentInfo,
        found: &[FoundSignature],
        judgements: &[Judgement],
        policy: &Policy,
        language: Language,
    ) -> Self {
        let verdicts = judgements.iter().map(|judgement| judgement.verdict);
        let signatures = found.iter().zip(judgements);
        Self {
            document,
            // A document without signatures never gets here; were it to, it would not pass.
            verdict: verdicts.max().unwrap_or(Verdict::Indeterminate),
            signatures: signatures.map(|(f, j)| SignatureReport::new(f, j, language)).collect(),
            licence: None,
            policy: policy.name().clone(),
        }
    }
}

impl SignatureReport {
    fn new(found: &FoundSignature, judgement: &Judgement, language: Language) -> Self {
        let infos = |reasons: &[Reason]| {
            reasons.iter().map(|reason| ReasonInfo::new(reason, language)).collect()
        };
        let algorithm = match &found.algorithm {
            Ok(algorithm) => algorithm.row().name.to_owned(),
            Err(unsupported) => unsupported.name.clone(),
        };
        let items = found.scope.items.iter();
        let stamps = judgement.timestamps.iter();
        Self {
            id: found.id.clone(),
            format: found.format,
            verdict: judgement.verdict,
            sub_indication: judgement.sub_indication,
            reasons: infos(&judgement.reasons),
            warnings: infos(&judgement.warnings),
            signer: found.certificate.as_ref().map(SignerInfo::new).unwrap_or_default(),
            algorithm,
            signed_scope: items
                .map(|item| ScopeInfo { kind: item.kind.clone(), what: item.what.clone() })
                .collect(),
            later_changes: found.scope.later.clone(),
            covers_whole_document: found.scope.covers_whole_document,
            claimed_time: found.claimed_time,
            claims: ClaimsInfo::new(&found.claims),
            trusted_time: TrustedTimeInfo::new(judgement.time),
            certificate: found.certificate.as_ref().map(CertificateInfo::new),
            revocation: RevocationInfo::new(judgement.revocation.as_ref()),
            timestamps: stamps.map(|stamp| TimestampInfo::new(stamp, language)).collect(),
            identity: IdentityInfo::new(&judgement.identity, language),
        }
    }
}

impl ClaimsInfo {
    fn new(claims: &SignerClaims) -> Self {
        let SignerClaims { roles, commitments, content_types } = claims.clone();
        Self { roles, commitments, content_types }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl TrustedTimeInfo {
    /// A trusted time in a report.
    pub(super) fn new(time: TrustedTime) -> Self {
        Self { time: time.time, source: time.source }
    }
}

impl TimestampInfo {
    /// A time-stamp in a report.
    pub(super) fn new(stamp: &StampJudgement, language: Language) -> Self {
        let failure = stamp.failure.as_ref();
        Self {
            kind: stamp.kind,
            authority: stamp.authority.clone(),
            time: stamp.info.as_ref().map(|info| info.time),
            valid: failure.is_none(),
            reason: failure.map(|(reason, _)| ReasonInfo::new(reason, language)),
            sub_indication: failure.map(|(_, why)| *why),
        }
    }
}

impl IdentityInfo {
    /// The finding in a report.
    pub(super) fn new(finding: &IdentityFinding, language: Language) -> Self {
        let reasons = finding.reasons.iter().map(|reason| ReasonInfo::new(reason, language));
        Self { matches: finding.reasons.is_empty(), reasons: reasons.collect() }
    }
}

impl SignerInfo {
    /// The signer a certificate names.
    pub fn new(certificate: &Certificate) -> Self {
        let holder = certificate.held_by();
        Self {
            name: holder.full_name(),
            iin: holder.iin.as_ref().map(ToString::to_string),
            bin: holder.bin.as_ref().map(ToString::to_string),
            organisation: holder.organisation.clone(),
            roles: holder.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        }
    }
}

impl CertificateInfo {
    /// A certificate in short.
    pub fn new(certificate: &Certificate) -> Self {
        Self {
            serial: certificate.serial_hex(),
            issuer: certificate.issuer().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }
}

impl RevocationInfo {
    /// An answer in short; `None` means that nobody was asked.
    pub fn new(answer: Option<&RevocationAnswer>) -> Self {
        let Some(answer) = answer else {
            return Self { status: "not-checked".to_owned(), source: "none".to_owned(), at: None };
        };
        let status = match answer.status {
            RevocationStatus::Good => "good",
            RevocationStatus::Revoked { .. } => "revoked",
            RevocationStatus::OnHold { .. } => "on-hold",
            RevocationStatus::Unknown => "unknown",
        };
        Self { status: status.to_owned(), source: answer.source.to_owned(), at: answer.at }
    }
}
