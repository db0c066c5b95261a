//! One certificate (RFC 5280 §4), parsed once and kept with its received octets.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use super::Name;
use crate::crypto::{
    DigestAlgorithm, KeyKind, PublicKey, SignatureAlgorithm, UnsupportedAlgorithm, digest, hex,
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

/// The key usage bits (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

/// The basic constraints (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the key may sign certificates.
    pub ca: bool,
    /// How many intermediate certificates may follow.
    pub path_length: Option<u32>,
}

struct Inner {
    der: Vec<u8>,
    tbs: std::ops::Range<usize>,
    signature_oid: String,
    signature_parameters: Option<Vec<u8>>,
    signature: Vec<u8>,
    serial: Vec<u8>,
    subject: Name,
    issuer: Name,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    public_key: PublicKey,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<Vec<String>>,
    basic_constraints: Option<BasicConstraints>,
    policies: Vec<String>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    crl_urls: Vec<String>,
    ocsp_urls: Vec<String>,
    issuer_urls: Vec<String>,
    critical: Vec<String>,
    extensions: Vec<String>,
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
        let malformed = |what: &str| CertificateError::Malformed(what.to_owned());
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|error| CertificateError::Malformed(error.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed("octets follow the certificate"));
        }
        let tbs = parsed.tbs_certificate.as_ref();
        let start = (tbs.as_ptr() as usize).wrapping_sub(der.as_ptr() as usize);
        let tbs = start..start.wrapping_add(tbs.len());
        if der.get(tbs.clone()).is_none() {
            return Err(malformed("the signed part lies outside the certificate"));
        }
        Inner::new(der, tbs, &parsed).map(|inner| Self(Arc::new(inner)))
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
        SignatureAlgorithm::from_oid(&self.0.signature_oid)
    }

    /// The dotted identifier and the DER parameters of the issuer's signature algorithm.
    pub fn signature_identifier(&self) -> (&str, Option<&[u8]>) {
        (&self.0.signature_oid, self.0.signature_parameters.as_deref())
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

    /// Key usage, if the extension is present.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.key_usage
    }

    /// Extended key usage as dotted identifiers, if the extension is present.
    pub fn extended_key_usage(&self) -> Option<&[String]> {
        self.0.extended_key_usage.as_deref()
    }

    /// Whether the extended key usage names this dotted identifier.
    pub fn has_extended_key_usage(&self, oid: &str) -> bool {
        self.extended_key_usage().is_some_and(|all| all.iter().any(|known| known == oid))
    }

    /// Basic constraints, if the extension is present.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.basic_constraints
    }

    /// Certificate policies as dotted identifiers.
    pub fn policies(&self) -> &[String] {
        &self.0.policies
    }

    /// Subject key identifier.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.subject_key_id.as_deref()
    }

    /// Authority key identifier.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.authority_key_id.as_deref()
    }

    /// Addresses of full CRLs from the distribution points.
    pub fn crl_urls(&self) -> &[String] {
        &self.0.crl_urls
    }

    /// Addresses of OCSP responders from the authority information access.
    pub fn ocsp_urls(&self) -> &[String] {
        &self.0.ocsp_urls
    }

    /// Addresses of issuer certificates from the authority information access.
    pub fn issuer_urls(&self) -> &[String] {
        &self.0.issuer_urls
    }

    /// Dotted identifiers of the extensions marked critical.
    pub fn critical_extensions(&self) -> &[String] {
        &self.0.critical
    }

    /// Whether an extension with this dotted identifier is present.
    pub fn has_extension(&self, oid: &str) -> bool {
        self.0.extensions.iter().any(|known| known == oid)
    }

    /// SHA-256 over the certificate's octets.
    pub fn fingerprint(&self) -> Vec<u8> {
        digest(DigestAlgorithm::Sha256, self.der())
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject().der() == self.issuer().der()
    }

    /// Person, organisation and roles by the national profile.
    pub fn holder(&self) -> Holder {
        let usages = self.extended_key_usage().unwrap_or_default();
        Holder::from_subject(self.subject().attributes(), usages.iter().map(String::as_str))
    }
}

