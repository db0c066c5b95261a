//! The edge of the service: problems as responses, the caller's language, bodies with limits.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Bytes, HttpBody as _};
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::App;
use crate::limits;
use crate::problem::{Kind, Problem};
use crate::text::Language;

/// A problem on its way out, in the caller's language.
pub struct Refusal {
    problem: Problem,
    language: Language,
}

/// What handlers return.
pub type Answer<T> = Result<T, Refusal>;

/// The language a caller asks for: `?lang=`, then `Accept-Language`, then Kazakh.
#[derive(Clone, Copy)]
pub struct Wanted(pub Language);

/// A JSON body, at most [`limits::JSON_BODY_BYTES`] long; unknown fields are errors where the
/// type says so, and errors name the place.
pub struct Body<T>(pub T);

/// The parameters of an address; what cannot be read is a problem like any other.
pub struct Path<T>(pub T);

/// The query of an address; what cannot be read is a problem like any other.
pub struct Query<T>(pub T);

impl Refusal {
    /// The problem for a caller who reads `language`.
    pub fn new(problem: impl Into<Problem>, language: Language) -> Self {
        Self { problem: problem.into(), language }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.kind.status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = self.problem.to_json(self.language).to_string();
        let mut response =
            (status, [(CONTENT_TYPE, "application/problem+json")], json).into_response();
        if self.problem.kind == Kind::TryLater {
            response.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("5"));
        }
        response
    }
}

impl Wanted {
    /// Reads the wish from the query and the headers.
    pub fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let pairs = query.unwrap_or_default().split('&');
        let asked = pairs.filter_map(|pair| pair.strip_prefix("lang=")).next();
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let accepted = accepted.into_iter().flat_map(|value| value.split(','));
        // Weights are not weighed: browsers list languages in the order of preference.
        let accepted = accepted.filter_map(|tag| tag.trim().get(..2));
        asked
            .into_iter()
            .chain(accepted)
            .find_map(|code| code.parse().ok())
            .map_or_else(Self::default, Self)
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self(Language::Kk)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts.uri.query(), &parts.headers))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let Wanted(language) = Wanted::of(request.uri().query(), request.headers());
        let octets = read_body(request.into_body(), limits::JSON_BODY_BYTES)
            .await
            .map_err(|problem| Refusal::new(problem, language))?;
        serde_json::from_slice(&octets).map(Self).map_err(|error| {
            let problem = Problem::new(Kind::BadInput, "bad-json", error.to_string());
            Refusal::new(problem, language)
        })
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = extract::Path::from_request_parts(parts, state).await;
        read.map(|extract::Path(found)| Self(found))
            .map_err(|error| bad_address(parts, "bad-address", error.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = extract::Query::from_request_parts(parts, state).await;
        read.map(|extract::Query(found)| Self(found))
            .map_err(|error| bad_address(parts, "bad-query", error.body_text()))
    }
}

fn bad_address(parts: &Parts, code: &'static str, detail: String) -> Refusal {
    let Wanted(language) = Wanted::of(parts.uri.query(), &parts.headers);
    Refusal::new(Problem::new(Kind::BadInput, code, detail), language)
}

/// Reads a body up to `limit` bytes; what comes in one piece is not copied. What is longer is read
/// on and forgotten for a while, since a caller who is still sending would find the connection
/// broken and never see the answer.
///
/// # Errors
/// `too-large`, or `broken-body` if the connection ended early.
pub async fn read_body(body: axum::body::Body, limit: usize) -> Result<Bytes, Problem> {
    let mut body = std::pin::pin!(body);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let (mut first, mut rest) = (Bytes::new(), Vec::new());
    let mut next = async || std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await;
    let mut fits = announced <= limit;
    while fits && let Some(frame) = next().await {
        let broken = |_| Problem::new(Kind::BadInput, "broken-body", "the body ended early");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        fits = first.len() + rest.len() + data.len() <= limit;
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else if fits {
            if rest.is_empty() {
                rest.reserve(announced.max(first.len() + data.len()));
                // Let go, since it keeps the connection's buffer.
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    if fits {
        return Ok(if rest.is_empty() { first } else { rest.into() });
    }
    drop((first, rest));
    let mut left = limits::FORGOTTEN_BODY_BYTES;
    let forget = async {
        while let Some(Ok(frame)) = next().await {
            let length = frame.data_ref().map_or(0, |data| data.len());
            let Some(rest) = left.checked_sub(length) else { break };
            left = rest;
        }
    };
    // Whoever is slower than this is not waited for.
    let wait = Duration::from_millis(limits::FORGOTTEN_BODY_MILLISECONDS);
    let _ = tokio::time::timeout(wait, forget).await;
    Err(Problem::new(Kind::TooLarge, "too-large", format!("at most {limit} bytes")))
}

/// Runs blocking work and answers with its JSON, or with the problem in the caller's language.
///
/// # Errors
/// What `work` returns.
pub async fn answer<T: Send + 'static>(
    app: &Arc<App>,
    language: Language,
    work: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
) -> Answer<Json<T>> {
    blocking(app, work).await.map(Json).map_err(|problem| Refusal::new(problem, language))
}

/// Runs blocking work (cryptography, the store, outbound fetches) off the request threads.
///
/// # Errors
/// What `work` returns; `internal` if it panicked.
pub async fn blocking<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let app = app.clone();
    tokio::task::spawn_blocking(move || work(&app))
        .await
        .unwrap_or_else(|error| Err(Problem::internal(format!("a worker ended early: {error}"))))
}

/// As [`blocking`], for documents that anybody may send: only [`limits::JUDGED_AT_ONCE`] at a time,
/// so that they neither fill the memory nor hold every thread while a responder is slow. A small
/// document (`size` in bytes) that nobody need be asked about is judged at once where it came in:
/// handing it to another thread costs as much as judging it.
///
/// # Errors
/// As [`blocking`]; `busy` if no turn came.
pub async fn judging<T: Send + 'static>(
    app: &Arc<App>,
    size: usize,
    work: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    static TURNS: Semaphore = Semaphore::const_new(limits::JUDGED_AT_ONCE);
    let turn = match TURNS.try_acquire() {
        Ok(turn) => turn,
        Err(_) => {
            let wait = Duration::from_millis(limits::JUDGE_WAIT_MILLISECONDS);
            let Ok(Ok(turn)) = tokio::time::timeout(wait, TURNS.acquire()).await else {
                let detail = "Too many documents are being judged at this moment.";
                return Err(Problem::new(Kind::TryLater, "busy", detail));
            };
            turn
        }
    };
    if size <= limits::JUDGED_IN_PLACE_BYTES && !app.verifier.may_wait() {
        let judged = std::panic::catch_unwind(AssertUnwindSafe(|| work(app)));
        return judged.unwrap_or_else(|_| Err(Problem::internal("a worker ended early")));
    }
    blocking(app, move |app| {
        // Held by the work, not by the caller, who may hang up meanwhile.
        let _turn = turn;
        work(app)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_outweighs_the_header_and_unknown_languages_fall_through() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, "de-DE,ru;q=0.9,en;q=0.8".parse().unwrap());
        assert_eq!(Wanted::of(Some("a=1&lang=en"), &headers).0, Language::En);
        assert_eq!(Wanted::of(Some("lang=xx"), &headers).0, Language::Ru);
        assert_eq!(Wanted::of(None, &HeaderMap::new()).0, Language::Kk);
    }
}
