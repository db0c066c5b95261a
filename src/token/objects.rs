//! What lies on a token: keys, their public halves and their certificates.

use std::collections::BTreeMap;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass};
use cryptoki::session::Session;
use rasn::prelude::*;
use rasn_pkix::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::error::Fault;
use super::{SignError, Token};
use crate::crypto::{KeyKind, PublicKey};
use crate::x509::Certificate;

const RSA: &Oid = Oid::const_new(&[1, 2, 840, 113_549, 1, 1, 1]);
const EC: &Oid = Oid::const_new(&[1, 2, 840, 10045, 2, 1]);
/// secp256r1 as `ECParameters` (RFC 5480 §2.1.1): the DER of its object identifier.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// A key on a token with everything that carries the same `CKA_ID`.
#[derive(Clone, Debug)]
pub struct KeyInfo {
    /// `CKA_ID`, which ties key and certificate together.
    pub id: Vec<u8>,
    /// The key's label, or the certificate's where the key has none.
    pub label: String,
    /// What kind of key it is.
    pub kind: KeyKind,
    /// The certificate, if one is on the token.
    pub certificate: Option<Certificate>,
    /// The public key, from its own object or from the certificate.
    pub public_key: Option<PublicKey>,
    /// Whether the private key is visible and may sign. Without login it is not visible.
    pub signs: bool,
}

/// The kinds of keys this program makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// RSA with 2048 bits and the exponent 65537.
    Rsa2048,
    /// ECDSA on P-256.
    P256,
}

/// The attributes of one object that are read here; absent ones stay empty.
#[derive(Default)]
struct Object {
    id: Vec<u8>,
    label: String,
    value: Vec<u8>,
    key_type: Option<KeyType>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    parameters: Vec<u8>,
    point: Vec<u8>,
    signs: bool,
}

impl Token {
    /// The keys and certificates on the token, in the order of `CKA_ID`.
    ///
    /// # Errors
    /// [`SignError`] if the token fails.
    pub fn keys(&self) -> Result<Vec<KeyInfo>, SignError> {
        self.run(|session, _| read_keys(session))
    }

    /// Makes a key pair that never leaves the token (`CKA_SENSITIVE`, not `CKA_EXTRACTABLE`).
    ///
    /// # Errors
    /// [`SignError`] if the token fails.
    pub fn generate(&self, kind: NewKey, label: &str, id: &[u8]) -> Result<PublicKey, SignError> {
        self.run_writing(|session| {
            let common = [
                Attribute::Token(true),
                Attribute::Id(id.to_vec()),
                Attribute::Label(label.as_bytes().to_vec()),
            ];
            let (mechanism, own) = match kind {
                NewKey::Rsa2048 => (
                    Mechanism::RsaPkcsKeyPairGen,
                    vec![
                        Attribute::ModulusBits(2048.into()),
                        Attribute::PublicExponent(vec![1, 0, 1]),
                    ],
                ),
                NewKey::P256 => {
                    (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(P256.to_vec())])
                }
            };
            let public = [&common[..], &own, &[Attribute::Verify(true), Attribute::Private(false)]];
            let private = [
                &common[..],
                &[
                    Attribute::Private(true),
                    Attribute::Sensitive(true),
                    Attribute::Extractable(false),
                    Attribute::Sign(true),
                ],
            ];
            let (public, _) =
                session.generate_key_pair(&mechanism, &public.concat(), &private.concat())?;
            let object = read(session, public)?;
            Ok(object.public_key().ok_or(SignError::UnsupportedKey("made by the token".into()))?)
        })
    }

    /// Stores a certificate beside the key with the same `CKA_ID`.
    ///
    /// # Errors
    /// [`SignError`] if the token fails.
    pub fn store_certificate(
        &self,
        certificate: &Certificate,
        label: &str,
        id: &[u8],
    ) -> Result<(), SignError> {
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Id(id.to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Subject(certificate.subject().der().to_vec()),
            Attribute::Issuer(certificate.issuer().der().to_vec()),
            Attribute::SerialNumber(der_integer(certificate.serial())),
            Attribute::Value(certificate.der().to_vec()),
        ];
        self.run_writing(|session| Ok(session.create_object(&template).map(|_| ())?))
    }
}

