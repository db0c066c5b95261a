//! The ledger of a judgement: every check with its outcome, in the building blocks of
//! EN 319 102-1 §5.2. The verdict is drawn from it and from nothing else.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::{CheckName, Level, Policy};
use super::{SubIndication, Verdict};
use crate::reason::Reason;

/// A building block.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// Format checking (§5.2.2).
    Format,
    /// Identification of the signing certificate (§5.2.3).
    SigningCertificate,
    /// Cryptographic verification (§5.2.7).
    Cryptographic,
    /// Time-stamps and the best signature time (§5.4, §5.5).
    TimeStamps,
    /// X.509 certificate validation (§5.2.6), revocation apart.
    CertificatePath,
    /// Revocation and its freshness (§5.2.5, §5.2.6).
    Revocation,
    /// Signature acceptance validation (§5.2.8).
    Acceptance,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// What it asks for holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be made, or nobody asked for it.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The building block.
    pub block: Block,
    /// The check's name; those of [`CheckName`] are set by the policy.
    pub name: &'static str,
    /// How grave a failure is.
    pub level: Level,
    /// How it came out.
    pub outcome: Outcome,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// What the failure makes of the signature, where its level is [`Level::Fail`].
    pub conclusion: Option<(Verdict, SubIndication)>,
}

/// Collects the checks of one judgement.
pub(super) struct Ledger<'a> {
    pub policy: &'a Policy,
    pub checks: Vec<Check>,
}

impl Ledger<'_> {
    /// Takes the result of a check that cannot be set: it passes, or counts against the signature.
    pub(super) fn fixed(&mut self, block: Block, name: &'static str, result: Result<(), Reason>) {
        self.take(block, name, Level::Fail, result, None);
    }

    /// As [`Ledger::fixed`], with another conclusion than the reason's usual one.
    pub(super) fn fails_as(
        &mut self,
        block: Block,
        name: &'static str,
        reason: Reason,
        conclusion: (Verdict, SubIndication),
    ) {
        self.take(block, name, Level::Fail, Err(reason), Some(conclusion));
    }

    /// Takes the result of a check whose gravity the policy sets.
    pub(super) fn ruled(&mut self, block: Block, name: CheckName, result: Result<(), Reason>) {
        self.take(block, name.as_str(), self.policy.level(name), result, None);
    }

    /// Notes what is odd but no reason.
    pub(super) fn note(&mut self, block: Block, name: &'static str, reason: Reason) {
        self.take(block, name, Level::Warn, Err(reason), None);
    }

    /// Records that a check was not made.
    pub(super) fn skipped(&mut self, block: Block, name: &'static str) {
        let (level, outcome) = (Level::Ignore, Outcome::NotChecked);
        self.checks.push(Check { block, name, level, outcome, reason: None, conclusion: None });
    }

    fn take(
        &mut self,
        block: Block,
        name: &'static str,
        level: Level,
        result: Result<(), Reason>,
        conclusion: Option<(Verdict, SubIndication)>,
    ) {
        let reason = result.err();
        let outcome = if reason.is_none() { Outcome::Passed } else { Outcome::Failed };
        let usual = reason.as_ref().map(|reason| Verdict::of(reason.code));
        let conclusion = conclusion.or(usual).filter(|_| level == Level::Fail);
        self.checks.push(Check { block, name, level, outcome, reason, conclusion });
    }
}

impl CheckName {
    /// The name as policies and reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Digest => "digest",
            Self::KeySize => "key-size",
            Self::KeyUsage => "key-usage",
            Self::ExtendedKeyUsage => "extended-key-usage",
            Self::CertificatePolicy => "certificate-policy",
            Self::RevocationAnswer => "revocation-answer",
            Self::RevocationFresh => "revocation-fresh",
            Self::IssuerRevocation => "issuer-revocation",
            Self::ClaimedTime => "claimed-time",
            Self::TimeStamp => "time-stamp",
            Self::TimeStampFresh => "time-stamp-fresh",
            Self::WholeDocument => "whole-document",
        }
    }
}
