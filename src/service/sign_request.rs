//! The applicant's signature: `prepare` gives the octets to sign, `complete` takes the value,
//! verifies the whole with our own verifier, and registers the request under its number, all in
//! one change.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::case_view::CaseView;
use super::cases::Loaded;
use super::checks::Check;
use super::edge::{Answer, Body, Path, Wanted, answer};
use super::login::Session;
use super::requests::{CertificateBody, own_view, record};
use super::{App, signing};
use crate::gateway::PaymentState;
use crate::licensing::case::{CheckStage, Payment};
use crate::licensing::workflow::{Actor, Command};
use crate::licensing::{Case, PaymentInfo, RequestDocument, Wording, document_fields};
use crate::problem::{Kind, Problem};
use crate::store::{StoreExt as _, Ticket, TicketKind};
use crate::text::Language;
use crate::validation::Question;
use crate::x509::Certificate;
use crate::xml;

/// Documents state amounts in tiyn.
const TIYN_IN_TENGE: u64 = 100;

/// Octets that wait for their signature.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToSign {
    /// What it is: `request`, `result-xml`, `result-kk.pdf` and so on.
    pub document: String,
    /// The octets to sign, base64.
    pub to_be_signed: String,
    /// The signature algorithm by name.
    pub algorithm: String,
}

/// A signature value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureBody {
    /// Base64; ECDSA as r ‖ s.
    signature: String,
}

/// What lies beside a prepared request.
#[derive(Serialize, Deserialize)]
struct Waiting {
    revision: u64,
    certificate: String,
}

/// Checks the chosen certificate again, writes the request document with the manifest of its
/// attachments, and gives the octets to sign.
#[utoipa::path(post, path = "/api/v1/requests/{id}/signature/prepare", tag = "applicant",
    params(("id" = String, Path)), request_body = CertificateBody,
    responses((status = 200, body = ToSign), (status = 409, description = "not ready to sign"),
        (status = 422, description = "certificate refused, with reasons"), (status = 503)))]
pub async fn prepare(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(body): Body<CertificateBody>,
) -> Answer<Json<ToSign>> {
    answer(&app, language, move |app| {
        let certificate = signing::certificate(&body.certificate)?;
        prepare_request(app, &id, &session, &certificate)
    })
    .await
}

/// Takes the signature value, verifies the signed request and registers it.
#[utoipa::path(post, path = "/api/v1/requests/{id}/signature", tag = "applicant",
    params(("id" = String, Path)), request_body = SignatureBody,
    responses((status = 200, body = CaseView), (status = 409, description = "nothing is prepared"),
        (status = 422, description = "signature or certificate refused, with reasons"),
        (status = 503, description = "revocation unknown; the request is held, try again later")))]
pub async fn complete(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(body): Body<SignatureBody>,
) -> Answer<Json<CaseView>> {
    answer(&app, language, move |app| {
        let value = signing::base64("signature", &body.signature)?;
        let case = register(app, &id, &session, &value, language)?;
        own_view(app, &case, language)
    })
    .await
}

fn prepare_request(
    app: &App,
    id: &str,
    session: &Session,
    certificate: &Certificate,
) -> Result<ToSign, Problem> {
    let algorithm = signing::algorithm(certificate)?;
    let loaded = app.store.view(|view| Loaded::own(view, id, session))?;
    let check = Check::make(app, &loaded.case, certificate, CheckStage::Signing);
    let case = record(app, id, session, &check)?;
    if !check.outcome.passed() {
        return Err(Problem::refused(check.reasons));
    }
    let document = request_document(app, &case)?.to_xml();
    let options = signing::xml_options(app.now(), None);
    let prepared = xml::prepare(&document, certificate, algorithm, &options)?;
    let waiting = Waiting { revision: case.revision, certificate: check.outcome.certificate };
    let ticket = Ticket {
        kind: TicketKind::Pending,
        id: ticket_id(id),
        body: serde_json::to_string(&waiting).map_err(Problem::internal)?,
        bytes: prepared.to_bytes(),
        expires_at: app.pending_until(),
    };
    app.store.change(|change| {
        change.take_ticket(TicketKind::Pending, &ticket.id, app.now())?;
        change.put_ticket(&ticket)
    })?;
    Ok(ToSign {
        document: "request".to_owned(),
        to_be_signed: STANDARD.encode(prepared.to_be_signed()),
        algorithm: algorithm.row().name.to_owned(),
    })
}

