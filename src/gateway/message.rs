//! Questions to the payment gateway and its answers, in the synchronous messages of the state's
//! gateway: who asks and answers what and when stands in the Body, and so under the signature.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::{Invoice, PaymentState};
use crate::xml::wss::SoapVersion;
use crate::xml::{Document, Element, Writer};

/// Namespace of the state gateway's synchronous channel.
const CHANNEL: &str = "http://bip.bee.kz/SyncChannel/v10/Types";
/// Namespace of what is said about payments.
const PAYMENT: &str = "urn:qoltanba:payment:1";
/// The service that is asked.
const SERVICE: &str = "PaymentGateway";
/// The status of an answer that answers.
const SUCCESS: &str = "SCSS001";

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Its number: the answer names it, and no question has another one's.
    pub id: String,
    /// When it was asked.
    pub at: OffsetDateTime,
    /// What is asked.
    pub about: About,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Open this invoice, or find it.
    Open(Invoice),
    /// The state of the invoice with this reference.
    State(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its own number.
    pub id: String,
    /// The number of the question it answers.
    pub to: String,
    /// When it was made.
    pub at: OffsetDateTime,
    /// What is told; otherwise code and text of a refusal.
    pub told: Result<PaymentState, (String, String)>,
}

/// What is wrong with a message whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is not as it was agreed: {0}")]
pub(super) struct Odd(String);

impl Question {
    /// The unsigned message.
    pub(super) fn message(&self) -> Vec<u8> {
        let mut writer = envelope("SendMessage", "request");
        writer.start("requestInfo", &[]);
        writer.element("messageId", &[], &self.id).element("serviceId", &[], SERVICE);
        writer.element("messageDate", &[], &moment(self.at)).end();
        writer.start("requestData", &[]).start("data", &[]);
        let namespace = [("xmlns", PAYMENT)];
        match &self.about {
            About::Open(invoice) => {
                writer.start("openInvoice", &namespace);
                writer.element("request", &[], &invoice.request);
                writer.element("amount", &[], &invoice.amount.to_string());
                writer.element("purpose", &[], &invoice.purpose);
            }
            About::State(reference) => {
                writer.start("invoiceState", &namespace).element("reference", &[], reference);
            }
        }
        writer.finish()
    }

    /// Reads the Body that was signed.
    pub(super) fn read(body: &[u8]) -> Result<Self, Odd> {
        let document = parse(body)?;
        let request = inside(&document, "SendMessage", "request")?;
        let info = only(request, "", "requestInfo")?;
        if text(only(info, "", "serviceId")?)? != SERVICE {
            return Err(odd("serviceId"));
        }
        let data = only(only(request, "", "requestData")?, "", "data")?;
        let about = match data.children().next().map(Element::name) {
            Some("openInvoice") => {
                let asked = only(data, PAYMENT, "openInvoice")?;
                About::Open(Invoice {
                    request: field(asked, "request")?,
                    amount: number(asked, "amount")?,
                    purpose: field(asked, "purpose")?,
                })
            }
            _ => About::State(field(only(data, PAYMENT, "invoiceState")?, "reference")?),
        };
        let id = text(only(info, "", "messageId")?)?;
        Ok(Self { id, at: time(only(info, "", "messageDate")?)?, about })
    }
}

impl Answer {
    /// The unsigned message.
    pub(super) fn message(&self) -> Vec<u8> {
        let mut writer = envelope("SendMessageResponse", "response");
        let success = (SUCCESS.to_owned(), String::new());
        let (code, why) = self.told.as_ref().err().unwrap_or(&success);
        writer.start("responseInfo", &[]);
        writer.element("messageId", &[], &self.id).element("correlationId", &[], &self.to);
        writer.element("responseDate", &[], &moment(self.at));
        writer.start("status", &[]).element("code", &[], code).element("message", &[], why);
        writer.end().end();
        if let Ok(state) = &self.told {
            writer.start("responseData", &[]).start("data", &[]);
            writer.start("invoice", &[("xmlns", PAYMENT)]);
            writer.element("reference", &[], &state.reference);
            writer.element("request", &[], &state.request);
            writer.element("amount", &[], &state.amount.to_string());
            writer.element("payAt", &[], &state.pay_at);
            if let Some(paid) = state.paid_at {
                writer.element("paidAt", &[], &moment(paid));
            }
        }
        writer.finish()
    }

