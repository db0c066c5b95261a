//! The case: one request on its way from draft to delivered result, as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Attachment;
use super::catalogue::{OfficerRole, Service};
use super::form::{FilledBy, Form};
use crate::identity::{Applicant, Bin, Iin};
use crate::reason::ReasonCode;
use crate::text::Language;

/// One request on its way. Only [`super::workflow`] changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// Unguessable identifier, given by the caller.
    pub id: String,
    /// Service of the catalogue.
    pub service: String,
    /// Procedure of the service.
    pub procedure: String,
    /// Form of the service.
    pub form: String,
    /// Who asks.
    pub applicant: Applicant,
    /// Name of who asks, for lists and papers.
    pub applicant_name: String,
    /// Language of the applicant.
    pub language: Language,
    /// Where the case stands.
    pub state: CaseState,
    /// What the applicant entered, by key. The system never changes it; what the system fills in
    /// is added by [`Case::completed_values`].
    pub values: BTreeMap<String, String>,
    /// Attached documents, in the order they came.
    pub enclosures: Vec<Enclosure>,
    /// Count of changes to values and enclosures: what was checked under an older one is not what
    /// is signed.
    pub revision: u64,
    /// The fee.
    pub payment: Payment,
    /// Every certificate check with its outcome and evidence, in order of time.
    pub checks: Vec<CertificateCheck>,
    /// Incoming number, from registration on.
    pub incoming_number: Option<String>,
    /// Number of the licence, permit or refusal, from the decision on.
    pub result_number: Option<String>,
    /// SHA-256 of the documents of the case, lower-case hexadecimal.
    pub documents: BTreeMap<DocumentKind, String>,
    /// SHA-256 of the result's PDF in each language, by its code.
    #[serde(default)]
    pub presentations: BTreeMap<String, String>,
    /// What the authority did, in order.
    pub history: Vec<StepRecord>,
    /// Count of changes of the case: an officer names the one that was seen.
    pub version: u64,
    /// When the draft was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the case last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// When the request was registered.
    #[serde(with = "time::serde::rfc3339::option")]
    pub registered_at: Option<OffsetDateTime>,
    /// When the case reached the step it stands at.
    #[serde(with = "time::serde::rfc3339::option")]
    pub step_since: Option<OffsetDateTime>,
    /// When the result was delivered.
    #[serde(with = "time::serde::rfc3339::option")]
    pub closed_at: Option<OffsetDateTime>,
}

/// Where a case stands. Before registration it follows from what is there: a form that is whole, a
/// fee that is paid, a certificate that passed. So nothing is lost when one of them falls away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum CaseState {
    /// Form or required documents are not whole.
    Draft,
    /// Whole; the fee is not paid.
    AwaitingPayment,
    /// Whole and paid; a certificate must be chosen, or the chosen one was refused.
    AwaitingCertificate,
    /// The applicant may sign.
    ReadyToSign,
    /// Registered; it waits at this step of the procedure.
    AtStep {
        /// Identifier of the step.
        step: String,
    },
    /// The result is delivered.
    Closed,
}

/// An attached document and the row of the service's list it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enclosure {
    /// Identifier of the row in the service's list of documents.
    pub document: String,
    /// Name, kind, size and digest.
    pub attachment: Attachment,
}

/// The fee of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Payment {
    /// The service is free.
    NotRequired,
    /// Nothing was asked for yet.
    Due,
    /// The payment gateway was asked.
    Requested(PaymentOrder),
    /// The payment gateway said no; another order may follow.
    Refused {
        /// The order.
        order: PaymentOrder,
        /// What the gateway said.
        reason: String,
    },
    /// Paid.
    Paid {
        /// The order.
        order: PaymentOrder,
        /// SHA-256 of the gateway's message, lower-case hexadecimal.
        evidence: String,
    },
}

/// An order at the payment gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentOrder {
    /// The order's identifier.
    pub reference: String,
    /// Amount, in tenge.
    pub tenge: u64,
}

/// When a certificate is checked (DESIGN decision 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStage {
    /// When the applicant chooses it.
    Choice,
    /// When the request is about to be signed.
    Signing,
    /// On the server at registration, together with the signature.
    Registration,
}

/// What a certificate check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckOutcome {
    /// When in the walk.
    pub stage: CheckStage,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub certificate: String,
    /// Whom the certificate names.
    pub signer: Signer,
    /// Why it was refused or held; empty if it passed.
    pub reasons: Vec<ReasonCode>,
    /// SHA-256 of the evidence (OCSP answers, CRLs), lower-case hexadecimal.
    pub evidence: Vec<String>,
}

/// A check as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateCheck {
    /// What was found.
    #[serde(flatten)]
    pub outcome: CheckOutcome,
    /// Revision of the case it was made under.
    pub revision: u64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// The person a certificate names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Full name; it becomes the authorised person of the form.
    pub name: String,
    /// Number of the person.
    pub iin: Option<Iin>,
    /// Number of the organisation.
    pub bin: Option<Bin>,
}

/// Documents of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// The signed request (XML).
    Request,
    /// The signed licence, permit or refusal (XML).
    ResultXml,
    /// Its signed presentation (PDF).
    ResultPdf,
}

/// Who did a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOfficer {
    /// Identifier of the officer.
    pub id: String,
    /// Name.
    pub name: String,
    /// The role acted in.
    pub role: OfficerRole,
}

