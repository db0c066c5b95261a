//! Certificate status (RFC 6960) in the national shape: delegated responder named by its name,
//! nonce echoed, no next update, the extended-revoke extension.

use rasn::prelude::*;
use rasn_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspRequest, OcspResponse, OcspResponseStatus,
    ResponderId, ResponseBytes, ResponseData, RevokedInfo, SingleResponse,
};
use rasn_pkix::Extensions;
use time::Duration;

use super::crl::spoil;
use super::{Double, How};
use crate::crypto::{DigestAlgorithm, digest};
use crate::pki::PkiError;
use crate::pki::der::{self, oid};

pub(super) fn respond(double: &Double, request: &[u8], how: How) -> Result<Vec<u8>, PkiError> {
    let Ok(request) = der::decode::<OcspRequest>(request) else {
        let status = OcspResponseStatus::MalformedRequest;
        return der::encode(&OcspResponse { status, bytes: None });
    };
    let now = double.now() - if how == How::Stale { Duration::days(30) } else { Duration::ZERO };
    let moment = der::generalized(now)?;
    let asked = request.tbs_request.request_list.iter();
    let responses: Result<Vec<_>, PkiError> = asked
        .map(|asked| {
            let mut cert_id = asked.req_cert.clone();
            let cert_status = status(double, &cert_id, how)?;
            if how == How::WrongCertId {
                cert_id.serial_number = cert_id.serial_number + 1_i64;
            }
            Ok(SingleResponse {
                cert_id,
                cert_status,
                this_update: moment,
                next_update: None,
                single_extensions: None,
            })
        })
        .collect();
    let nonce_id = der::object_identifier(oid::OCSP_NONCE)?;
    let asked = request.tbs_request.request_extensions.iter().flat_map(|list| list.iter());
    let mut extensions: Vec<_> = asked.filter(|e| e.extn_id == nonce_id).cloned().collect();
    for nonce in &mut extensions {
        let mut octets = nonce.extn_value.to_vec();
        if let (How::WrongNonce, Some(last)) = (how, octets.last_mut()) {
            *last ^= 1;
        }
        nonce.extn_value = octets.into();
    }
    extensions.push(der::extension(oid::OCSP_EXTENDED_REVOKE, &())?);
    let certificate = double.ocsp.certificate();
    let data = ResponseData {
        version: Integer::ZERO,
        responder_id: ResponderId::ByName(der::decode(certificate.subject().der())?),
        produced_at: moment,
        responses: responses?,
        response_extensions: Some(Extensions::from(extensions)),
    };
    let mut value = der::sign(&double.ocsp, &der::encode(&data)?)?;
    spoil(&mut value, how);
    let basic = BasicOcspResponse {
        tbs_response_data: data,
        signature_algorithm: der::signature_algorithm(double.ocsp.algorithm())?,
        signature: BitString::from_slice(&value),
        certs: Some(vec![der::decode(certificate.der())?]),
    };
    der::encode(&OcspResponse {
        status: OcspResponseStatus::Successful,
        bytes: Some(ResponseBytes {
            r#type: der::object_identifier(oid::OCSP_BASIC)?,
            response: der::encode(&basic)?.into(),
        }),
    })
}

/// Good only for what the issuing authority really issued.
fn status(double: &Double, asked: &CertId, how: How) -> Result<CertStatus, PkiError> {
    let serial = der::serial_hex(&asked.serial_number)?;
    if how == How::Unknown || !ours(double, asked) || !double.register.issued(&serial, "ca") {
        return Ok(CertStatus::Unknown(()));
    }
    Ok(match double.register.status(&serial) {
        None => CertStatus::Good,
        Some(revoked) => CertStatus::Revoked(RevokedInfo {
            revocation_time: der::generalized(revoked.at)?,
            revocation_reason: Some(revoked.reason),
        }),
    })
}

fn ours(double: &Double, asked: &CertId) -> bool {
    let oid = asked.hash_algorithm.algorithm.to_string();
    let Ok(algorithm) = DigestAlgorithm::from_oid(&oid) else { return false };
    let issuer = double.ca.certificate();
    digest(algorithm, issuer.subject().der()) == asked.issuer_name_hash.as_ref()
        && digest(algorithm, &issuer.public_key().octets) == asked.issuer_key_hash.as_ref()
}
