//! The way of a case, as pure transitions: a case and a command give the next case and what
//! happened. Which steps there are, who does them and what they may refuse for is read from the
//! catalogue.
//!
//! Every command is idempotent: repeated on a case that has already taken it, it gives that same
//! case and no events, so a client that does not know whether its command arrived sends it again.
//! Any command in any state gives an answer or an error with a stable code, and an error changes
//! nothing.

mod draft;
mod error;
mod review;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use super::Attachment;
use super::calendar::{Calendar, almaty, iso_date};
use super::case::{Case, CaseState, CheckOutcome, DocumentKind, Payment, StepAct};
use super::catalogue::{CountedFrom, OfficerRole, Procedure, Service, Step};
use crate::identity::Applicant;
use crate::text::Language;

pub use error::WorkflowError;

/// Who gives a command. The caller has proven it: a signed login, or its own code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The applicant, by the number logged in with.
    Applicant(Applicant),
    /// An officer of the authority.
    Officer(Officer),
    /// This program.
    System,
}

/// An officer with the dated appointments of the authority's own list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Officer {
    /// Identifier, the same over all appointments of the person.
    pub id: String,
    /// Name.
    pub name: String,
    /// What the officer may do and when.
    pub appointments: Vec<Appointment>,
}

/// A role given to an officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Appointment {
    /// The role.
    pub role: OfficerRole,
    /// The service it is given for; none for every service.
    pub service: Option<String>,
    /// First day.
    #[serde(with = "iso_date")]
    pub from: Date,
    /// Last day; none while nothing ended it.
    #[serde(default, with = "iso_date::option")]
    pub to: Option<Date>,
}

/// A request about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCase {
    /// Unguessable identifier.
    pub id: String,
    /// Procedure of the service.
    pub procedure: String,
    /// Form of the procedure.
    pub form: String,
    /// Who asks.
    pub applicant: Applicant,
    /// Name of who asks.
    pub applicant_name: String,
    /// Language of who asks.
    pub language: Language,
}

/// What is to be done to a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The applicant saves the form, all values at once. Values that can be kept are kept, even
    /// where they are not right yet.
    Fill(BTreeMap<String, String>),
    /// The applicant attaches a document.
    Attach {
        /// Row of the service's list of documents.
        document: String,
        /// What is attached.
        attachment: Attachment,
    },
    /// The applicant takes an attachment away.
    Detach {
        /// Its file name.
        name: String,
    },
    /// An order was made at the payment gateway.
    RequestPayment {
        /// The order.
        reference: String,
        /// Amount, in tenge: the fee of the day.
        tenge: u64,
    },
    /// The payment gateway confirmed an order.
    ConfirmPayment {
        /// The order.
        reference: String,
        /// SHA-256 of the gateway's message.
        evidence: String,
    },
    /// The payment gateway refused an order.
    RefusePayment {
        /// The order.
        reference: String,
        /// What the gateway said.
        reason: String,
    },
    /// A certificate was checked. A refusal keeps everything: another may be chosen.
    RecordCheck(CheckOutcome),
    /// The signed request was verified and is registered.
    Register {
        /// The incoming number, from the register.
        incoming_number: String,
        /// SHA-256 of the signed request.
        request: String,
    },
    /// An officer does a step.
    Act {
        /// Version of the case the officer saw.
        seen: u64,
        /// What is done.
        act: StepAct,
    },
    /// The register gave the decided result its number.
    AssignNumber {
        /// The number.
        number: String,
    },
    /// An officer signed a document of the result: first the XML, then the PDF that carries it.
    RecordSigned {
        /// Which.
        document: DocumentKind,
        /// SHA-256 of the signed document.
        sha256: String,
        /// For the PDF: SHA-256 of the presentation in each language, by its code.
        presentations: BTreeMap<String, String>,
    },
    /// The result stands in the applicant's cabinet.
    Deliver,
}

/// A transition that was made, or an answer to a repeated command (then without events).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The case afterwards.
    pub case: Case,
    /// What happened, for the audit log.
    pub events: Vec<Event>,
}

