//! The online certificate status protocol (RFC 6960): the request, and the response in full.

use time::OffsetDateTime;

use super::der::{self, DerError, Reader};
use super::revocation::{CERTIFICATE_HOLD, Freshness, RevocationStatus};
use super::rules::purpose_allows;
use super::signed::{AlgorithmIdentifier, Signed};
use super::{Certificate, Name, Purpose, known_certificate};
use crate::crypto::{DigestAlgorithm, VerifyError, digest};
use crate::limits;

/// The media type of a request.
pub const REQUEST_TYPE: &str = "application/ocsp-request";

const BASIC: &str = "1.3.6.1.5.5.7.48.1.1";
const NONCE: &str = "1.3.6.1.5.5.7.48.1.2";
const NO_CHECK: &str = "1.3.6.1.5.5.7.48.1.5";
const ARCHIVE_CUTOFF: &str = "1.3.6.1.5.5.7.48.1.6";
const EXTENDED_REVOKE: &str = "1.3.6.1.5.5.7.48.1.9";

/// A request for the status of one certificate.
#[derive(Clone, Debug)]
pub struct OcspRequest {
    id: CertificateId,
    nonce: Option<Vec<u8>>,
}

/// Why a response was not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// Not a DER OCSP response, or too large.
    #[error("not an OCSP response: {0}")]
    Malformed(&'static str),
    /// The responder answered with an error status (RFC 6960 §4.2.1).
    #[error("the responder answered {0}")]
    Refused(&'static str),
    /// The response answers for other certificates.
    #[error("the response is about another certificate")]
    OtherCertificate,
    /// The nonce is not the one sent.
    #[error("the nonce of the response is not the one sent")]
    WrongNonce,
    /// The signer is neither the issuer nor a responder it authorised.
    #[error("the response is not signed by an authorised responder: {0}")]
    Unauthorised(String),
    /// The signature value is wrong.
    #[error("the signature of the response is wrong")]
    WrongSignature,
    /// The response is signed with an algorithm that is not implemented or not accepted.
    #[error("unsupported algorithm: {0}")]
    Unsupported(String),
    /// The response is too old, or from the future.
    #[error("the response is {0}")]
    Stale(String),
}

impl OcspError {
    /// Whether the response is as useless for any other time of judgement.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Stale(_) | Self::Unsupported(_))
    }
}

/// What a believed response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspAnswer {
    /// The status at the time of judgement.
    pub status: RevocationStatus,
    /// When the status was known to be right.
    pub this_update: OffsetDateTime,
    /// When a newer answer is due.
    pub next_update: Option<OffsetDateTime>,
    /// When the response was signed.
    pub produced_at: OffsetDateTime,
    /// What else a person should know.
    pub note: Option<String>,
    /// The delegated responder, if the issuer did not sign itself.
    pub responder: Option<Certificate>,
    /// Whether the responder's own revocation must be asked (it has no `ocsp-nocheck`).
    pub check_responder: bool,
}

/// What a response is checked against.
#[derive(Clone, Copy, Debug)]
pub struct OcspCheck<'a> {
    /// The certificate asked about.
    pub certificate: &'a Certificate,
    /// Its issuer.
    pub issuer: &'a Certificate,
    /// The nonce sent, if this is the answer to a request of ours.
    pub nonce: Option<&'a [u8]>,
    /// The time of judgement.
    pub at: OffsetDateTime,
    /// The time now.
    pub now: OffsetDateTime,
    /// How old the response may be.
    pub freshness: Freshness,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct CertificateId {
    hash: Option<DigestAlgorithm>,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
    serial: Vec<u8>,
}

/// A response as it was received; nothing in it is believed before [`OcspResponse::check`].
#[derive(Clone, Debug)]
pub struct OcspResponse {
    signed_octets: Vec<u8>,
    algorithm: AlgorithmIdentifier,
    signature: Vec<u8>,
    responder: Responder,
    produced_at: OffsetDateTime,
    singles: Vec<Single>,
    nonce: Option<Vec<u8>>,
    extended_revoke: bool,
    certificates: Vec<Certificate>,
}

