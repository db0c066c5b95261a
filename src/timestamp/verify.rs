//! Whether a token proves that its data existed at its time (EN 319 102-1 §5.4).

use time::OffsetDateTime;

use super::{Token, TokenInfo};
use crate::crypto::{VerifyError, verify as verify_value};
use crate::reason::{Reason, ReasonCode};
use crate::signature::{FoundSignature, Stamped};
use crate::x509::der::{self, Reader};
use crate::x509::{
    Certificate, Path, PathRequest, Purpose, RevocationSource, RevocationStatus, TrustStore,
    validate,
};

/// `id-aa-signingCertificate` (RFC 2634) and `id-aa-signingCertificateV2` (RFC 5035).
const SIGNING_CERTIFICATE: [&str; 2] = ["1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"];

/// What is asked of a token.
#[derive(Clone, Copy)]
pub struct TimestampQuestion<'a> {
    /// What was stamped.
    pub data: &'a Stamped,
    /// Certificates that came along elsewhere, for tokens without the authority's.
    pub extra: &'a [Certificate],
    /// Whom to believe.
    pub trust: &'a TrustStore,
    /// Who knows about revocation; without one nothing is asked.
    pub revocation: Option<&'a dyn RevocationSource>,
    /// The time the token is judged as of.
    pub at: OffsetDateTime,
    /// The clock.
    pub now: OffsetDateTime,
    /// How far the authority's clock may be ahead of ours.
    pub skew: time::Duration,
    /// Accepted policies of authorities; empty is any.
    pub policies: &'a [String],
    /// The coarsest accuracy that still proves something.
    pub accuracy: Option<time::Duration>,
}

/// A time-stamp that stands.
#[derive(Clone, Debug)]
pub struct VerifiedTimestamp {
    /// What the authority states.
    pub info: TokenInfo,
    /// The authority's path.
    pub path: Path,
    /// Why it is only known that the authority was not revoked when it made the token, and not
    /// that it is not at the time of judgement.
    pub stale: Option<String>,
}

/// Verifies a token in full: imprint, signature, reference to the signing certificate, the
/// authority's usage, path and revocation, policy and accuracy.
///
/// # Errors
/// The reason why it proves nothing.
pub fn verify(
    token: &Token,
    question: &TimestampQuestion<'_>,
) -> Result<VerifiedTimestamp, Reason> {
    let (info, found) = (token.info(), token.signature());
    if let Some(fault) = found.faults.first() {
        return Err(fault.clone());
    }
    let certificate = signature(found, question)?;
    named(found)?;
    imprint(info, question.data)?;
    let path = path(certificate, found, question)?;
    let stale = revocation(&path, info.time, question)?;
    if !question.policies.is_empty() && !question.policies.contains(&info.policy) {
        return Err(invalid(format!("the authority's policy {} is not accepted", info.policy)));
    }
    let accuracy = info.accuracy.unwrap_or_default();
    if question.accuracy.is_some_and(|coarsest| accuracy > coarsest) {
        return Err(invalid(format!("it is exact to {accuracy} only")));
    }
    if info.time - accuracy > question.at.saturating_add(question.skew) {
        return Err(invalid(format!("it was made at {}, after the time of judgement", info.time)));
    }
    Ok(VerifiedTimestamp { info: info.clone(), path, stale })
}

fn imprint(info: &TokenInfo, data: &Stamped) -> Result<(), Reason> {
    let algorithm = info.digest.as_ref().map_err(|error| {
        Reason::new(ReasonCode::UnsupportedAlgorithm, format!("imprint: {}", error.name))
    })?;
    if algorithm.row().accepted_until.is_some_and(|end| info.time > end) {
        let name = format!("imprint: {}", algorithm.row().name);
        return Err(Reason::new(ReasonCode::UnsupportedAlgorithm, name));
    }
    match data.digest(*algorithm).is_some_and(|digest| digest == info.imprint) {
        true => Ok(()),
        false => Err(invalid("it was made for other data".to_owned())),
    }
}

