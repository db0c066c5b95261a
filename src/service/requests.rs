//! The applicant's side: draft, form, attachments, payment, certificate, signature, cabinet.
//!
//! Every call can be repeated. The client names the request, so that a repeated beginning is the
//! same request.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::case_view::{CaseView, documents};
use super::cases::Loaded;
use super::checks::{Check, CheckView};
use super::edge::{Answer, Body, Path, Query, Refusal, Wanted, answer, blocking, read_body};
use super::login::Session;
use super::{App, register, signing};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::gateway::{Invoice, PaymentError, PaymentState};
use crate::identity::Applicant;
use crate::licensing::case::{CheckStage, Payment};
use crate::licensing::workflow::{Actor, Command, NewCase};
use crate::licensing::{Attachment, Case, almaty};
use crate::limits;
use crate::problem::{Kind, Problem};
use crate::store::{CaseFilter, StoreExt as _};
use crate::text::Language;

/// A request to begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewRequest {
    /// The service.
    service: String,
    /// The procedure.
    #[serde(default = "issue")]
    procedure: String,
    /// The form.
    form: String,
    /// Under which number: the person's own, or the organisation's of the certificate.
    applicant: ApplicantChoice,
    /// The applicant's language.
    #[schema(value_type = String, example = "kk")]
    language: Language,
}

/// Under which number a request is made.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicantChoice {
    /// The person's own IIN.
    Person,
    /// The organisation's BIN.
    Organisation,
}

/// A certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateBody {
    /// DER in base64.
    pub(super) certificate: String,
}

/// Which document an attachment is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttachQuery {
    /// The row of the service's list of documents.
    document: String,
}

/// Begins a request under an id of the client's choice: 16–64 letters, digits and hyphens.
#[utoipa::path(put, path = "/api/v1/requests/{id}", tag = "applicant", params(("id" = String, Path)),
    request_body = NewRequest, responses((status = 200, body = CaseView)))]
pub async fn begin(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(wish): Body<NewRequest>,
) -> Answer<Json<CaseView>> {
    answer(&app, language, move |app| {
        check_id(&id)?;
        let (applicant, applicant_name) = applicant(&session, wish.applicant)?;
        app.store.change(|change| {
            if Loaded::find(change, &id)?.is_some() {
                let loaded = Loaded::own(change, &id, &session)?;
                return own_view(app, &loaded.case, language);
            }
            let new = NewCase {
                id: id.clone(),
                procedure: wish.procedure,
                form: wish.form,
                applicant,
                applicant_name,
                language: wish.language,
            };
            let loaded = app.open_case(change, &wish.service, new)?;
            own_view(app, &loaded.case, language)
        })
    })
    .await
}

/// Saves the form. Values that are not right yet are kept and named in the answer.
#[utoipa::path(put, path = "/api/v1/requests/{id}/form", tag = "applicant", params(("id" = String, Path)),
    request_body = BTreeMap<String, String>, responses((status = 200, body = CaseView),
        (status = 400, description = "values that cannot be kept, field by field")))]
pub async fn fill(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(values): Body<BTreeMap<String, String>>,
) -> Answer<Json<CaseView>> {
    let done = change(&app, session, id, language, Command::Fill(values)).await;
    Ok(Json(done.map_err(|p| Refusal::new(p, language))?))
}

/// Attaches a document; the body is its octets.
#[utoipa::path(put, path = "/api/v1/requests/{id}/attachments/{name}", tag = "applicant",
    params(("id" = String, Path), ("name" = String, Path), AttachQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = CaseView), (status = 413, description = "larger than the limit")))]
pub async fn attach(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path((id, name)): Path<(String, String)>,
    Query(query): Query<AttachQuery>,
    request: Request,
) -> Answer<Json<CaseView>> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    let octets = read_body(request.into_body(), limits::ATTACHMENT_BYTES).await;
    let octets = octets.map_err(|p| Refusal::new(p, language))?;
    answer(&app, language, move |app| {
        let attachment = Attachment {
            name,
            media_type: media_type.clone(),
            size: octets.len() as u64,
            sha256: hex(&digest(DigestAlgorithm::Sha256, &octets)),
        };
        let command = Command::Attach { document: query.document, attachment };
        app.store.change(|change| {
            let mut loaded = Loaded::own(change, &id, &session)?;
            let actor = Actor::Applicant(loaded.case.applicant.clone());
            loaded.apply(app, change, command, &actor)?;
            change.put_document(&media_type, &octets)?;
            own_view(app, &loaded.case, language)
        })
    })
    .await
}

/// Takes an attachment away.
#[utoipa::path(delete, path = "/api/v1/requests/{id}/attachments/{name}", tag = "applicant",
    params(("id" = String, Path), ("name" = String, Path)), responses((status = 200, body = CaseView)))]
pub async fn detach(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path((id, name)): Path<(String, String)>,
) -> Answer<Json<CaseView>> {
    let done = change(&app, session, id, language, Command::Detach { name }).await;
    Ok(Json(done.map_err(|p| Refusal::new(p, language))?))
}

