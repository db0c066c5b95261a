//! A request as the API shows it to its applicant and to officers.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::App;
use crate::identity::Applicant;
use crate::licensing::case::{
    CertificateCheck, Decision, DocumentKind, Payment, StepAct, StepRecord,
};
use crate::licensing::form::{Stage, validate};
use crate::licensing::workflow::current_step;
use crate::licensing::{Case, CaseState};
use crate::problem::{Fault, Problem};
use crate::text::Language;

/// A request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseView {
    id: String,
    version: u64,
    service: String,
    procedure: String,
    form: String,
    #[schema(value_type = Object)]
    applicant: Applicant,
    applicant_name: String,
    /// `draft`, `awaiting-payment`, `awaiting-certificate`, `ready-to-sign`, `at-step`, `closed`.
    state: String,
    /// The step the request waits at, by id and name.
    step: Option<StepView>,
    values: BTreeMap<String, String>,
    /// What still stands against signing the form, field by field.
    faults: Vec<Fault>,
    /// Required documents that are not attached.
    missing_documents: Vec<String>,
    attachments: Vec<AttachmentView>,
    #[schema(value_type = Object)]
    payment: Payment,
    #[schema(value_type = Vec<Object>)]
    checks: Vec<CertificateCheck>,
    incoming_number: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    registered_at: Option<OffsetDateTime>,
    #[schema(value_type = Vec<Object>)]
    history: Vec<StepRecord>,
    #[schema(value_type = Option<Object>)]
    decision: Option<Decision>,
    result_number: Option<String>,
    documents: Vec<DocumentView>,
}

/// A step.
#[derive(Serialize, ToSchema)]
pub struct StepView {
    id: String,
    name: String,
    role: Option<String>,
}

/// An attached document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentView {
    document: String,
    name: String,
    media_type: String,
    size: u64,
    sha256: String,
}

/// A document of the request, to be had under `/requests/{id}/documents/{sha256}`.
#[derive(Serialize, ToSchema)]
pub struct DocumentView {
    name: String,
    sha256: String,
}

impl CaseView {
    /// What the applicant may see: that and when steps were done, not by whom in numbers, nor what
    /// officers wrote to each other before the decision.
    pub(super) fn for_applicant(mut self) -> Self {
        for record in &mut self.history {
            if let Some(officer) = &mut record.officer {
                officer.id.clear();
            }
            match &mut record.act {
                StepAct::Return { remarks } => remarks.clear(),
                StepAct::Assign { expert } => expert.clear(),
                _ => {}
            }
        }
        self.history.retain(|record| !matches!(record.act, StepAct::Examine(_)));
        self
    }

    /// The case with sentences in `language`.
    pub(super) fn new(app: &App, case: &Case, language: Language) -> Result<Self, Problem> {
        let service = app.service_of(case)?;
        let form = service.form(&case.form).ok_or_else(|| Problem::internal("unknown form"))?;
        let faults = if case.state.before_registration() {
            validate(form, &case.values, Stage::Complete)
        } else {
            Vec::new()
        };
        let step = current_step(service, case).map(|step| StepView {
            id: step.id.clone(),
            name: step.name.text(language).to_owned(),
            role: step.role.map(|role| role.as_str().to_owned()),
        });
        let missing = case.missing_documents(service);
        Ok(Self {
            id: case.id.clone(),
            version: case.version,
            service: case.service.clone(),
            procedure: case.procedure.clone(),
            form: case.form.clone(),
            applicant: case.applicant.clone(),
            applicant_name: case.applicant_name.clone(),
            state: case.state.as_str().to_owned(),
            step,
            values: case.values.clone(),
            faults: faults.iter().map(|fault| Fault::of_field(fault, language)).collect(),
            missing_documents: missing.into_iter().map(str::to_owned).collect(),
            attachments: case
                .enclosures
                .iter()
                .map(|e| AttachmentView {
                    document: e.document.clone(),
                    name: e.attachment.name.clone(),
                    media_type: e.attachment.media_type.clone(),
                    size: e.attachment.size,
                    sha256: e.attachment.sha256.clone(),
                })
                .collect(),
            payment: case.payment.clone(),
            checks: case.checks.clone(),
            incoming_number: case.incoming_number.clone(),
            registered_at: case.registered_at,
            history: case.history.clone(),
            decision: case.decision().cloned(),
            result_number: case.result_number.clone(),
            documents: documents(case)
                .map(|(sha256, name)| DocumentView { name, sha256: sha256.to_owned() })
                .collect(),
        })
    }
}

/// Every document a case leads to, with a file name. A result is nobody's to have before it
/// stands in the register.
pub(super) fn documents(case: &Case) -> impl Iterator<Item = (&str, String)> {
    let attached = case.enclosures.iter();
    let attached = attached.map(|e| (e.attachment.sha256.as_str(), e.attachment.name.clone()));
    let entered = case.state == CaseState::Closed;
    let made = case.documents.iter();
    let made = made.filter(move |(kind, _)| entered || **kind == DocumentKind::Request);
    let made = made.map(|(kind, sha256)| (sha256.as_str(), kind.file_name()));
    let presented = case.presentations.iter();
    let presented = presented.map(|(lang, sha256)| (sha256.as_str(), format!("result-{lang}.pdf")));
    attached.chain(made).chain(presented)
}