fn read_keys(session: &Session) -> Result<Vec<KeyInfo>, Fault> {
    let find = |class| -> Result<Vec<Object>, Fault> {
        let handles = session.find_objects(&[Attribute::Class(class)])?;
        handles.into_iter().map(|handle| read(session, handle)).collect()
    };
    let mut keys: BTreeMap<Vec<u8>, KeyInfo> = BTreeMap::new();
    for object in find(ObjectClass::CERTIFICATE)? {
        // Attribute certificates and broken ones are no concern of a signer.
        let Ok(certificate) = Certificate::from_der(&object.value) else { continue };
        let key = certificate.public_key().clone();
        let info = KeyInfo {
            id: object.id.clone(),
            label: object.label,
            kind: key.kind.clone(),
            certificate: Some(certificate),
            public_key: Some(key),
            signs: false,
        };
        keys.insert(object.id, info);
    }
    for object in find(ObjectClass::PUBLIC_KEY)? {
        let Some(key) = object.public_key() else { continue };
        let info = keys.entry(object.id.clone()).or_insert_with(|| object.bare_info());
        info.public_key = Some(key);
    }
    for object in find(ObjectClass::PRIVATE_KEY)? {
        let info = keys.entry(object.id.clone()).or_insert_with(|| object.bare_info());
        info.signs = object.signs;
        if !object.label.is_empty() {
            info.label = object.label.clone();
        }
        info.public_key = info.public_key.take().or_else(|| object.public_key());
    }
    Ok(keys.into_values().collect())
}

fn read(session: &Session, handle: cryptoki::object::ObjectHandle) -> Result<Object, Fault> {
    let wanted = [
        AttributeType::Id,
        AttributeType::Label,
        AttributeType::Value,
        AttributeType::KeyType,
        AttributeType::Modulus,
        AttributeType::PublicExponent,
        AttributeType::EcParams,
        AttributeType::EcPoint,
        AttributeType::Sign,
    ];
    // A private key's value is never asked for: its class answers `CKA_VALUE` with a refusal
    // that some modules turn into a failure of the whole call.
    let class = session.get_attributes(handle, &[AttributeType::Class])?;
    let private = class.contains(&Attribute::Class(ObjectClass::PRIVATE_KEY));
    let wanted: Vec<_> =
        wanted.into_iter().filter(|w| !(private && *w == AttributeType::Value)).collect();
    let mut object = Object::default();
    for attribute in session.get_attributes(handle, &wanted)? {
        match attribute {
            Attribute::Id(id) => object.id = id,
            Attribute::Label(label) => object.label = String::from_utf8_lossy(&label).into_owned(),
            Attribute::Value(value) => object.value = value,
            Attribute::KeyType(kind) => object.key_type = Some(kind),
            Attribute::Modulus(modulus) => object.modulus = modulus,
            Attribute::PublicExponent(exponent) => object.exponent = exponent,
            Attribute::EcParams(parameters) => object.parameters = parameters,
            Attribute::EcPoint(point) => object.point = point,
            Attribute::Sign(signs) => object.signs = signs,
            _ => {}
        }
    }
    Ok(object)
}

impl Object {
    fn bare_info(&self) -> KeyInfo {
        KeyInfo {
            id: self.id.clone(),
            label: self.label.clone(),
            kind: self.kind(),
            certificate: None,
            public_key: None,
            signs: false,
        }
    }

    fn kind(&self) -> KeyKind {
        match self.key_type {
            Some(KeyType::RSA) => {
                let digits = self.modulus.iter().position(|octet| *octet != 0).unwrap_or(0);
                KeyKind::Rsa { bits: (self.modulus.len() - digits) * 8 }
            }
            Some(KeyType::EC) if self.parameters == P256 => KeyKind::P256,
            Some(KeyType::EC) if self.parameters == P384 => KeyKind::P384,
            Some(KeyType::EC) => KeyKind::Other("another elliptic curve".to_owned()),
            Some(other) => KeyKind::Other(other.to_string()),
            None => KeyKind::Other("unknown".to_owned()),
        }
    }

