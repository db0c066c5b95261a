//! The result: licence or refusal, signed by the officer who may, entered into the register.
//!
//! The XML is signed first; each PDF then presents it in one language, carries it as an
//! attachment, and is signed too. What the key has to sign next follows from what is signed
//! already, so the officer's machine repeats one loop until nothing is left, also after a crash.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::case_view::CaseView;
use super::cases::Loaded;
use super::edge::{Answer, Body, Path, Wanted, answer};
use super::login::Session;
use super::requests::CertificateBody;
use super::result_document::ResultDocument;
use super::sign_request::ToSign;
use super::signing;
use crate::identity::match_authority;
use crate::licensing::Case;
use crate::licensing::case::DocumentKind;
use crate::licensing::workflow::{self, Actor, Command, Officer};
use crate::problem::{Kind, Problem};
use crate::reason::{Reason, ReasonCode};
use crate::store::{Change, StoreExt as _, Ticket, TicketKind};
use crate::text::Language;
use crate::validation::{Question, TimeSource, TrustedTime};
use crate::x509::Certificate;
use crate::{pdf, xml};

/// Signature values by the name of the document they belong to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignaturesBody {
    /// Base64; ECDSA as r ‖ s.
    signatures: BTreeMap<String, String>,
}

/// Where the signing of a result stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signing {
    /// What has to be signed next; empty when the result is delivered.
    pub to_sign: Vec<ToSign>,
    /// The request.
    pub request: CaseView,
}

/// The name of the XML among what is to be signed.
const XML: &str = "result.xml";

/// Gives what the officer's key has to sign next. The officer's certificate is checked each time.
#[utoipa::path(post, path = "/api/v1/requests/{id}/result/prepare", tag = "officer",
    params(("id" = String, Path)), request_body = CertificateBody,
    responses((status = 200, body = Signing), (status = 403), (status = 409),
        (status = 422, description = "certificate refused, with reasons")))]
pub async fn prepare(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(body): Body<CertificateBody>,
) -> Answer<Json<Signing>> {
    answer(&app, language, move |app| {
        let certificate = signing::certificate(&body.certificate)?;
        let (loaded, officer) =
            app.store.view(|view| Loaded::at_authority(app, view, &id, &session))?;
        let to_sign = next(app, &loaded.case, &officer, &session, &certificate)?;
        let request = CaseView::new(app, &loaded.case, language)?;
        Ok(Signing { to_sign, request })
    })
    .await
}

/// Takes signature values, verifies what they complete, and gives what has to be signed next.
#[utoipa::path(post, path = "/api/v1/requests/{id}/result/signatures", tag = "officer",
    params(("id" = String, Path)), request_body = SignaturesBody,
    responses((status = 200, body = Signing), (status = 409, description = "nothing is prepared"),
        (status = 422, description = "signature or certificate refused, with reasons")))]
pub async fn complete(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(body): Body<SignaturesBody>,
) -> Answer<Json<Signing>> {
    answer(&app, language, move |app| {
        let (loaded, officer) =
            app.store.view(|view| Loaded::at_authority(app, view, &id, &session))?;
        let case = loaded.case;
        let certificate = match (case.documents.get(&DocumentKind::ResultXml), &body.signatures) {
            (None, values) => complete_xml(app, &case, &session, values, language)?,
            // Sent again, for example because the first answer was lost.
            (Some(sha256), values) if values.contains_key(XML) => signed_with(app, sha256)?,
            (Some(_), values) => complete_pdfs(app, &case, &session, values, language)?,
        };
        let (loaded, _) = app.store.view(|view| Loaded::at_authority(app, view, &id, &session))?;
        let to_sign = match certificate {
            Some(certificate) => next(app, &loaded.case, &officer, &session, &certificate)?,
            None => Vec::new(),
        };
        Ok(Signing { to_sign, request: CaseView::new(app, &loaded.case, language)? })
    })
    .await
}