/// Opens the invoice at the payment gateway, or finds the one already open.
#[utoipa::path(post, path = "/api/v1/requests/{id}/payment", tag = "applicant",
    params(("id" = String, Path)), responses((status = 200, description = "the invoice"),
        (status = 503, description = "the payment gateway does not answer; nothing is lost")))]
pub async fn pay(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
) -> Answer<Json<PaymentState>> {
    answer(&app, language, move |app| {
        let loaded = app.store.view(|view| Loaded::own(view, &id, &session))?;
        let invoice = invoice(app, &loaded.case)?;
        let state = app.payments()?.open(&invoice)?;
        let command =
            Command::RequestPayment { reference: state.reference.clone(), tenge: invoice.amount };
        app.store.change(|change| {
            let mut loaded = Loaded::own(change, &id, &session)?;
            loaded.apply(app, change, command, &Actor::System)?;
            Ok::<_, Problem>(state)
        })
    })
    .await
}

/// Asks the payment gateway for the fact of payment.
#[utoipa::path(post, path = "/api/v1/requests/{id}/payment/check", tag = "applicant",
    params(("id" = String, Path)), responses((status = 200, body = CaseView),
        (status = 409, description = "not paid yet"), (status = 503)))]
pub async fn check_payment(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
) -> Answer<Json<CaseView>> {
    answer(&app, language, move |app| {
        let loaded = app.store.view(|view| Loaded::own(view, &id, &session))?;
        if loaded.case.payment.settled() {
            return own_view(app, &loaded.case, language);
        }
        let order =
            loaded.case.payment.order().ok_or_else(|| {
                Problem::new(Kind::Conflict, "no-invoice", "Open the invoice first.")
            })?;
        let invoice = Invoice { amount: order.tenge, ..invoice(app, &loaded.case)? };
        let told = app.payments()?.check(&invoice, &order.reference)?;
        let state = told.state;
        if state.paid_at.is_none() {
            let detail = format!("Pay {} tenge at {}", state.amount, state.pay_at);
            return Err(Problem::new(Kind::Conflict, "not-paid", detail));
        }
        app.store.change(|change| {
            let mut loaded = Loaded::own(change, &id, &session)?;
            let evidence = change.put_document(told.media_type, &told.message)?;
            let command = Command::ConfirmPayment { reference: state.reference, evidence };
            loaded.apply(app, change, command, &Actor::System)?;
            own_view(app, &loaded.case, language)
        })
    })
    .await
}

/// Chooses the certificate to sign with; it is checked at once. A refused one loses nothing:
/// choose another.
#[utoipa::path(post, path = "/api/v1/requests/{id}/certificate", tag = "applicant",
    params(("id" = String, Path)), request_body = CertificateBody,
    responses((status = 200, body = CheckView), (status = 422, description = "refused, with reasons"),
        (status = 503, description = "revocation unknown; try again later")))]
pub async fn choose_certificate(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(choice): Body<CertificateBody>,
) -> Answer<Json<CheckView>> {
    answer(&app, language, move |app| {
        let certificate = signing::certificate(&choice.certificate)?;
        let loaded = app.store.view(|view| Loaded::own(view, &id, &session))?;
        let check = Check::make(app, &loaded.case, &certificate, CheckStage::Choice);
        record(app, &id, &session, &check)?;
        if !check.outcome.passed() {
            return Err(Problem::refused(check.reasons));
        }
        Ok(check.view(language))
    })
    .await
}

/// The applicant's cabinet: own requests, the latest first.
#[utoipa::path(get, path = "/api/v1/requests", tag = "applicant",
    responses((status = 200, body = Vec<CaseView>)))]
pub async fn cabinet(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
) -> Answer<Json<Vec<CaseView>>> {
    answer(&app, language, move |app| {
        let own = CaseFilter {
            owner_iin: session.iin.as_ref().map(ToString::to_string),
            latest_first: true,
            ..CaseFilter::default()
        };
        let organisation = CaseFilter {
            owner_bin: session.bin.as_ref().map(ToString::to_string),
            latest_first: true,
            ..CaseFilter::default()
        };
        let mut views = Vec::new();
        for filter in [own, organisation] {
            if filter.owner_iin.is_none() && filter.owner_bin.is_none() {
                continue;
            }
            for row in app.store.view(|view| view.cases(&filter))? {
                let case: Case = serde_json::from_str(&row.body).map_err(Problem::internal)?;
                // A case whose rules cannot be found must not hide the others.
                views.extend(CaseView::new(app, &case, language).ok().map(CaseView::for_applicant));
            }
        }
        Ok(views)
    })
    .await
}

/// One request: the applicant's own, or a registered one for an officer.
#[utoipa::path(get, path = "/api/v1/requests/{id}", tag = "applicant", params(("id" = String, Path)),
    responses((status = 200, body = CaseView), (status = 404)))]
pub async fn one(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
) -> Answer<Json<CaseView>> {
    answer(&app, language, move |app| {
        let case = visible(app, &id, &session)?;
        if session.is(&case.applicant) {
            return own_view(app, &case, language);
        }
        CaseView::new(app, &case, language)
    })
    .await
}