    /// The public key, where the object's attributes give it (RFC 8017 §A.1.1, RFC 5480 §2).
    fn public_key(&self) -> Option<PublicKey> {
        let (algorithm, parameters, octets) = match self.kind() {
            KeyKind::Rsa { .. } if !self.exponent.is_empty() => {
                // PKCS#11 numbers have no sign, ASN.1 ones do.
                let numbers = [&self.modulus, &self.exponent]
                    .map(|digits| Any::new(der_integer(&[&[0], digits.as_slice()].concat())));
                let octets = rasn::der::encode(&Vec::from(numbers)).ok()?;
                (RSA, rasn::der::encode(&()).ok()?, octets)
            }
            KeyKind::P256 | KeyKind::P384 => (EC, self.parameters.clone(), self.point()?),
            _ => return None,
        };
        let spki = SubjectPublicKeyInfo {
            algorithm: AlgorithmIdentifier {
                algorithm: algorithm.into(),
                parameters: Some(Any::new(parameters)),
            },
            subject_public_key: BitString::from_slice(&octets),
        };
        Some(PublicKey { kind: self.kind(), octets, spki: rasn::der::encode(&spki).ok()? })
    }

    /// The uncompressed point, which some tokens wrap into an OCTET STRING (PKCS#11 §6.3.3) and
    /// some do not.
    fn point(&self) -> Option<Vec<u8>> {
        match self.point.as_slice() {
            [0x04, length, 0x04, rest @ ..] if rest.len() + 1 == usize::from(*length) => {
                Some([&[0x04], rest].concat())
            }
            [0x04, ..] if self.point.len() % 2 == 1 => Some(self.point.clone()),
            _ => None,
        }
    }
}

/// An INTEGER of these two's complement octets, in its shortest form (X.690 §8.3, §8.1.3).
pub(super) fn der_integer(octets: &[u8]) -> Vec<u8> {
    let mut digits = octets;
    while let [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] = digits {
        digits = &digits[1..];
    }
    let length = digits.len().to_be_bytes();
    let length = &length[length.iter().position(|octet| *octet != 0).unwrap_or(length.len() - 1)..];
    let mut out = vec![0x02];
    if digits.len() > 0x7f {
        out.push(0x80 | length.len() as u8);
    }
    [&out, length, digits].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_wrapped_and_bare() {
        let bare = [&[4][..], &[7; 64]].concat();
        let wrapped = [&[4, 65][..], &bare].concat();
        for point in [&bare, &wrapped] {
            let object = Object {
                key_type: Some(KeyType::EC),
                parameters: P256.to_vec(),
                point: point.clone(),
                ..Object::default()
            };
            assert_eq!(object.public_key().unwrap().octets, bare);
        }
    }

    #[test]
    fn integers_are_written_as_asn_1_wants_them() {
        assert_eq!(der_integer(&[0, 0, 5]), [2, 1, 5]);
        assert_eq!(der_integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(der_integer(&[0]), [2, 1, 0]);
        assert_eq!(der_integer(&[0xff, 0x80]), [2, 1, 0x80]);
        assert_eq!(der_integer(&[1; 128])[..4], [2, 0x81, 128, 1]);
        assert_eq!(der_integer(&[1; 256])[..5], [2, 0x82, 1, 0, 1]);
    }

    #[test]
    fn broken_attributes_give_no_key() {
        for point in [vec![], vec![4], vec![4, 65], vec![2, 1, 1]] {
            let object = Object {
                key_type: Some(KeyType::EC),
                parameters: P256.to_vec(),
                point,
                ..Object::default()
            };
            let octets = object.public_key().map(|key| key.octets);
            assert!(octets.is_none_or(|octets| octets == [4]), "length decides nothing here");
        }
        assert!(
            Object { key_type: Some(KeyType::RSA), ..Object::default() }.public_key().is_none()
        );
    }
}