/// What has to be signed next; each is kept as a ticket until its value comes.
fn next(
    app: &App,
    case: &Case,
    officer: &Officer,
    session: &Session,
    certificate: &Certificate,
) -> Result<Vec<ToSign>, Problem> {
    if case.documents.contains_key(&DocumentKind::ResultPdf) {
        return Ok(Vec::new());
    }
    let service = app.service_of(case)?;
    workflow::may_act(service, case, officer, app.now())?;
    check_officer(app, session, certificate)?;
    let algorithm = signing::algorithm(certificate)?;
    let prepared = match case.documents.get(&DocumentKind::ResultXml) {
        None => {
            let result = ResultDocument::make(app, case, certificate)?;
            let options = signing::xml_options(app.now(), Some(&result.signer_role()));
            let prepared = xml::prepare(&result.to_xml(), certificate, algorithm, &options)?;
            vec![(XML.to_owned(), prepared.to_be_signed().to_vec(), prepared.to_bytes())]
        }
        Some(sha256) => {
            let (result, signed) = ResultDocument::registered(app, sha256)?;
            let mut prepared = Vec::new();
            for language in Language::ALL {
                let (document, options) = result.present(language, &signed, certificate, app)?;
                let waiting = pdf::prepare(&document, certificate, algorithm, &options)?;
                let name = format!("result-{language}.pdf");
                prepared.push((name, waiting.to_be_signed().to_vec(), waiting.to_bytes()?));
            }
            prepared
        }
    };
    app.store.change(|change| {
        for (name, _, bytes) in &prepared {
            let id = ticket_id(&case.id, name);
            change.take_ticket(TicketKind::Pending, &id, app.now())?;
            change.put_ticket(&Ticket {
                kind: TicketKind::Pending,
                id,
                body: "{}".to_owned(),
                bytes: bytes.clone(),
                expires_at: app.pending_until(),
            })?;
        }
        Ok::<_, Problem>(())
    })?;
    let to_sign = prepared.into_iter().map(|(document, octets, _)| ToSign {
        document,
        to_be_signed: STANDARD.encode(octets),
        algorithm: algorithm.row().name.to_owned(),
    });
    Ok(to_sign.collect())
}

fn complete_xml(
    app: &App,
    case: &Case,
    session: &Session,
    values: &BTreeMap<String, String>,
    language: Language,
) -> Result<Option<Certificate>, Problem> {
    let ticket = waiting(app, case, XML)?;
    let value = value(values, XML)?;
    let signed = xml::Prepared::from_bytes(&ticket.bytes)?.complete(&value)?;
    let certificate = verify(app, &signed, session, language)?;
    ResultDocument::read(&signed)?.check(case)?;
    let signed = signing::preserved(app, signed)?;
    app.store.change(|change| {
        let (mut loaded, officer) = Loaded::at_authority(app, change, &case.id, session)?;
        let sha256 = change.put_document("application/xml", &signed)?;
        let command = Command::RecordSigned {
            document: DocumentKind::ResultXml,
            sha256,
            presentations: BTreeMap::new(),
        };
        loaded.apply(app, change, command, &Actor::Officer(officer))?;
        change.take_ticket(TicketKind::Pending, &ticket.id, app.now())?;
        Ok::<_, Problem>(())
    })?;
    Ok(Some(certificate))
}

/// The certificate a result was signed with.
fn signed_with(app: &App, sha256: &str) -> Result<Option<Certificate>, Problem> {
    let (_, signed) = ResultDocument::registered(app, sha256)?;
    Ok(xml::read(&signed, None)?.into_iter().find_map(|found| found.certificate))
}

