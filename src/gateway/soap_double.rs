//! The signed side of the payment gateway's double: questions must be signed by the one it knows,
//! answers are signed, and forged in every way the client must see through.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use time::{Duration, OffsetDateTime};

use super::PaymentState;
use super::message::{About, Answer, Question};
use super::payment_double::{Keys, PaymentDouble, PaymentMisbehaviour, unsigned_routes};
use crate::crypto::{DigestAlgorithm, digest, hex, verify};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::text::Language;
use crate::token::Signer;
use crate::xml::wss::{self, MessageOptions, Receiver, SoapError, SoapVersion};

impl PaymentDouble {
    /// The routes: `POST /soap` for signed messages; without signatures `POST /invoices` and
    /// `GET /invoices/{reference}`; for the payer and the test `POST /invoices/{reference}/pay` and
    /// `POST /misbehave`.
    pub fn router(self) -> Router {
        unsigned_routes().route("/soap", post(ask)).with_state(self)
    }
}

/// `POST /soap`.
async fn ask(State(double): State<PaymentDouble>, message: Bytes) -> Response {
    let Some(keys) = double.keys.clone() else { return StatusCode::NOT_FOUND.into_response() };
    let how = double.misbehaviour();
    if let Some(response) = double.silence(how).await {
        return response;
    }
    let now = (double.clock)();
    let question = match read(&message, &keys, now) {
        Ok(question) => question,
        Err(error) => {
            let fault = error.fault(SoapVersion::V11, Language::En);
            return answer(StatusCode::INTERNAL_SERVER_ERROR, fault);
        }
    };
    let state = match &question.about {
        About::Open(invoice) => Some(double.open(invoice)),
        About::State(reference) => double.state(reference),
    };
    match reply(&double, &keys, &question, state, how) {
        Ok(message) => answer(StatusCode::OK, message),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The question, if it is fresh and signed by the client.
fn read(message: &[u8], keys: &Keys, now: OffsetDateTime) -> Result<Question, SoapError> {
    let message = wss::open(message, &Receiver::default())?;
    let found = &message.signature;
    let holds = found.algorithm.as_ref().is_ok_and(|algorithm| {
        let key = keys.client.public_key();
        verify(*algorithm, found.value_form, key, &found.signed_octets, &found.value).is_ok()
    });
    if !holds {
        return Err(SoapError::Failed(vec![ReasonCode::BadSignature.into()]));
    }
    let question = Question::read(&message.body).map_err(|odd| {
        SoapError::Failed(vec![Reason::new(ReasonCode::Malformed, odd.to_string())])
    })?;
    let skew = Duration::seconds(limits::MESSAGE_SKEW_SECONDS);
    if (now - question.at).abs() > skew {
        return Err(SoapError::Expired(format!("it was made at {}", question.at)));
    }
    Ok(question)
}

fn reply(
    double: &PaymentDouble,
    keys: &Keys,
    question: &Question,
    state: Option<PaymentState>,
    how: PaymentMisbehaviour,
) -> Result<Vec<u8>, SoapError> {
    use PaymentMisbehaviour as How;
    let now = (double.clock)();
    let unknown = || ("SCSE001".to_owned(), "there is no such invoice".to_owned());
    let told = state.map(|state| how.distort(state)).ok_or_else(unknown);
    let mut id = digest(DigestAlgorithm::Sha256, question.id.as_bytes());
    id.truncate(16);
    let mut honest = Answer { id: hex(&id), to: question.id.clone(), at: now, told };
    let sign = |answer: &Answer, signer: &dyn Signer| {
        wss::sign(&answer.message(), signer, &MessageOptions::new(now))
    };
    match how {
        How::Unsigned => Ok(honest.message()),
        How::WrongSigner => sign(&honest, &*keys.stranger),
        How::OtherQuestion => {
            honest.to = hex(&id);
            sign(&honest, &*keys.own)
        }
        How::Stale => {
            honest.at -= Duration::hours(1);
            sign(&honest, &*keys.own)
        }
        How::Replayed => match double.remembered() {
            Some(old) => Ok(old),
            None => sign(&honest, &*keys.own),
        },
        How::OtherBody | How::Wrapped => {
            // The signed truth is that nothing was paid.
            let unpaid = |state: PaymentState| PaymentState { paid_at: None, ..state };
            honest.told = honest.told.map(unpaid);
            let signed = String::from_utf8_lossy(&sign(&honest, &*keys.own)?).into_owned();
            let forged =
                signed.replace("</payAt>", "</payAt><paidAt>2026-01-01T00:00:00Z</paidAt>");
            let message = match how == How::Wrapped {
                true => wrapped(&signed, &forged),
                false => forged,
            };
            Ok(message.into_bytes())
        }
        _ => {
            let paid = honest.told.as_ref().is_ok_and(|state| state.paid_at.is_some());
            let signed = sign(&honest, &*keys.own)?;
            if paid {
                double.remember(&signed);
            }
            Ok(signed)
        }
    }
}

/// The forged message with the signed Body moved into its header, where the reference finds it.
fn wrapped(signed: &str, forged: &str) -> String {
    let (open, close) = ("<SOAP-ENV:Body", "</SOAP-ENV:Body>");
    let body = signed.split_once(open).and_then(|(_, rest)| rest.split_once(close));
    let body = body.map(|(body, _)| format!("{open}{body}{close}")).unwrap_or_default();
    let (header, rest) = forged.split_once(open).unwrap_or((forged, ""));
    let rest = rest.split_once('>').map(|(_, rest)| rest).unwrap_or_default();
    let header = header.replace("</SOAP-ENV:Header>", &format!("{body}</SOAP-ENV:Header>"));
    format!("{header}{open}>{rest}")
}

fn answer(status: StatusCode, message: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, SoapVersion::V11.media_type())], message).into_response()
}
