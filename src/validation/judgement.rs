//! The judgement on one signature or certificate, drawn from the ledger of its checks.

use std::cmp::Reverse;

use super::check::{Check, Outcome};
use super::identity::IdentityFinding;
use super::policy::Level;
use super::times::StampJudgement;
use super::{SubIndication, TrustedTime, Verdict};
use crate::reason::Reason;
use crate::x509::{Path, RevocationAnswer};

/// The judgement on one signature or certificate, with its evidence.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not TOTAL-PASSED.
    pub sub_indication: Option<SubIndication>,
    /// Every reason, the gravest first.
    pub reasons: Vec<Reason>,
    /// What is odd but no reason.
    pub warnings: Vec<Reason>,
    /// The time of judgement: the best time the signature is proved to have existed at.
    pub time: TrustedTime,
    /// The path to the anchor, if there is one.
    pub path: Option<Path>,
    /// What was learnt about the signer's certificate, with the responder's own words.
    pub revocation: Option<RevocationAnswer>,
    /// Every check, in the order it was made.
    pub checks: Vec<Check>,
    /// Each time-stamp the signature carries.
    pub timestamps: Vec<StampJudgement>,
    /// Whether the signer is who the policy wants; never part of the verdict.
    pub identity: IdentityFinding,
}

impl Judgement {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::TotalPassed
    }

    pub(super) fn open(time: TrustedTime) -> Self {
        Self {
            verdict: Verdict::TotalPassed,
            sub_indication: None,
            reasons: Vec::new(),
            warnings: Vec::new(),
            time,
            path: None,
            revocation: None,
            checks: Vec::new(),
            timestamps: Vec::new(),
            identity: IdentityFinding::default(),
        }
    }

    /// The judgement where none can be made: it never passes.
    pub(super) fn impossible(time: TrustedTime) -> Self {
        Self { verdict: Verdict::Indeterminate, ..Self::open(time) }
    }

    /// Draws verdict, reasons and warnings from the checks.
    pub(super) fn close(mut self, checks: Vec<Check>) -> Self {
        let failed = || checks.iter().filter(|check| check.outcome == Outcome::Failed);
        let mut grave: Vec<_> =
            failed().filter_map(|one| one.conclusion.zip(one.reason.clone())).collect();
        // Stable: among equals the first check made comes first.
        grave.sort_by_key(|((verdict, _), _)| Reverse(*verdict));
        if let Some(((verdict, why), _)) = grave.first() {
            (self.verdict, self.sub_indication) = (*verdict, Some(*why));
        }
        self.reasons = grave.into_iter().map(|(_, reason)| reason).collect();
        let odd = failed().filter(|check| check.level == Level::Warn);
        self.warnings = odd.filter_map(|check| check.reason.clone()).collect();
        self.checks = checks;
        self
    }
}
