//! The detailed report: every check of every building block, for experts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::check::{Block, Check, Outcome};
use super::policy::{Level, PolicyName};
use super::report::{DocumentInfo, IdentityInfo, ReasonInfo, TimestampInfo, TrustedTimeInfo};
use super::{Judgement, SubIndication, Verdict, Verified};
use crate::signature::FoundSignature;
use crate::text::Language;

/// The detailed report on one document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetailedReport {
    /// The document that was judged.
    pub document: DocumentInfo,
    /// The policy it was judged under.
    pub policy: PolicyName,
    /// When it was judged.
    #[serde(with = "time::serde::rfc3339")]
    pub judged_at: OffsetDateTime,
    /// The worst verdict of its signatures.
    #[schema(value_type = String, example = "TOTAL-PASSED")]
    pub verdict: Verdict,
    /// Each signature, in the order of the document.
    pub signatures: Vec<DetailedSignature>,
}

/// One signature in detail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetailedSignature {
    /// The signature's identifier in the document.
    pub id: String,
    /// The verdict.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// Why it is not TOTAL-PASSED.
    #[schema(value_type = Option<String>)]
    pub sub_indication: Option<SubIndication>,
    /// The best time the signature is proved to have existed at.
    pub trusted_time: TrustedTimeInfo,
    /// The building blocks (EN 319 102-1 §5.2).
    pub blocks: Vec<BlockReport>,
    /// The time-stamps it carries.
    pub timestamps: Vec<TimestampInfo>,
    /// Subjects of the certificates of the path, the signer's first (RFC 4514).
    pub path: Vec<String>,
    /// Whether the signer is who the policy wants.
    pub identity: IdentityInfo,
}

/// One building block.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockReport {
    /// Which one.
    pub block: Block,
    /// The worst conclusion of its checks; `PASSED`, `INDETERMINATE` or `FAILED`.
    pub conclusion: String,
    /// Its checks, in the order they were made.
    pub checks: Vec<CheckReport>,
}

/// One check.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Its name; those that a policy sets are spelled as there.
    pub name: String,
    /// How grave a failure is.
    #[schema(value_type = String, example = "fail")]
    pub level: Level,
    /// How it came out.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonInfo>,
}

impl Verified {
    /// The detailed report, in this language.
    pub fn detailed(&self, language: Language) -> DetailedReport {
        let pairs = self.found.iter().zip(&self.judgements);
        DetailedReport {
            document: self.report.document.clone(),
            policy: self.evidence.policy.name().clone(),
            judged_at: self.evidence.now,
            verdict: self.report.verdict,
            signatures: pairs.map(|(f, j)| DetailedSignature::new(f, j, language)).collect(),
        }
    }
}

impl DetailedSignature {
    fn new(found: &FoundSignature, judgement: &Judgement, language: Language) -> Self {
        let mut blocks: BTreeMap<Block, Vec<&Check>> = BTreeMap::new();
        for check in &judgement.checks {
            blocks.entry(check.block).or_default().push(check);
        }
        let path = judgement.path.iter().flat_map(|path| path.certificates());
        let stamps = judgement.timestamps.iter();
        Self {
            id: found.id.clone(),
            verdict: judgement.verdict,
            sub_indication: judgement.sub_indication,
            trusted_time: TrustedTimeInfo::new(judgement.time),
            blocks: blocks.into_iter().map(|one| BlockReport::new(one, language)).collect(),
            timestamps: stamps.map(|stamp| TimestampInfo::new(stamp, language)).collect(),
            path: path.map(|one| one.subject().to_string()).collect(),
            identity: IdentityInfo::new(&judgement.identity, language),
        }
    }
}

impl BlockReport {
    fn new((block, checks): (Block, Vec<&Check>), language: Language) -> Self {
        let worst = checks.iter().filter_map(|check| check.conclusion).map(|(verdict, _)| verdict);
        let conclusion = match worst.max() {
            None | Some(Verdict::TotalPassed) => "PASSED",
            Some(Verdict::Indeterminate) => "INDETERMINATE",
            Some(Verdict::TotalFailed) => "FAILED",
        };
        let report = |check: &&Check| CheckReport {
            name: check.name.to_owned(),
            level: check.level,
            outcome: check.outcome,
            reason: check.reason.as_ref().map(|reason| ReasonInfo::new(reason, language)),
        };
        let checks = checks.iter().map(report).collect();
        Self { block, conclusion: conclusion.to_owned(), checks }
    }
}
