//! Login by signed challenge: the service writes a short XML document with a nonce, the person
//! signs it with the key on the token, and the signature is judged like any other
//! (DESIGN decision 6). The secret of a session is kept as a digest only.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::edge::{Answer, Body, Refusal, Wanted, answer, blocking};
use super::{App, signing};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::identity::{Bin, Iin};
use crate::licensing::OfficerRole;
use crate::limits;
use crate::problem::{Kind, Problem};
use crate::store::audit::AuditEntry;
use crate::store::{StoreExt as _, Ticket, TicketKind};
use crate::text::Language;
use crate::validation::{Purpose, Question, SignerInfo};
use crate::xml;

/// A wish to log in with this certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The certificate, DER in base64.
    pub certificate: String,
}

/// What the key has to sign.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Names the challenge in the answer; works once.
    pub id: String,
    /// The document that will carry the signature, for whoever wants to see what is signed.
    pub document: String,
    /// The octets to sign, base64.
    pub to_be_signed: String,
    /// The signature algorithm by name.
    pub algorithm: String,
    /// Until when it can be answered.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// The answer to a challenge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The challenge's id.
    pub challenge: String,
    /// The signature value, base64; ECDSA as r ‖ s.
    pub signature: String,
}

/// A session that was opened.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// Goes into `Authorization: Bearer …`.
    pub session: String,
    /// Until when it works.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Who logged in.
    pub who: SignerInfo,
    /// The offices held in the authority today.
    #[schema(value_type = Vec<String>)]
    pub offices: Vec<OfficerRole>,
}

/// Who is behind a request: read from the certificate that opened the session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The person's number.
    pub iin: Option<Iin>,
    /// The organisation's number.
    pub bin: Option<Bin>,
    /// The person's name.
    pub name: String,
    /// The organisation's name.
    pub organisation: Option<String>,
    /// Whether the certificate allows signing for the organisation.
    pub may_sign: bool,
    /// Digest of the session's secret; names it in the store.
    #[serde(skip)]
    pub id: String,
}

/// Opens a challenge for a certificate.
#[utoipa::path(post, path = "/api/v1/login/challenge", tag = "login", request_body = ChallengeRequest,
    responses((status = 201, body = Challenge), (status = 400, description = "not a certificate")))]
pub async fn challenge(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Body(wish): Body<ChallengeRequest>,
) -> Answer<(StatusCode, Json<Challenge>)> {
    let made = blocking(&app, move |app| open_challenge(app, &wish)).await;
    Ok((StatusCode::CREATED, Json(made.map_err(|p| Refusal::new(p, language))?)))
}

/// Answers a challenge and opens a session.
#[utoipa::path(post, path = "/api/v1/login", tag = "login", request_body = LoginRequest,
    responses((status = 200, body = LoggedIn), (status = 401, description = "no such challenge"),
              (status = 422, description = "certificate or signature refused, with reasons")))]
pub async fn login(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Body(reply): Body<LoginRequest>,
) -> Answer<Json<LoggedIn>> {
    answer(&app, language, move |app| open_session(app, &reply, language)).await
}

/// Ends the session.
#[utoipa::path(post, path = "/api/v1/logout", tag = "login", responses((status = 204)))]
pub async fn logout(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
) -> Answer<StatusCode> {
    let ended = blocking(&app, move |app| {
        let now = app.now();
        app.store.change(|change| {
            change.take_ticket(TicketKind::Session, &session.id, now)?;
            change.audit_append(&app.entry(&session.actor(), "logged-out", "", json!({})))?;
            Ok(())
        })
    });
    ended.await.map_err(|p| Refusal::new(p, language))?;
    Ok(StatusCode::NO_CONTENT)
}

impl Session {
    /// How the audit log names this person.
    pub fn actor(&self) -> String {
        match (&self.iin, &self.bin) {
            (Some(iin), Some(bin)) => format!("IIN{iin}/BIN{bin}"),
            (Some(iin), None) => format!("IIN{iin}"),
            (None, Some(bin)) => format!("BIN{bin}"),
            (None, None) => self.name.clone(),
        }
    }
}

impl FromRequestParts<Arc<App>> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let Wanted(language) = Wanted::of(parts.uri.query(), &parts.headers);
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = header.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let found = blocking(app, move |app| find_session(app, secret.as_deref())).await;
        found.map_err(|problem| Refusal::new(problem, language))
    }
}