/// One act of the authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Step of the procedure.
    pub step: String,
    /// Who; none for the system.
    pub officer: Option<StepOfficer>,
    /// What.
    pub act: StepAct,
    /// Version of the case that was seen when acting.
    pub seen: u64,
    /// When the case had reached the step.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When it was done.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// What an officer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum StepAct {
    /// Takes the request in and passes it on.
    Route,
    /// Names the expert; again while the examination waits, to name another.
    Assign {
        /// Identifier of the expert.
        expert: String,
    },
    /// Examines and proposes.
    Examine(Examination),
    /// Agrees to the proposal.
    Agree,
    /// Sends the case back to its examination.
    Return {
        /// Why.
        remarks: String,
    },
    /// Issues or refuses.
    Decide(Decision),
    /// Signed the result; recorded when both documents are there.
    Signed,
    /// Delivered the result; recorded by the system.
    Delivered,
}

/// What the expert found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// Every needed document is there.
    pub complete: bool,
    /// Applicant and request correspond to the requirements.
    pub corresponds: bool,
    /// What the expert proposes.
    pub proposal: Decision,
}

/// Issue or refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// The licence or permit is issued.
    Issue,
    /// It is refused.
    Refuse {
        /// Codes of the grounds, at least one.
        grounds: Vec<String>,
        /// The written reason.
        reason: String,
    },
}

impl CaseState {
    /// The state's name as the API spells it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::AwaitingPayment => "awaiting-payment",
            Self::AwaitingCertificate => "awaiting-certificate",
            Self::ReadyToSign => "ready-to-sign",
            Self::AtStep { .. } => "at-step",
            Self::Closed => "closed",
        }
    }

    /// Whether the request is not registered yet, so that the applicant may change it.
    pub fn before_registration(&self) -> bool {
        !matches!(self, Self::AtStep { .. } | Self::Closed)
    }
}

impl Payment {
    /// Whether nothing more is to be paid.
    pub fn settled(&self) -> bool {
        matches!(self, Self::NotRequired | Self::Paid { .. })
    }

    /// The order last made.
    pub fn order(&self) -> Option<&PaymentOrder> {
        match self {
            Self::NotRequired | Self::Due => None,
            Self::Requested(order) | Self::Refused { order, .. } | Self::Paid { order, .. } => {
                Some(order)
            }
        }
    }
}

impl DocumentKind {
    /// The name under which it is handed out.
    pub fn file_name(self) -> String {
        let name = match self {
            Self::Request => "request.xml",
            Self::ResultXml => "result.xml",
            Self::ResultPdf => "result.pdf",
        };
        name.to_owned()
    }
}

impl CheckOutcome {
    /// Whether the certificate passed.
    pub fn passed(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl Case {
    /// The check of the certificate the request is to be signed with: the last one, if it passed.
    pub fn chosen(&self) -> Option<&CertificateCheck> {
        self.checks.last().filter(|check| check.outcome.passed())
    }

    /// Whether the chosen certificate passed at `stage` under the present revision, with no refusal
    /// since.
    pub fn checked(&self, stage: CheckStage) -> bool {
        let Some(chosen) = self.chosen() else { return false };
        let standing = self.checks.iter().rev().take_while(|check| check.outcome.passed());
        standing.into_iter().any(|check| {
            check.outcome.stage == stage
                && check.outcome.certificate == chosen.outcome.certificate
                && check.revision == self.revision
        })
    }

    /// Every value of the form: what the applicant entered, what the form gives, the authorised
    /// person of the chosen certificate, and the incoming number once there is one.
    pub fn completed_values(&self, form: &Form) -> BTreeMap<String, String> {
        let mut values = self.values.clone();
        values.extend(form.fixed_values());
        if let Some(check) = self.chosen() {
            let name = &check.outcome.signer.name;
            values.extend(form.keys_by(FilledBy::Signer).map(|key| (key, name.clone())));
        }
        if let Some(number) = &self.incoming_number {
            values.extend(form.keys_by(FilledBy::Registration).map(|key| (key, number.clone())));
        }
        values
    }

    /// Identifiers of required documents that are not attached.
    pub fn missing_documents<'a>(&self, service: &'a Service) -> Vec<&'a str> {
        let required = service.documents.iter().filter(|document| document.required);
        let attached = |id: &str| self.enclosures.iter().any(|e| e.document == id);
        required.map(|document| document.id.as_str()).filter(|id| !attached(id)).collect()
    }

    /// The expert named last.
    pub fn expert(&self) -> Option<&str> {
        self.last(|act| match act {
            StepAct::Assign { expert } => Some(expert.as_str()),
            _ => None,
        })
    }

    /// The expert's last examination.
    pub fn examination(&self) -> Option<&Examination> {
        self.last(|act| match act {
            StepAct::Examine(examination) => Some(examination),
            _ => None,
        })
    }

    /// The decision, from the moment it was taken.
    pub fn decision(&self) -> Option<&Decision> {
        self.last(|act| match act {
            StepAct::Decide(decision) => Some(decision),
            _ => None,
        })
    }

    /// Number of the licence or permit, if that was the decision.
    pub fn licence_number(&self) -> Option<&str> {
        match self.decision() {
            Some(Decision::Issue) => self.result_number.as_deref(),
            _ => None,
        }
    }

    fn last<'a, T>(&'a self, pick: impl Fn(&'a StepAct) -> Option<T>) -> Option<T> {
        self.history.iter().rev().find_map(|record| pick(&record.act))
    }
}
