//! The validation policy: one versioned TOML file says what is accepted until when, what a
//! certificate needs, how fresh revocation must be, and how grave each check is.

mod accept;
mod model;

use std::sync::{Arc, LazyLock};

pub use model::{
    AlgorithmRule, CertificateRules, CheckName, IdentityRules, KeyRule, Level, RevocationRules,
    RevocationWay, TimestampRules, Usage,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use self::model::Source;
use crate::crypto::{DIGESTS, DigestAlgorithm, GostCurve, SIGNATURES, digest, hex};
use crate::limits;

/// The policy of the national PKI as of 2026, part of the program.
const KZ_2026: &str = include_str!("kz-2026.toml");

static BUILT_IN: LazyLock<Result<Arc<Policy>, PolicyError>> =
    LazyLock::new(|| Policy::parse(KZ_2026).map(Arc::new));

/// A policy that was read and found sound. Cloning shares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    source: Arc<str>,
    name: Arc<PolicyName>,
    rules: Arc<Source>,
}

/// Which policy a report was made under.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyName {
    /// Its identifier.
    #[schema(example = "kz-2026")]
    pub id: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its file, lower-case hexadecimal.
    pub sha256: String,
}

/// Why a policy was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Larger than [`limits::POLICY_BYTES`].
    #[error("the policy is larger than {} bytes", limits::POLICY_BYTES)]
    TooLarge,
    /// Not TOML of the right shape.
    #[error("the policy cannot be read: {0}")]
    Malformed(String),
    /// An algorithm that the program's table does not know.
    #[error("the policy names an unknown algorithm: {0}")]
    UnknownAlgorithm(String),
    /// A kind of key that is not one of RSA, P-256, P-384.
    #[error("the policy names an unknown kind of key: {0}")]
    UnknownKey(String),
    /// It would accept what the program refuses by itself.
    #[error("the policy is looser than the program's own table: {0}")]
    TooLoose(String),
    /// There is no built-in policy of this name.
    #[error("no policy is called {0:?}")]
    Unknown(String),
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyError`]; unknown keys are errors too.
    pub fn parse(source: &str) -> Result<Self, PolicyError> {
        if source.len() > limits::POLICY_BYTES {
            return Err(PolicyError::TooLarge);
        }
        let rules: Source =
            toml::from_str(source).map_err(|error| PolicyError::Malformed(error.to_string()))?;
        let signatures = SIGNATURES.iter().map(|row| (row.name, row.accepted_until)).collect();
        bounded(&rules.algorithms, signatures)?;
        let digests = DIGESTS.iter().map(|row| (row.name, row.accepted_until)).collect();
        bounded(&rules.digests, digests)?;
        for rule in &rules.keys {
            match (rule.kind.as_str(), rule.bits) {
                ("RSA", bits) if bits < 2048 => {
                    return Err(PolicyError::TooLoose(format!("RSA with {bits} bits")));
                }
                ("RSA" | "P-256" | "P-384", _) => {}
                (kind, _) if GostCurve::ALL.iter().any(|curve| curve.name() == kind) => {}
                (other, _) => return Err(PolicyError::UnknownKey(other.to_owned())),
            }
        }
        let sha256 = hex(&digest(DigestAlgorithm::Sha256, source.as_bytes()));
        let name = PolicyName { id: rules.id.clone(), version: rules.version, sha256 };
        Ok(Self { source: source.into(), name: Arc::new(name), rules: Arc::new(rules) })
    }

    /// The policy the program uses when no other is asked for.
    ///
    /// # Errors
    /// None in a program whose tests passed.
    pub fn built_in() -> Result<Arc<Self>, PolicyError> {
        BUILT_IN.clone()
    }

    /// A built-in policy by its identifier.
    ///
    /// # Errors
    /// [`PolicyError::Unknown`].
    pub fn named(id: &str) -> Result<Arc<Self>, PolicyError> {
        let policy = Self::built_in()?;
        let unknown = || PolicyError::Unknown(id.chars().take(64).collect());
        Some(policy).filter(|policy| policy.name.id == id).ok_or_else(unknown)
    }

    /// Identifier, version and digest.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// The file's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How grave a failure of this check is.
    pub fn level(&self, check: CheckName) -> Level {
        // What stands for the signature itself cannot be set.
        self.rules.checks.get(&check).copied().unwrap_or(Level::Fail)
    }

    /// What a signer's certificate needs.
    pub fn certificate(&self) -> &CertificateRules {
        &self.rules.certificate
    }

    /// Who is asked about revocation, and how fresh answers must be.
    pub fn revocation(&self) -> &RevocationRules {
        &self.rules.revocation
    }

    /// What time-stamps must satisfy.
    pub fn timestamps(&self) -> &TimestampRules {
        &self.rules.timestamps
    }

    /// Who the signer must be.
    pub fn identity(&self) -> &IdentityRules {
        &self.rules.identity
    }
}

/// Each rule names a row of the program's table and ends no later.
fn bounded(
    rules: &[AlgorithmRule],
    table: Vec<(&str, Option<OffsetDateTime>)>,
) -> Result<(), PolicyError> {
    for rule in rules {
        let row = table.iter().find(|(name, _)| *name == rule.name);
        let (_, end) = row.ok_or_else(|| PolicyError::UnknownAlgorithm(rule.name.clone()))?;
        if end.is_some_and(|end| rule.until.is_none_or(|until| until > end)) {
            return Err(PolicyError::TooLoose(rule.name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
