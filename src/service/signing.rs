//! What every deferred signature needs: the caller's certificate, the octets to sign, the value
//! that comes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::App;
use crate::crypto::SignatureAlgorithm;
use crate::limits;
use crate::preserve::{Preserver, Wish};
use crate::problem::{Kind, Problem};
use crate::reason::{Reason, ReasonCode};
use crate::validation::Verified;
use crate::x509::Certificate;
use crate::xml;

/// Decodes a certificate from base64 DER.
pub(super) fn certificate(text: &str) -> Result<Certificate, Problem> {
    let der = base64("certificate", text)?;
    Certificate::from_der(&der)
        .map_err(|error| Problem::new(Kind::BadInput, "bad-certificate", error.to_string()))
}

/// Decodes base64; line breaks, as PEM tools leave them, are skipped.
pub(super) fn base64(field: &str, text: &str) -> Result<Vec<u8>, Problem> {
    if text.len() > limits::CERTIFICATE_BYTES * 2 {
        return Err(Problem::new(Kind::TooLarge, "too-large", format!("{field} is too long")));
    }
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD
        .decode(text)
        .map_err(|error| Problem::new(Kind::BadInput, "bad-base64", format!("{field}: {error}")))
}

/// The algorithm a certificate's key signs with.
pub(super) fn algorithm(certificate: &Certificate) -> Result<SignatureAlgorithm, Problem> {
    SignatureAlgorithm::for_key(&certificate.public_key().kind).map_err(|unsupported| {
        let code = ReasonCode::UnsupportedAlgorithm;
        Problem::refused(vec![Reason::new(code, unsupported.name)])
    })
}

/// The properties of our XML signatures.
pub(super) fn xml_options(now: OffsetDateTime, role: Option<&str>) -> xml::SigningOptions {
    xml::SigningOptions { signer_role: role.map(str::to_owned), ..xml::SigningOptions::new(now) }
}

/// The signer of a document that carries exactly one signature which passed and covers it whole.
///
/// # Errors
/// The reasons against the signature.
pub(super) fn passed_by(verified: &Verified) -> Result<Certificate, Problem> {
    let ([found], [judgement]) = (verified.found.as_slice(), verified.judgements.as_slice()) else {
        let reason = Reason::new(ReasonCode::Refused, "exactly one signature is expected");
        return Err(Problem::refused(vec![reason]));
    };
    if !judgement.passed() {
        return Err(Problem::refused(judgement.reasons.clone()));
    }
    match &found.certificate {
        Some(certificate) if found.scope.covers_whole_document => Ok(certificate.clone()),
        Some(_) => {
            let reason = Reason::new(ReasonCode::Refused, "the signature covers a part only");
            Err(Problem::refused(vec![reason]))
        }
        None => Err(Problem::refused(vec![ReasonCode::CertificateMissing.into()])),
    }
}

/// A document that passed, at the level the operator wants; the verifier has passed it again.
///
/// # Errors
/// [`Kind::TryLater`] if no authority gives a time-stamp: what was prepared still waits then, and
/// the same call may succeed later.
pub(super) fn preserved(app: &App, signed: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let Some(stamps) = &app.stamps else { return Ok(signed) };
    let preserver = Preserver { verifier: &app.verifier, stamps, clock: &app.clock };
    let level = app.config.timestamps.level;
    Ok(preserver.raise(&Wish { document: &signed, content: None, signature: None, level })?)
}

/// The moment to the second: documents carry no fractions.
pub(super) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

/// RFC 3339, as every interface writes times.
pub(super) fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
