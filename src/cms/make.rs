//! Making a signature in two steps: what is to be signed goes out, the value comes in.

use rasn::prelude::*;
use rasn::types::UtcTime;
use rasn_cms::{AlgorithmIdentifier, ContentInfo, EncapsulatedContentInfo};
use time::OffsetDateTime;

use super::content::Signed;
use super::read::{SignedMessage, Signer, whole};
use super::wire::{
    AttributeSet, CONTENT_TYPE, COUNTER_SIGNATURE, CertificateIdV2, DATA, IssuerAndSerial,
    MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2, SIGNING_TIME, Serial, SignedData,
    SignerIdentifier, SignerInfo, SigningCertificateV2, as_set, attribute, dotted, encode, oid,
};
use super::{CmsError, Content};
use crate::crypto::{SignatureAlgorithm, ValueForm, digest, ecdsa_fixed_to_der, verify};
use crate::limits;
use crate::reason::ReasonCode;
use crate::signature::FoundSignature;
use crate::x509::{Certificate, known_certificate};

/// What a signature says beside the content.
#[derive(Clone, Debug, Default)]
pub struct SigningOptions {
    /// The claimed signing time, as a signed attribute. PAdES forbids it (EN 319 142-1 §6.3).
    pub signing_time: Option<OffsetDateTime>,
    /// The content to be carried inside; `None` makes a detached signature.
    pub content: Option<Vec<u8>>,
    /// Certificates carried beside the signer's own, for example its issuers.
    pub certificates: Vec<Certificate>,
}

/// A signature that lacks nothing but its value. It survives between two calls as octets.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub struct Prepared {
    attributes: OctetString,
    algorithm: ObjectIdentifier,
    certificates: SequenceOf<OctetString>,
    content: Option<OctetString>,
    /// The message the signer is added to.
    #[rasn(tag(0))]
    message: Option<OctetString>,
    /// The signer in it that is counter-signed, counted from 0.
    #[rasn(tag(1))]
    counter_signed: Option<u64>,
}

/// Prepares a signature over the content with this digest (by the algorithm's own digest).
///
/// # Errors
/// [`CmsError::WrongDigest`] for a digest of another length or content,
/// [`CmsError::Unsupported`] for an algorithm this program does not sign with.
pub fn prepare(
    content_digest: &[u8],
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: SigningOptions,
) -> Result<Prepared, CmsError> {
    let fits = content_digest.len() == algorithm.digest().length();
    let content_fits = options
        .content
        .as_deref()
        .is_none_or(|content| digest(algorithm.digest(), content) == content_digest);
    if !fits || !content_fits {
        return Err(CmsError::WrongDigest);
    }
    prepared(Some(oid(DATA)), content_digest, certificate, algorithm, options)
}

/// Prepares one more signer of a message, beside those it has: their octets stay as they are.
///
/// # Errors
/// As [`prepare`]; [`CmsError::WrongDigest`] where the content is missing or is not the one the
/// message was made over as far as it says.
pub fn prepare_beside(
    message: &[u8],
    content: &Content<'_>,
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: SigningOptions,
) -> Result<Prepared, CmsError> {
    let read = whole(message)?;
    let faulty = |found: &FoundSignature| {
        let codes = [ReasonCode::ContentChanged, ReasonCode::ContentMissing, ReasonCode::Refused];
        found.faults.iter().any(|fault| codes.contains(&fault.code))
    };
    if options.content.is_some() || read.signatures(content).iter().any(faulty) {
        return Err(CmsError::WrongDigest);
    }
    let inside = read.signed.encap_content_info.content.as_deref();
    let digest = Signed::of(inside, content).digest(algorithm.digest());
    let digest = digest.ok_or(CmsError::WrongDigest)?;
    let kind = read.signed.encap_content_info.content_type.clone();
    let prepared = prepared(Some(kind), &digest, certificate, algorithm, options)?;
    Ok(Prepared { message: Some(read.write()?.into()), ..prepared })
}

