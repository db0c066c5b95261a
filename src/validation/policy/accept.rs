//! Questions to a policy that need more than a look into the file.

use time::OffsetDateTime;

use super::Policy;
use super::model::{AlgorithmRule, Usage};
use crate::crypto::{DigestAlgorithm, KeyKind, SignatureAlgorithm};
use crate::validation::Purpose;
use crate::x509::{Certificate, RevocationAnswer, RevocationStatus};

impl Policy {
    /// Whether a signature of this algorithm counts if it is known to exist at `at`.
    ///
    /// # Errors
    /// What is wrong, by the algorithm's name.
    pub fn accepts_algorithm(
        &self,
        algorithm: SignatureAlgorithm,
        at: OffsetDateTime,
    ) -> Result<(), String> {
        accepts(&self.rules.algorithms, algorithm.row().name, at)
    }

    /// Whether a digest counts in something that is known to exist at `at`.
    ///
    /// # Errors
    /// What is wrong, by the digest's name.
    pub fn accepts_digest(
        &self,
        algorithm: DigestAlgorithm,
        at: OffsetDateTime,
    ) -> Result<(), String> {
        accepts(&self.rules.digests, algorithm.row().name, at)
    }

    /// Whether a key counts at `at`.
    ///
    /// # Errors
    /// What is wrong, by the key's name.
    pub fn accepts_key(&self, key: &KeyKind, at: OffsetDateTime) -> Result<(), String> {
        let (kind, bits) = match key {
            KeyKind::Rsa { bits } => ("RSA", *bits),
            KeyKind::P256 => ("P-256", 256),
            KeyKind::P384 => ("P-384", 384),
            KeyKind::Gost(curve) => (curve.name(), 0),
            KeyKind::Other(name) => (name.as_str(), 0),
        };
        let fits = |until: Option<OffsetDateTime>| until.is_none_or(|until| at <= until);
        let mut rules = self.rules.keys.iter().filter(|rule| rule.kind == kind);
        if rules.any(|rule| bits >= rule.bits && fits(rule.until)) {
            return Ok(());
        }
        Err(if kind == "RSA" {
            format!("RSA with {bits} bits is not accepted")
        } else {
            format!("keys of the kind {kind} are not accepted")
        })
    }

    /// Whether the certificate's key usage is that of `purpose`; a certificate without the
    /// extension may be used for anything (RFC 5280 §4.2.1.3).
    ///
    /// # Errors
    /// What is lacking.
    pub fn accepts_usage(&self, certificate: &Certificate, purpose: Purpose) -> Result<(), String> {
        let needed = match purpose {
            Purpose::Document => self.certificate().documents,
            Purpose::Login => self.certificate().login,
        };
        match (certificate.key_usage(), needed) {
            (Some(usage), Usage::NonRepudiation) if !usage.non_repudiation() => {
                Err("the key usage lacks nonRepudiation (contentCommitment)".to_owned())
            }
            (Some(usage), Usage::DigitalSignature) if !usage.digital_signature() => {
                Err("the key usage lacks digitalSignature".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether the certificate names one of the policies a signer needs.
    pub fn accepts_certificate_policy(&self, certificate: &Certificate) -> bool {
        let wanted = &self.certificate().policies;
        wanted.is_empty() || certificate.policies().iter().any(|policy| wanted.contains(policy))
    }

    /// Whether an answer about revocation counts when it is judged as of `at`.
    ///
    /// # Errors
    /// Why not: the source, or its age.
    pub fn accepts_answer(
        &self,
        answer: &RevocationAnswer,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), String> {
        if answer.status == RevocationStatus::Unknown {
            return Ok(());
        }
        let rules = self.revocation();
        if !rules.takes(answer.source) {
            return Err(format!("the policy takes no answer from {}", answer.source));
        }
        let Some(made) = answer.at else { return Ok(()) };
        let freshness = rules.freshness();
        let age = freshness.crl_age.filter(|_| answer.source == "crl");
        freshness.check((made, answer.next_update), age, at, now)
    }
}

fn accepts(rules: &[AlgorithmRule], name: &str, at: OffsetDateTime) -> Result<(), String> {
    match rules.iter().find(|rule| rule.name == name) {
        None => Err(format!("{name} is not accepted")),
        Some(AlgorithmRule { until: Some(until), .. }) if at > *until => {
            Err(format!("{name} is accepted until {} only", until.date()))
        }
        Some(_) => Ok(()),
    }
}
