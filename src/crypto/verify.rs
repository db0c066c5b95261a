//! Verification of signature values: which computation an algorithm, a key and a form of value ask
//! for. A library does it (`provider`), or `p256` and `p384` where the libraries lack the pair of
//! curve and digest, or `pss`, or `gost`.

use super::provider::{self, Message, Scheme};
use super::{DigestAlgorithm, GostCurve, SignatureAlgorithm, UnsupportedAlgorithm, digest};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

/// What kind of key a certificate holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with this length of the modulus, in bits.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// NIST P-256 (secp256r1).
    P256,
    /// NIST P-384 (secp384r1).
    P384,
    /// GOST R 34.10-2012 or GOST 34.310-2004.
    Gost(GostCurve),
    /// Another kind, by its name or object identifier.
    Other(String),
}

/// A public key as certificates carry it (RFC 5280 §4.1.2.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What kind of key it is.
    pub kind: KeyKind,
    /// The octets of `subjectPublicKey`: an `RSAPublicKey` (RFC 8017), an elliptic-curve point,
    /// or the OCTET STRING of a GOST key.
    pub octets: Vec<u8>,
    /// The whole `SubjectPublicKeyInfo`, DER.
    pub spki: Vec<u8>,
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::P384 => f.write_str("ECDSA P-384"),
            Self::Gost(curve) => f.write_str(curve.name()),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// How an ECDSA value is written. (The GOST ones are r ‖ s everywhere.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueForm {
    /// `ECDSA-Sig-Value` in DER: X.509, CMS, OCSP (RFC 3279 §2.2.3).
    Der,
    /// r ‖ s with the length of the field: XML (RFC 6931 §2.3.6), PKCS#11.
    Fixed,
}

/// Why a value was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The value does not belong to the message and the key.
    #[error("the signature value is wrong")]
    Wrong,
    /// The key is not of the kind the algorithm needs.
    #[error("the algorithm does not fit the key")]
    WrongKey,
    /// Algorithm, curve or key size is not implemented.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedAlgorithm),
}

/// Checks that `value` is a signature over `message` by the private half of `key`.
///
/// RSA keys under 2048 bits are reported as unsupported: the libraries refuse them, and so does
/// policy.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify(
    algorithm: SignatureAlgorithm,
    form: ValueForm,
    key: &PublicKey,
    message: &[u8],
    value: &[u8],
) -> Result<(), VerifyError> {
    let scheme = match (&key.kind, algorithm) {
        (KeyKind::Rsa { bits }, _) if is_rsa(algorithm) && !(2048..=8192).contains(bits) => {
            return Err(unsupported(format!("RSA with {bits} bits")));
        }
        (KeyKind::Rsa { .. }, SignatureAlgorithm::RsaPss(parameters)) => {
            return parameters.verify(&key.octets, message, value);
        }
        (KeyKind::Rsa { .. }, _) => rsa(algorithm).ok_or(VerifyError::WrongKey)?,
        (KeyKind::P256 | KeyKind::P384, _) if algorithm.is_ecdsa() => {
            return verify_ecdsa(algorithm.digest(), form, key, message, value);
        }
        (KeyKind::Gost(curve), _) if SignatureAlgorithm::for_key(&key.kind) == Ok(algorithm) => {
            let point = octet_string(&key.octets).ok_or(VerifyError::WrongKey)?;
            let right = curve.verify(point, &digest(algorithm.digest(), message), value);
            return if right { Ok(()) } else { Err(VerifyError::Wrong) };
        }
        (KeyKind::Other(name), _) => return Err(unsupported(name.clone())),
        _ => return Err(VerifyError::WrongKey),
    };
    check(scheme, key, message, value)
}

/// Turns r ‖ s into a DER `ECDSA-Sig-Value`; `None` for an odd, empty or over-long value.
pub fn ecdsa_fixed_to_der(fixed: &[u8]) -> Option<Vec<u8>> {
    if fixed.is_empty() || !fixed.len().is_multiple_of(2) || fixed.len() > 132 {
        return None;
    }
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let mut body = der_integer(r);
    body.extend(der_integer(s));
    let mut out = vec![0x30];
    if body.len() > 127 {
        out.push(0x81);
    }
    out.push(u8::try_from(body.len()).ok()?);
    out.extend(body);
    Some(out)
}

/// Turns a DER `ECDSA-Sig-Value` into r ‖ s with `length` octets each; `None` if it is not one.
pub fn ecdsa_der_to_fixed(der: &[u8], length: usize) -> Option<Vec<u8>> {
    let body = match der {
        [0x30, 0x81, size, body @ ..] if *size >= 0x80 && body.len() == *size as usize => body,
        [0x30, size, body @ ..] if *size < 0x80 && body.len() == *size as usize => body,
        _ => return None,
    };
    let (r, rest) = take_integer(body, length)?;
    let (s, rest) = take_integer(rest, length)?;
    rest.is_empty().then(|| [r, s].concat())
}

