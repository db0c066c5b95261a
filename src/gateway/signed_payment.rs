//! The payment gateway over SOAP, signed both ways (WS-Security in the form of the state's
//! gateway). An answer counts if the gateway signed it, for exactly this question, after it was
//! asked: each question has a random number of its own, so an old answer answers nothing.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::message::{About, Answer, Question};
use super::payment::{Confirmation, Invoice, PaymentError, PaymentState, Payments};
use crate::crypto::{Random, hex};
use crate::limits;
use crate::reason::ReasonCode;
use crate::text::Language;
use crate::token::Signer;
use crate::validation::{self, Purpose, Verifier};
use crate::x509::{Certificate, Fetch};
use crate::xml::wss::{self, MessageOptions, Receiver, SoapError, SoapVersion};

/// A payment gateway whose answers are signed.
pub struct SignedPayments {
    /// Its address.
    pub url: String,
    /// Its certificates: an answer must be signed with one of them, and the certificate must pass.
    pub certificates: Vec<Certificate>,
    /// Signs the questions.
    pub signer: Arc<dyn Signer>,
    /// Judges the answers.
    pub verifier: Arc<Verifier>,
    /// Carries both.
    pub fetch: Arc<dyn Fetch>,
    /// The clock.
    pub clock: fn() -> OffsetDateTime,
    /// Numbers the questions.
    pub random: Arc<dyn Random>,
}

impl Payments for SignedPayments {
    fn open(&self, invoice: &Invoice) -> Result<PaymentState, PaymentError> {
        self.ask(About::Open(invoice.clone()))?.0.about(invoice, None)
    }

    fn check(&self, invoice: &Invoice, reference: &str) -> Result<Confirmation, PaymentError> {
        let (state, message) = self.ask(About::State(reference.to_owned()))?;
        let state = state.about(invoice, Some(reference))?;
        Ok(Confirmation { state, message, media_type: "text/xml" })
    }
}

impl SignedPayments {
    fn ask(&self, about: About) -> Result<(PaymentState, Vec<u8>), PaymentError> {
        let failed = |why: &dyn std::fmt::Display| PaymentError::Unavailable(why.to_string());
        let asked = (self.clock)();
        let mut number = [0; 16];
        if !self.random.fill(&mut number) {
            return Err(failed(&"the random source failed"));
        }
        let question = Question { id: hex(&number), at: asked, about };
        let options = MessageOptions::new(asked);
        let message = wss::sign(&question.message(), &*self.signer, &options);
        let message = message.map_err(|error| failed(&error))?;
        let kind = SoapVersion::V11.media_type();
        let answer = self.fetch.post(&self.url, kind, &message, limits::JSON_BODY_BYTES);
        let answer = answer.map_err(|error| failed(&error))?;
        let told = self.believe(&answer, &question)?;
        let state = told.map_err(|(code, why)| failed(&format!("{code}: {why}")))?;
        Ok((state, answer))
    }

    /// What the gateway said in answer to this question.
    fn believe(
        &self,
        answer: &[u8],
        question: &Question,
    ) -> Result<Result<PaymentState, (String, String)>, PaymentError> {
        let untrusted = |why: &str| Err(PaymentError::Untrusted(why.to_owned()));
        let now = (self.clock)();
        let asked = validation::Question {
            purpose: Purpose::Login,
            ..validation::Question::new(answer, now, Language::En)
        };
        let policy = self.verifier.policy();
        let policy = policy.map_err(|error| PaymentError::Unavailable(error.to_string()))?;
        let opened = self.verifier.open_message(&asked, &Receiver::default(), &policy);
        let (_, message) = opened.map_err(refusal)?;
        let signer = message.signature.certificate.as_ref();
        if !signer.is_some_and(|signer| self.certificates.contains(signer)) {
            return untrusted("it is signed by somebody else");
        }
        let told = Answer::read(&message.body);
        let told = told.map_err(|error| PaymentError::Untrusted(error.to_string()))?;
        if told.to != question.id {
            return untrusted("it answers another question");
        }
        let skew = Duration::seconds(limits::MESSAGE_SKEW_SECONDS);
        if told.at < question.at - skew || told.at > now + skew {
            return untrusted("it was not made between question and answer");
        }
        Ok(told.told)
    }
}

/// What is no signed message at all is as good as none; where only revocation is unknown, the same
/// question may be answered later.
fn refusal(error: SoapError) -> PaymentError {
    let later = match &error {
        SoapError::Xml(_) | SoapError::NotSoap(_) | SoapError::Version => true,
        SoapError::Failed(reasons) => {
            reasons.iter().all(|reason| reason.code == ReasonCode::RevocationUnknown)
        }
        _ => false,
    };
    match later {
        true => PaymentError::Unavailable(error.to_string()),
        false => PaymentError::Untrusted(error.to_string()),
    }
}