/// Something that happened to a case. It carries digests and numbers, never the form's contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Stable code, for example `registered` or `step-decide`.
    pub code: String,
    /// The case.
    pub case: String,
    /// Who: `applicant:…`, `officer:…` or `system`.
    pub actor: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Particulars.
    pub detail: BTreeMap<String, String>,
}

/// Begins a case under the rules in force at `now`.
///
/// # Errors
/// The service is not in force, the procedure not open, the form not of the procedure, or the
/// service not for this kind of applicant.
pub fn open(
    service: &Service,
    new: NewCase,
    now: OffsetDateTime,
) -> Result<Applied, WorkflowError> {
    let day = almaty(now).date();
    if !service.in_force.on(day) {
        return Err(WorkflowError::NotInForce);
    }
    let procedure = service.procedure(&new.procedure).filter(|procedure| procedure.open);
    let procedure = procedure.ok_or(WorkflowError::ProcedureNotOpen)?;
    if !procedure.forms.contains(&new.form) {
        return Err(WorkflowError::UnknownForm);
    }
    if !service.takes(&new.applicant) {
        return Err(WorkflowError::ApplicantNotTaken);
    }
    let fee = service.fee_on(day).map_err(|_| WorkflowError::FeeUnknown)?;
    let actor = Actor::Applicant(new.applicant.clone());
    let mut case = Case {
        id: new.id,
        service: service.id.clone(),
        procedure: new.procedure,
        form: new.form,
        applicant: new.applicant,
        applicant_name: new.applicant_name,
        language: new.language,
        state: CaseState::Draft,
        values: BTreeMap::new(),
        enclosures: Vec::new(),
        revision: 0,
        payment: if fee.is_some() { Payment::Due } else { Payment::NotRequired },
        checks: Vec::new(),
        incoming_number: None,
        result_number: None,
        documents: BTreeMap::new(),
        presentations: BTreeMap::new(),
        history: Vec::new(),
        version: 1,
        created_at: now,
        updated_at: now,
        registered_at: None,
        step_since: None,
        closed_at: None,
    };
    draft::settle(service, &mut case)?;
    let event = event(&case, &actor, now, "opened", [("service", service.id.clone())]);
    Ok(Applied { case, events: vec![event] })
}

/// Applies `command` of `actor` to `case` under `service`, which must be the version in force (on
/// the registration day, once there is one).
///
/// # Errors
/// Why the command cannot be taken; the case is as it was.
pub fn apply(
    service: &Service,
    case: &Case,
    command: Command,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<Applied, WorkflowError> {
    if service.id != case.service {
        return Err(WorkflowError::WrongService);
    }
    if matches!(actor, Actor::Applicant(applicant) if *applicant != case.applicant) {
        return Err(WorkflowError::NotYours);
    }
    let turn = Turn { service, case, actor, now };
    match command {
        Command::Fill(values) => draft::fill(&turn, values),
        Command::Attach { document, attachment } => draft::attach(&turn, document, attachment),
        Command::Detach { name } => draft::detach(&turn, &name),
        Command::RequestPayment { reference, tenge } => {
            draft::request_payment(&turn, reference, tenge)
        }
        Command::ConfirmPayment { reference, evidence } => {
            draft::confirm_payment(&turn, &reference, evidence)
        }
        Command::RefusePayment { reference, reason } => {
            draft::refuse_payment(&turn, &reference, reason)
        }
        Command::RecordCheck(outcome) => draft::record_check(&turn, outcome),
        Command::Register { incoming_number, request } => {
            draft::register(&turn, incoming_number, request)
        }
        Command::Act { seen, act } => review::act(&turn, seen, act),
        Command::AssignNumber { number } => review::assign_number(&turn, number),
        Command::RecordSigned { document, sha256, presentations } => {
            review::record_signed(&turn, document, sha256, presentations)
        }
        Command::Deliver => review::deliver(&turn),
    }
}

/// The step `case` waits at; none before registration and after delivery.
pub fn current_step<'a>(service: &'a Service, case: &Case) -> Option<&'a Step> {
    match &case.state {
        CaseState::AtStep { step } => service.procedure(&case.procedure)?.step(step),
        _ => None,
    }
}