fn verify_ecdsa(
    hash: DigestAlgorithm,
    form: ValueForm,
    key: &PublicKey,
    message: &[u8],
    value: &[u8],
) -> Result<(), VerifyError> {
    use DigestAlgorithm::{Sha256, Sha384};
    let p256 = key.kind == KeyKind::P256;
    let length = if p256 { 64 } else { 96 };
    match (p256, hash, form) {
        (true, Sha256, ValueForm::Fixed) => check(Scheme::P256Sha256Fixed, key, message, value),
        (true, Sha256, ValueForm::Der) => check(Scheme::P256Sha256Der, key, message, value),
        (false, Sha384, ValueForm::Fixed) => check(Scheme::P384Sha384Fixed, key, message, value),
        (false, Sha384, ValueForm::Der) => check(Scheme::P384Sha384Der, key, message, value),
        (true, Sha384, ValueForm::Der) => check(Scheme::P256Sha384Der, key, message, value),
        (false, Sha256, ValueForm::Der) => check(Scheme::P384Sha256Der, key, message, value),
        // The libraries have the crossed pairs in DER only.
        (_, Sha256 | Sha384, ValueForm::Fixed) => {
            let der = Some(value).filter(|value| value.len() == length);
            let der = der.and_then(ecdsa_fixed_to_der).ok_or(VerifyError::Wrong)?;
            verify_ecdsa(hash, ValueForm::Der, key, message, &der)
        }
        (.., ValueForm::Der) => {
            let fixed = ecdsa_der_to_fixed(value, length / 2).ok_or(VerifyError::Wrong)?;
            verify_ecdsa(hash, ValueForm::Fixed, key, message, &fixed)
        }
        // And SHA-512 not at all: the digest is cut to the length of the field (FIPS 186-5 §6.4.2).
        (.., ValueForm::Fixed) => {
            let digested = digest(hash, message);
            // A point in full, as the libraries demand it too.
            if key.octets.first() != Some(&4) || value.len() != length {
                return Err(VerifyError::Wrong);
            }
            let right = if p256 {
                use p256::ecdsa::{Signature, VerifyingKey};
                let pair =
                    (VerifyingKey::from_sec1_bytes(&key.octets), Signature::from_slice(value));
                matches!(pair, (Ok(key), Ok(value)) if key.verify_prehash(&digested, &value).is_ok())
            } else {
                use p384::ecdsa::{Signature, VerifyingKey};
                let pair =
                    (VerifyingKey::from_sec1_bytes(&key.octets), Signature::from_slice(value));
                matches!(pair, (Ok(key), Ok(value)) if key.verify_prehash(&digested, &value).is_ok())
            };
            if right { Ok(()) } else { Err(VerifyError::Wrong) }
        }
    }
}

fn is_rsa(algorithm: SignatureAlgorithm) -> bool {
    matches!(algorithm, SignatureAlgorithm::RsaPss(_)) || rsa(algorithm).is_some()
}

fn rsa(algorithm: SignatureAlgorithm) -> Option<Scheme> {
    Some(match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha1 => Scheme::Pkcs1Sha1,
        SignatureAlgorithm::RsaPkcs1Sha256 => Scheme::Pkcs1Sha256,
        SignatureAlgorithm::RsaPkcs1Sha384 => Scheme::Pkcs1Sha384,
        SignatureAlgorithm::RsaPkcs1Sha512 => Scheme::Pkcs1Sha512,
        SignatureAlgorithm::RsaPssSha256 => Scheme::PssSha256,
        SignatureAlgorithm::RsaPssSha384 => Scheme::PssSha384,
        SignatureAlgorithm::RsaPssSha512 => Scheme::PssSha512,
        SignatureAlgorithm::EcdsaSha256
        | SignatureAlgorithm::EcdsaSha384
        | SignatureAlgorithm::EcdsaSha512
        | SignatureAlgorithm::Gost512
        | SignatureAlgorithm::Gost256
        | SignatureAlgorithm::Gost2004
        | SignatureAlgorithm::RsaPss(_) => return None,
    })
}

fn check(scheme: Scheme, key: &PublicKey, message: &[u8], value: &[u8]) -> Result<(), VerifyError> {
    let message = Message { key: &key.octets, octets: message, value };
    if provider::verify(scheme, message) { Ok(()) } else { Err(VerifyError::Wrong) }
}

// The content of a DER OCTET STRING of 64 or 128 octets, and nothing beside it.
fn octet_string(der: &[u8]) -> Option<&[u8]> {
    match der {
        [4, 64, content @ ..] if content.len() == 64 => Some(content),
        [4, 0x81, 128, content @ ..] if content.len() == 128 => Some(content),
        _ => None,
    }
}

fn unsupported(name: String) -> VerifyError {
    VerifyError::Unsupported(UnsupportedAlgorithm { name })
}

fn der_integer(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude.iter().position(|octet| *octet != 0).unwrap_or(magnitude.len() - 1);
    let digits = &magnitude[start..];
    let pad = digits[0] >= 0x80;
    let mut out = vec![2, digits.len() as u8 + u8::from(pad)];
    if pad {
        out.push(0);
    }
    out.extend(digits);
    out
}

fn take_integer(der: &[u8], length: usize) -> Option<(Vec<u8>, &[u8])> {
    let [2, size, rest @ ..] = der else { return None };
    let (digits, rest) = rest.split_at_checked(*size as usize)?;
    let digits = match digits {
        [0, more @ ..] if more.first().is_some_and(|octet| *octet >= 0x80) => more,
        [first, ..] if *first < 0x80 => digits,
        _ => return None,
    };
    let mut out = vec![0; length.checked_sub(digits.len())?];
    out.extend(digits);
    Some((out, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ecdsa_values_survive_the_round_trip(fixed in prop::collection::vec(any::<u8>(), 64)) {
            let der = ecdsa_fixed_to_der(&fixed).unwrap();
            prop_assert_eq!(ecdsa_der_to_fixed(&der, 32), Some(fixed));
        }

        #[test]
        fn any_octets_are_no_panic(der in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = ecdsa_der_to_fixed(&der, 32);
            let _ = ecdsa_fixed_to_der(&der);
        }
    }
}