/// Prepares a counter-signature (RFC 5652 §11.4) of signer `n` of a message, in the order of
/// [`super::read`].
///
/// # Errors
/// As [`prepare`]; [`CmsError::NoSuchSigner`].
pub fn prepare_counter(
    message: &[u8],
    n: usize,
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: SigningOptions,
) -> Result<Prepared, CmsError> {
    let read = whole(message)?;
    if options.content.is_some() {
        return Err(CmsError::WrongDigest);
    }
    let digest = digest(algorithm.digest(), &read.signer(n)?.info.signature);
    let prepared = prepared(None, &digest, certificate, algorithm, options)?;
    Ok(Prepared { message: Some(read.write()?.into()), counter_signed: Some(n as u64), ..prepared })
}

fn prepared(
    content_type: Option<ObjectIdentifier>,
    content_digest: &[u8],
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: SigningOptions,
) -> Result<Prepared, CmsError> {
    // A row without an identifier of its own (RSASSA-PSS) is verified only.
    let identifier = algorithm.row().oids.first().copied();
    let identifier = identifier
        .ok_or(crate::crypto::UnsupportedAlgorithm { name: algorithm.row().name.to_owned() })?;
    let mut attributes = vec![
        signed(MESSAGE_DIGEST, &OctetString::from(content_digest.to_vec()))?,
        signed(SIGNING_CERTIFICATE_V2, &signing_certificate(certificate))?,
    ];
    if let Some(kind) = content_type {
        attributes.push(signed(CONTENT_TYPE, &kind)?);
    }
    if let Some(time) = options.signing_time {
        attributes.push(signing_time(time)?);
    }
    as_set(&mut attributes);
    let carried = std::iter::once(certificate).chain(&options.certificates);
    Ok(Prepared {
        attributes: encode(&AttributeSet(attributes))?.into(),
        algorithm: oid(identifier),
        certificates: carried.map(|one| one.der().to_vec().into()).collect(),
        content: options.content.map(OctetString::from),
        message: None,
        counter_signed: None,
    })
}

impl Prepared {
    /// The octets to be signed: the DER `SET OF` signed attributes (RFC 5652 §5.4).
    pub fn to_be_signed(&self) -> &[u8] {
        &self.attributes
    }

    /// Puts the value in (ECDSA as r ‖ s, as every [`crate::token::Signer`] gives it) and returns
    /// the finished `SignedData`, DER. A value that does not verify never leaves.
    ///
    /// # Errors
    /// [`CmsError::WrongValue`]; [`CmsError::Malformed`] if stored octets were damaged.
    pub fn complete(self, value: &[u8]) -> Result<Vec<u8>, CmsError> {
        let (signer, digest_algorithm) = self.signer(value)?;
        let signer = Any::new(encode(&signer)?);
        let certificates = self.certificates.iter().map(|der| Any::new(der.to_vec()));
        let mut certificates: Vec<Any> = certificates.collect();
        as_set(&mut certificates);
        let Some(message) = self.message else {
            let signed = SignedData {
                version: 1.into(),
                digest_algorithms: vec![digest_algorithm],
                encap_content_info: EncapsulatedContentInfo {
                    content_type: oid(DATA),
                    content: self.content,
                },
                certificates: Some(certificates),
                crls: None,
                signer_infos: vec![signer],
            };
            let content = Any::new(encode(&signed)?);
            return encode(&ContentInfo { content_type: oid(SIGNED_DATA), content });
        };
        let mut message = whole(&message)?;
        message.add_certificates(certificates)?;
        match self.counter_signed {
            Some(n) => {
                let n = usize::try_from(n).unwrap_or(usize::MAX);
                message.add_unsigned(n, attribute(COUNTER_SIGNATURE, signer)?)?;
            }
            None => message.add_signer(signer, digest_algorithm)?,
        }
        message.write()
    }

