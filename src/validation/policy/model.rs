//! The shape of a policy file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::x509::{Freshness, RevocationMethod};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Source {
    pub id: String,
    pub version: u32,
    pub checks: BTreeMap<CheckName, Level>,
    pub algorithms: Vec<AlgorithmRule>,
    pub digests: Vec<AlgorithmRule>,
    pub keys: Vec<KeyRule>,
    pub certificate: CertificateRules,
    pub revocation: RevocationRules,
    #[serde(rename = "time-stamps")]
    pub timestamps: TimestampRules,
    pub identity: IdentityRules,
}

/// How grave a failed check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Recorded in the detailed report only.
    Ignore,
    /// Told beside the verdict.
    Warn,
    /// A reason against the signature.
    Fail,
}

/// The checks whose gravity a policy sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckName {
    /// The signature algorithms, of the signature and along the path.
    Algorithm,
    /// The digests of what is signed: XML references, CMS message digest.
    Digest,
    /// Kinds and sizes of keys.
    KeySize,
    /// The key usage of the signer's certificate.
    KeyUsage,
    /// Its extended key usage and that it is no authority's.
    ExtendedKeyUsage,
    /// Its certificate policies.
    CertificatePolicy,
    /// Somebody could say whether the signer's certificate is revoked or on hold.
    RevocationAnswer,
    /// The answer is fresh enough, and from a source the policy names.
    RevocationFresh,
    /// Somebody could say so about the issuers.
    IssuerRevocation,
    /// The claimed signing time is plausible.
    ClaimedTime,
    /// Every time-stamp stands.
    TimeStamp,
    /// The status of its authority is known as of the time of judgement, not only as of its own.
    TimeStampFresh,
    /// Everything of the document is covered.
    WholeDocument,
}

/// An accepted signature algorithm or digest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlgorithmRule {
    /// Its name in the program's table.
    pub name: String,
    /// The last moment; none has no end yet.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
}

/// An accepted kind of key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyRule {
    /// `RSA`, `P-256` or `P-384`.
    pub kind: String,
    /// For RSA the fewest bits of the modulus.
    #[serde(default)]
    pub bits: usize,
    /// The last moment; none has no end yet.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
}

/// A bit of the key usage (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// `nonRepudiation` (`contentCommitment`).
    NonRepudiation,
    /// `digitalSignature`.
    DigitalSignature,
    /// Whatever it is.
    Any,
}

/// What a signer's certificate needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateRules {
    /// For signing documents.
    pub documents: Usage,
    /// For logging in.
    pub login: Usage,
    /// Extended key usages that no signer's certificate has.
    pub never: Vec<String>,
    /// Certificate policies, one of which it must name; empty is any.
    pub policies: Vec<String>,
}

/// A way to learn about revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationWay {
    /// OCSP (RFC 6960).
    Ocsp,
    /// CRL (RFC 5280 §6.3).
    Crl,
}

/// Who is asked about revocation, and how fresh answers must be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RevocationRules {
    /// Who is asked, in this order.
    pub order: Vec<RevocationWay>,
    /// How far clocks may differ.
    pub skew_minutes: u32,
    /// Life of an answer that does not say when a newer one is due.
    pub without_next_update_minutes: u32,
    /// Largest age of a CRL, in hours; 0 trusts its `nextUpdate`.
    pub crl_age_hours: u32,
}

/// What time-stamps must satisfy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimestampRules {
    /// Accepted policies of authorities; empty is any.
    pub policies: Vec<String>,
    /// The coarsest accuracy that still proves something, in seconds.
    pub accuracy_seconds: u32,
    /// How far a claimed signing time may lie ahead of the clock, in seconds.
    pub claimed_ahead_seconds: u32,
}

/// Who the signer must be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IdentityRules {
    /// Whether the certificate must name a person.
    pub iin: bool,
    /// Whether it must name an organisation.
    pub bin: bool,
    /// Roles one of which a certificate with an organisation must have; empty is any.
    pub roles: Vec<crate::identity::Role>,
}

impl RevocationRules {
    /// How old answers may be, as the revocation checker takes it.
    pub fn freshness(&self) -> Freshness {
        let age = Duration::hours(i64::from(self.crl_age_hours));
        Freshness {
            skew: Duration::minutes(i64::from(self.skew_minutes)),
            without_next_update: Duration::minutes(i64::from(self.without_next_update_minutes)),
            crl_age: (!age.is_zero()).then_some(age),
        }
    }

    /// The order of asking, as the revocation checker takes it.
    pub fn methods(&self) -> Vec<RevocationMethod> {
        let method = |way: &RevocationWay| match way {
            RevocationWay::Ocsp => RevocationMethod::Ocsp,
            RevocationWay::Crl => RevocationMethod::Crl,
        };
        self.order.iter().map(method).collect()
    }

    /// Whether answers of this source count.
    pub fn takes(&self, source: &str) -> bool {
        let name = |way: &RevocationWay| match way {
            RevocationWay::Ocsp => "ocsp",
            RevocationWay::Crl => "crl",
        };
        self.order.iter().any(|way| name(way) == source)
    }
}
