//! The payment gateway: an invoice is opened, the payer pays there, the fact of payment is asked
//! for. What the gateway says is compared with what was asked, never taken as it comes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::message::Answer;
use crate::limits;
use crate::x509::Fetch;
use crate::xml::wss::{self, Receiver};

/// What is to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// The request's id; the gateway answers the same invoice for the same id.
    pub request: String,
    /// Amount in whole tenge.
    pub amount: u64,
    /// What it is for, as the payer sees it.
    pub purpose: String,
}

/// What the gateway knows of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentState {
    /// The gateway's reference.
    pub reference: String,
    /// The request it was opened for.
    pub request: String,
    /// Amount in whole tenge.
    pub amount: u64,
    /// Where the payer pays.
    pub pay_at: String,
    /// When it was paid; `None` while it is not.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub paid_at: Option<OffsetDateTime>,
}

/// What the gateway said of an invoice, with its message as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// What it said.
    pub state: PaymentState,
    /// The message as it came.
    pub message: Vec<u8>,
    /// The message's media type.
    pub media_type: &'static str,
}

/// Why the gateway gave no usable answer. Nothing is lost: the request waits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// It did not answer in time, or refused.
    #[error("the payment gateway does not answer: {0}")]
    Unavailable(String),
    /// Its answer contradicts the question.
    #[error("the payment gateway's answer does not fit the invoice: {0}")]
    Contradiction(&'static str),
    /// Its answer is not signed by the gateway, or was made for another question.
    #[error("the answer is not believed to be the payment gateway's: {0}")]
    Untrusted(String),
}

/// A payment gateway.
pub trait Payments: Send + Sync {
    /// Opens the invoice of a request, or finds the one already open.
    ///
    /// # Errors
    /// [`PaymentError`].
    fn open(&self, invoice: &Invoice) -> Result<PaymentState, PaymentError>;

    /// Asks for the fact of payment of this invoice.
    ///
    /// # Errors
    /// [`PaymentError`]; an answer about another request or amount is a contradiction.
    fn check(&self, invoice: &Invoice, reference: &str) -> Result<Confirmation, PaymentError>;
}

/// The gateway over HTTP and JSON, where it, or an adapter to it, is on this machine: nothing in
/// these answers can be verified.
pub struct LocalPayments {
    base: String,
    fetch: Arc<dyn Fetch>,
}

impl LocalPayments {
    /// A gateway at this address, for example `http://127.0.0.1:8089/pay`.
    pub fn new(base: impl Into<String>, fetch: Arc<dyn Fetch>) -> Self {
        Self { base: base.into().trim_end_matches('/').to_owned(), fetch }
    }
}

impl Payments for LocalPayments {
    fn open(&self, invoice: &Invoice) -> Result<PaymentState, PaymentError> {
        let body = serde_json::to_vec(invoice)
            .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        let url = format!("{}/invoices", self.base);
        let answer = self
            .fetch
            .post(&url, "application/json", &body, limits::JSON_BODY_BYTES)
            .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        read(&answer)?.about(invoice, None)
    }

    fn check(&self, invoice: &Invoice, reference: &str) -> Result<Confirmation, PaymentError> {
        // References come from the gateway: only plain ones become part of an address.
        if !reference.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            return Err(PaymentError::Contradiction("the reference is not a plain word"));
        }
        let url = format!("{}/invoices/{reference}", self.base);
        let message = self
            .fetch
            .get(&url, limits::JSON_BODY_BYTES)
            .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        let state = read(&message)?.about(invoice, Some(reference))?;
        Ok(Confirmation { state, message, media_type: "application/json" })
    }
}

fn read(answer: &[u8]) -> Result<PaymentState, PaymentError> {
    serde_json::from_slice(answer).map_err(|error| PaymentError::Unavailable(error.to_string()))
}

impl PaymentState {
    /// What a message says that was kept as evidence; it was judged when it came.
    pub fn of_message(message: &[u8]) -> Option<Self> {
        if !message.trim_ascii_start().starts_with(b"<") {
            return read(message).ok();
        }
        let message = wss::open(message, &Receiver::default()).ok()?;
        Answer::read(&message.body).ok()?.told.ok()
    }

    /// The state, if it is about what was asked.
    pub(super) fn about(
        self,
        invoice: &Invoice,
        reference: Option<&str>,
    ) -> Result<Self, PaymentError> {
        if self.request != invoice.request {
            return Err(PaymentError::Contradiction("another request"));
        }
        if self.amount != invoice.amount {
            return Err(PaymentError::Contradiction("another amount"));
        }
        if reference.is_some_and(|reference| reference != self.reference) {
            return Err(PaymentError::Contradiction("another reference"));
        }
        Ok(self)
    }
}
