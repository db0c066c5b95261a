//! The token: a `TSTInfo` signed with CMS.

use time::{Duration, OffsetDateTime};

use super::TimestampError;
use crate::cms::{self, Content};
use crate::crypto::{DigestAlgorithm, UnsupportedAlgorithm};
use crate::limits;
use crate::signature::FoundSignature;
use crate::x509::der::{self, Reader};

/// `id-ct-TSTInfo`.
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";

/// A time-stamp token that was read. Nothing in it is believed yet.
#[derive(Clone, Debug)]
pub struct Token {
    der: Vec<u8>,
    info: TokenInfo,
    found: FoundSignature,
}

/// What the authority states (RFC 3161 §2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The authority's policy, dotted.
    pub policy: String,
    /// The algorithm of the imprint, or the name of one that is not implemented.
    pub digest: Result<DigestAlgorithm, UnsupportedAlgorithm>,
    /// The digest of what was stamped.
    pub imprint: Vec<u8>,
    /// The token's number, the octets of an INTEGER; the national authority writes negative ones.
    pub serial: Vec<u8>,
    /// When (`genTime`), to the second.
    pub time: OffsetDateTime,
    /// How far the true time may be from it; none means that the policy does not say.
    pub accuracy: Option<Duration>,
    /// The nonce of the request, the octets of an INTEGER, possibly negative.
    pub nonce: Option<Vec<u8>>,
}

impl Token {
    /// Reads a token in DER or BER.
    ///
    /// # Errors
    /// [`TimestampError`] where it is not a token signed by one authority.
    pub fn read(octets: &[u8]) -> Result<Self, TimestampError> {
        if octets.len() > limits::TIMESTAMP_BYTES {
            return Err(TimestampError::TooLarge);
        }
        let malformed = |what: &str| TimestampError::Malformed(what.to_owned());
        let (message, rest) =
            cms::parse(octets).map_err(|error| TimestampError::Malformed(error.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed("octets follow the token"));
        }
        if message.content_type() != TST_INFO {
            return Err(malformed("the content is no TSTInfo"));
        }
        // RFC 3161 §2.4.2: no signature but the authority's.
        let mut signatures = message.signatures(&Content::Inside).into_iter();
        let (Some(found), None) = (signatures.next(), signatures.next()) else {
            return Err(malformed("a token has one signature"));
        };
        let content = found.scope.octets.first().map(Vec::as_slice).unwrap_or_default();
        let info = TokenInfo::read(content)?;
        Ok(Self { der: octets.to_vec(), info, found })
    }

    /// The token's own octets.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What the authority states.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// The authority's signature.
    pub fn signature(&self) -> &FoundSignature {
        &self.found
    }
}

impl TokenInfo {
    fn read(content: &[u8]) -> Result<Self, TimestampError> {
        let mut fields = Reader::only(content, der::SEQUENCE)?;
        if fields.integer()? != [1] {
            return Err(TimestampError::Malformed("another version than 1".to_owned()));
        }
        let policy = fields.oid()?;
        let mut imprint = fields.enter(der::SEQUENCE)?;
        let digest = DigestAlgorithm::from_oid(&imprint.enter(der::SEQUENCE)?.oid()?);
        let hashed = imprint.expect(der::OCTET_STRING)?.content.to_vec();
        imprint.finish()?;
        let serial = fields.integer()?.to_vec();
        let time = fields.time()?;
        let accuracy = fields.optional(der::SEQUENCE)?.map(|one| accuracy(one.content));
        fields.optional(der::BOOLEAN)?;
        let nonce = fields.optional(der::INTEGER)?.map(|one| der::integer(one.content));
        let nonce = nonce.transpose()?.map(<[u8]>::to_vec);
        let _authority = fields.optional(0xa0)?;
        let _extensions = fields.optional(0xa1)?;
        fields.finish()?;
        let accuracy = accuracy.transpose()?;
        Ok(Self { policy, digest, imprint: hashed, serial, time, accuracy, nonce })
    }
}

fn accuracy(content: &[u8]) -> Result<Duration, TimestampError> {
    let mut fields = Reader::new(content);
    let mut part = |tag| -> Result<i64, TimestampError> {
        let part = fields.optional(tag)?.map(|one| der::small(one.content));
        Ok(i64::from(part.transpose()?.unwrap_or(0)))
    };
    let (seconds, millis, micros) = (part(der::INTEGER)?, part(0x80)?, part(0x81)?);
    fields.finish()?;
    Ok(Duration::seconds(seconds) + Duration::milliseconds(millis) + Duration::microseconds(micros))
}
