//! After registration: the steps of the authority, as the catalogue lists them.

use super::{Applied, Officer, Turn, WorkflowError, current_step, digest, draft::text, token};
use crate::identity::Applicant;
use crate::licensing::calendar::almaty;
use crate::licensing::case::{
    Case, CaseState, Decision, DocumentKind, Examination, StepAct, StepOfficer, StepRecord,
};
use crate::licensing::catalogue::{OfficerRole, Service, Step, StepKind};
use std::collections::BTreeMap;
use time::OffsetDateTime;

type Outcome = Result<Applied, WorkflowError>;

pub(super) fn act(turn: &Turn<'_>, seen: u64, act: StepAct) -> Outcome {
    let officer = turn.by_officer()?;
    // A version is acted on once, so it tells a repeated command from a new one with equal words.
    let done = turn.case.history.iter().find(|record| record.seen == seen);
    if let Some(record) = done {
        let by = record.officer.as_ref().is_some_and(|by| by.id == officer.id);
        let same = by && record.act == act;
        return if same { turn.unchanged() } else { Err(WorkflowError::Stale) };
    }
    let waiting = current_step(turn.service, turn.case).ok_or(WorkflowError::WrongState)?;
    let step = step_of(turn, waiting, &act)?;
    let role = entitled(turn.service, turn.case, step, officer, turn.now)?;
    if seen != turn.case.version {
        return Err(WorkflowError::Stale);
    }
    let next = match &act {
        StepAct::Return { remarks } => {
            text(remarks)?;
            step.returns_to.clone().ok_or(WorkflowError::WrongStep)?
        }
        _ => {
            admissible(turn, &act)?;
            // Naming another expert leaves the case where it waits.
            if step.id == waiting.id { after(turn, step)? } else { waiting.id.clone() }
        }
    };
    let code = format!("step-{}", name(&act));
    let detail = [("step", step.id.clone()), ("next", next.clone())];
    turn.changed(&code, detail, |case| {
        let by = StepOfficer { id: officer.id.clone(), name: officer.name.clone(), role };
        record(turn, case, step, Some(by), act);
        if next != waiting.id {
            case.step_since = Some(turn.now);
        }
        case.state = CaseState::AtStep { step: next };
        Ok(())
    })
}

pub(super) fn assign_number(turn: &Turn<'_>, number: String) -> Outcome {
    turn.by_system()?;
    if let Some(given) = &turn.case.result_number {
        let same = *given == number;
        return if same { turn.unchanged() } else { Err(WorkflowError::AlreadyNumbered) };
    }
    waits_at(turn, StepKind::Sign)?;
    token(&number)?;
    turn.changed("result-numbered", [("number", number.clone())], |case| {
        case.result_number = Some(number);
        Ok(())
    })
}

pub(super) fn record_signed(
    turn: &Turn<'_>,
    document: DocumentKind,
    sha256: String,
    presentations: BTreeMap<String, String>,
) -> Outcome {
    let officer = turn.by_officer()?;
    let documents = &turn.case.documents;
    if document == DocumentKind::Request {
        return Err(WorkflowError::WrongStep);
    }
    if let Some(signed) = documents.get(&document) {
        let same = *signed == sha256;
        return if same { turn.unchanged() } else { Err(WorkflowError::AlreadySigned) };
    }
    let step = waits_at(turn, StepKind::Sign)?;
    let role = entitled(turn.service, turn.case, step, officer, turn.now)?;
    digest(&sha256)?;
    presentations.values().try_for_each(|sha256| digest(sha256))?;
    if turn.case.result_number.is_none() {
        return Err(WorkflowError::NumberMissing);
    }
    let last = document == DocumentKind::ResultPdf;
    if last && !documents.contains_key(&DocumentKind::ResultXml) {
        return Err(WorkflowError::XmlFirst);
    }
    let next = after(turn, step)?;
    let code = if last { "result-pdf-signed" } else { "result-xml-signed" };
    turn.changed(code, [("sha256", sha256.clone())], |case| {
        case.documents.insert(document, sha256);
        case.presentations.extend(presentations);
        if last {
            let by = StepOfficer { id: officer.id.clone(), name: officer.name.clone(), role };
            record(turn, case, step, Some(by), StepAct::Signed);
            case.step_since = Some(turn.now);
            case.state = CaseState::AtStep { step: next };
        }
        Ok(())
    })
}

pub(super) fn deliver(turn: &Turn<'_>) -> Outcome {
    turn.by_system()?;
    if turn.case.state == CaseState::Closed {
        return turn.unchanged();
    }
    let step = waits_at(turn, StepKind::Deliver)?;
    turn.changed("delivered", [], |case| {
        record(turn, case, step, None, StepAct::Delivered);
        case.step_since = None;
        case.closed_at = Some(turn.now);
        case.state = CaseState::Closed;
        Ok(())
    })
}