#[derive(Clone, Debug)]
enum Responder {
    Name(Name),
    Key(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Single {
    id: CertificateId,
    status: Status,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    archive_cutoff: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    Good,
    Revoked(OffsetDateTime, Option<u8>),
    Unknown,
}

impl OcspRequest {
    /// A request about `certificate` of `issuer`; `nonce` has 1 to 32 octets (RFC 8954 §2.1).
    pub fn new(
        certificate: &Certificate,
        issuer: &Certificate,
        hash: DigestAlgorithm,
        nonce: Option<Vec<u8>>,
    ) -> Self {
        Self { id: CertificateId::new(certificate, issuer, hash), nonce }
    }

    /// The DER of the request.
    pub fn to_der(&self) -> Vec<u8> {
        let request = der::write(der::SEQUENCE, &[&self.id.to_der()]);
        let list = der::write(der::SEQUENCE, &[&request]);
        let extensions = self.nonce.as_ref().map_or_else(Vec::new, |nonce| {
            let value = der::write(der::OCTET_STRING, &[nonce]);
            let value = der::write(der::OCTET_STRING, &[&value]);
            let extension = der::write(der::SEQUENCE, &[&der::write_oid(NONCE), &value]);
            der::write(0xa2, &[&der::write(der::SEQUENCE, &[&extension])])
        });
        let tbs = der::write(der::SEQUENCE, &[&list, &extensions]);
        der::write(der::SEQUENCE, &[&tbs])
    }
}

impl CertificateId {
    fn new(certificate: &Certificate, issuer: &Certificate, hash: DigestAlgorithm) -> Self {
        Self {
            hash: Some(hash),
            // Over the name as the certificate writes it (RFC 6960 §4.1.1).
            name_hash: digest(hash, certificate.issuer().der()),
            key_hash: digest(hash, &issuer.public_key().octets),
            serial: certificate.serial().to_vec(),
        }
    }

    fn to_der(&self) -> Vec<u8> {
        let oid = self.hash.and_then(|hash| hash.row().oids.first()).copied().unwrap_or_default();
        let algorithm = der::write(der::SEQUENCE, &[&der::write_oid(oid), &[der::NULL, 0]]);
        let parts = [
            &algorithm,
            &der::write(der::OCTET_STRING, &[&self.name_hash]),
            &der::write(der::OCTET_STRING, &[&self.key_hash]),
            &der::write(der::INTEGER, &[&self.serial]),
        ];
        der::write(der::SEQUENCE, &parts.map(Vec::as_slice))
    }

    fn read(mut fields: Reader<'_>) -> Result<Self, DerError> {
        let algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let id = Self {
            hash: DigestAlgorithm::from_oid(&algorithm.oid).ok(),
            name_hash: fields.expect(der::OCTET_STRING)?.content.to_vec(),
            key_hash: fields.expect(der::OCTET_STRING)?.content.to_vec(),
            serial: fields.integer()?.to_vec(),
        };
        fields.finish().map(|()| id)
    }

    // Compared under the hash the responder chose: some answer SHA-256 with SHA-1.
    fn is_about(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.serial == certificate.serial()
            && self.hash.is_some_and(|hash| *self == Self::new(certificate, issuer, hash))
    }
}

impl OcspResponse {
    /// Reads a DER response.
    ///
    /// # Errors
    /// [`OcspError::Malformed`], or [`OcspError::Refused`] for a response that is only an error.
    pub fn read(der: &[u8]) -> Result<Self, OcspError> {
        if der.len() > limits::OCSP_BYTES {
            return Err(OcspError::Malformed("too large"));
        }
        read(der).map_err(|DerError(what)| OcspError::Malformed(what))?
    }

    /// Reads a bare `BasicOCSPResponse`, as CMS revocation values hold it (RFC 5126 §6.3.4).
    ///
    /// # Errors
    /// [`OcspError::Malformed`].
    pub fn read_basic(der: &[u8]) -> Result<Self, OcspError> {
        let octets = der::write(der::OCTET_STRING, &[der]);
        let bytes = der::write(der::SEQUENCE, &[&der::write_oid(BASIC), &octets]);
        let status = [der::ENUMERATED, 1, 0];
        Self::read(&der::write(der::SEQUENCE, &[&status, &der::write(0xa0, &[&bytes])]))
    }

    /// Checks everything RFC 6960 §3.2 asks and says what the response means.
    ///
    /// # Errors
    /// [`OcspError`] with the first thing that is wrong.
    pub fn check(&self, check: &OcspCheck<'_>) -> Result<OcspAnswer, OcspError> {
        let mut singles = self.singles.iter();
        let single = singles
            .find(|single| single.id.is_about(check.certificate, check.issuer))
            .ok_or(OcspError::OtherCertificate)?;
        // A missing nonce is what responders send that answer from a cache (RFC 8954 §2.1); the
        // period then says how old the answer is.
        if let (Some(sent), Some(received)) = (check.nonce, &self.nonce)
            && sent != received
        {
            return Err(OcspError::WrongNonce);
        }
        // Before the responder, whose certificate may not have been valid when an old response was
        // made: that would be the less useful reason.
        let period = (single.this_update, single.next_update);
        check.freshness.check(period, None, check.at, check.now).map_err(OcspError::Stale)?;
        if self.produced_at > check.now.saturating_add(check.freshness.skew) {
            return Err(OcspError::Stale("made in the future".to_owned()));
        }
        let responder = self.verify(check)?;
        let (status, note) = self.status(single, check);
        let check_responder =
            responder.as_ref().is_some_and(|responder| !responder.has_extension(NO_CHECK));
        Ok(OcspAnswer {
            status,
            this_update: single.this_update,
            next_update: single.next_update,
            produced_at: self.produced_at,
            note,
            responder,
            check_responder,
        })
    }

    fn status(&self, single: &Single, check: &OcspCheck<'_>) -> (RevocationStatus, Option<String>) {
        let expired = check.certificate.not_after() < single.this_update;
        match single.status {
            // RFC 6960 §4.4.4: an expired certificate may be forgotten unless the responder says
            // how far back it remembers.
            Status::Good
                if expired
                    && single
                        .archive_cutoff
                        .is_none_or(|cutoff| check.certificate.not_after() < cutoff) =>
            {
                let note = "the responder was asked after the certificate had expired";
                (RevocationStatus::Unknown, Some(note.to_owned()))
            }
            Status::Good => (RevocationStatus::Good, None),
            // RFC 6960 §2.2: this is how a certificate that was never issued is reported.
            Status::Revoked(since, Some(CERTIFICATE_HOLD))
                if self.extended_revoke && since == OffsetDateTime::UNIX_EPOCH =>
            {
                let note = "the authority says it never issued this certificate".to_owned();
                (RevocationStatus::Revoked { at: since, reason: None }, Some(note))
            }
            Status::Revoked(since, reason) => {
                let note = (since > check.at).then(|| format!("revoked later, on {since}"));
                (RevocationStatus::revoked(check.at, since, reason), note)
            }
            Status::Unknown => {
                let note = "the responder does not know this certificate".to_owned();
                (RevocationStatus::Unknown, Some(note))
            }
        }
    }

    // RFC 6960 §4.2.2.2: signed by the issuer, or by a certificate the issuer itself issued for
    // this; the third way, a locally trusted responder, is not offered.
    fn verify(&self, check: &OcspCheck<'_>) -> Result<Option<Certificate>, OcspError> {
        let signed = Signed {
            octets: &self.signed_octets,
            algorithm: &self.algorithm,
            value: &self.signature,
        };
        let issuer = check.issuer;
        if self.responder.is(issuer) {
            return signed.verify(issuer.public_key(), check.at).map(|()| None).map_err(refused);
        }
        let mut named = self.certificates.iter().filter(|one| self.responder.is(one)).peekable();
        if named.peek().is_none() {
            return Err(OcspError::Unauthorised("its certificate is missing".to_owned()));
        }
        let judged = named.map(|one| self.delegated(one, check, &signed).map(|()| one));
        judged
            .reduce(Result::or)
            .map_or(Err(OcspError::WrongSignature), |one| Ok(one?.clone()))
            .map(Some)
    }

    fn delegated(
        &self,
        responder: &Certificate,
        check: &OcspCheck<'_>,
        signed: &Signed<'_>,
    ) -> Result<(), OcspError> {
        let unauthorised = |why: &str| Err(OcspError::Unauthorised(why.to_owned()));
        if !responder.issuer().matches(check.issuer.subject()) {
            return unauthorised("another authority issued its certificate");
        }
        match responder.signed().verify(check.issuer.public_key(), check.at) {
            Ok(()) => {}
            Err(VerifyError::Unsupported(error)) => return Err(OcspError::Unsupported(error.name)),
            Err(_) => return unauthorised("the issuer did not sign its certificate"),
        }
        purpose_allows(responder, Purpose::OcspResponder, self.produced_at)
            .map_err(|reason| OcspError::Unauthorised(reason.to_string()))?;
        signed.verify(responder.public_key(), check.at).map_err(refused)
    }
}

impl Responder {
    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => name.matches(certificate.subject()),
            Self::Key(hash) => {
                *hash == digest(DigestAlgorithm::Sha1, &certificate.public_key().octets)
            }
        }
    }
}

