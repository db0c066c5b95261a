//! Deferred signatures for anybody's documents: `prepare` gives the octets to be signed, `complete`
//! takes the value. Between the two nothing is kept here: the ticket carries everything, sealed
//! against changes and dated.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::edge::{Answer, Refusal, Wanted, judging, read_body};
use super::{App, signing};
use crate::crypto::{DigestAlgorithm, Random, digest};
use crate::limits;
use crate::pdf;
use crate::problem::{Kind, Problem};
use crate::text::Language;
use crate::validation::{DocumentFormat, Question};
use crate::xml::{self, Covers};

/// What is to be signed, and by whom.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeferredRequest {
    /// The document, XML or PDF, base64.
    document: String,
    /// The signer's certificate, DER in base64.
    certificate: String,
    /// The role in which is signed (XML).
    role: Option<String>,
    /// What the signature commits to, an URI (XML).
    commitment: Option<String>,
    /// What is covered (XML).
    #[serde(default)]
    covers: DeferredScope,
}

/// What a signature covers.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum DeferredScope {
    /// The document with the signatures in it.
    #[default]
    Document,
    /// The document without any signature.
    WithoutSignatures,
    /// The element with this id.
    Element(String),
    /// The signature at this place, counted from 0: a counter-signature.
    Signature(usize),
}

/// What the signer's key is to sign.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeferredPrepared {
    /// The octets to be signed, base64.
    to_be_signed: String,
    /// Their digest, base64, for keys that take digests.
    digest: String,
    /// The digest's algorithm.
    digest_algorithm: String,
    /// The signature algorithm.
    algorithm: String,
    /// To be given back with the value.
    ticket: String,
    /// When the ticket ends.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// The value, with the ticket it belongs to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeferredValue {
    /// As `prepare` gave it.
    ticket: String,
    /// The signature value, base64; ECDSA as r ‖ s.
    signature: String,
    /// The signer's certificate, the same as for `prepare`.
    certificate: String,
}

/// Seals tickets with a key of this service, so that nothing has to be remembered.
pub struct Tickets(hmac::Key);

/// What is told apart from other uses of the key.
const CONTEXT: &[u8] = b"qoltanba deferred signature 1";
const SEAL: usize = 32;

enum Pending {
    Xml(xml::Prepared),
    Pdf(pdf::Prepared),
}

impl Tickets {
    /// Seals with this key.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Seals with a key of this process's own: tickets end with it.
    ///
    /// # Errors
    /// `internal` without randomness.
    pub fn of_this_process(random: &dyn Random) -> Result<Self, Problem> {
        let mut key = [0; SEAL];
        match random.fill(&mut key) {
            true => Ok(Self::new(&key)),
            false => Err(Problem::internal("no randomness for the key of tickets")),
        }
    }

    fn seal(&self, expires_at: OffsetDateTime, pending: &[u8]) -> String {
        let expires = expires_at.unix_timestamp().to_be_bytes();
        let tag = hmac::sign(&self.0, &[CONTEXT, &expires, pending].concat());
        URL_SAFE_NO_PAD.encode([tag.as_ref(), &expires, pending].concat())
    }

    fn open(&self, ticket: &str, now: OffsetDateTime) -> Result<Vec<u8>, Problem> {
        let wrong = || Problem::new(Kind::BadInput, "bad-ticket", "This is no ticket of ours.");
        let octets = URL_SAFE_NO_PAD.decode(ticket).map_err(|_| wrong())?;
        let (tag, sealed) = octets.split_at_checked(SEAL).ok_or_else(wrong)?;
        hmac::verify(&self.0, &[CONTEXT, sealed].concat(), tag).map_err(|_| wrong())?;
        let (expires, pending) = sealed.split_first_chunk().ok_or_else(wrong)?;
        if i64::from_be_bytes(*expires) < now.unix_timestamp() {
            let detail = "The ticket has ended; prepare the signature again.";
            return Err(Problem::new(Kind::Conflict, "ticket-expired", detail));
        }
        Ok(pending.to_vec())
    }
}

