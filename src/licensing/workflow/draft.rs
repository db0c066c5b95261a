//! Before registration: form, attachments, payment, certificate, and the registration itself.

use std::collections::BTreeMap;

use super::{Applied, Turn, WorkflowError, digest, token};
use crate::licensing::Attachment;
use crate::licensing::calendar::almaty;
use crate::licensing::case::{
    Case, CaseState, CertificateCheck, CheckOutcome, CheckStage, DocumentKind, Enclosure, Payment,
    PaymentOrder,
};
use crate::licensing::catalogue::Service;
use crate::licensing::form::{Stage, plain, validate};
use crate::limits;

type Outcome = Result<Applied, WorkflowError>;

/// Sets the state that follows from what is there.
pub(super) fn settle(service: &Service, case: &mut Case) -> Result<(), WorkflowError> {
    let form = service.form(&case.form).ok_or(WorkflowError::UnknownForm)?;
    let whole = validate(form, &case.values, Stage::Complete).is_empty()
        && case.missing_documents(service).is_empty();
    case.state = if !whole {
        CaseState::Draft
    } else if !case.payment.settled() {
        CaseState::AwaitingPayment
    } else if case.chosen().is_none() {
        CaseState::AwaitingCertificate
    } else {
        CaseState::ReadyToSign
    };
    Ok(())
}

pub(super) fn fill(turn: &Turn<'_>, values: BTreeMap<String, String>) -> Outcome {
    turn.by_applicant()?;
    if turn.case.values == values {
        return turn.unchanged();
    }
    changeable(turn)?;
    let form = turn.service.form(&turn.case.form).ok_or(WorkflowError::UnknownForm)?;
    let mut faults = validate(form, &values, Stage::Draft);
    faults.retain(|fault| fault.bars_saving());
    if !faults.is_empty() {
        return Err(WorkflowError::FormFaults(faults));
    }
    turn.changed("form-filled", [revision(turn)], |case| {
        case.values = values;
        case.revision += 1;
        settle(turn.service, case)
    })
}

pub(super) fn attach(turn: &Turn<'_>, document: String, attachment: Attachment) -> Outcome {
    turn.by_applicant()?;
    let enclosure = Enclosure { document, attachment };
    let attached = &turn.case.enclosures;
    if attached.contains(&enclosure) {
        return turn.unchanged();
    }
    changeable(turn)?;
    sound(&enclosure.attachment)?;
    if turn.service.document(&enclosure.document).is_none() {
        return Err(WorkflowError::UnknownDocument);
    }
    // Replacing a file takes two commands, so that none is lost by a name chosen twice.
    if attached.iter().any(|e| e.attachment.name == enclosure.attachment.name) {
        return Err(WorkflowError::AttachmentNameTaken);
    }
    if attached.len() >= limits::ATTACHMENTS {
        return Err(WorkflowError::TooManyAttachments);
    }
    let detail = [revision(turn), ("sha256", enclosure.attachment.sha256.clone())];
    turn.changed("document-attached", detail, |case| {
        case.enclosures.push(enclosure);
        case.revision += 1;
        settle(turn.service, case)
    })
}

pub(super) fn detach(turn: &Turn<'_>, name: &str) -> Outcome {
    turn.by_applicant()?;
    let found = turn.case.enclosures.iter().find(|e| e.attachment.name == name);
    let Some(enclosure) = found else { return turn.unchanged() };
    changeable(turn)?;
    let detail = [revision(turn), ("sha256", enclosure.attachment.sha256.clone())];
    turn.changed("document-detached", detail, |case| {
        case.enclosures.retain(|e| e.attachment.name != name);
        case.revision += 1;
        settle(turn.service, case)
    })
}

