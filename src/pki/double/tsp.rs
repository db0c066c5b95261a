//! Time-stamps (RFC 3161): a signed `TSTInfo` in CMS, with both forms of the signing-certificate
//! attribute (the national authority writes the old one, RFC 5816 asks for the new one).

use rasn::prelude::*;
use rasn_cms::tsp::{Accuracy, PkiStatus, PkiStatusInfo, TimeStampReq, TimeStampResp, TstInfo};
use rasn_cms::{
    AlgorithmIdentifier, CertificateChoices, ContentInfo, EncapsulatedContentInfo,
    IssuerAndSerialNumber, SignedData, SignerIdentifier, SignerInfo,
};
use rasn_pkix::Attribute;
use time::Duration;

use super::crl::spoil;
use super::{Double, How};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, digest};
use crate::pki::PkiError;
use crate::pki::der;

/// The national policies of time-stamps signed with RSA and with GOST 34.10-2015.
const POLICY: &str = "1.2.398.3.3.2.6.2";
const POLICY_GOST: &str = "1.2.398.3.3.2.6.4";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE: &str = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";
/// Bits of `PKIFailureInfo` (RFC 3161 §2.4.2).
const BAD_ALGORITHM: usize = 0;
const BAD_REQUEST: usize = 2;
const BAD_DATA: usize = 5;
const UNACCEPTED_POLICY: usize = 15;

pub(super) fn respond(double: &Double, request: &[u8], how: How) -> Result<Vec<u8>, PkiError> {
    let Ok(request) = der::decode::<TimeStampReq>(request) else { return rejection(BAD_DATA) };
    if how == How::Unknown {
        return rejection(BAD_REQUEST);
    }
    let imprint = &request.message_imprint;
    let algorithm = DigestAlgorithm::from_oid(&imprint.hash_algorithm.algorithm.to_string());
    if !algorithm.is_ok_and(|known| known.length() == imprint.hashed_message.len()) {
        return rejection(BAD_ALGORITHM);
    }
    let gost = double.tsa.algorithm() == SignatureAlgorithm::Gost512;
    let policy = der::object_identifier(if gost { POLICY_GOST } else { POLICY })?;
    if request.req_policy.as_ref().is_some_and(|asked| *asked != policy) {
        return rejection(UNACCEPTED_POLICY);
    }
    let info = info(double, &request, policy, how)?;
    let status = PkiStatusInfo { status: PkiStatus::Granted, status_string: None, fail_info: None };
    let token = token(double, der::encode(&info)?, request.cert_req, how)?;
    der::encode(&TimeStampResp { status, time_stamp_token: Some(token) })
}

fn info(
    double: &Double,
    request: &TimeStampReq,
    policy: ObjectIdentifier,
    how: How,
) -> Result<TstInfo, PkiError> {
    let mut imprint = request.message_imprint.clone();
    if how == How::WrongCertId {
        let mut octets = imprint.hashed_message.to_vec();
        octets.iter_mut().take(1).for_each(|octet| *octet ^= 1);
        imprint.hashed_message = octets.into();
    }
    let mut serial = [0; 8];
    if !double.settings.random.fill(&mut serial[1..]) {
        return Err(PkiError::Random);
    }
    let now = double.now() - if how == How::Stale { Duration::DAY } else { Duration::ZERO };
    let nonce = request.nonce.clone();
    Ok(TstInfo {
        version: Integer::ONE,
        policy,
        message_imprint: imprint,
        serial_number: Integer::from(i64::from_be_bytes(serial)),
        gen_time: der::generalized(now)?,
        accuracy: Some(Accuracy { seconds: Some(Integer::ONE), millis: None, micros: None }),
        ordering: false,
        nonce: if how == How::WrongNonce { nonce.map(|nonce| nonce + 1_i64) } else { nonce },
        tsa: None,
        extensions: None,
    })
}

fn token(
    double: &Double,
    content: Vec<u8>,
    with_certificate: bool,
    how: How,
) -> Result<ContentInfo, PkiError> {
    let signer = &double.tsa;
    let certificate = signer.certificate();
    let own = signer.algorithm().digest();
    let digest_algorithm = AlgorithmIdentifier {
        algorithm: der::object_identifier(own.row().oids.first().copied().unwrap_or_default())?,
        parameters: None,
    };
    // SigningCertificate(V2) ::= SEQUENCE { SEQUENCE OF SEQUENCE { certHash, … } }
    let naming =
        |algorithm| vec![vec![vec![OctetString::from(digest(algorithm, certificate.der()))]]];
    let message_digest = OctetString::from(digest(own, &content));
    let attributes = SetOf::from_vec(vec![
        attribute(CONTENT_TYPE, &der::object_identifier(TST_INFO)?)?,
        attribute(MESSAGE_DIGEST, &message_digest)?,
        attribute(SIGNING_CERTIFICATE, &naming(DigestAlgorithm::Sha1))?,
        attribute(SIGNING_CERTIFICATE_V2, &naming(DigestAlgorithm::Sha256))?,
    ]);
    let mut value = der::sign(signer, &der::encode(&attributes)?)?;
    spoil(&mut value, how);
    let signer_info = SignerInfo {
        version: Integer::ONE,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: der::decode(certificate.issuer().der())?,
            serial_number: der::integer(certificate.serial())?,
        }),
        digest_algorithm: digest_algorithm.clone(),
        signed_attrs: Some(attributes),
        signature_algorithm: der::signature_algorithm(signer.algorithm())?,
        signature: value.into(),
        unsigned_attrs: None,
    };
    let carried = CertificateChoices::Certificate(Box::new(der::decode(certificate.der())?));
    let signed = SignedData {
        // Version 3, as the content is not plain data (RFC 5652 §5.1).
        version: Integer::from(3_i64),
        digest_algorithms: SetOf::from_vec(vec![digest_algorithm]),
        encap_content_info: EncapsulatedContentInfo {
            content_type: der::object_identifier(TST_INFO)?,
            content: Some(content.into()),
        },
        certificates: with_certificate.then(|| SetOf::from_vec(vec![carried])),
        crls: None,
        signer_infos: SetOf::from_vec(vec![signer_info]),
    };
    Ok(ContentInfo {
        content_type: der::object_identifier(SIGNED_DATA)?,
        content: Any::new(der::encode(&signed)?),
    })
}

fn attribute<T: Encode>(dotted: &str, value: &T) -> Result<Attribute, PkiError> {
    let values = SetOf::from_vec(vec![Any::new(der::encode(value)?)]);
    Ok(Attribute { r#type: der::object_identifier(dotted)?, values })
}

fn rejection(bit: usize) -> Result<Vec<u8>, PkiError> {
    let mut failure = BitString::repeat(false, bit + 1);
    failure.set(bit, true);
    let status = PkiStatusInfo {
        status: PkiStatus::Rejection,
        status_string: None,
        fail_info: Some(failure),
    };
    der::encode(&TimeStampResp { status, time_stamp_token: None })
}
