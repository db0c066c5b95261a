//! The payment gateway: an invoice is opened, the payer pays there, the fact of payment is asked
//! for. What the gateway says is compared with what was asked, never taken as it comes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::limits;
use crate::x509::Fetch;

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

/// Why the gateway gave no usable answer. Nothing is lost: the request waits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// It did not answer in time, or refused.
    #[error("the payment gateway does not answer: {0}")]
    Unavailable(String),
    /// Its answer contradicts the question.
    #[error("the payment gateway's answer does not fit the invoice: {0}")]
    Contradiction(&'static str),
}

/// A payment gateway.
pub trait Payments: Send + Sync {
    /// Opens the invoice of a request, or finds the one already open.
    ///
    /// # Errors
    /// [`PaymentError`].
    fn open(&self, invoice: &Invoice) -> Result<PaymentState, PaymentError>;

    /// Asks for the fact of payment of this invoice; gives the message itself too, as evidence.
    ///
    /// # Errors
    /// [`PaymentError`]; an answer about another request or amount is a contradiction.
    fn check(
        &self,
        invoice: &Invoice,
        reference: &str,
    ) -> Result<(PaymentState, Vec<u8>), PaymentError>;
}

/// The gateway over HTTP and JSON.
pub struct HttpPayments {
    base: String,
    fetch: Arc<dyn Fetch>,
}

impl HttpPayments {
    /// A gateway at this address, for example `http://127.0.0.1:8089/pay`.
    pub fn new(base: impl Into<String>, fetch: Arc<dyn Fetch>) -> Self {
        Self { base: base.into().trim_end_matches('/').to_owned(), fetch }
    }
}

impl Payments for HttpPayments {
    fn open(&self, invoice: &Invoice) -> Result<PaymentState, PaymentError> {
        let body = serde_json::to_vec(invoice)
            .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        let url = format!("{}/invoices", self.base);
        let answer = self
            .fetch
            .post(&url, "application/json", &body, limits::JSON_BODY_BYTES)
            .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        read(&answer, invoice)
    }

    fn check(
        &self,
        invoice: &Invoice,
        reference: &str,
    ) -> Result<(PaymentState, Vec<u8>), PaymentError> {
        // References come from the gateway: only plain ones become part of an address.
        if !reference.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            return Err(PaymentError::Contradiction("the reference is not a plain word"));
        }
        let url = format!("{}/invoices/{reference}", self.base);
        let answer = self
            .fetch
            .get(&url, limits::JSON_BODY_BYTES)
            .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        let state = read(&answer, invoice)?;
        if state.reference != reference {
            return Err(PaymentError::Contradiction("another reference"));
        }
        Ok((state, answer))
    }
}

fn read(answer: &[u8], invoice: &Invoice) -> Result<PaymentState, PaymentError> {
    let state: PaymentState = serde_json::from_slice(answer)
        .map_err(|error| PaymentError::Unavailable(error.to_string()))?;
    if state.request != invoice.request {
        return Err(PaymentError::Contradiction("another request"));
    }
    if state.amount != invoice.amount {
        return Err(PaymentError::Contradiction("another amount"));
    }
    Ok(state)
}