/// Prepares a signature of a document: the signer's key may be anywhere.
#[utoipa::path(post, path = "/api/v1/sign/prepare", tag = "sign",
    request_body = DeferredRequest,
    responses((status = 200, body = DeferredPrepared), (status = 413, description = "too large"),
              (status = 422, description = "the document cannot be signed")))]
pub async fn prepare(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    request: Request,
) -> Answer<Json<DeferredPrepared>> {
    let limit = limits::DEFERRED_DOCUMENT_BYTES / 3 * 4 + limits::JSON_BODY_BYTES;
    let answer = async {
        let wish: DeferredRequest = json(request, limit).await?;
        judging(&app, wish.document.len(), move |app| start(app, &wish)).await
    };
    answer.await.map(Json).map_err(|problem| Refusal::new(problem, language))
}

/// Puts the value into the prepared document, verifies the outcome, and returns it.
#[utoipa::path(post, path = "/api/v1/sign/complete", tag = "sign",
    request_body = DeferredValue,
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>,
               description = "the signed document"),
              (status = 409, description = "the ticket has ended"),
              (status = 422, description = "the signature was refused")))]
pub async fn complete(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    request: Request,
) -> Answer<Response> {
    let answer = async {
        let value: DeferredValue = json(request, limits::DEFERRED_TICKET_BYTES).await?;
        judging(&app, value.ticket.len(), move |app| finish(app, &value, language)).await
    };
    let (kind, document) = answer.await.map_err(|problem| Refusal::new(problem, language))?;
    Ok(([(CONTENT_TYPE, kind)], document).into_response())
}

async fn json<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, Problem> {
    let octets = read_body(request.into_body(), limit).await?;
    serde_json::from_slice(&octets)
        .map_err(|error| Problem::new(Kind::BadInput, "bad-json", error.to_string()))
}

fn start(app: &App, wish: &DeferredRequest) -> Result<DeferredPrepared, Problem> {
    let certificate = signing::certificate(&wish.certificate)?;
    let algorithm = signing::algorithm(&certificate)?;
    let document = STANDARD.decode(wish.document.as_bytes()).map_err(|error| {
        Problem::new(Kind::BadInput, "bad-base64", format!("document: {error}"))
    })?;
    let now = app.now();
    let pending = match DocumentFormat::detect(&document) {
        Some(DocumentFormat::Xml) => {
            let mut options = signing::xml_options(now, wish.role.as_deref());
            options.commitment.clone_from(&wish.commitment);
            Pending::Xml(match &wish.covers {
                DeferredScope::Signature(n) => xml::prepare_counter_signature(
                    &document,
                    *n,
                    &certificate,
                    algorithm,
                    &options,
                )?,
                covers => {
                    options.covers = match covers {
                        DeferredScope::WithoutSignatures => Covers::DocumentWithoutSignatures,
                        DeferredScope::Element(id) => Covers::Element(id.clone()),
                        _ => Covers::Document,
                    };
                    xml::prepare(&document, &certificate, algorithm, &options)?
                }
            })
        }
        Some(DocumentFormat::Pdf) => {
            let options = pdf::SigningOptions::at(now);
            Pending::Pdf(pdf::prepare(&document, &certificate, algorithm, &options)?)
        }
        _ => {
            let detail = "only XML and PDF documents can be signed";
            return Err(Problem::new(Kind::Unreadable, "unknown-format", detail));
        }
    };
    let to_be_signed = pending.to_be_signed();
    let expires_at = signing::whole_seconds(now + Duration::seconds(limits::PENDING_SECONDS));
    let digested: DigestAlgorithm = algorithm.digest();
    Ok(DeferredPrepared {
        to_be_signed: STANDARD.encode(to_be_signed),
        digest: STANDARD.encode(digest(digested, to_be_signed)),
        digest_algorithm: digested.row().name.to_owned(),
        algorithm: algorithm.row().name.to_owned(),
        ticket: app.tickets.seal(expires_at, &pending.to_bytes()?),
        expires_at,
    })
}

