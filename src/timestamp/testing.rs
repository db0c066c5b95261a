//! A time-stamping authority for tests: tokens made by hand, so that each rule can be broken.

use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyUsagePurpose, SigningKey as _,
};
use time::OffsetDateTime;

use crate::crypto::{DigestAlgorithm, digest};
use crate::x509::der::{self, write, write_oid};
use crate::x509::testing::{Authority, Holder, params};

/// What a token says.
#[derive(Clone)]
pub(crate) struct Says {
    pub time: OffsetDateTime,
    pub imprint: Vec<u8>,
    pub imprint_oid: &'static str,
    pub policy: &'static str,
    pub serial: Vec<u8>,
    pub nonce: Option<Vec<u8>>,
    pub accuracy: Option<u8>,
    /// The identifier of the signing-certificate attribute, if there is one.
    pub naming: Option<&'static str>,
    pub with_certificate: bool,
}

pub(crate) const V1: &str = "1.2.840.113549.1.9.16.2.12";
pub(crate) const V2: &str = "1.2.840.113549.1.9.16.2.47";
pub(crate) const SHA256: &str = "2.16.840.1.101.3.4.2.1";

/// The profile of a time-stamping authority's certificate.
pub(crate) fn tsa_params() -> CertificateParams {
    let mut params = params("Time-stamps");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.custom_extensions = vec![usage(true)];
    params
}

/// `extKeyUsage` with time-stamping alone.
pub(crate) fn usage(critical: bool) -> CustomExtension {
    let content = write(der::SEQUENCE, &[&write_oid("1.3.6.1.5.5.7.3.8")]);
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 37], content);
    extension.set_criticality(critical);
    extension
}

/// A profile that names another usage too.
pub(crate) fn mixed_params() -> CertificateParams {
    let mut params = params("Time-stamps and mail");
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::TimeStamping, ExtendedKeyUsagePurpose::EmailProtection];
    params
}

pub(crate) fn tsa(authority: &Authority) -> Holder {
    authority.issue(tsa_params())
}

impl Says {
    pub(crate) fn about(data: &[u8], time: OffsetDateTime) -> Self {
        Self {
            time,
            imprint: digest(DigestAlgorithm::Sha256, data),
            imprint_oid: SHA256,
            policy: "1.2.398.3.3.2.6.2",
            serial: vec![0x81, 2, 3],
            nonce: None,
            accuracy: Some(1),
            naming: Some(V2),
            with_certificate: true,
        }
    }

    fn info(&self) -> Vec<u8> {
        let format = time::macros::format_description!("[year][month][day][hour][minute][second]Z");
        let time = self.time.format(format).unwrap();
        let algorithm = write(der::SEQUENCE, &[&write_oid(self.imprint_oid), &[der::NULL, 0]]);
        let hashed = write(der::OCTET_STRING, &[&self.imprint]);
        let accuracy = self
            .accuracy
            .map(|seconds| write(der::SEQUENCE, &[&write(der::INTEGER, &[&[seconds]])]));
        let nonce = self.nonce.as_ref().map(|nonce| write(der::INTEGER, &[nonce]));
        write(
            der::SEQUENCE,
            &[
                &[der::INTEGER, 1, 1],
                &write_oid(self.policy),
                &write(der::SEQUENCE, &[&algorithm, &hashed]),
                &write(der::INTEGER, &[&self.serial]),
                &write(der::GENERALIZED_TIME, &[time.as_bytes()]),
                &accuracy.unwrap_or_default(),
                &nonce.unwrap_or_default(),
            ],
        )
    }

    /// The token.
    pub(crate) fn token(&self, tsa: &Holder) -> Vec<u8> {
        let info = self.info();
        let sha256 = write(der::SEQUENCE, &[&write_oid(SHA256)]);
        let attribute = |kind: &str, value: &[u8]| {
            write(der::SEQUENCE, &[&write_oid(kind), &write(der::SET, &[value])])
        };
        let hashed = write(der::OCTET_STRING, &[&digest(DigestAlgorithm::Sha256, &info)]);
        let mut attributes = attribute("1.2.840.113549.1.9.3", &write_oid(TST_INFO));
        attributes.extend(attribute("1.2.840.113549.1.9.4", &hashed));
        if let Some(naming) = self.naming {
            let algorithm =
                if naming == V1 { DigestAlgorithm::Sha1 } else { DigestAlgorithm::Sha256 };
            let hash = write(der::OCTET_STRING, &[&digest(algorithm, tsa.certificate.der())]);
            let list = write(der::SEQUENCE, &[&write(der::SEQUENCE, &[&hash])]);
            attributes.extend(attribute(naming, &write(der::SEQUENCE, &[&list])));
        }
        let value = tsa.key.sign(&write(der::SET, &[&attributes])).unwrap();
        let certificate = &tsa.certificate;
        let signer = write(
            der::SEQUENCE,
            &[
                &[der::INTEGER, 1, 1],
                &write(
                    der::SEQUENCE,
                    &[certificate.issuer().der(), &write(der::INTEGER, &[certificate.serial()])],
                ),
                &sha256,
                &write(0xa0, &[&attributes]),
                &write(der::SEQUENCE, &[&write_oid("1.2.840.10045.4.3.2")]),
                &write(der::OCTET_STRING, &[&value]),
            ],
        );
        let content = write(0xa0, &[&write(der::OCTET_STRING, &[&info])]);
        let carried = match self.with_certificate {
            true => write(0xa0, &[certificate.der()]),
            false => Vec::new(),
        };
        let signed = write(
            der::SEQUENCE,
            &[
                &[der::INTEGER, 1, 3],
                &write(der::SET, &[&sha256]),
                &write(der::SEQUENCE, &[&write_oid(TST_INFO), &content]),
                &carried,
                &write(der::SET, &[&signer]),
            ],
        );
        let signed_data = write_oid("1.2.840.113549.1.7.2");
        write(der::SEQUENCE, &[&signed_data, &write(0xa0, &[&signed])])
    }

    /// A granting response with the token.
    pub(crate) fn response(&self, tsa: &Holder) -> Vec<u8> {
        let granted = write(der::SEQUENCE, &[&[der::INTEGER, 1, 0]]);
        write(der::SEQUENCE, &[&granted, &self.token(tsa)])
    }
}

const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