/// Whether `officer` may do `step`: the role, dated and for this service; the expert who was
/// named; and not the hands of an earlier step that must be others (digest R65).
pub(super) fn entitled(
    service: &Service,
    case: &Case,
    step: &Step,
    officer: &Officer,
    now: OffsetDateTime,
) -> Result<OfficerRole, WorkflowError> {
    let own = |iin: &crate::identity::Iin| iin.as_str() == officer.id;
    let applies = matches!(&case.applicant, Applicant::Person { iin } if own(iin));
    let signed = case.chosen().and_then(|check| check.outcome.signer.iin.as_ref()).is_some_and(own);
    if applies || signed {
        return Err(WorkflowError::OwnRequest);
    }
    let role = step.role.ok_or(WorkflowError::WrongActor)?;
    if !officer.holds(role, &service.id, almaty(now).date()) {
        return Err(WorkflowError::RoleMissing(role));
    }
    if step.act == StepKind::Examine && case.expert() != Some(&officer.id) {
        return Err(WorkflowError::NotAssigned);
    }
    let did = |id: &String| {
        let last = case.history.iter().rev().find(|record| record.step == *id);
        last.and_then(|r| r.officer.as_ref()).is_some_and(|by| by.id == officer.id)
    };
    if step.not_by.iter().any(did) {
        return Err(WorkflowError::SamePerson);
    }
    Ok(role)
}

/// The step an act belongs to: the one the case waits at, or the assignment again while the
/// examination waits (an expert who is away must not hold the case).
fn step_of<'a>(
    turn: &'a Turn<'_>,
    waiting: &'a Step,
    act: &StepAct,
) -> Result<&'a Step, WorkflowError> {
    use {StepAct as A, StepKind as K};
    match (act, waiting.act) {
        (A::Route, K::Route)
        | (A::Assign { .. }, K::Assign)
        | (A::Examine(_), K::Examine)
        | (A::Agree, K::Agree)
        | (A::Decide(_), K::Decide)
        | (A::Return { .. }, K::Agree | K::Decide) => Ok(waiting),
        (A::Assign { .. }, K::Examine) => {
            let steps = &turn.procedure()?.steps;
            let assign = steps.iter().find(|step| step.act == K::Assign);
            assign.ok_or(WorkflowError::WrongStep)
        }
        _ => Err(WorkflowError::WrongStep),
    }
}

/// Whether the act's content may stand.
fn admissible(turn: &Turn<'_>, act: &StepAct) -> Result<(), WorkflowError> {
    match act {
        StepAct::Assign { expert } => token(expert),
        StepAct::Examine(examination) => {
            let Examination { complete, corresponds, proposal } = examination;
            reasoned(turn.service, proposal)?;
            if *proposal == Decision::Issue && !(*complete && *corresponds) {
                return Err(WorkflowError::ProposalContradicts);
            }
            Ok(())
        }
        StepAct::Decide(decision) => {
            reasoned(turn.service, decision)?;
            // The head may refuse what was found good, with grounds of the head's own. To issue
            // what was found bad, the case goes back to the expert: no licence without a proposal.
            let proposed = turn.case.examination().map(|found| &found.proposal);
            if *decision == Decision::Issue && proposed != Some(&Decision::Issue) {
                return Err(WorkflowError::IssueNotProposed);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A refusal has at least one ground of the catalogue, none twice, and a written reason.
fn reasoned(service: &Service, decision: &Decision) -> Result<(), WorkflowError> {
    let Decision::Refuse { grounds, reason } = decision else { return Ok(()) };
    if grounds.is_empty() {
        return Err(WorkflowError::GroundMissing);
    }
    let twice = grounds.iter().enumerate().any(|(i, g)| grounds.iter().skip(i + 1).any(|h| h == g));
    if twice || grounds.iter().any(|ground| service.ground(ground).is_none()) {
        return Err(WorkflowError::UnknownGround);
    }
    text(reason)
}

fn waits_at<'a>(turn: &'a Turn<'_>, kind: StepKind) -> Result<&'a Step, WorkflowError> {
    let step = current_step(turn.service, turn.case).ok_or(WorkflowError::WrongState)?;
    if step.act == kind { Ok(step) } else { Err(WorkflowError::WrongStep) }
}

fn after(turn: &Turn<'_>, step: &Step) -> Result<String, WorkflowError> {
    let next = turn.procedure()?.after(&step.id).ok_or(WorkflowError::WrongService)?;
    Ok(next.id.clone())
}

fn record(turn: &Turn<'_>, case: &mut Case, step: &Step, by: Option<StepOfficer>, act: StepAct) {
    case.history.push(StepRecord {
        step: step.id.clone(),
        officer: by,
        act,
        seen: turn.case.version,
        since: turn.case.step_since.unwrap_or(turn.now),
        at: turn.now,
    });
}

fn name(act: &StepAct) -> &'static str {
    match act {
        StepAct::Route => "route",
        StepAct::Assign { .. } => "assign",
        StepAct::Examine(_) => "examine",
        StepAct::Agree => "agree",
        StepAct::Return { .. } => "return",
        StepAct::Decide(_) => "decide",
        StepAct::Signed => "signed",
        StepAct::Delivered => "delivered",
    }
}
