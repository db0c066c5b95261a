//! Small pieces of DER that certificates, CRLs, OCSP answers and time-stamps share.

use rasn::prelude::*;
use rasn::types::{GeneralizedTime, UtcTime};
use rasn_pkix::{AlgorithmIdentifier, Extension, GeneralName, Time};
use time::OffsetDateTime;

use super::PkiError;
use crate::crypto::{SignatureAlgorithm, ecdsa_fixed_to_der};
use crate::token::{Signer, sign_checked};

/// The identifiers used here.
pub mod oid {
    pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
    pub const CRL_NUMBER: &str = "2.5.29.20";
    pub const REASON_CODE: &str = "2.5.29.21";
    pub const DELTA_CRL: &str = "2.5.29.27";
    pub const POLICIES: &str = "2.5.29.32";
    pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
    pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
    pub const FRESHEST_CRL: &str = "2.5.29.46";
    pub const AUTHORITY_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
    pub const CPS: &str = "1.3.6.1.5.5.7.2.1";
    pub const USER_NOTICE: &str = "1.3.6.1.5.5.7.2.2";
    pub const OCSP: &str = "1.3.6.1.5.5.7.48.1";
    pub const OCSP_BASIC: &str = "1.3.6.1.5.5.7.48.1.1";
    pub const OCSP_NONCE: &str = "1.3.6.1.5.5.7.48.1.2";
    pub const OCSP_NO_CHECK: &str = "1.3.6.1.5.5.7.48.1.5";
    pub const OCSP_EXTENDED_REVOKE: &str = "1.3.6.1.5.5.7.48.1.9";
    pub const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
}

pub fn object_identifier(dotted: &str) -> Result<ObjectIdentifier, PkiError> {
    let arcs: Option<Vec<u32>> = dotted.split('.').map(|arc| arc.parse().ok()).collect();
    arcs.and_then(ObjectIdentifier::new).ok_or_else(|| PkiError::Encoding(dotted.to_owned()))
}

pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, PkiError> {
    rasn::der::encode(value).map_err(|error| PkiError::Encoding(error.to_string()))
}

pub fn decode<T: Decode>(der: &[u8]) -> Result<T, PkiError> {
    rasn::der::decode(der).map_err(|error| PkiError::Encoding(error.to_string()))
}

/// A certificate's serial number as rasn's integer.
pub fn integer(twos_complement: &[u8]) -> Result<Integer, PkiError> {
    let length = u8::try_from(twos_complement.len()).ok().filter(|length| *length < 0x80);
    let length = length.ok_or_else(|| PkiError::Encoding("an over-long integer".to_owned()))?;
    decode(&[&[0x02, length], twos_complement].concat())
}

pub fn extension<T: Encode>(dotted: &str, value: &T) -> Result<Extension, PkiError> {
    Ok(Extension {
        extn_id: object_identifier(dotted)?,
        critical: false,
        extn_value: encode(value)?.into(),
    })
}

pub fn url(address: &str) -> Result<GeneralName, PkiError> {
    let ascii = Ia5String::try_from(address.to_owned());
    ascii.map(GeneralName::Uri).map_err(|error| PkiError::Encoding(error.to_string()))
}

/// `Time` of RFC 5280 §4.1.2.5, to the second.
pub fn time(moment: OffsetDateTime) -> Result<Time, PkiError> {
    Ok(if moment.year() < 2050 {
        Time::Utc(utc(moment)?)
    } else {
        Time::General(generalized(moment)?)
    })
}

/// `GeneralizedTime`, to the second.
pub fn generalized(moment: OffsetDateTime) -> Result<GeneralizedTime, PkiError> {
    utc(moment).map(|utc| utc.fixed_offset())
}

fn utc(moment: OffsetDateTime) -> Result<UtcTime, PkiError> {
    UtcTime::from_timestamp(moment.unix_timestamp(), 0)
        .ok_or_else(|| PkiError::Encoding(moment.to_string()))
}

/// Identifier of a signature algorithm; RSA has NULL parameters (RFC 4055 §5), as the national
/// algorithms have, ECDSA none (RFC 5758 §3.2).
pub fn signature_algorithm(algorithm: SignatureAlgorithm) -> Result<AlgorithmIdentifier, PkiError> {
    let oid = algorithm.row().oids.first().copied().unwrap_or_default();
    let parameters = match algorithm.is_ecdsa() {
        true => None,
        false => Some(Any::new(encode(&())?)),
    };
    Ok(AlgorithmIdentifier { algorithm: object_identifier(oid)?, parameters })
}

/// Signs, in the form X.509 and CMS want.
pub fn sign(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, PkiError> {
    value(signer.algorithm(), sign_checked(signer, message)?)
}

/// A signer's value in the form X.509 and CMS want.
pub fn value(algorithm: SignatureAlgorithm, value: Vec<u8>) -> Result<Vec<u8>, PkiError> {
    match algorithm.is_ecdsa() {
        true => {
            ecdsa_fixed_to_der(&value).ok_or_else(|| PkiError::Encoding("ECDSA value".to_owned()))
        }
        false => Ok(value),
    }
}

/// A serial number from its hexadecimal digits (positive).
pub fn serial(hex: &str) -> Result<Integer, PkiError> {
    let malformed = || PkiError::Encoding(format!("the serial number {hex}"));
    let even = if hex.len().is_multiple_of(2) { hex.to_owned() } else { format!("0{hex}") };
    let octets: Option<Vec<u8>> = (0..even.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(even.get(at..at + 2)?, 16).ok())
        .collect();
    let mut octets = octets.filter(|octets| !octets.is_empty()).ok_or_else(malformed)?;
    if octets.first().is_some_and(|first| *first >= 0x80) {
        octets.insert(0, 0);
    }
    integer(&octets)
}

/// A serial number's hexadecimal digits, without leading zero octets.
pub fn serial_hex(serial: &Integer) -> Result<String, PkiError> {
    let der = encode(serial)?;
    let start = 2 + der.iter().skip(2).take_while(|octet| **octet == 0).count();
    Ok(crate::crypto::hex(der.get(start..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn serial_numbers_survive_the_round_trip(octets in prop::collection::vec(any::<u8>(), 1..40)) {
            let hex = crate::crypto::hex(&octets);
            let start = octets.iter().position(|octet| *octet != 0);
            let expected = start.map_or_else(String::new, |start| hex[2 * start..].to_owned());
            prop_assert_eq!(serial_hex(&serial(&hex).unwrap()).unwrap(), expected);
        }

        #[test]
        fn any_text_is_no_panic(text in ".{0,20}") {
            let _ = serial(&text);
            let _ = object_identifier(&text);
        }
    }
}
