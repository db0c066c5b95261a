//! The request, and the response that must belong to it (RFC 3161 §2.4).

use super::{TimestampError, Token};
use crate::crypto::DigestAlgorithm;
use crate::limits;
use crate::x509::der::{self, Reader};

/// A question to an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    imprint: Vec<u8>,
    nonce: Vec<u8>,
    policy: Option<String>,
}

impl Request {
    /// A request for a time-stamp over what has this SHA-256, with a nonce of random octets.
    pub fn new(imprint: Vec<u8>, nonce: [u8; 16], policy: Option<&str>) -> Self {
        let mut nonce = nonce.to_vec();
        // A positive INTEGER of full length, so that its shortest form is these octets.
        if let Some(first) = nonce.first_mut() {
            *first = *first & 0x7f | 0x40;
        }
        Self { imprint, nonce, policy: policy.map(str::to_owned) }
    }

    /// The `TimeStampReq`, which asks for the authority's certificate.
    pub fn to_der(&self) -> Vec<u8> {
        let [oid] = DigestAlgorithm::Sha256.row().oids else { return Vec::new() };
        let algorithm = der::write(der::SEQUENCE, &[&der::write_oid(oid), &[der::NULL, 0]]);
        let hashed = der::write(der::OCTET_STRING, &[&self.imprint]);
        let imprint = der::write(der::SEQUENCE, &[&algorithm, &hashed]);
        let policy = self.policy.as_deref().map(der::write_oid).unwrap_or_default();
        let nonce = der::write(der::INTEGER, &[&self.nonce]);
        let wanted = [der::BOOLEAN, 1, 0xff];
        der::write(der::SEQUENCE, &[&[der::INTEGER, 1, 1], &imprint, &policy, &nonce, &wanted])
    }

    /// Takes the token out of the response and checks that it answers this request. Whether the
    /// token is to be believed is judged apart ([`super::verify`]).
    ///
    /// # Errors
    /// [`TimestampError`].
    pub fn answer(&self, response: &[u8]) -> Result<Token, TimestampError> {
        let token = Token::read(read_response(response)?)?;
        let info = token.info();
        if info.digest != Ok(DigestAlgorithm::Sha256) || info.imprint != self.imprint {
            return Err(TimestampError::NotAsked("the imprint differs"));
        }
        if info.nonce.as_deref() != Some(&self.nonce) {
            return Err(TimestampError::NotAsked("the nonce differs"));
        }
        if self.policy.as_ref().is_some_and(|wanted| *wanted != info.policy) {
            return Err(TimestampError::NotAsked("the policy differs"));
        }
        Ok(token)
    }
}

/// The token in a `TimeStampResp`.
///
/// # Errors
/// [`TimestampError::Rejected`] with the authority's reason, or what is malformed.
pub fn read_response(response: &[u8]) -> Result<&[u8], TimestampError> {
    if response.len() > limits::TIMESTAMP_BYTES {
        return Err(TimestampError::TooLarge);
    }
    let mut fields = Reader::only(response, der::SEQUENCE)?;
    let mut info = fields.enter(der::SEQUENCE)?;
    let status = der::small(info.integer()?)?;
    // `granted` and `grantedWithMods` bring a token; what was modified is checked by itself.
    if status > 1 {
        info.optional(der::SEQUENCE)?;
        let bits = info.optional(der::BIT_STRING)?.map(|bits| failure(bits.content));
        return Err(TimestampError::Rejected { status, failure: bits.flatten() });
    }
    if fields.is_empty() {
        return Err(TimestampError::Malformed("granted, but without a token".to_owned()));
    }
    // The token may be BER, which the CMS reader takes.
    Ok(fields.rest())
}

/// The name of the first bit set (RFC 3161 §2.4.2).
fn failure(content: &[u8]) -> Option<&'static str> {
    let octets = content.get(1..)?;
    let set =
        |bit: usize| octets.get(bit / 8).is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0);
    let names = [
        (0, "badAlg"),
        (2, "badRequest"),
        (5, "badDataFormat"),
        (14, "timeNotAvailable"),
        (15, "unacceptedPolicy"),
        (16, "unacceptedExtension"),
        (17, "addInfoNotAvailable"),
        (25, "systemFailure"),
    ];
    names.into_iter().find(|(bit, _)| set(*bit)).map(|(_, name)| name)
}