fn register(
    app: &App,
    id: &str,
    session: &Session,
    value: &[u8],
    language: Language,
) -> Result<Case, Problem> {
    let now = app.now();
    let (case, ticket) = app.store.view(|view| {
        let loaded = Loaded::own(view, id, session)?;
        let ticket = view.ticket(TicketKind::Pending, &ticket_id(id), now)?;
        Ok::<_, Problem>((loaded.case, ticket))
    })?;
    if !case.state.before_registration() {
        return Ok(case);
    }
    let nothing = || {
        let detail = "Prepare the signature first; what was prepared waits only for a while.";
        Problem::new(Kind::Conflict, "nothing-prepared", detail)
    };
    let ticket = ticket.ok_or_else(nothing)?;
    let waiting: Waiting = serde_json::from_str(&ticket.body).map_err(Problem::internal)?;
    let unchanged = |case: &Case| {
        let detail = "The request was changed after it was prepared; prepare it again.";
        let changed = || Problem::new(Kind::Conflict, "changed-after-prepare", detail);
        if waiting.revision == case.revision { Ok(()) } else { Err(changed()) }
    };
    unchanged(&case)?;
    let signed = xml::Prepared::from_bytes(&ticket.bytes)?.complete(value)?;
    let verified = app.verifier.verify(&Question::new(&signed, now, language))?;
    let (Some(found), Some(judgement)) = (verified.found.first(), verified.judgements.first())
    else {
        return Err(Problem::internal("a signed request lost its signature"));
    };
    let certificate = found.certificate.clone().ok_or_else(nothing)?;
    let check = Check::of(&case, &certificate, CheckStage::Registration, judgement);
    if !check.outcome.passed() {
        record(app, id, session, &check)?;
        return Err(Problem::refused(check.reasons));
    }
    signing::passed_by(&verified)?;
    // What is registered is what the signed octets say, not what we meant to write.
    let octets = found.scope.octets.first().ok_or_else(nothing)?;
    if RequestDocument::from_xml(octets)? != request_document(app, &case)? {
        return Err(Problem::internal("the signed octets are not the request"));
    }
    let signed = signing::preserved(app, signed)?;
    app.store.change(|change| {
        let mut loaded = Loaded::own(change, id, session)?;
        if !loaded.case.state.before_registration() {
            change.audit_append(&app.entry("system", "registered-again", id, json!({})))?;
            return Ok(loaded.case);
        }
        // Judging took a while: what was signed must still be what the request says.
        unchanged(&loaded.case)?;
        let series = &app.service_of(&loaded.case)?.series.incoming;
        let count = change.number(&series.prefix(now), id)?;
        let request = change.put_document("application/xml", &signed)?;
        loaded.apply(app, change, Command::RecordCheck(check.outcome.clone()), &Actor::System)?;
        let command = Command::Register { incoming_number: series.number(now, count), request };
        loaded.apply(app, change, command, &Actor::System)?;
        check.keep(change, id, app)?;
        change.take_ticket(TicketKind::Pending, &ticket.id, now)?;
        Ok(loaded.case)
    })
}

/// The request as it is signed: form, consent, manifest of attachments, payment.
fn request_document(app: &App, case: &Case) -> Result<RequestDocument, Problem> {
    let service = app.service_of(case)?;
    let form = service.form(&case.form).ok_or_else(|| Problem::internal("unknown form"))?;
    let payment = match &case.payment {
        Payment::Paid { order, evidence } => Some(PaymentInfo {
            reference: order.reference.clone(),
            amount: order.tenge.saturating_mul(TIYN_IN_TENGE),
            paid_at: signing::whole_seconds(paid_at(app, evidence)?),
        }),
        _ => None,
    };
    Ok(RequestDocument {
        id: case.id.clone(),
        service: service.id.clone(),
        service_name: Wording::clone(&service.name),
        procedure: case.procedure.clone(),
        form: form.id.clone(),
        language: case.language,
        applicant: case.applicant.clone(),
        applicant_name: case.applicant_name.clone(),
        fields: document_fields(form, &case.completed_values(form)),
        consent: form.consent.text(case.language).to_owned(),
        attachments: case.enclosures.iter().map(|e| e.attachment.clone()).collect(),
        payment,
        created_at: signing::whole_seconds(case.created_at),
    })
}

/// When the gateway says that it was paid, from the message kept as evidence.
fn paid_at(app: &App, evidence: &str) -> Result<OffsetDateTime, Problem> {
    let message = app.store.view(|view| view.document(evidence))?;
    let message = message.ok_or_else(|| Problem::internal("the proof of payment is gone"))?;
    let state = PaymentState::of_message(&message.bytes);
    let state = state.ok_or_else(|| Problem::internal("the proof of payment cannot be read"))?;
    state.paid_at.ok_or_else(|| Problem::internal("the proof of payment has no time"))
}

fn ticket_id(id: &str) -> String {
    format!("request/{id}")
}
