//! The three checks of an applicant's certificate (DESIGN decision 3): path, validity, usage,
//! revocation, and identity against the request; each with the evidence of who said what.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::App;
use super::signing::rfc3339;
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::identity::match_applicant;
use crate::licensing::case::{Case, CheckOutcome, CheckStage, Signer};
use crate::problem::Problem;
use crate::reason::{Reason, ReasonCode};
use crate::store::audit::AuditEntry;
use crate::store::{Change, EvidenceRow};
use crate::text::Language;
use crate::validation::{
    Judgement, ReasonInfo, RevocationInfo, SignerInfo, TimeSource, TrustedTime,
};
use crate::x509::Certificate;

/// A check that was made, before it is written down.
pub(super) struct Check {
    /// What the workflow keeps.
    pub outcome: CheckOutcome,
    /// The full reasons.
    pub reasons: Vec<Reason>,
    signer: SignerInfo,
    revocation: RevocationInfo,
    evidence: Option<Evidence>,
    report: serde_json::Value,
}

struct Evidence {
    media_type: &'static str,
    octets: Vec<u8>,
}

/// A check as the applicant sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// Whether the certificate may be used.
    pub accepted: bool,
    /// Why not.
    pub reasons: Vec<ReasonInfo>,
    /// Whom the certificate names.
    pub signer: SignerInfo,
    /// What is known of its revocation.
    pub revocation: RevocationInfo,
}

impl Check {
    /// Judges a certificate now, for this case.
    pub fn make(app: &App, case: &Case, certificate: &Certificate, stage: CheckStage) -> Self {
        let now = app.now();
        let time = TrustedTime { time: now, source: TimeSource::Now };
        let judgement = app.verifier.judge_certificate(certificate, &[], time, now);
        Self::of(case, certificate, stage, &judgement)
    }

    /// A check from a judgement that was made already, for example with the signature.
    pub fn of(
        case: &Case,
        certificate: &Certificate,
        stage: CheckStage,
        judgement: &Judgement,
    ) -> Self {
        let holder = certificate.holder();
        let mut reasons = judgement.reasons.clone();
        reasons.extend(match_applicant(&case.applicant, &holder, false).err());
        let answer = judgement.revocation.as_ref();
        let evidence = answer.filter(|answer| !answer.evidence.is_empty()).map(|answer| Evidence {
            media_type: match answer.source {
                "ocsp" => "application/ocsp-response",
                _ => "application/pkix-crl",
            },
            octets: answer.evidence.to_vec(),
        });
        let digests = evidence.iter().map(|evidence| sha256(&evidence.octets)).collect();
        let mut codes: Vec<_> = reasons.iter().map(|reason| reason.code).collect();
        codes.dedup();
        Self {
            report: json!({
                "stage": stage,
                "certificate": { "serial": certificate.serial_hex(), "issuer": certificate.issuer().to_string() },
                "reasons": reasons,
                "asked": answer.map(|answer| json!({
                    "source": answer.source,
                    "url": answer.url.as_deref(),
                    "askedAt": rfc3339(answer.asked_at),
                    "status": RevocationInfo::new(Some(answer)).status,
                    "answerOf": answer.at.map(rfc3339),
                    "why": answer.why,
                    "answer": digests,
                })),
            }),
            outcome: CheckOutcome {
                stage,
                certificate: sha256(certificate.der()),
                signer: Signer { name: holder.full_name(), iin: holder.iin, bin: holder.bin },
                reasons: codes,
                evidence: digests,
            },
            reasons,
            signer: SignerInfo::new(certificate),
            revocation: RevocationInfo::new(answer),
            evidence,
        }
    }

    /// Whether a chosen certificate was neither accepted nor refused, because nobody could say
    /// whether it is revoked.
    pub fn held(&self) -> bool {
        self.outcome.stage != CheckStage::Choice
            && !self.outcome.passed()
            && self.reasons.iter().all(|reason| reason.code == ReasonCode::RevocationUnknown)
    }

    /// What the audit log says of a held check.
    pub fn held_entry(&self, app: &App, case: &str) -> AuditEntry {
        let details = json!({
            "stage": stage_name(self.outcome.stage),
            "certificate": self.outcome.certificate,
        });
        app.entry("system", "certificate-held", case, details)
    }

    /// Writes the evidence down; the outcome itself goes through the workflow.
    pub fn keep(&self, change: &mut dyn Change, case: &str, app: &App) -> Result<(), Problem> {
        if let Some(evidence) = &self.evidence {
            change.put_document(evidence.media_type, &evidence.octets)?;
        }
        change.put_evidence(&EvidenceRow {
            case_id: case.to_owned(),
            step: format!("certificate-{}", stage_name(self.outcome.stage)),
            at: app.now(),
            body: self.report.to_string(),
        })?;
        Ok(())
    }

    /// The check in the applicant's language.
    pub fn view(&self, language: Language) -> CheckView {
        CheckView {
            accepted: self.outcome.passed(),
            reasons: self.reasons.iter().map(|r| ReasonInfo::new(r, language)).collect(),
            signer: self.signer.clone(),
            revocation: self.revocation.clone(),
        }
    }
}

fn stage_name(stage: CheckStage) -> &'static str {
    match stage {
        CheckStage::Choice => "choice",
        CheckStage::Signing => "signing",
        CheckStage::Registration => "registration",
    }
}

fn sha256(octets: &[u8]) -> String {
    hex(&digest(DigestAlgorithm::Sha256, octets))
}
