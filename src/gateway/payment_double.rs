//! A payment gateway for demonstrations and tests. It keeps invoices in memory and misbehaves on
//! request: down, slow, wrong amount, another's payment, garbage.

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
    /// Answers with something that is no JSON.
    Garbage,
}

/// The double's state; cloning shares it.
#[derive(Clone)]
pub struct PaymentDouble {
    base: String,
    clock: fn() -> OffsetDateTime,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    invoices: HashMap<String, PaymentState>,
    misbehaviour: PaymentMisbehaviour,
}

impl PaymentDouble {
    /// A double that is reached at `base`.
    pub fn new(base: impl Into<String>, clock: fn() -> OffsetDateTime) -> Self {
        Self { base: base.into(), clock, inner: Arc::default() }
    }

    /// The routes: `POST /invoices`, `GET /invoices/{reference}`, and for the payer and the test
    /// `POST /invoices/{reference}/pay` and `POST /misbehave`.
    pub fn router(self) -> Router {
        Router::new()
            .route("/invoices", post(open))
            .route("/invoices/{reference}", get(state))
            .route("/invoices/{reference}/pay", post(pay))
            .route("/misbehave", post(misbehave))
            .with_state(self)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(&self, state: Option<PaymentState>) -> Response {
        let Some(mut state) = state else { return StatusCode::NOT_FOUND.into_response() };
        match self.with(|inner| inner.misbehaviour) {
            PaymentMisbehaviour::None => {}
            PaymentMisbehaviour::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            PaymentMisbehaviour::Slow => {
                let longer = crate::limits::FETCH_MILLISECONDS + 1_000;
                tokio::time::sleep(Duration::from_millis(longer)).await;
            }
            PaymentMisbehaviour::WrongAmount => state.amount = state.amount.saturating_sub(1),
            PaymentMisbehaviour::WrongRequest => state.request.push('x'),
            PaymentMisbehaviour::Garbage => return "<html>".into_response(),
        }
        Json(state).into_response()
    }
}

async fn open(State(double): State<PaymentDouble>, Json(invoice): Json<Invoice>) -> Response {
    // The reference follows from the request, so that a gateway restarted in between answers the
    // same one.
    let name = hex(&digest(DigestAlgorithm::Sha256, invoice.request.as_bytes()));
    let reference = format!("PAY-{}", name.get(..12).unwrap_or(&name).to_uppercase());
    let state = PaymentState {
        pay_at: format!("{}/invoices/{reference}/pay", double.base),
        reference: reference.clone(),
        request: invoice.request,
        amount: invoice.amount,
        paid_at: None,
    };
    let state = double.with(|inner| inner.invoices.entry(reference).or_insert(state).clone());
    double.answer(Some(state)).await
}

async fn state(State(double): State<PaymentDouble>, Path(reference): Path<String>) -> Response {
    let state = double.with(|inner| inner.invoices.get(&reference).cloned());
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
