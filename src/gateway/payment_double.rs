//! A payment gateway for demonstrations and tests. It keeps invoices in memory and misbehaves on
//! request: down, slow, wrong amount, another's payment, garbage, and forged answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Invoice, PaymentState};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::token::Signer;
use crate::x509::Certificate;

/// How the double answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentMisbehaviour {
    /// As a gateway should.
    #[default]
    None,
    /// 503 to everything.
    Down,
    /// Answers after the fetch limit has passed.
    Slow,
    /// Reports one tenge less than was invoiced.
    WrongAmount,
    /// Reports another request's payment.
    WrongRequest,
    /// Answers with something that is no JSON and no message.
    Garbage,
    /// Its messages are not signed.
    Unsigned,
    /// Its messages are signed by somebody else whose certificate is good.
    WrongSigner,
    /// Says "paid" in a message that was changed after signing.
    OtherBody,
    /// Says "paid" in a second Body beside the signed one.
    Wrapped,
    /// Answers with a message made an hour ago.
    Stale,
    /// Answers a question nobody asked.
    OtherQuestion,
    /// Answers every question with the last "paid" it gave.
    Replayed,
}

/// The double's state; cloning shares it.
#[derive(Clone)]
pub struct PaymentDouble {
    base: String,
    pub(super) clock: fn() -> OffsetDateTime,
    pub(super) keys: Option<Keys>,
    inner: Arc<Mutex<Inner>>,
}

/// Whose keys the double signs with, and whom it listens to.
#[derive(Clone)]
pub struct Keys {
    /// The gateway's own.
    pub own: Arc<dyn Signer>,
    /// Somebody else's, for answers by the wrong signer.
    pub stranger: Arc<dyn Signer>,
    /// Who may ask.
    pub client: Certificate,
}

#[derive(Default)]
struct Inner {
    invoices: HashMap<String, PaymentState>,
    misbehaviour: PaymentMisbehaviour,
    paid: Option<Vec<u8>>,
}

impl PaymentMisbehaviour {
    /// What it says instead of the truth.
    pub(super) fn distort(self, mut state: PaymentState) -> PaymentState {
        match self {
            Self::WrongAmount => state.amount = state.amount.saturating_sub(1),
            Self::WrongRequest => state.request.push('x'),
            _ => {}
        }
        state
    }
}

impl PaymentDouble {
    /// A double that is reached at `base`.
    pub fn new(base: impl Into<String>, clock: fn() -> OffsetDateTime) -> Self {
        Self { base: base.into(), clock, keys: None, inner: Arc::default() }
    }

    /// The same, which also takes signed questions and signs its answers.
    #[must_use]
    pub fn signing(self, keys: Keys) -> Self {
        Self { keys: Some(keys), ..self }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn misbehaviour(&self) -> PaymentMisbehaviour {
        self.with(|inner| inner.misbehaviour)
    }

    /// Opens an invoice, or finds it. The reference follows from the request, so that a gateway
    /// restarted in between answers the same one.
    pub(super) fn open(&self, invoice: &Invoice) -> PaymentState {
        let name = hex(&digest(DigestAlgorithm::Sha256, invoice.request.as_bytes()));
        let reference = format!("PAY-{}", name.get(..12).unwrap_or(&name).to_uppercase());
        let state = PaymentState {
            pay_at: format!("{}/invoices/{reference}/pay", self.base),
            reference: reference.clone(),
            request: invoice.request.clone(),
            amount: invoice.amount,
            paid_at: None,
        };
        self.with(|inner| inner.invoices.entry(reference).or_insert(state).clone())
    }

    pub(super) fn state(&self, reference: &str) -> Option<PaymentState> {
        self.with(|inner| inner.invoices.get(reference).cloned())
    }

    pub(super) fn remember(&self, paid: &[u8]) {
        self.with(|inner| inner.paid = Some(paid.to_vec()));
    }

    pub(super) fn remembered(&self) -> Option<Vec<u8>> {
        self.with(|inner| inner.paid.clone())
    }

    /// What is answered without looking at the question; waits where it is to be slow.
    pub(super) async fn silence(&self, how: PaymentMisbehaviour) -> Option<Response> {
        match how {
            PaymentMisbehaviour::Down => Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            PaymentMisbehaviour::Garbage => Some("<html>".into_response()),
            PaymentMisbehaviour::Slow => {
                let longer = crate::limits::FETCH_MILLISECONDS + 1_000;
                tokio::time::sleep(Duration::from_millis(longer)).await;
                None
            }
            _ => None,
        }
    }

    async fn answer(&self, state: Option<PaymentState>) -> Response {
        let Some(state) = state else { return StatusCode::NOT_FOUND.into_response() };
        let how = self.misbehaviour();
        match self.silence(how).await {
            Some(response) => response,
            None => Json(how.distort(state)).into_response(),
        }
    }
}

/// The routes without signatures.
pub(super) fn unsigned_routes() -> Router<PaymentDouble> {
    Router::new()
        .route("/invoices", post(open))
        .route("/invoices/{reference}", get(state))
        .route("/invoices/{reference}/pay", post(pay))
        .route("/misbehave", post(misbehave))
}

async fn open(State(double): State<PaymentDouble>, Json(invoice): Json<Invoice>) -> Response {
    let state = double.open(&invoice);
    double.answer(Some(state)).await
}

async fn state(State(double): State<PaymentDouble>, Path(reference): Path<String>) -> Response {
    let state = double.state(&reference);
    double.answer(state).await
}

async fn pay(State(double): State<PaymentDouble>, Path(reference): Path<String>) -> Response {
    let now = (double.clock)();
    let state = double.with(|inner| {
        let invoice = inner.invoices.get_mut(&reference)?;
        invoice.paid_at.get_or_insert(now);
        Some(invoice.clone())
    });
    match state {
        Some(state) => Json(state).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
struct Misbehave {
    how: PaymentMisbehaviour,
}

async fn misbehave(
    State(double): State<PaymentDouble>,
    Json(order): Json<Misbehave>,
) -> StatusCode {
    double.with(|inner| inner.misbehaviour = order.how);
    StatusCode::NO_CONTENT
}