fn signature<'a>(
    found: &'a FoundSignature,
    question: &TimestampQuestion<'a>,
) -> Result<&'a Certificate, Reason> {
    let algorithm = found
        .algorithm
        .as_ref()
        .map_err(|error| Reason::new(ReasonCode::UnsupportedAlgorithm, error.name.clone()))?;
    // Nothing proves that the token itself is older than the time of judgement.
    if algorithm.row().accepted_until.is_some_and(|end| question.at > end) {
        return Err(Reason::new(ReasonCode::UnsupportedAlgorithm, algorithm.row().name));
    }
    let checks = |one: &Certificate| {
        let key = one.public_key();
        verify_value(*algorithm, found.value_form, key, &found.signed_octets, &found.value)
    };
    let Some(certificate) = &found.certificate else {
        let found = question.extra.iter().find(|one| checks(one).is_ok());
        return found.ok_or_else(|| ReasonCode::CertificateMissing.into());
    };
    match checks(certificate) {
        Ok(()) => Ok(certificate),
        Err(VerifyError::Unsupported(error)) => {
            Err(Reason::new(ReasonCode::UnsupportedAlgorithm, error.name))
        }
        Err(error) => Err(Reason::new(ReasonCode::BadSignature, error.to_string())),
    }
}

/// RFC 3161 §2.4.2: the certificate must be named in the signed attributes, in either form. That
/// the reference is right, the CMS reader has checked.
fn named(found: &FoundSignature) -> Result<(), Reason> {
    let named = || -> Result<bool, der::DerError> {
        let mut attributes = Reader::only(&found.signed_octets, der::SET)?;
        while !attributes.is_empty() {
            let oid = attributes.enter(der::SEQUENCE)?.oid()?;
            if SIGNING_CERTIFICATE.contains(&oid.as_str()) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match named() {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Reason::new(ReasonCode::CertificateMismatch, "the certificate is not named"))
        }
        Err(error) => Err(Reason::new(ReasonCode::Malformed, error.to_string())),
    }
}

fn path(
    certificate: &Certificate,
    found: &FoundSignature,
    question: &TimestampQuestion<'_>,
) -> Result<Path, Reason> {
    let extra = [found.certificates.as_slice(), question.extra].concat();
    let request = PathRequest {
        purpose: Purpose::TimeStamping,
        ..PathRequest::new(certificate, &extra, question.at)
    };
    validate(question.trust, &request).map_err(|failure| failure.reason)
}

/// Where nobody can say it as of the time of judgement, what is known as of the token's own time
/// must do, and is told: whoever keeps a document for years may be the last to hold an answer.
fn revocation(
    path: &Path,
    made: OffsetDateTime,
    question: &TimestampQuestion<'_>,
) -> Result<Option<String>, Reason> {
    let Some(source) = question.revocation else { return Ok(None) };
    let mut stale = None;
    for (subject, issuer) in path.links() {
        let mut answer = source.ask(subject, issuer, question.at, question.now);
        let who = format!("{subject:?}");
        if answer.status == RevocationStatus::Unknown && made < question.at {
            let then = source.ask(subject, issuer, made, question.now);
            if then.status != RevocationStatus::Unknown {
                let why = answer.why.take().unwrap_or_default();
                stale = Some(format!("{who}: known as of {made} only: {why}"));
                answer = then;
            }
        }
        match answer.status {
            RevocationStatus::Good => {}
            RevocationStatus::Revoked { at, .. } => {
                return Err(Reason::new(ReasonCode::Revoked, format!("{who} since {at}")));
            }
            RevocationStatus::OnHold { at } => {
                return Err(Reason::new(ReasonCode::OnHold, format!("{who} since {at}")));
            }
            RevocationStatus::Unknown => {
                let why = answer.why.unwrap_or_default();
                return Err(Reason::new(ReasonCode::RevocationUnknown, format!("{who}: {why}")));
            }
        }
    }
    Ok(stale)
}

fn invalid(detail: String) -> Reason {
    Reason::new(ReasonCode::TimestampInvalid, detail)
}
