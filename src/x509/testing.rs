//! A small certification authority and an HTTP stub for the tests of this room.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CrlDistributionPoint, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, SigningKey as _,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{Certificate, der};
use crate::crypto::{DigestAlgorithm, digest};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

pub(crate) struct Authority {
    pub issuer: CertifiedIssuer<'static, KeyPair>,
    pub certificate: Certificate,
}

/// A certificate and its key.
pub(crate) struct Holder {
    pub certificate: Certificate,
    pub key: KeyPair,
}

pub(crate) fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = NOW - Duration::days(365);
    params.not_after = NOW + Duration::days(365);
    params.use_authority_key_identifier_extension = true;
    params
}

pub(crate) fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        Self::of(CertifiedIssuer::self_signed(authority_params(name), KeyPair::generate().unwrap()))
    }

    pub(crate) fn below(&self, params: CertificateParams) -> Self {
        Self::of(CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.issuer))
    }

    fn of(issuer: Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error>) -> Self {
        let issuer = issuer.unwrap();
        let certificate = Certificate::from_der(issuer.der()).unwrap();
        Self { issuer, certificate }
    }

    pub(crate) fn issue(&self, params: CertificateParams) -> Holder {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let certificate = Certificate::from_der(certificate.der()).unwrap();
        Holder { certificate, key }
    }

    pub(crate) fn responder(&self) -> Holder {
        let mut params = params("Responder");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        let no_check = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
        params.custom_extensions = vec![CustomExtension::from_oid_content(no_check, vec![5, 0])];
        self.issue(params)
    }

    /// The authority itself as a signer of responses.
    pub(crate) fn signer(&self) -> Holder {
        let key = KeyPair::try_from(self.issuer.key().serialized_der()).unwrap();
        Holder { certificate: self.certificate.clone(), key }
    }

    pub(crate) fn crl(
        &self,
        made: OffsetDateTime,
        revoked: &[(&Certificate, OffsetDateTime, RevocationReason)],
    ) -> Vec<u8> {
        let revoked_certs = revoked.iter().map(|(one, since, reason)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(one.serial()),
            revocation_time: *since,
            reason_code: Some(*reason),
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: made,
            next_update: made + Duration::days(7),
            crl_number: SerialNumber::from(7),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

/// Puts CRL and OCSP addresses into a certificate.
pub(crate) fn with_addresses(
    mut params: CertificateParams,
    crl: Option<&str>,
    ocsp: Option<&str>,
) -> CertificateParams {
    params.crl_distribution_points =
        crl.iter().map(|url| CrlDistributionPoint { uris: vec![(*url).to_owned()] }).collect();
    if let Some(url) = ocsp {
        let location = der::write(0x86, &[url.as_bytes()]);
        let method = der::write_oid("1.3.6.1.5.5.7.48.1");
        let one = der::write(der::SEQUENCE, &[&method, &location]);
        let all = der::write(der::SEQUENCE, &[&one]);
        let oid = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
        params.custom_extensions.push(CustomExtension::from_oid_content(oid, all));
    }
    params
}

/// What an OCSP response of the tests says.
#[derive(Clone)]
pub(crate) struct Says {
    pub status: Vec<u8>,
    pub made: OffsetDateTime,
    pub next: Option<OffsetDateTime>,
    pub nonce: Option<Vec<u8>>,
    pub hash: DigestAlgorithm,
    pub certificates: Vec<Certificate>,
}

impl Says {
    pub(crate) fn good(nonce: Option<Vec<u8>>) -> Self {
        Self {
            status: vec![0x80, 0],
            made: NOW,
            next: None,
            nonce,
            hash: DigestAlgorithm::Sha256,
            certificates: Vec::new(),
        }
    }

    pub(crate) fn revoked(mut self, since: OffsetDateTime, reason: u8) -> Self {
        let reason = der::write(0xa0, &[&[der::ENUMERATED, 1, reason]]);
        self.status = der::write(0xa1, &[&time(since), &reason]);
        self
    }

    /// The signed response about `about`, issued by `issuer`.
    pub(crate) fn to_der(
        &self,
        about: &Certificate,
        issuer: &Certificate,
        signer: &Holder,
    ) -> Vec<u8> {
        let oid = der::write_oid(self.hash.row().oids[0]);
        let id = der::write(
            der::SEQUENCE,
            &[
                &der::write(der::SEQUENCE, &[&oid]),
                &der::write(der::OCTET_STRING, &[&digest(self.hash, issuer.subject().der())]),
                &der::write(der::OCTET_STRING, &[&digest(self.hash, &issuer.public_key().octets)]),
                &der::write(der::INTEGER, &[about.serial()]),
            ],
        );
        let next = self.next.map_or_else(Vec::new, |next| der::write(0xa0, &[&time(next)]));
        let single = der::write(der::SEQUENCE, &[&id, &self.status, &time(self.made), &next]);
        let responder = der::write(0xa1, &[signer.certificate.subject().der()]);
        let nonce = self.nonce.as_ref().map_or_else(Vec::new, |nonce| {
            let value = der::write(der::OCTET_STRING, &[&der::write(der::OCTET_STRING, &[nonce])]);
            let oid = der::write_oid("1.3.6.1.5.5.7.48.1.2");
            let one = der::write(der::SEQUENCE, &[&oid, &value]);
            der::write(0xa1, &[&der::write(der::SEQUENCE, &[&one])])
        });
        let list = der::write(der::SEQUENCE, &[&single]);
        let data = der::write(der::SEQUENCE, &[&responder, &time(self.made), &list, &nonce]);
        let value = signer.key.sign(&data).unwrap();
        let algorithm = der::write(der::SEQUENCE, &[&der::write_oid("1.2.840.10045.4.3.2")]);
        let value = der::write(der::BIT_STRING, &[&[0], &value]);
        let certificates: Vec<u8> =
            self.certificates.iter().flat_map(|one| one.der().to_vec()).collect();
        let certificates = der::write(0xa0, &[&der::write(der::SEQUENCE, &[&certificates])]);
        let basic = der::write(der::SEQUENCE, &[&data, &algorithm, &value, &certificates]);
        let bytes = der::write(
            der::SEQUENCE,
            &[&der::write_oid("1.3.6.1.5.5.7.48.1.1"), &der::write(der::OCTET_STRING, &[&basic])],
        );
        der::write(der::SEQUENCE, &[&[der::ENUMERATED, 1, 0], &der::write(0xa0, &[&bytes])])
    }
}

fn time(at: OffsetDateTime) -> Vec<u8> {
    let format = time::macros::format_description!("[year][month][day][hour][minute][second]Z");
    der::write(der::GENERALIZED_TIME, &[at.format(format).unwrap().as_bytes()])
}

/// The nonce of a request, read from its last octets.
pub(crate) fn nonce_of(request: &[u8]) -> Vec<u8> {
    request[request.len() - 16..].to_vec()
}

type Handler = Box<dyn Fn(&[u8]) -> Vec<u8> + Send>;

/// An HTTP server on loopback. A handler gives the body for a path; without one, status 500.
pub(crate) struct Stub {
    pub host: String,
    pub handlers: Arc<Mutex<HashMap<String, Handler>>>,
    pub hits: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let stub = Self { host, handlers: Arc::default(), hits: Arc::default() };
        let (handlers, hits) = (stub.handlers.clone(), stub.hits.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while reader.read_line(&mut head).unwrap_or(0) > 2 {}
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.trim().parse().ok())?
                });
                let mut body = vec![0; length.unwrap_or(0)];
                let _ = reader.read_exact(&mut body);
                hits.lock().unwrap().push(path.clone());
                let found = handlers.lock().unwrap().get(&path).map(|handler| handler(&body));
                let status = if found.is_some() { "200 OK" } else { "500 Down" };
                let body = found.unwrap_or_default();
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let stream = reader.get_mut();
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        stub
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    pub(crate) fn on(&self, path: &str, handler: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) {
        self.handlers.lock().unwrap().insert(path.to_owned(), Box::new(handler));
    }

    pub(crate) fn down(&self, path: &str) {
        self.handlers.lock().unwrap().remove(path);
    }

    pub(crate) fn hits(&self, path: &str) -> usize {
        self.hits.lock().unwrap().iter().filter(|hit| *hit == path).count()
    }
}