/// A document of a request by its digest: for its applicant, or for an officer once registered.
#[utoipa::path(get, path = "/api/v1/requests/{id}/documents/{sha256}", tag = "applicant",
    params(("id" = String, Path), ("sha256" = String, Path)),
    responses((status = 200, description = "the document"), (status = 404)))]
pub async fn document(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path((id, sha256)): Path<(String, String)>,
) -> Answer<Response> {
    let found = blocking(&app, move |app| {
        let case = visible(app, &id, &session)?;
        let missing = || {
            Problem::new(Kind::NotFound, "no-such-document", "The request has no such document.")
        };
        let (_, name) =
            documents(&case).find(|(digest, _)| *digest == sha256).ok_or_else(missing)?;
        let document = app.store.view(|view| view.document(&sha256))?.ok_or_else(missing)?;
        Ok((name, document))
    });
    let (name, document) = found.await.map_err(|p| Refusal::new(p, language))?;
    Ok(register::download(&name, &document.media_type, document.bytes))
}

/// A case as its applicant sees it.
pub(super) fn own_view(app: &App, case: &Case, language: Language) -> Result<CaseView, Problem> {
    Ok(CaseView::new(app, case, language)?.for_applicant())
}

/// Writes a check down: the workflow's record, the audit row, the evidence. One that nobody could
/// answer is no refusal: the request stays as it is, and the same call may succeed later.
pub(super) fn record(
    app: &App,
    id: &str,
    session: &Session,
    check: &Check,
) -> Result<Case, Problem> {
    app.store.change(|change| {
        let mut loaded = Loaded::own(change, id, session)?;
        if check.held() && loaded.case.state.before_registration() {
            // Nobody could say: the choice stands, and the same call may succeed later.
            change.audit_append(&check.held_entry(app, id))?;
            check.keep(change, id, app)?;
            return Ok(loaded.case);
        }
        let command = Command::RecordCheck(check.outcome.clone());
        let before = loaded.case.version;
        loaded.apply(app, change, command, &Actor::System)?;
        if loaded.case.version != before {
            check.keep(change, id, app)?;
        }
        Ok(loaded.case)
    })
}

/// The case, for whoever may read it.
fn visible(app: &App, id: &str, session: &Session) -> Result<Case, Problem> {
    app.store.view(|view| match Loaded::own(view, id, session) {
        Ok(loaded) => Ok(loaded.case),
        Err(not_own) => match Loaded::at_authority(app, view, id, session) {
            Ok((loaded, _)) => Ok(loaded.case),
            Err(_) => Err(not_own),
        },
    })
}

async fn change(
    app: &Arc<App>,
    session: Session,
    id: String,
    language: Language,
    command: Command,
) -> Result<CaseView, Problem> {
    blocking(app, move |app| {
        app.store.change(|change| {
            let mut loaded = Loaded::own(change, &id, &session)?;
            let actor = Actor::Applicant(loaded.case.applicant.clone());
            loaded.apply(app, change, command, &actor)?;
            own_view(app, &loaded.case, language)
        })
    })
    .await
}

fn applicant(session: &Session, choice: ApplicantChoice) -> Result<(Applicant, String), Problem> {
    let lacking = |what| {
        let detail = format!("The certificate you logged in with names no {what}.");
        Problem::new(Kind::Forbidden, "no-such-applicant", detail)
    };
    match choice {
        ApplicantChoice::Person => {
            let iin = session.iin.clone().ok_or_else(|| lacking("IIN"))?;
            Ok((Applicant::Person { iin }, session.name.clone()))
        }
        ApplicantChoice::Organisation => {
            let bin = session.bin.clone().ok_or_else(|| lacking("BIN"))?;
            let name = session.organisation.clone().unwrap_or_else(|| session.name.clone());
            Ok((Applicant::Organisation { bin }, name))
        }
    }
}

fn invoice(app: &App, case: &Case) -> Result<Invoice, Problem> {
    let service = app.service_of(case)?;
    let amount = match &case.payment {
        Payment::NotRequired => None,
        payment => match payment.order() {
            Some(order) => Some(order.tenge),
            None => service.fee_on(almaty(app.now()).date()).map_err(Problem::internal)?,
        },
    };
    let amount = amount.ok_or_else(|| {
        Problem::new(Kind::Conflict, "nothing-to-pay", "The service is free of charge.")
    })?;
    let purpose = service.name.text(case.language).to_owned();
    Ok(Invoice { request: case.id.clone(), amount, purpose })
}

impl App {
    fn payments(&self) -> Result<&dyn crate::gateway::Payments, Problem> {
        self.payments.as_deref().ok_or_else(|| {
            PaymentError::Unavailable("no payment gateway is configured".to_owned()).into()
        })
    }
}

fn check_id(id: &str) -> Result<(), Problem> {
    let sound = (16..=64).contains(&id.len())
        && id.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    if sound {
        return Ok(());
    }
    let detail = "an id has 16 to 64 letters, digits and hyphens";
    Err(Problem::new(Kind::BadInput, "bad-id", detail))
}

fn issue() -> String {
    "issue".to_owned()
}
