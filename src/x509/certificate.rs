//! One certificate (RFC 5280 §4), parsed once and kept with its received octets.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use time::OffsetDateTime;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::nom::Parser as _;

use super::der::{self, DerError, Reader};
use super::extensions::{BasicConstraints, DistributionPoint, Extensions, KeyUsage};
use super::signed::{AlgorithmIdentifier, Signed};
use super::{GeneralName, Name};
use crate::crypto::{
    DigestAlgorithm, GostCurve, KeyKind, PublicKey, SignatureAlgorithm, UnsupportedAlgorithm,
    digest, hex,
};
use crate::identity::Holder;
use crate::limits;

/// A certificate. Cloning shares the octets.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

/// Why octets are no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Larger than [`limits::CERTIFICATE_BYTES`].
    #[error("the certificate is larger than {} bytes", limits::CERTIFICATE_BYTES)]
    TooLarge,
    /// Not a DER certificate, or something follows it.
    #[error("not an X.509 certificate: {0}")]
    Malformed(String),
}

struct Inner {
    der: Vec<u8>,
    tbs: Range<usize>,
    version: u32,
    algorithm: AlgorithmIdentifier,
    signature: Vec<u8>,
    serial: Vec<u8>,
    subject: Name,
    issuer: Name,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    public_key: PublicKey,
    extensions: Extensions,
    /// SHA-256 of the octets and of the key, worked out when first asked for.
    digest: OnceLock<[u8; 32]>,
    key_digest: OnceLock<[u8; 32]>,
    holder: OnceLock<Holder>,
}

