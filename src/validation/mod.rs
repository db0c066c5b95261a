//! The format-neutral verifier: is this signature to be believed, as of when, on what evidence?
//!
//! Verdict words are those of ETSI EN 319 102-1 §5.1.

mod format;
mod report;
mod verdict;
mod verifier;

pub use format::{DocumentFormat, Unreadable};
pub use report::{
    CertificateInfo, DocumentInfo, LicenceInfo, ReasonInfo, Report, RevocationInfo, ScopeInfo,
    SignatureReport, SignerInfo, TrustedTimeInfo,
};
pub use verdict::{SubIndication, TimeSource, TrustedTime, Verdict};
pub use verifier::{Judgement, Purpose, Question, Verified, Verifier};