fn finish(
    app: &App,
    given: &DeferredValue,
    language: Language,
) -> Result<(&'static str, Vec<u8>), Problem> {
    let now = app.now();
    let pending = Pending::from_bytes(&app.tickets.open(&given.ticket, now)?)?;
    let certificate = signing::certificate(&given.certificate)?;
    let value = signing::base64("signature", &given.signature)?;
    let to_be_signed = pending.to_be_signed().to_vec();
    let (kind, signed) = match pending {
        Pending::Xml(prepared) => ("application/xml", prepared.complete(&value)?),
        Pending::Pdf(prepared) => ("application/pdf", prepared.complete(&value)?),
    };
    let verified = app.verifier.verify(&Question::new(&signed, now, language))?;
    // The one just made; earlier signatures are their signers' business.
    let mut judged = verified.found.iter().zip(&verified.judgements);
    let own = judged.find(|(found, _)| {
        found.signed_octets == to_be_signed && found.certificate.as_ref() == Some(&certificate)
    });
    match own {
        Some((_, judgement)) if judgement.passed() => Ok((kind, signed)),
        Some((_, judgement)) => Err(Problem::refused(judgement.reasons.clone())),
        None => {
            let detail = "The certificate is not the one the signature was prepared for.";
            Err(Problem::new(Kind::BadInput, "other-certificate", detail))
        }
    }
}

impl Pending {
    fn to_be_signed(&self) -> &[u8] {
        match self {
            Self::Xml(prepared) => prepared.to_be_signed(),
            Self::Pdf(prepared) => prepared.to_be_signed(),
        }
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Problem> {
        let (mark, octets) = match self {
            Self::Xml(prepared) => (b'X', prepared.to_bytes()),
            Self::Pdf(prepared) => (b'P', prepared.to_bytes()?),
        };
        Ok([&[mark], octets.as_slice()].concat())
    }

    fn from_bytes(octets: &[u8]) -> Result<Self, Problem> {
        match octets.split_first() {
            Some((b'X', octets)) => Ok(Self::Xml(xml::Prepared::from_bytes(octets)?)),
            Some((b'P', octets)) => Ok(Self::Pdf(pdf::Prepared::from_bytes(octets)?)),
            _ => Err(Problem::new(Kind::BadInput, "bad-ticket", "This is no ticket of ours.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    #[test]
    fn a_ticket_ends_on_time_and_no_octet_of_it_can_change() {
        let tickets = Tickets::new(&[7; 32]);
        let ticket = tickets.seal(NOW, b"X{}");
        assert_eq!(tickets.open(&ticket, NOW).unwrap(), b"X{}");
        let late = tickets.open(&ticket, NOW + Duration::seconds(1)).unwrap_err();
        assert_eq!(late.code, "ticket-expired");
        let octets = URL_SAFE_NO_PAD.decode(&ticket).unwrap();
        for at in 0..octets.len() {
            let mut changed = octets.clone();
            changed[at] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(tickets.open(&changed, NOW).unwrap_err().code, "bad-ticket", "{at}");
        }
        for cut in 0..octets.len() {
            let changed = URL_SAFE_NO_PAD.encode(&octets[..cut]);
            assert_eq!(tickets.open(&changed, NOW).unwrap_err().code, "bad-ticket", "{cut}");
        }
        // A longer life cannot be pasted in, and another service's ticket is none.
        let longer =
            URL_SAFE_NO_PAD.decode(tickets.seal(NOW + Duration::hours(1), b"X[]")).unwrap();
        let pasted = [&octets[..32], &longer[32..40], &octets[40..]].concat();
        let pasted = URL_SAFE_NO_PAD.encode(pasted);
        assert_eq!(tickets.open(&pasted, NOW).unwrap_err().code, "bad-ticket");
        let other = Tickets::new(&[8; 32]);
        assert_eq!(other.open(&ticket, NOW).unwrap_err().code, "bad-ticket");
    }
}