/// Whether `officer` may do the step the case waits at: role, assignment, separate hands.
///
/// # Errors
/// Why not.
pub fn may_act(
    service: &Service,
    case: &Case,
    officer: &Officer,
    now: OffsetDateTime,
) -> Result<(), WorkflowError> {
    let step = current_step(service, case).ok_or(WorkflowError::WrongState)?;
    review::entitled(service, case, step, officer, now).map(|_| ())
}

/// When the step the case waits at should be done; none where no time is set.
pub fn due(service: &Service, case: &Case, calendar: &Calendar) -> Option<OffsetDateTime> {
    let deadline = current_step(service, case)?.deadline?;
    let start = match deadline.counted_from {
        CountedFrom::Step => case.step_since,
        CountedFrom::Registration => case.registered_at,
    };
    Some(calendar.due(start?, deadline.span))
}

/// One command on its way through.
struct Turn<'a> {
    service: &'a Service,
    case: &'a Case,
    actor: &'a Actor,
    now: OffsetDateTime,
}

impl Turn<'_> {
    /// The case is already where the command leads.
    fn unchanged(&self) -> Result<Applied, WorkflowError> {
        Ok(Applied { case: self.case.clone(), events: Vec::new() })
    }

    /// The case after `change`, with the event that tells of it.
    fn changed<const N: usize>(
        &self,
        code: &str,
        detail: [(&str, String); N],
        change: impl FnOnce(&mut Case) -> Result<(), WorkflowError>,
    ) -> Result<Applied, WorkflowError> {
        let mut case = self.case.clone();
        change(&mut case)?;
        case.version += 1;
        case.updated_at = self.now;
        let event = event(&case, self.actor, self.now, code, detail);
        Ok(Applied { case, events: vec![event] })
    }

    fn procedure(&self) -> Result<&Procedure, WorkflowError> {
        self.service.procedure(&self.case.procedure).ok_or(WorkflowError::WrongService)
    }

    fn by_applicant(&self) -> Result<(), WorkflowError> {
        match self.actor {
            Actor::Applicant(_) => Ok(()),
            _ => Err(WorkflowError::WrongActor),
        }
    }

    fn by_system(&self) -> Result<(), WorkflowError> {
        match self.actor {
            Actor::System => Ok(()),
            _ => Err(WorkflowError::WrongActor),
        }
    }

    fn by_officer(&self) -> Result<&Officer, WorkflowError> {
        match self.actor {
            Actor::Officer(officer) => Ok(officer),
            _ => Err(WorkflowError::WrongActor),
        }
    }
}

impl Officer {
    /// Whether the officer holds `role` for `service` on `day`.
    pub fn holds(&self, role: OfficerRole, service: &str, day: Date) -> bool {
        self.appointments.iter().any(|appointment| {
            appointment.role == role
                && appointment.service.as_deref().is_none_or(|only| only == service)
                && appointment.from <= day
                && appointment.to.is_none_or(|to| day <= to)
        })
    }
}

impl Actor {
    /// How the audit log names the actor.
    pub fn label(&self) -> String {
        match self {
            Self::Applicant(Applicant::Person { iin }) => format!("applicant:{iin}"),
            Self::Applicant(Applicant::Organisation { bin }) => format!("applicant:{bin}"),
            Self::Officer(officer) => format!("officer:{}", officer.id),
            Self::System => "system".to_owned(),
        }
    }
}

fn event<const N: usize>(
    case: &Case,
    actor: &Actor,
    at: OffsetDateTime,
    code: &str,
    detail: [(&str, String); N],
) -> Event {
    let mut detail: BTreeMap<String, String> =
        detail.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    detail.insert("version".to_owned(), case.version.to_string());
    Event { code: code.to_owned(), case: case.id.clone(), actor: actor.label(), at, detail }
}

/// A SHA-256 in lower-case hexadecimal.
fn digest(text: &str) -> Result<(), WorkflowError> {
    let sound = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if sound { Ok(()) } else { Err(WorkflowError::BadDigest) }
}

/// A number or reference of another system: 1–64 visible ASCII characters.
fn token(text: &str) -> Result<(), WorkflowError> {
    let sound = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if sound { Ok(()) } else { Err(WorkflowError::BadNumber) }
}

#[cfg(test)]
mod tests;