pub(super) fn request_payment(turn: &Turn<'_>, reference: String, tenge: u64) -> Outcome {
    turn.by_applicant().or_else(|_| turn.by_system())?;
    let order = PaymentOrder { reference, tenge };
    match &turn.case.payment {
        payment if payment.order() == Some(&order) => return turn.unchanged(),
        // A second order while one is open could be paid twice.
        Payment::Requested(_) => return Err(WorkflowError::PaymentUnderWay),
        Payment::Paid { .. } | Payment::NotRequired => return Err(WorkflowError::PaymentNotDue),
        Payment::Due | Payment::Refused { .. } => {}
    }
    if turn.case.state != CaseState::AwaitingPayment {
        return Err(WorkflowError::WrongState);
    }
    token(&order.reference)?;
    let fee = turn.service.fee_on(almaty(turn.now).date());
    if fee.map_err(|_| WorkflowError::FeeUnknown)? != Some(order.tenge) {
        return Err(WorkflowError::AmountDiffers);
    }
    let detail = [("order", order.reference.clone()), ("tenge", tenge.to_string())];
    turn.changed("payment-requested", detail, |case| {
        case.payment = Payment::Requested(order);
        Ok(())
    })
}

pub(super) fn confirm_payment(turn: &Turn<'_>, reference: &str, evidence: String) -> Outcome {
    turn.by_system()?;
    let order = known_order(turn, reference)?;
    // A confirmation after a refusal stands: the gateway's last word on an order is that money came.
    if matches!(turn.case.payment, Payment::Paid { .. }) {
        return turn.unchanged();
    }
    digest(&evidence)?;
    let detail = [("order", order.reference.clone()), ("evidence", evidence.clone())];
    turn.changed("payment-confirmed", detail, |case| {
        case.payment = Payment::Paid { order, evidence };
        settle(turn.service, case)
    })
}

pub(super) fn refuse_payment(turn: &Turn<'_>, reference: &str, reason: String) -> Outcome {
    turn.by_system()?;
    let order = known_order(turn, reference)?;
    match turn.case.payment {
        Payment::Refused { .. } => return turn.unchanged(),
        Payment::Paid { .. } => return Err(WorkflowError::PaymentNotDue),
        _ => {}
    }
    text(&reason)?;
    turn.changed("payment-refused", [("order", order.reference.clone())], |case| {
        case.payment = Payment::Refused { order, reason };
        settle(turn.service, case)
    })
}

pub(super) fn record_check(turn: &Turn<'_>, outcome: CheckOutcome) -> Outcome {
    turn.by_system()?;
    if repeats(turn.case, &outcome) {
        return turn.unchanged();
    }
    changeable(turn)?;
    digest(&outcome.certificate)?;
    outcome.evidence.iter().try_for_each(|evidence| digest(evidence))?;
    if turn.case.checks.len() >= limits::CERTIFICATE_CHECKS {
        return Err(WorkflowError::TooManyChecks);
    }
    if outcome.stage != CheckStage::Choice {
        let chosen = turn.case.chosen().ok_or(WorkflowError::CertificateNotChosen)?;
        if chosen.outcome.certificate != outcome.certificate {
            return Err(WorkflowError::CertificateNotChosen);
        }
        if turn.case.state != CaseState::ReadyToSign {
            return Err(WorkflowError::WrongState);
        }
    }
    let reasons: Vec<&str> = outcome.reasons.iter().map(|reason| reason.as_str()).collect();
    let code = if reasons.is_empty() { "certificate-accepted" } else { "certificate-refused" };
    let detail = [
        ("stage", format!("{:?}", outcome.stage).to_lowercase()),
        ("certificate", outcome.certificate.clone()),
        ("reasons", reasons.join(" ")),
        ("evidence", outcome.evidence.join(" ")),
    ];
    turn.changed(code, detail, |case| {
        let revision = case.revision;
        case.checks.push(CertificateCheck { outcome, revision, at: turn.now });
        settle(turn.service, case)
    })
}

