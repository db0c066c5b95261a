//! The signed attributes of one signer (RFC 5652 §5.3 and §11, RFC 5035): what they must say, and
//! the octets the value is made over.

use rasn::types::{Any, GeneralizedTime, ObjectIdentifier, OctetString, UtcTime};
use time::OffsetDateTime;

use super::content::Signed;
use super::wire::{
    Attribute, AttributeSet, CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2, SIGNING_TIME, SigningCertificateV1, SigningCertificateV2, dotted,
    exactly,
};
use crate::crypto::{DigestAlgorithm, digest};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{FoundSignature, Level, SignatureFormat};
use crate::x509::Certificate;

/// Judges the attributes and fills in what they tell.
pub(super) fn judge(
    received: &[Any],
    content_type: &ObjectIdentifier,
    algorithm: Option<DigestAlgorithm>,
    content: &Signed<'_>,
    candidates: &[&Certificate],
    found: &mut FoundSignature,
) {
    // The received octets under a SET header; the attributes themselves are not encoded again.
    match rasn::der::encode(&AttributeSet(received.to_vec())) {
        Ok(octets) => found.signed_octets = octets,
        Err(error) => return fault(found, ReasonCode::Malformed, &error.to_string()),
    }
    let attributes = match parsed(received) {
        Ok(attributes) => attributes,
        Err(detail) => return fault(found, ReasonCode::Malformed, &detail),
    };
    let value = |kind: &str| attributes.iter().find(|one| one.0 == kind).map(|one| &one.1);

    // RFC 5652 §11.4: a counter-signature has no content type.
    let signed_type = value(CONTENT_TYPE).map(decoded::<ObjectIdentifier>);
    let fits = match (content.is_counter_signed(), signed_type) {
        (true, signed) => signed.is_none(),
        (false, signed) => signed.flatten().as_ref() == Some(content_type),
    };
    if !fits {
        fault(found, ReasonCode::Malformed, "the content type is not signed as it stands");
    }
    let signed_digest = value(MESSAGE_DIGEST).and_then(decoded::<OctetString>);
    let actual = algorithm.and_then(|algorithm| content.digest(algorithm));
    match (signed_digest, actual) {
        (None, _) => fault(found, ReasonCode::Malformed, "no message digest is signed"),
        (Some(signed), Some(actual)) if signed.as_ref() != actual => {
            fault(found, ReasonCode::ContentChanged, "the message digest differs");
        }
        // Without an algorithm or content there is a fault or an unsupported algorithm already.
        _ => {}
    }
    if let Some(time) = value(SIGNING_TIME) {
        match signing_time(time) {
            Some(time) => found.claimed_time = Some(time),
            None => fault(found, ReasonCode::Malformed, "the signing time is no time"),
        }
    }
    found.certificate = candidates.first().map(|one| (*one).clone());
    let references = [
        (value(SIGNING_CERTIFICATE_V2), reference_v2 as fn(&Any) -> Option<Reference>),
        (value(SIGNING_CERTIFICATE), reference_v1),
    ];
    for (index, (value, reference)) in references.into_iter().enumerate() {
        let Some(value) = value else { continue };
        match reference(value).and_then(|reference| reference.named(candidates)) {
            Some(certificate) => {
                found.certificate = Some(certificate.clone());
                if index == 0 {
                    found.format = SignatureFormat::Cades(Level::B);
                }
            }
            None if candidates.is_empty() => {}
            None => fault(found, ReasonCode::CertificateMismatch, "the signed reference differs"),
        }
    }
}

/// The first entry of a signing certificate reference: the signer's (RFC 5035 §3).
struct Reference {
    algorithm: DigestAlgorithm,
    hash: Vec<u8>,
}

impl Reference {
    fn named<'a>(&self, candidates: &[&'a Certificate]) -> Option<&'a Certificate> {
        let named = |one: &&&Certificate| digest(self.algorithm, one.der()) == self.hash;
        candidates.iter().find(named).copied()
    }
}

fn reference_v2(value: &Any) -> Option<Reference> {
    let reference: SigningCertificateV2 = decoded(value)?;
    let id = reference.certificates.into_iter().next()?;
    let algorithm = match id.hash_algorithm {
        None => DigestAlgorithm::Sha256,
        Some(named) => DigestAlgorithm::from_oid(&dotted(&named.algorithm)).ok()?,
    };
    Some(Reference { algorithm, hash: id.hash.to_vec() })
}

fn reference_v1(value: &Any) -> Option<Reference> {
    let reference: SigningCertificateV1 = decoded(value)?;
    let id = reference.certificates.into_iter().next()?;
    Some(Reference { algorithm: DigestAlgorithm::Sha1, hash: id.hash.to_vec() })
}

/// Each attribute may stand once, with one value (RFC 5652 §11): which one counts must not be a
/// matter of taste.
fn parsed(received: &[Any]) -> Result<Vec<(String, Any)>, String> {
    if received.len() > limits::SIGNED_ATTRIBUTES {
        return Err("too many signed attributes".to_owned());
    }
    let mut out: Vec<(String, Any)> = Vec::with_capacity(received.len());
    for octets in received {
        let attribute: Attribute =
            decoded(octets).ok_or_else(|| "a signed attribute is none".to_owned())?;
        let kind = dotted(&attribute.kind);
        if out.iter().any(|(known, _)| *known == kind) {
            return Err(format!("the signed attribute {kind} stands twice"));
        }
        let mut values = attribute.values.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => out.push((kind, value)),
            _ => return Err(format!("the signed attribute {kind} has not one value")),
        }
    }
    Ok(out)
}

fn signing_time(value: &Any) -> Option<OffsetDateTime> {
    let seconds = match value.as_bytes().first() {
        Some(0x17) => decoded::<UtcTime>(value)?.timestamp(),
        _ => decoded::<GeneralizedTime>(value)?.timestamp(),
    };
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

fn decoded<T: rasn::Decode>(value: &Any) -> Option<T> {
    exactly(value.as_bytes())
}

fn fault(found: &mut FoundSignature, code: ReasonCode, detail: &str) {
    found.faults.push(Reason::new(code, detail));
}