    fn signer(&self, value: &[u8]) -> Result<(SignerInfo, AlgorithmIdentifier), CmsError> {
        let algorithm = SignatureAlgorithm::from_oid(&dotted(&self.algorithm))?;
        let certificate = self.certificates.first().and_then(|der| known_certificate(der));
        let certificate =
            certificate.ok_or_else(|| CmsError::Malformed("no signing certificate".to_owned()))?;
        let key = certificate.public_key();
        verify(algorithm, ValueForm::Fixed, key, &self.attributes, value)
            .map_err(|_| CmsError::WrongValue)?;
        let value = match algorithm.is_ecdsa() {
            true => ecdsa_fixed_to_der(value).ok_or(CmsError::WrongValue)?,
            false => value.to_vec(),
        };
        // RFC 5754: SHA-2 identifiers have no parameters (§2), RSA ones have NULL (§3.2), ECDSA
        // ones have none (§3.3).
        let digest_algorithm = AlgorithmIdentifier {
            algorithm: oid(algorithm.digest().row().oids.first().copied().unwrap_or_default()),
            parameters: None,
        };
        let null = if algorithm.is_ecdsa() { None } else { Some(Any::new(encode(&())?)) };
        let attributes: AttributeSet = rasn::der::decode(&self.attributes).map_err(malformed)?;
        let signer = SignerInfo {
            version: 1.into(),
            sid: SignerIdentifier::IssuerAndSerial(IssuerAndSerial {
                issuer: Any::new(certificate.issuer().der().to_vec()),
                serial: Serial(certificate.serial().to_vec().into()),
            }),
            digest_algorithm: digest_algorithm.clone(),
            signed_attributes: Some(attributes.0),
            signature_algorithm: AlgorithmIdentifier {
                algorithm: self.algorithm.clone(),
                parameters: null,
            },
            signature: value.into(),
            unsigned_attributes: None,
        };
        Ok((signer, digest_algorithm))
    }

    /// Octets to store between two calls.
    ///
    /// # Errors
    /// [`CmsError::Malformed`] if it cannot be encoded, which no prepared signature meets.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CmsError> {
        encode(self)
    }

    /// Takes stored octets back.
    ///
    /// # Errors
    /// [`CmsError::Malformed`].
    pub fn from_bytes(stored: &[u8]) -> Result<Self, CmsError> {
        rasn::der::decode(stored).map_err(malformed)
    }
}

impl SignedMessage {
    fn add_signer(&mut self, signer: Any, digest: AlgorithmIdentifier) -> Result<(), CmsError> {
        if self.signers.len() >= limits::SIGNATURES {
            return Err(CmsError::TooMany("signers"));
        }
        let known = |one: &AlgorithmIdentifier| one.algorithm == digest.algorithm;
        if !self.signed.digest_algorithms.iter().any(known) {
            self.signed.digest_algorithms.push(digest);
        }
        self.signers.push(Signer::read(signer.as_bytes())?);
        // Behind the others, so that their numbers stay. Only what is signed must be DER
        // (RFC 5652 §2).
        self.signed.signer_infos.push(signer);
        Ok(())
    }
}

fn signing_certificate(certificate: &Certificate) -> SigningCertificateV2 {
    // SHA-256 is the default and left out; the issuer and serial are a hint nobody needs
    // (EN 319 122-1 §5.2.2.3).
    let id = CertificateIdV2 {
        hash_algorithm: None,
        hash: certificate.fingerprint().into(),
        issuer_serial: None,
    };
    SigningCertificateV2 { certificates: vec![id], policies: None }
}

fn signing_time(time: OffsetDateTime) -> Result<Any, CmsError> {
    let unrepresentable = || CmsError::Malformed("the signing time is out of range".to_owned());
    let utc = UtcTime::from_timestamp(time.unix_timestamp(), 0).ok_or_else(unrepresentable)?;
    // RFC 5652 §11.3: two-digit years from 1950 to 2049, four digits outside.
    match time.to_offset(time::UtcOffset::UTC).year() {
        1950..=2049 => signed(SIGNING_TIME, &utc),
        _ => signed(SIGNING_TIME, &GeneralizedTime::from(utc)),
    }
}

fn signed<T: Encode>(kind: &str, value: &T) -> Result<Any, CmsError> {
    attribute(kind, Any::new(encode(value)?))
}

fn malformed(error: rasn::error::DecodeError) -> CmsError {
    CmsError::Malformed(error.to_string())
}
