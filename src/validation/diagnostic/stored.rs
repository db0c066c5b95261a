//! How signatures, certificates and answers are written in a diagnostic report.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

use super::ReplayError;
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, UnsupportedAlgorithm, ValueForm};
use crate::limits;
use crate::reason::Reason;
use crate::signature::{
    CarriedTimestamp, FoundSignature, SignatureFormat, SignedScope, SignerClaims, Stamped,
    TimestampKind,
};
use crate::validation::evidence::Answered;
use crate::x509::{Certificate, RevocationAnswer, RevocationStatus};

/// Octets, base64 in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Octets(pub Vec<u8>);

/// A signature as it was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StoredSignature {
    id: String,
    format: SignatureFormat,
    algorithm: String,
    digests: Vec<String>,
    fixed_form: bool,
    signed_octets: Octets,
    value: Octets,
    certificate: Option<Octets>,
    certificates: Vec<Octets>,
    #[serde(with = "time::serde::rfc3339::option")]
    claimed_time: Option<OffsetDateTime>,
    #[serde(default, skip_serializing_if = "SignerClaims::is_empty")]
    claims: SignerClaims,
    scope: SignedScope,
    faults: Vec<Reason>,
    warnings: Vec<Reason>,
    timestamps: Vec<StoredTimestamp>,
    evidence: Vec<Octets>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredTimestamp {
    kind: TimestampKind,
    token: Octets,
    over: StoredStamped,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredStamped {
    /// The digest's algorithm, where only the digest is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    octets: Octets,
}

/// An answer about revocation with its question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StoredAnswer {
    certificate_sha256: Octets,
    issuer_sha256: Octets,
    #[serde(with = "time::serde::rfc3339")]
    about: OffsetDateTime,
    status: StoredStatus,
    source: String,
    url: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    this_update: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    next_update: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    asked_at: OffsetDateTime,
    why: Option<String>,
    evidence: Octets,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum StoredStatus {
    Good,
    Unknown,
    Revoked {
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
        reason: Option<String>,
    },
    OnHold {
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Certificates as octets.
pub(super) fn octets(certificates: &[Certificate]) -> Vec<Octets> {
    certificates.iter().map(|one| Octets(one.der().to_vec())).collect()
}

/// Octets as certificates.
pub(super) fn certificates(stored: &[Octets]) -> Result<Vec<Certificate>, ReplayError> {
    stored.iter().map(certificate).collect()
}

fn certificate(stored: &Octets) -> Result<Certificate, ReplayError> {
    Certificate::from_der(&stored.0).map_err(|error| ReplayError::Malformed(error.to_string()))
}

impl StoredSignature {
    pub(super) fn new(found: &FoundSignature) -> Self {
        let algorithm = match &found.algorithm {
            Ok(algorithm) => algorithm.name(),
            Err(unsupported) => unsupported.name.clone(),
        };
        let stamp = |one: &CarriedTimestamp| StoredTimestamp {
            kind: one.kind,
            token: Octets(one.token.clone()),
            over: StoredStamped::new(&one.over),
        };
        Self {
            id: found.id.clone(),
            format: found.format,
            algorithm,
            digests: found.digests.iter().map(|one| one.row().name.to_owned()).collect(),
            fixed_form: found.value_form == ValueForm::Fixed,
            signed_octets: Octets(found.signed_octets.clone()),
            value: Octets(found.value.clone()),
            certificate: found.certificate.as_ref().map(|one| Octets(one.der().to_vec())),
            certificates: octets(&found.certificates),
            claimed_time: found.claimed_time,
            claims: found.claims.clone(),
            // The covered octets were digested by the format; its faults tell the outcome.
            scope: SignedScope { octets: Vec::new(), ..found.scope.clone() },
            faults: found.faults.clone(),
            warnings: found.warnings.clone(),
            timestamps: found.timestamps.iter().map(stamp).collect(),
            evidence: found.evidence.iter().map(|one| Octets(one.clone())).collect(),
        }
    }

    pub(super) fn restore(&self) -> Result<FoundSignature, ReplayError> {
        if self.certificates.len() > limits::CERTIFICATES {
            return Err(ReplayError::Malformed("too many certificates".to_owned()));
        }
        let stamp = |one: &StoredTimestamp| -> Result<_, ReplayError> {
            let (kind, token) = (one.kind, one.token.0.clone());
            Ok(CarriedTimestamp { kind, token, over: one.over.restore()? })
        };
        Ok(FoundSignature {
            id: self.id.clone(),
            format: self.format,
            algorithm: algorithm(&self.algorithm),
            digests: self
                .digests
                .iter()
                .map(|name| digest_named(name))
                .collect::<Result<_, _>>()?,
            value_form: if self.fixed_form { ValueForm::Fixed } else { ValueForm::Der },
            signed_octets: self.signed_octets.0.clone(),
            value: self.value.0.clone(),
            certificate: self.certificate.as_ref().map(certificate).transpose()?,
            certificates: certificates(&self.certificates)?,
            claimed_time: self.claimed_time,
            claims: self.claims.clone(),
            scope: self.scope.clone(),
            faults: self.faults.clone(),
            warnings: self.warnings.clone(),
            timestamps: self.timestamps.iter().map(stamp).collect::<Result<_, _>>()?,
            evidence: self.evidence.iter().map(|one| one.0.clone()).collect(),
        })
    }
}

impl StoredStamped {
    fn new(over: &Stamped) -> Self {
        match over {
            Stamped::Octets(octets) => Self { digest: None, octets: Octets(octets.clone()) },
            Stamped::Digest(algorithm, value) => {
                let digest = Some(algorithm.row().name.to_owned());
                Self { digest, octets: Octets(value.clone()) }
            }
        }
    }

    fn restore(&self) -> Result<Stamped, ReplayError> {
        let octets = self.octets.0.clone();
        let Some(name) = &self.digest else { return Ok(Stamped::Octets(octets)) };
        Ok(Stamped::Digest(digest_named(name)?, octets))
    }
}

fn algorithm(name: &str) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
    let unsupported = || UnsupportedAlgorithm { name: name.chars().take(128).collect() };
    SignatureAlgorithm::from_name(name).ok_or_else(unsupported)
}

fn digest_named(name: &str) -> Result<DigestAlgorithm, ReplayError> {
    let unknown = || ReplayError::Malformed("an unknown digest".to_owned());
    DigestAlgorithm::from_name(name).ok_or_else(unknown)
}

impl StoredAnswer {
    pub(super) fn new(answered: &Answered) -> Self {
        let answer = &answered.answer;
        let status = match &answer.status {
            RevocationStatus::Good => StoredStatus::Good,
            RevocationStatus::Unknown => StoredStatus::Unknown,
            RevocationStatus::Revoked { at, reason } => {
                StoredStatus::Revoked { since: *at, reason: reason.clone() }
            }
            RevocationStatus::OnHold { at } => StoredStatus::OnHold { since: *at },
        };
        Self {
            certificate_sha256: Octets(answered.certificate.to_vec()),
            issuer_sha256: Octets(answered.issuer.to_vec()),
            about: answered.at,
            status,
            source: answer.source.to_owned(),
            url: answer.url.as_deref().map(str::to_owned),
            this_update: answer.at,
            next_update: answer.next_update,
            asked_at: answer.asked_at,
            why: answer.why.clone(),
            evidence: Octets(answer.evidence.to_vec()),
        }
    }

    pub(super) fn restore(&self) -> Result<Answered, ReplayError> {
        let status = match &self.status {
            StoredStatus::Good => RevocationStatus::Good,
            StoredStatus::Unknown => RevocationStatus::Unknown,
            StoredStatus::Revoked { since, reason } => {
                RevocationStatus::Revoked { at: *since, reason: reason.clone() }
            }
            StoredStatus::OnHold { since } => RevocationStatus::OnHold { at: *since },
        };
        let source = ["ocsp", "crl", "none"].into_iter().find(|source| *source == self.source);
        let unknown = || ReplayError::Malformed("an answer from an unknown source".to_owned());
        let digest = |octets: &Octets| {
            let digest = octets.0.as_slice().try_into();
            digest.map_err(|_| ReplayError::Malformed("a digest that is none".to_owned()))
        };
        Ok(Answered {
            certificate: digest(&self.certificate_sha256)?,
            issuer: digest(&self.issuer_sha256)?,
            at: self.about,
            answer: RevocationAnswer {
                status,
                source: source.ok_or_else(unknown)?,
                url: self.url.as_deref().map(Into::into),
                at: self.this_update,
                next_update: self.next_update,
                asked_at: self.asked_at,
                why: self.why.clone(),
                evidence: self.evidence.0.as_slice().into(),
            },
        })
    }
}