impl KeyUsage {
    /// `digitalSignature`.
    pub fn digital_signature(self) -> bool {
        self.0 & 1 != 0
    }

    /// `nonRepudiation`, which X.509 now calls `contentCommitment`.
    pub fn non_repudiation(self) -> bool {
        self.0 & 2 != 0
    }

    /// `keyCertSign`.
    pub fn key_cert_sign(self) -> bool {
        self.0 & (1 << 5) != 0
    }

    /// `cRLSign`.
    pub fn crl_sign(self) -> bool {
        self.0 & (1 << 6) != 0
    }
}

impl Inner {
    fn new(
        der: &[u8],
        tbs: std::ops::Range<usize>,
        parsed: &X509Certificate<'_>,
    ) -> Result<Self, CertificateError> {
        let spki = parsed.public_key();
        let identifier = &parsed.signature_algorithm;
        let mut inner = Self {
            der: der.to_vec(),
            tbs,
            signature_oid: identifier.algorithm.to_id_string(),
            signature_parameters: identifier.parameters.as_ref().map(|any| any.data.to_vec()),
            signature: parsed.signature_value.data.to_vec(),
            serial: parsed.tbs_certificate.raw_serial().to_vec(),
            subject: Name::new(parsed.subject()),
            issuer: Name::new(parsed.issuer()),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            public_key: PublicKey {
                kind: key_kind(spki),
                octets: spki.subject_public_key.data.to_vec(),
                spki: spki.raw.to_vec(),
            },
            key_usage: None,
            extended_key_usage: None,
            basic_constraints: None,
            policies: Vec::new(),
            subject_key_id: None,
            authority_key_id: None,
            crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            critical: Vec::new(),
            extensions: Vec::new(),
        };
        for extension in parsed.extensions() {
            let oid = extension.oid.to_id_string();
            if inner.extensions.contains(&oid) {
                return Err(CertificateError::Malformed(format!("extension {oid} stands twice")));
            }
            if extension.critical {
                inner.critical.push(oid.clone());
            }
            inner.extensions.push(oid);
            inner.take(extension.parsed_extension());
        }
        Ok(inner)
    }

    fn take(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::KeyUsage(usage) => self.key_usage = Some(KeyUsage(usage.flags)),
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.extended_key_usage = Some(extended_usages(usage));
            }
            ParsedExtension::BasicConstraints(constraints) => {
                self.basic_constraints = Some(BasicConstraints {
                    ca: constraints.ca,
                    path_length: constraints.path_len_constraint,
                });
            }
            ParsedExtension::CertificatePolicies(policies) => {
                self.policies = policies.iter().map(|p| p.policy_id.to_id_string()).collect();
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                for point in points.iter() {
                    if let Some(DistributionPointName::FullName(names)) = &point.distribution_point
                    {
                        self.crl_urls.extend(names.iter().filter_map(url));
                    }
                }
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for description in &access.accessdescs {
                    let urls = match description.access_method.to_id_string().as_str() {
                        "1.3.6.1.5.5.7.48.1" => &mut self.ocsp_urls,
                        "1.3.6.1.5.5.7.48.2" => &mut self.issuer_urls,
                        _ => continue,
                    };
                    urls.extend(url(&description.access_location));
                }
            }
            _ => {}
        }
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} № {})", self.subject(), self.serial_hex())
    }
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
        "1.2.398.3.10.1.1.2.2" => KeyKind::Other("GOST R 34.10-2012 (512 bits)".to_owned()),
        "1.2.398.3.10.1.1.2.1" => KeyKind::Other("GOST R 34.10-2012 (256 bits)".to_owned()),
        "1.2.398.3.10.1.1.1.1" => KeyKind::Other("GOST 34.310-2004".to_owned()),
        _ => KeyKind::Other(oid),
    }
}

fn extended_usages(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<String> {
    let named = [
        (usage.any, "2.5.29.37.0"),
        (usage.server_auth, "1.3.6.1.5.5.7.3.1"),
        (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let named = named.iter().filter(|(present, _)| *present).map(|(_, oid)| (*oid).to_owned());
    named.chain(usage.other.iter().map(|oid| oid.to_id_string())).collect()
}

fn url(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    }
}