impl Certificate {
    /// Parses one DER certificate; nothing may follow it.
    ///
    /// # Errors
    /// [`CertificateError`] for anything else. Algorithms are not judged here.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > limits::CERTIFICATE_BYTES {
            return Err(CertificateError::TooLarge);
        }
        Inner::new(der).map(|inner| Self(Arc::new(inner)))
    }

    /// Parses a certificate in DER or PEM (RFC 7468); the first PEM block counts.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn from_der_or_pem(octets: &[u8]) -> Result<Self, CertificateError> {
        if !octets.trim_ascii_start().starts_with(b"-----BEGIN") {
            return Self::from_der(octets);
        }
        let (_, pem) = x509_parser::pem::parse_x509_pem(octets.trim_ascii_start())
            .map_err(|error| CertificateError::Malformed(error.to_string()))?;
        Self::from_der(&pem.contents)
    }

    /// The certificate's octets.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The octets its issuer signed (`tbsCertificate`).
    pub fn tbs(&self) -> &[u8] {
        &self.0.der[self.0.tbs.clone()]
    }

    /// The issuer's signature value.
    pub fn signature(&self) -> &[u8] {
        &self.0.signature
    }

    /// The algorithm its issuer signed with.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] by name.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
        self.0.algorithm.signature()
    }

    /// The dotted identifier and the DER parameters of the issuer's signature algorithm.
    pub fn signature_identifier(&self) -> (&str, Option<&[u8]>) {
        (&self.0.algorithm.oid, self.0.algorithm.parameters.as_deref())
    }

    /// What its issuer signed, with the value.
    pub(crate) fn signed(&self) -> Signed<'_> {
        Signed { octets: self.tbs(), algorithm: &self.0.algorithm, value: self.signature() }
    }

    /// The serial number's octets as encoded (big-endian two's complement).
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// The serial number in lower-case hexadecimal, without leading zero octets.
    pub fn serial_hex(&self) -> String {
        let start = self.0.serial.iter().position(|octet| *octet != 0).unwrap_or(0);
        hex(&self.0.serial[start..])
    }

    /// The subject's name.
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// The issuer's name.
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// First moment of validity.
    pub fn not_before(&self) -> OffsetDateTime {
        self.0.not_before
    }

    /// Last moment of validity.
    pub fn not_after(&self) -> OffsetDateTime {
        self.0.not_after
    }

    /// The certified key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// The version: 1 or 3.
    pub fn version(&self) -> u32 {
        self.0.version
    }

    /// Key usage, if the extension is present.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.extensions.key_usage
    }

    /// Extended key usage as dotted identifiers, if the extension is present.
    pub fn extended_key_usage(&self) -> Option<&[String]> {
        self.0.extensions.extended_key_usage.as_deref()
    }

    /// Whether the extended key usage names this dotted identifier.
    pub fn has_extended_key_usage(&self, oid: &str) -> bool {
        self.extended_key_usage().is_some_and(|all| all.iter().any(|known| known == oid))
    }

    /// Basic constraints, if the extension is present.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.extensions.basic_constraints
    }

    /// Certificate policies as dotted identifiers.
    pub fn policies(&self) -> &[String] {
        &self.0.extensions.policies
    }

    /// Subject alternative names.
    pub fn alternative_names(&self) -> &[GeneralName] {
        &self.0.extensions.alternative_names
    }

    /// Subject key identifier.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_id.as_deref()
    }

    /// Authority key identifier.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_id.as_deref()
    }

    /// Where CRLs about the certificate are found.
    pub fn crl_points(&self) -> &[DistributionPoint] {
        &self.0.extensions.crl_points
    }

    /// Addresses of CRLs from the distribution points.
    pub fn crl_urls(&self) -> &[Arc<str>] {
        &self.0.extensions.crl_urls
    }

    /// Addresses of delta CRLs (RFC 5280 §4.2.1.15).
    pub fn delta_crl_urls(&self) -> &[Arc<str>] {
        &self.0.extensions.delta_crl_urls
    }

    /// Addresses of OCSP responders from the authority information access.
    pub fn ocsp_urls(&self) -> &[String] {
        &self.0.extensions.ocsp_urls
    }

    /// Addresses of issuer certificates from the authority information access.
    pub fn issuer_urls(&self) -> &[String] {
        &self.0.extensions.issuer_urls
    }

    /// Dotted identifiers of the extensions marked critical.
    pub fn critical_extensions(&self) -> &[String] {
        &self.0.extensions.critical
    }

    /// Whether an extension with this dotted identifier is present.
    pub fn has_extension(&self, oid: &str) -> bool {
        self.0.extensions.all.iter().any(|known| known == oid)
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// Tells two certificates of one search apart without comparing octets.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// SHA-256 over the certificate's octets.
    pub fn fingerprint(&self) -> Vec<u8> {
        self.digest().to_vec()
    }

    /// The same, worked out once.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        self.0.digest.get_or_init(|| sha256(self.der()))
    }

    /// SHA-256 over the certified key (`SubjectPublicKeyInfo`), worked out once.
    pub(crate) fn key_digest(&self) -> &[u8; 32] {
        self.0.key_digest.get_or_init(|| sha256(&self.public_key().spki))
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject().matches(self.issuer())
    }

    /// Person, organisation and roles by the national profile.
    pub fn holder(&self) -> Holder {
        self.held_by().clone()
    }

    /// The same, worked out once.
    pub(crate) fn held_by(&self) -> &Holder {
        self.0.holder.get_or_init(|| {
            let usages = self.extended_key_usage().unwrap_or_default();
            Holder::from_subject(self.subject().attributes(), usages.iter().map(String::as_str))
        })
    }
}