fn open_challenge(app: &App, wish: &ChallengeRequest) -> Result<Challenge, Problem> {
    let certificate = signing::certificate(&wish.certificate)?;
    let algorithm = signing::algorithm(&certificate)?;
    let now = app.now();
    let expires_at = now + Duration::seconds(limits::CHALLENGE_SECONDS);
    let mut writer = xml::Writer::new();
    writer
        .start("login", &[("xmlns", "urn:qoltanba:login:1")])
        .element("service", &[], &app.config.service.public_url)
        .element("nonce", &[], &app.secret()?)
        .element("expires", &[], &signing::rfc3339(expires_at))
        .end();
    let document = writer.finish();
    let prepared =
        xml::prepare(&document, &certificate, algorithm, &signing::xml_options(now, None))?;
    let id = app.secret()?;
    let ticket = Ticket {
        kind: TicketKind::Challenge,
        id: session_id(&id),
        body: json!({}).to_string(),
        bytes: prepared.to_bytes(),
        expires_at,
    };
    app.store.change(|change| {
        change.sweep_tickets(now)?;
        change.put_ticket(&ticket)
    })?;
    Ok(Challenge {
        id,
        document: String::from_utf8_lossy(&document).into_owned(),
        to_be_signed: STANDARD.encode(prepared.to_be_signed()),
        algorithm: algorithm.row().name.to_owned(),
        expires_at,
    })
}

fn open_session(app: &App, answer: &LoginRequest, language: Language) -> Result<LoggedIn, Problem> {
    let now = app.now();
    let value = signing::base64("signature", &answer.signature)?;
    // The challenge is taken before it is judged: a wrong answer spends it.
    let id = session_id(&answer.challenge);
    let ticket = app.store.change(|change| change.take_ticket(TicketKind::Challenge, &id, now))?;
    let unknown =
        || Problem::new(Kind::NotLoggedIn, "no-such-challenge", "Ask for a new challenge.");
    let ticket = ticket.ok_or_else(unknown)?;
    let signed = xml::Prepared::from_bytes(&ticket.bytes)?.complete(&value)?;
    let verified = app.verifier.verify(&Question {
        document: &signed,
        content: None,
        at: None,
        now,
        purpose: Purpose::Login,
        language,
    })?;
    let certificate = signing::passed_by(&verified)?;
    let holder = certificate.holder();
    let secret = app.secret()?;
    let session = Session {
        may_sign: holder.may_sign_for_organisation(),
        iin: holder.iin.clone(),
        bin: holder.bin.clone(),
        name: holder.full_name(),
        organisation: holder.organisation.clone(),
        id: session_id(&secret),
    };
    let expires_at = now + Duration::seconds(limits::SESSION_SECONDS);
    let ticket = Ticket {
        kind: TicketKind::Session,
        id: session.id.clone(),
        body: serde_json::to_string(&session).map_err(Problem::internal)?,
        bytes: Vec::new(),
        expires_at,
    };
    let details = json!({ "certificate": certificate.serial_hex() });
    let entry = app.entry(&session.actor(), "logged-in", "", details);
    app.store.change(|change| {
        change.put_ticket(&ticket)?;
        change.audit_append(&entry)
    })?;
    Ok(LoggedIn {
        session: secret,
        expires_at,
        who: SignerInfo::new(&certificate),
        offices: app.offices(&session, now),
    })
}

fn find_session(app: &App, secret: Option<&str>) -> Result<Session, Problem> {
    let refused = || Problem::new(Kind::NotLoggedIn, "not-logged-in", "Log in, or log in again.");
    let id = session_id(secret.ok_or_else(refused)?);
    let now = app.now();
    let ticket = app.store.view(|view| view.ticket(TicketKind::Session, &id, now))?;
    let ticket = ticket.ok_or_else(refused)?;
    let session: Session = serde_json::from_str(&ticket.body).map_err(Problem::internal)?;
    Ok(Session { id, ..session })
}

fn session_id(secret: &str) -> String {
    hex(&digest(DigestAlgorithm::Sha256, secret.as_bytes()))
}

impl App {
    /// An unguessable word of 256 bits.
    pub(super) fn secret(&self) -> Result<String, Problem> {
        let mut octets = [0; 32];
        if !self.random.fill(&mut octets) {
            return Err(Problem::internal("the random source failed"));
        }
        Ok(URL_SAFE_NO_PAD.encode(octets))
    }

    /// The offices a person holds in the authority today, whatever the service.
    pub(super) fn offices(&self, session: &Session, now: OffsetDateTime) -> Vec<OfficerRole> {
        self.officers(session).filter(|officer| officer.acts_at(now)).map(|o| o.role).collect()
    }

    /// An entry of the audit log.
    pub(super) fn entry(
        &self,
        actor: &str,
        action: &str,
        object: &str,
        details: serde_json::Value,
    ) -> AuditEntry {
        AuditEntry {
            at: self.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            details,
        }
    }
}