pub(super) fn register(turn: &Turn<'_>, incoming_number: String, request: String) -> Outcome {
    turn.by_system()?;
    let case = turn.case;
    if !case.state.before_registration() {
        let same = case.incoming_number.as_ref() == Some(&incoming_number)
            && case.documents.get(&DocumentKind::Request) == Some(&request);
        return if same { turn.unchanged() } else { Err(WorkflowError::AlreadyRegistered) };
    }
    token(&incoming_number)?;
    digest(&request)?;
    if case.state != CaseState::ReadyToSign {
        return Err(WorkflowError::WrongState);
    }
    if !turn.service.in_force.on(almaty(turn.now).date()) {
        return Err(WorkflowError::NotInForce);
    }
    if !case.checked(CheckStage::Signing) || !case.checked(CheckStage::Registration) {
        return Err(WorkflowError::ChecksMissing);
    }
    let form = turn.service.form(&case.form).ok_or(WorkflowError::UnknownForm)?;
    let faults = validate(form, &case.completed_values(form), Stage::Signed);
    if !faults.is_empty() {
        return Err(WorkflowError::FormFaults(faults));
    }
    let first = turn.procedure()?.steps.first().ok_or(WorkflowError::WrongService)?;
    let detail = [("number", incoming_number.clone()), ("request", request.clone())];
    turn.changed("registered", detail, |case| {
        case.incoming_number = Some(incoming_number);
        case.documents.insert(DocumentKind::Request, request);
        case.registered_at = Some(turn.now);
        case.step_since = Some(turn.now);
        case.state = CaseState::AtStep { step: first.id.clone() };
        Ok(())
    })
}

/// Whether the case has already taken this check: before registration it is the last of its stage
/// with no refusal after it (a certificate may be chosen anew), afterwards any.
fn repeats(case: &Case, outcome: &CheckOutcome) -> bool {
    if !case.state.before_registration() {
        return case.checks.iter().any(|check| check.outcome == *outcome);
    }
    for check in case.checks.iter().rev() {
        if check.outcome.stage == outcome.stage {
            return check.outcome == *outcome
                && (check.revision == case.revision || outcome.stage == CheckStage::Choice);
        }
        if !check.outcome.passed() {
            return false;
        }
    }
    false
}

fn known_order(turn: &Turn<'_>, reference: &str) -> Result<PaymentOrder, WorkflowError> {
    let order = turn.case.payment.order().filter(|order| order.reference == reference);
    order.cloned().ok_or(WorkflowError::UnknownPayment)
}

fn changeable(turn: &Turn<'_>) -> Result<(), WorkflowError> {
    if turn.case.state.before_registration() { Ok(()) } else { Err(WorkflowError::WrongState) }
}

fn revision(turn: &Turn<'_>) -> (&'static str, String) {
    ("revision", (turn.case.revision + 1).to_string())
}

fn sound(attachment: &Attachment) -> Result<(), WorkflowError> {
    let Attachment { name, media_type, size, sha256 } = attachment;
    digest(sha256)?;
    let named = !name.trim().is_empty()
        && name.len() <= 255
        && plain(name, false).is_ok()
        && !name.contains(['/', '\\']);
    let typed = media_type.len() <= 127
        && kind_and_subtype(media_type)
        && media_type.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let sized = *size > 0 && usize::try_from(*size).is_ok_and(|s| s <= limits::ATTACHMENT_BYTES);
    if named && typed && sized { Ok(()) } else { Err(WorkflowError::AttachmentRefused) }
}

/// Whether a media type begins with its two names (RFC 6838 §4.2); parameters may follow.
fn kind_and_subtype(media_type: &str) -> bool {
    let name = |text: &str| {
        let sound = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&octet);
        !text.is_empty() && text.bytes().all(sound)
    };
    let names = media_type.split(';').next().unwrap_or_default().trim_end().split_once('/');
    names.is_some_and(|(kind, subtype)| name(kind) && name(subtype))
}

/// A written reason or remark: not blank, not endless, nothing hidden.
pub(super) fn text(text: &str) -> Result<(), WorkflowError> {
    if text.trim().is_empty() {
        return Err(WorkflowError::TextMissing);
    }
    let sound = plain(text, true).is_ok() && text.chars().count() <= limits::OFFICER_TEXT;
    if sound { Ok(()) } else { Err(WorkflowError::TextRefused) }
}