/// All presentations are entered together with the licence, or none is.
fn complete_pdfs(
    app: &App,
    case: &Case,
    session: &Session,
    values: &BTreeMap<String, String>,
    language: Language,
) -> Result<Option<Certificate>, Problem> {
    let Some(xml_sha256) = case.documents.get(&DocumentKind::ResultXml) else { return Ok(None) };
    if case.documents.contains_key(&DocumentKind::ResultPdf) {
        return Ok(None);
    }
    let (result, _) = ResultDocument::registered(app, xml_sha256)?;
    let mut signed = Vec::new();
    for language_of in Language::ALL {
        let name = format!("result-{language_of}.pdf");
        let ticket = waiting(app, case, &name)?;
        let document =
            pdf::Prepared::from_bytes(&ticket.bytes)?.complete(&value(values, &name)?)?;
        verify(app, &document, session, language)?;
        let document = signing::preserved(app, document)?;
        signed.push((language_of, document, ticket.id));
    }
    app.store.change(|change| {
        let (mut loaded, officer) = Loaded::at_authority(app, change, &case.id, session)?;
        let mut presentations = BTreeMap::new();
        for (language, document, ticket) in &signed {
            let sha256 = change.put_document("application/pdf", document)?;
            presentations.insert(language.code().to_owned(), sha256);
            change.take_ticket(TicketKind::Pending, ticket, app.now())?;
        }
        let main = presentations.get(loaded.case.language.code()).cloned().unwrap_or_default();
        let command = Command::RecordSigned {
            document: DocumentKind::ResultPdf,
            sha256: main,
            presentations: presentations.clone(),
        };
        loaded.apply(app, change, command, &Actor::Officer(officer))?;
        change.put_licence(&result.row(&loaded.case, xml_sha256, presentations)?)?;
        loaded.apply(app, change, Command::Deliver, &Actor::System)?;
        seal_audit(change, app, &result)
    })?;
    Ok(None)
}

fn seal_audit(change: &mut dyn Change, app: &App, result: &ResultDocument) -> Result<(), Problem> {
    let details = serde_json::json!({ "kind": result.kind() });
    change.audit_append(&app.entry("system", "entered-into-register", result.number(), details))?;
    Ok(())
}

/// Before anything signed leaves: our own verifier must have passed it, whole, and the signer
/// must be the officer of this session.
fn verify(
    app: &App,
    signed: &[u8],
    session: &Session,
    language: Language,
) -> Result<Certificate, Problem> {
    let verified = app.verifier.verify(&Question::new(signed, app.now(), language))?;
    let certificate = signing::passed_by(&verified)?;
    check_identity(app, session, &certificate)?;
    Ok(certificate)
}

fn check_officer(app: &App, session: &Session, certificate: &Certificate) -> Result<(), Problem> {
    let now = app.now();
    let time = TrustedTime { time: now, source: TimeSource::Now };
    let judgement = app.verifier.judge_certificate(certificate, &[], time, now);
    if !judgement.passed() {
        return Err(Problem::refused(judgement.reasons));
    }
    check_identity(app, session, certificate)
}

fn check_identity(app: &App, session: &Session, certificate: &Certificate) -> Result<(), Problem> {
    let holder = certificate.holder();
    let authority = app.config.authority.as_ref();
    let authority = authority.ok_or_else(|| Problem::internal("no authority is configured"))?;
    match_authority(&authority.bin, &holder).map_err(|reason| Problem::refused(vec![reason]))?;
    if holder.iin != session.iin {
        let detail = "the certificate is not the one of the officer who is logged in";
        return Err(Problem::refused(vec![Reason::new(ReasonCode::IinMismatch, detail)]));
    }
    Ok(())
}

fn waiting(app: &App, case: &Case, name: &str) -> Result<Ticket, Problem> {
    let id = ticket_id(&case.id, name);
    let ticket = app.store.view(|view| view.ticket(TicketKind::Pending, &id, app.now()))?;
    ticket.ok_or_else(|| {
        let detail = "Prepare the signature first; what was prepared waits only for a while.";
        Problem::new(Kind::Conflict, "nothing-prepared", detail)
    })
}

fn value(values: &BTreeMap<String, String>, name: &str) -> Result<Vec<u8>, Problem> {
    let text = values.get(name).ok_or_else(|| {
        Problem::new(Kind::BadInput, "signature-missing", format!("no signature for {name}"))
    })?;
    signing::base64(name, text)
}

fn ticket_id(case: &str, name: &str) -> String {
    format!("{case}/{name}")
}
