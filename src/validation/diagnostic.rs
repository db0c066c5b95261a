//! The diagnostic report: every input of a judgement. It can be stored and judged again, offline,
//! under the same policy or another; the same policy gives the same verdict. It is evidence of how
//! a verdict came about, and believed no more than the place it is kept in: signatures,
//! certificates, time-stamps, OCSP responses and small CRLs are verified anew; that a format found
//! no fault, the times, and what a large CRL said are believed.

mod stored;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use self::stored::{Octets, StoredAnswer, StoredSignature, certificates, octets};
use super::case::Case;
use super::evidence::{Recorded, trusted_of};
use super::policy::{Policy, PolicyError, PolicyName};
use super::report::DocumentInfo;
use super::verifier::Input;
use super::{DocumentFormat, Purpose, Report, TimeSource, TrustedTime, Verified};
use crate::limits;
use crate::text::Language;
use crate::x509::{RevocationSource, TrustStore};

/// The one version of the format there is.
const FORMAT: &str = "qoltanba-diagnostic-1";

/// Every input of a judgement, and the simple report it led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Diagnostic {
    /// `qoltanba-diagnostic-1`.
    format: String,
    /// The policy it was judged under.
    policy: PolicyName,
    /// The policy's text, so that it can be judged again when the program has a newer one.
    policy_source: String,
    /// The clock.
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
    /// The time to judge at, where the caller named one.
    #[serde(with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
    /// What makes that time believable.
    at_source: Option<TimeSource>,
    /// What the certificates are used for.
    purpose: Purpose,
    /// The document.
    document: DocumentInfo,
    /// The trust anchors, DER.
    anchors: Vec<Octets>,
    /// Certificates of the trust store that help to build paths, DER.
    intermediates: Vec<Octets>,
    /// What was learnt about revocation; `null` if nobody was asked.
    answers: Option<Vec<StoredAnswer>>,
    /// The signatures as they were found.
    signatures: Vec<StoredSignature>,
}

/// Why a stored diagnostic was not judged again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Larger than [`limits::DIAGNOSTIC_BYTES`].
    #[error("the diagnostic is larger than {} bytes", limits::DIAGNOSTIC_BYTES)]
    TooLarge,
    /// Not a diagnostic of a known version.
    #[error("not a diagnostic report: {0}")]
    Malformed(String),
    /// The policy in it, or the other one, is unusable.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl Verified {
    /// The diagnostic report.
    pub fn diagnostic(&self) -> Diagnostic {
        let evidence = &self.evidence;
        let answers = evidence.answers.as_ref();
        let trusted = trusted_of(&evidence.trust, &self.found);
        Diagnostic {
            format: FORMAT.to_owned(),
            policy: evidence.policy.name().clone(),
            policy_source: evidence.policy.source().to_owned(),
            now: evidence.now,
            at: evidence.at.map(|at| at.time),
            at_source: evidence.at.map(|at| at.source),
            purpose: evidence.purpose,
            document: self.report.document.clone(),
            anchors: octets(trusted.anchors()),
            intermediates: octets(trusted.intermediates()),
            answers: answers.map(|answers| answers.iter().map(StoredAnswer::new).collect()),
            signatures: self.found.iter().map(StoredSignature::new).collect(),
        }
    }
}

impl Diagnostic {
    /// Reads a stored diagnostic (JSON).
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn read(json: &[u8]) -> Result<Self, ReplayError> {
        if json.len() > limits::DIAGNOSTIC_BYTES {
            return Err(ReplayError::TooLarge);
        }
        let read: Self = serde_json::from_slice(json)
            .map_err(|error| ReplayError::Malformed(error.to_string()))?;
        if read.format != FORMAT {
            return Err(ReplayError::Malformed(format!("another format than {FORMAT}")));
        }
        if read.signatures.is_empty() || read.signatures.len() > limits::SIGNATURES {
            return Err(ReplayError::Malformed("no signatures, or too many".to_owned()));
        }
        Ok(read)
    }

    /// Judges it again, under `policy` or the one it was judged under. Nobody is asked anything.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn replay(
        &self,
        policy: Option<&Policy>,
        language: Language,
    ) -> Result<Verified, ReplayError> {
        let malformed = |what: &str| ReplayError::Malformed(what.to_owned());
        let own;
        let policy = match policy {
            Some(policy) => policy,
            None => {
                own = Policy::parse(&self.policy_source)?;
                if *own.name() != self.policy {
                    return Err(malformed("the policy in it is not the one it names"));
                }
                &own
            }
        };
        DocumentFormat::from_name(&self.document.format)
            .ok_or_else(|| malformed("unknown document format"))?;
        let trust =
            TrustStore::new(certificates(&self.anchors)?, certificates(&self.intermediates)?);
        let answers = match &self.answers {
            None => None,
            Some(answers) => {
                Some(answers.iter().map(StoredAnswer::restore).collect::<Result<Vec<_>, _>>()?)
            }
        };
        let found = self.signatures.iter().map(StoredSignature::restore);
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let recorded = answers.as_deref().map(|answers| Recorded { answers, trust: &trust });
        let at = self.at.zip(self.at_source).map(|(time, source)| TrustedTime { time, source });
        let input = Input {
            document: self.document.clone(),
            language,
            at,
            trust: &trust,
            case: Case {
                trust: &trust,
                revocation: recorded.as_ref().map(|one| one as &dyn RevocationSource),
                policy,
                purpose: self.purpose,
                now: self.now,
            },
        };
        let mut verified = input.judge(found);
        verified.evidence.answers = answers;
        Ok(verified)
    }

    /// The policy it was judged under.
    pub fn policy(&self) -> &PolicyName {
        &self.policy
    }

    /// The simple report it leads to, judged again under its own policy.
    ///
    /// # Errors
    /// As [`Diagnostic::replay`].
    pub fn report(&self, language: Language) -> Result<Report, ReplayError> {
        self.replay(None, language).map(|verified| verified.report)
    }
}