impl Inner {
    fn new(der: &[u8]) -> Result<Self, CertificateError> {
        let malformed = |what: &str| CertificateError::Malformed(what.to_owned());
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let (rest, parsed) = nom_parse(&mut parser, der)?;
        if !rest.is_empty() {
            return Err(malformed("octets follow the certificate"));
        }
        let (tbs, algorithm) = envelope(der)?;
        let spki = parsed.public_key();
        let validity = parsed.validity();
        let mut extensions = Extensions::default();
        for extension in parsed.extensions() {
            let oid = extension.oid.to_id_string();
            if extensions.all.contains(&oid) {
                return Err(CertificateError::Malformed(format!("extension {oid} stands twice")));
            }
            extensions.take(oid, extension.critical, extension.value);
        }
        Ok(Self {
            der: der.to_vec(),
            tbs,
            version: parsed.version().0 + 1,
            algorithm,
            signature: parsed.signature_value.data.to_vec(),
            serial: parsed.tbs_certificate.raw_serial().to_vec(),
            subject: Name::new(parsed.subject()),
            issuer: Name::new(parsed.issuer()),
            not_before: validity.not_before.to_datetime(),
            not_after: validity.not_after.to_datetime(),
            public_key: PublicKey {
                kind: key_kind(spki),
                octets: spki.subject_public_key.data.to_vec(),
                spki: spki.raw.to_vec(),
            },
            extensions,
            digest: OnceLock::new(),
            key_digest: OnceLock::new(),
            holder: OnceLock::new(),
        })
    }
}

fn nom_parse<'a>(
    parser: &mut X509CertificateParser,
    der: &'a [u8],
) -> Result<(&'a [u8], X509Certificate<'a>), CertificateError> {
    parser.parse(der).map_err(|error| CertificateError::Malformed(error.to_string()))
}

// Where the signed part lies, and the algorithm, which stands inside and outside of it and must
// be the same (RFC 5280 §4.1.1.2).
fn envelope(der: &[u8]) -> Result<(Range<usize>, AlgorithmIdentifier), CertificateError> {
    let read = || {
        let mut outer = Reader::only(der, der::SEQUENCE)?;
        let header = der.len() - outer.rest().len();
        let tbs = outer.expect(der::SEQUENCE)?;
        let algorithm = AlgorithmIdentifier::read(&mut outer)?;
        outer.expect(der::BIT_STRING)?;
        outer.finish()?;
        let mut fields = Reader::new(tbs.content);
        fields.optional(0xa0)?;
        fields.expect(der::INTEGER)?;
        if AlgorithmIdentifier::read(&mut fields)? != algorithm {
            return Err(DerError("the algorithm inside differs from the one outside"));
        }
        Ok((header..header + tbs.whole.len(), algorithm))
    };
    read().map_err(|error: DerError| CertificateError::Malformed(error.to_string()))
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} № {})", self.subject(), self.serial_hex())
    }
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    digest(DigestAlgorithm::Sha256, octets).try_into().unwrap_or_default()
}

fn key_kind(spki: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> KeyKind {
    let oid = spki.algorithm.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.1" => match spki.parsed() {
            Ok(x509_parser::public_key::PublicKey::RSA(key)) => {
                let digits = key.modulus.iter().skip_while(|octet| **octet == 0);
                let octets: Vec<u8> = digits.copied().collect();
                let spare = octets.first().map_or(0, |octet| octet.leading_zeros() as usize);
                KeyKind::Rsa { bits: octets.len() * 8 - spare }
            }
            _ => KeyKind::Other(oid),
        },
        "1.2.840.10045.2.1" => {
            let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            match curve.map(|curve| curve.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => KeyKind::P256,
                Some("1.3.132.0.34") => KeyKind::P384,
                Some(curve) => KeyKind::Other(format!("elliptic curve {curve}")),
                None => KeyKind::Other(oid),
            }
        }
        _ => match gost_parameters(spki).and_then(|set| GostCurve::from_oids(&oid, &set)) {
            Some(curve) => KeyKind::Gost(curve),
            None => KeyKind::Other(oid),
        },
    }
}

// The parameter set of a GOST key (RFC 9215 §4.2); the digest named after it follows from the key.
fn gost_parameters(spki: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Option<String> {
    let parameters = spki.algorithm.parameters.as_ref()?;
    if parameters.tag().0 != 16 {
        return None;
    }
    Reader::new(parameters.data).oid().ok()
}
