//! `POST /api/v1/soap/open`: a signed SOAP message in, its Body and the report out, or a fault.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::edge::{Answer, Query, Refusal, Wanted, judging, read_body};
use crate::limits;
use crate::text::Language;
use crate::validation::{Purpose, Question, Report};
use crate::xml::wss::{Freshness, Receiver, SoapError, SoapVersion};

/// What is asked of the message.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OpenQuery {
    /// The actor (SOAP 1.1) or role (SOAP 1.2) the Security header must name; without it, the
    /// ultimate receiver's header is read.
    actor: Option<String>,
    /// Oldest age taken, in seconds, by the signed Timestamp; without it, any.
    #[param(example = 300)]
    within: Option<u32>,
    /// Judge under the policy with this identifier.
    policy: Option<String>,
    /// Language of the sentences: kk, ru or en.
    #[allow(dead_code, reason = "read by `Wanted`; here for the description")]
    lang: Option<String>,
}

/// A message that passed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// The canonical XML of the Body that was signed. Use this, and nothing else of the message.
    body: String,
    /// The time the sender signed.
    #[serde(with = "time::serde::rfc3339::option")]
    created: Option<OffsetDateTime>,
    /// Who signed it, and how that was found out.
    report: Report,
}

/// Opens a signed SOAP message (WS-Security): the signature must cover the Body, stand in the one
/// Security header addressed to this receiver, and pass. Anything else is answered with a fault of
/// the message's version. The message is not kept.
#[utoipa::path(post, path = "/api/v1/soap/open", tag = "verify", params(OpenQuery),
    request_body(content = Vec<u8>, content_type = "text/xml"),
    responses((status = 200, body = Opened),
              (status = 400, description = "a fault of SOAP 1.2", content_type = "application/soap+xml"),
              (status = 500, description = "a fault", content_type = "text/xml")))]
pub async fn open(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Query(query): Query<OpenQuery>,
    request: Request,
) -> Answer<Response> {
    let refusal = |problem| Refusal::new(problem, language);
    let message = read_body(request.into_body(), limits::DOCUMENT_BYTES).await.map_err(refusal)?;
    let answer = judging(&app, message.len(), move |app| {
        let policy = app.verifier.policy_named(query.policy.as_deref())?;
        let now = app.now();
        let freshness = query.within.map(|seconds| Freshness {
            now,
            window: Duration::seconds(i64::from(seconds)),
            skew: Duration::seconds(limits::MESSAGE_SKEW_SECONDS),
        });
        let receiver = Receiver { actor: query.actor.as_deref(), freshness, ..Receiver::default() };
        let question = Question {
            document: &message,
            content: None,
            at: None,
            now,
            purpose: Purpose::Login,
            language,
        };
        Ok(match app.verifier.open_message(&question, &receiver, &policy) {
            Ok((verified, opened)) => {
                let body = String::from_utf8_lossy(&opened.body).into_owned();
                let created = opened.signature.claimed_time;
                Json(Opened { body, created, report: verified.report }).into_response()
            }
            Err(error) => fault(&error, SoapVersion::of_message(&message), language),
        })
    });
    answer.await.map_err(refusal)
}

/// The fault as an answer over HTTP.
fn fault(error: &SoapError, version: SoapVersion, language: Language) -> Response {
    let status = StatusCode::from_u16(error.http_status(version));
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fault = error.fault(version, language);
    (status, [(CONTENT_TYPE, version.media_type())], fault).into_response()
}
