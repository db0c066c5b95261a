//! The format-neutral verifier: is this signature to be believed, as of when, on what evidence?
//!
//! Verdict words are those of ETSI EN 319 102-1 §5.1. `ARCHITECTURE.md` tells how a verdict is
//! made.

mod case;
mod check;
mod detailed;
mod diagnostic;
mod evidence;
mod format;
mod identity;
mod judge;
mod judgement;
mod material;
pub mod policy;
mod presets;
mod report;
mod rules;
#[cfg(test)]
mod tests;
mod times;
mod verdict;
mod verifier;
mod xml_form;

pub use check::{Block, Check, Outcome};
pub use detailed::{BlockReport, CheckReport, DetailedReport, DetailedSignature};
pub use diagnostic::{Diagnostic, ReplayError};
pub use evidence::{Answered, Evidence};
pub use format::{DocumentFormat, Unreadable};
pub use identity::IdentityFinding;
pub use judgement::Judgement;
pub use material::MaterialError;
pub use policy::{Policy, PolicyError};
pub use presets::Preset;
pub use report::{
    CertificateInfo, DocumentInfo, IdentityInfo, LicenceInfo, ReasonInfo, Report, RevocationInfo,
    ScopeInfo, SignatureReport, SignerInfo, TimestampInfo, TrustedTimeInfo, licence_state_key,
};
pub use times::StampJudgement;
pub use verdict::{SubIndication, TimeSource, TrustedTime, Verdict};
pub use verifier::{CertificateQuestion, Purpose, Question, Verified, Verifier};
pub use xml_form::to_xml;