    /// Reads the Body that was signed.
    pub(super) fn read(body: &[u8]) -> Result<Self, Odd> {
        let document = parse(body)?;
        let response = inside(&document, "SendMessageResponse", "response")?;
        let info = only(response, "", "responseInfo")?;
        let status = only(info, "", "status")?;
        let (code, why) = (text(only(status, "", "code")?)?, text(only(status, "", "message")?)?);
        let told = match code == SUCCESS {
            false => Err((code, why)),
            true => {
                let data = only(only(response, "", "responseData")?, "", "data")?;
                Ok(state(only(data, PAYMENT, "invoice")?)?)
            }
        };
        Ok(Self {
            id: text(only(info, "", "messageId")?)?,
            to: text(only(info, "", "correlationId")?)?,
            at: time(only(info, "", "responseDate")?)?,
            told,
        })
    }
}

fn state(invoice: Element<'_>) -> Result<PaymentState, Odd> {
    let mut paid = invoice.children().filter(|child| child.is(PAYMENT, "paidAt"));
    let paid_at = paid.next().map(time).transpose()?;
    if paid.next().is_some() {
        return Err(odd("paidAt"));
    }
    Ok(PaymentState {
        reference: field(invoice, "reference")?,
        request: field(invoice, "request")?,
        amount: number(invoice, "amount")?,
        pay_at: field(invoice, "payAt")?,
        paid_at,
    })
}

/// The beginning of a message, up to the element that is in no namespace.
fn envelope(operation: &str, part: &str) -> Writer {
    let mut writer = Writer::new();
    writer.start("SOAP-ENV:Envelope", &[("xmlns:SOAP-ENV", SoapVersion::V11.namespace())]);
    writer.start("SOAP-ENV:Body", &[]).start(operation, &[("xmlns", CHANNEL)]);
    writer.start(part, &[("xmlns", "")]);
    writer
}

fn parse(body: &[u8]) -> Result<Document, Odd> {
    Document::parse(body).map_err(|error| Odd(error.to_string()))
}

fn inside<'a>(document: &'a Document, operation: &str, part: &str) -> Result<Element<'a>, Odd> {
    only(only(document.root(), CHANNEL, operation)?, "", part)
}

/// The one child of this name.
fn only<'a>(parent: Element<'a>, namespace: &str, name: &str) -> Result<Element<'a>, Odd> {
    let mut found = parent.children().filter(|child| child.is(namespace, name));
    match (found.next(), found.next()) {
        (Some(child), None) => Ok(child),
        _ => Err(odd(name)),
    }
}

fn field(parent: Element<'_>, name: &str) -> Result<String, Odd> {
    text(only(parent, PAYMENT, name)?)
}

fn number(parent: Element<'_>, name: &str) -> Result<u64, Odd> {
    let text = field(parent, name)?;
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or_else(|| odd(name))
}

fn time(element: Element<'_>) -> Result<OffsetDateTime, Odd> {
    OffsetDateTime::parse(&text(element)?, &Rfc3339).map_err(|_| odd(element.name()))
}

/// The text of an element that holds nothing else.
fn text(element: Element<'_>) -> Result<String, Odd> {
    match element.children().next() {
        None => Ok(element.text()),
        Some(_) => Err(odd(element.name())),
    }
}

fn moment(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

fn odd(name: &str) -> Odd {
    Odd(format!("the element {name}"))
}