fn refused(error: VerifyError) -> OcspError {
    match error {
        VerifyError::Unsupported(error) => OcspError::Unsupported(error.name),
        VerifyError::Wrong | VerifyError::WrongKey => OcspError::WrongSignature,
    }
}

fn read(octets: &[u8]) -> Result<Result<OcspResponse, OcspError>, DerError> {
    let mut outer = Reader::only(octets, der::SEQUENCE)?;
    let status = outer.expect(der::ENUMERATED)?.content;
    let refused = |what| Ok(Err(OcspError::Refused(what)));
    match status {
        [0] => {}
        [1] => return refused("malformedRequest"),
        [2] => return refused("internalError"),
        [3] => return refused("tryLater"),
        [5] => return refused("sigRequired"),
        [6] => return refused("unauthorized"),
        _ => return Err(DerError("an unknown status")),
    }
    let mut bytes = Reader::only(outer.expect(0xa0)?.content, der::SEQUENCE)?;
    outer.finish()?;
    if bytes.oid()? != BASIC {
        return Err(DerError("a response of an unknown type"));
    }
    let basic = bytes.expect(der::OCTET_STRING)?.content;
    bytes.finish()?;

    let mut basic = Reader::only(basic, der::SEQUENCE)?;
    let data = basic.expect(der::SEQUENCE)?;
    let algorithm = AlgorithmIdentifier::read(&mut basic)?;
    let signature = der::octets_of_bits(basic.expect(der::BIT_STRING)?.content)?.to_vec();
    let mut certificates = Vec::new();
    if let Some(list) = basic.optional(0xa0)? {
        let mut list = Reader::only(list.content, der::SEQUENCE)?;
        while !list.is_empty() && certificates.len() < limits::CERTIFICATES {
            // A certificate that does not read is no help, and no harm to the others.
            certificates.extend(known_certificate(list.element()?.whole));
        }
    }
    basic.finish()?;

    let mut fields = Reader::new(data.content);
    if let Some(version) = fields.optional(0xa0)?
        && version.content != [der::INTEGER, 1, 0]
    {
        return Err(DerError("an unknown version"));
    }
    let responder = fields.element()?;
    let responder = match responder.tag {
        0xa1 => Responder::Name(Name::from_der(responder.content)?),
        0xa2 => {
            let mut hash = Reader::new(responder.content);
            Responder::Key(hash.expect(der::OCTET_STRING)?.content.to_vec())
        }
        _ => return Err(DerError("not a responder")),
    };
    let produced_at = fields.time()?;
    let mut singles = Vec::new();
    let mut list = fields.enter(der::SEQUENCE)?;
    while !list.is_empty() {
        singles.push(Single::read(list.enter(der::SEQUENCE)?)?);
    }
    let mut response = OcspResponse {
        signed_octets: data.whole.to_vec(),
        algorithm,
        signature,
        responder,
        produced_at,
        singles,
        nonce: None,
        extended_revoke: false,
        certificates,
    };
    if let Some(extensions) = fields.optional(0xa1)? {
        each_extension(extensions.content, |oid, value| {
            match oid {
                // Some responders leave out the inner OCTET STRING.
                NONCE => {
                    let inner = Reader::new(value).expect(der::OCTET_STRING);
                    response.nonce = Some(inner.map_or(value, |inner| inner.content).to_vec());
                }
                EXTENDED_REVOKE => response.extended_revoke = true,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
    }
    fields.finish()?;
    Ok(Ok(response))
}

impl Single {
    fn read(mut fields: Reader<'_>) -> Result<Self, DerError> {
        let id = CertificateId::read(fields.enter(der::SEQUENCE)?)?;
        let status = fields.element()?;
        let status = match status.tag {
            0x80 => Status::Good,
            0x82 => Status::Unknown,
            0xa1 => {
                let mut revoked = Reader::new(status.content);
                let since = revoked.time()?;
                let reason = match revoked.optional(0xa0)? {
                    None => None,
                    Some(reason) => {
                        let code = Reader::new(reason.content).expect(der::ENUMERATED)?;
                        u8::try_from(der::small(code.content)?).ok()
                    }
                };
                Status::Revoked(since, reason)
            }
            _ => return Err(DerError("an unknown certificate status")),
        };
        let this_update = fields.time()?;
        let next_update = match fields.optional(0xa0)? {
            None => None,
            Some(next) => Some(Reader::new(next.content).time()?),
        };
        let mut archive_cutoff = None;
        if let Some(extensions) = fields.optional(0xa1)? {
            each_extension(extensions.content, |oid, value| {
                if oid == ARCHIVE_CUTOFF {
                    archive_cutoff = Some(Reader::new(value).time()?);
                }
                Ok(oid == ARCHIVE_CUTOFF)
            })?;
        }
        fields.finish()?;
        Ok(Self { id, status, this_update, next_update, archive_cutoff })
    }
}

// `take` says whether it understood the extension; a critical one must be.
fn each_extension(
    list: &[u8],
    mut take: impl FnMut(&str, &[u8]) -> Result<bool, DerError>,
) -> Result<(), DerError> {
    let mut list = Reader::only(list, der::SEQUENCE)?;
    while !list.is_empty() {
        let mut fields = list.enter(der::SEQUENCE)?;
        let oid = fields.oid()?;
        let critical = fields.optional(der::BOOLEAN)?;
        let critical = critical.map_or(Ok(false), |element| der::boolean(element.content))?;
        let value = fields.expect(der::OCTET_STRING)?.content;
        fields.finish()?;
        if !take(&oid, value)? && critical {
            return Err(DerError("an unknown critical extension"));
        }
    }
    Ok(())
}
