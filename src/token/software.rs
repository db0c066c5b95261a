//! Keys in this process's memory: from PKCS#12 files, and for test doubles and tests.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::pkcs12::ber::Reader;
use super::{SignError, Signer};
use crate::crypto::{
    self, GostCurve, GostPrivateKey, KeyKind, PublicKey, SignatureAlgorithm, ValueForm, digest,
    verify,
};
use crate::x509::Certificate;
use crate::x509::der::{BIT_STRING, INTEGER, NULL, OCTET_STRING, SEQUENCE, write, write_oid};

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";

/// A private key in memory. GOST keys are wiped when it goes; the library that holds the others
/// does not wipe them.
pub struct SoftwareKey {
    secret: Secret,
    public: PublicKey,
    algorithm: SignatureAlgorithm,
}

enum Secret {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Gost(GostPrivateKey),
}

/// A private key in memory with its certificate.
pub struct SoftwareSigner {
    key: SoftwareKey,
    certificate: Certificate,
}

impl SoftwareKey {
    /// Reads an unencrypted PKCS#8 key (RFC 5208 §5): RSA, ECDSA on P-256 or P-384, and the
    /// national ones in both their forms. Those of GOST 34.10-2015 are an OCTET STRING with the
    /// lowest octet first, those of GOST 34.310-2004 an INTEGER.
    ///
    /// # Errors
    /// [`SignError::UnsupportedKey`] for any other key, or what is none.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SignError> {
        let refused = |why: String| SignError::UnsupportedKey(why);
        let malformed =
            |error: crate::x509::der::DerError| refused(format!("not a PKCS#8 key: {error}"));
        let mut outer = Reader::only(pkcs8, SEQUENCE).map_err(malformed)?;
        outer.small().map_err(malformed)?;
        let mut identifier = outer.enter(SEQUENCE).map_err(malformed)?;
        let oid = identifier.oid().map_err(malformed)?;
        match oid.as_str() {
            RSA => Self::rsa(pkcs8),
            EC => match identifier.oid().map_err(malformed)?.as_str() {
                P256 => Self::ec(pkcs8, KeyKind::P256),
                P384 => Self::ec(pkcs8, KeyKind::P384),
                other => Err(refused(format!("the elliptic curve {other}"))),
            },
            _ => {
                let set = identifier.enter(SEQUENCE).and_then(|mut set| set.oid());
                let curve = set.ok().and_then(|set| GostCurve::from_oids(&oid, &set));
                let curve = curve.ok_or_else(|| refused(format!("the key algorithm {oid}")))?;
                let key = outer.octets(OCTET_STRING).map_err(malformed)?;
                let key = Reader::new(&key).element().map_err(malformed)?;
                let key = match key.tag {
                    OCTET_STRING => GostPrivateKey::from_little_endian(curve, key.content),
                    INTEGER => GostPrivateKey::from_big_endian(curve, key.content),
                    _ => None,
                };
                key.map(Self::gost).ok_or_else(|| refused("not a GOST private key".to_owned()))
            }
        }
    }

    /// Takes a GOST key.
    pub fn gost(key: GostPrivateKey) -> Self {
        let curve = key.curve();
        let (kind, set) = curve.oids();
        let parameters = write(SEQUENCE, &[&write_oid(set), &write_oid(curve.digest_oid())]);
        let octets = write(OCTET_STRING, &[&key.public()]);
        let public = public(KeyKind::Gost(curve), &[&write_oid(kind), &parameters], octets);
        let algorithm = match curve {
            GostCurve::Tc26A512 => SignatureAlgorithm::Gost512,
            GostCurve::Tc26A256 => SignatureAlgorithm::Gost256,
            GostCurve::CryptoProA => SignatureAlgorithm::Gost2004,
        };
        Self { secret: Secret::Gost(key), public, algorithm }
    }

    fn rsa(pkcs8: &[u8]) -> Result<Self, SignError> {
        let key = RsaKeyPair::from_pkcs8(pkcs8);
        let key = key.map_err(|error| SignError::UnsupportedKey(format!("RSA: {error}")))?;
        let kind = KeyKind::Rsa { bits: key.public().modulus_len() * 8 };
        let identifier = [write_oid(RSA), write(NULL, &[])];
        let public = public(kind, &[&identifier.concat()], key.public().as_ref().to_vec());
        let algorithm = SignatureAlgorithm::RsaPkcs1Sha256;
        Ok(Self { secret: Secret::Rsa(Box::new(key)), public, algorithm })
    }

    fn ec(pkcs8: &[u8], kind: KeyKind) -> Result<Self, SignError> {
        let (parameters, curve, algorithm) = match kind {
            KeyKind::P384 => {
                (&ECDSA_P384_SHA384_FIXED_SIGNING, P384, SignatureAlgorithm::EcdsaSha384)
            }
            _ => (&ECDSA_P256_SHA256_FIXED_SIGNING, P256, SignatureAlgorithm::EcdsaSha256),
        };
        let key = EcdsaKeyPair::from_pkcs8(parameters, pkcs8, &SystemRandom::new());
        let key = key.map_err(|error| SignError::UnsupportedKey(format!("ECDSA: {error}")))?;
        let point = key.public_key().as_ref().to_vec();
        let public = public(kind, &[&write_oid(EC), &write_oid(curve)], point);
        Ok(Self { secret: Secret::Ec(Box::new(key)), public, algorithm })
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The algorithm of [`SoftwareKey::sign`].
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Signs `message`; ECDSA values come as r ‖ s.
    ///
    /// # Errors
    /// [`SignError::Failed`] if the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = || SignError::Failed("signing in memory failed".to_owned());
        match &self.secret {
            Secret::Ec(key) => {
                let value = key.sign(&SystemRandom::new(), message).map_err(|_| failed())?;
                Ok(value.as_ref().to_vec())
            }
            Secret::Rsa(key) => {
                let mut value = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut value)
                    .map_err(|_| failed())?;
                Ok(value)
            }
            Secret::Gost(key) => {
                let digest = digest(self.algorithm.digest(), message);
                key.sign(&digest, &crypto::SystemRandom).ok_or_else(failed)
            }
        }
    }

    /// Signs `message` and checks the value with the public half.
    ///
    /// # Errors
    /// As [`SoftwareKey::sign`]; [`SignError::KeyMismatch`] if the value does not verify.
    pub fn sign_checked(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let value = self.sign(message)?;
        verify(self.algorithm, ValueForm::Fixed, &self.public, message, &value)
            .map_err(|_| SignError::KeyMismatch)?;
        Ok(value)
    }

    /// The PKCS#8 form of a GOST key, as [`SoftwareKey::from_pkcs8`] reads it; `None` for others,
    /// which are never given out.
    pub fn gost_pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        let Secret::Gost(key) = &self.secret else { return None };
        let (curve, mut secret) = (key.curve(), key.to_little_endian());
        let (kind, set) = curve.oids();
        let inner = Zeroizing::new(match curve {
            GostCurve::CryptoProA => {
                secret.reverse();
                super::objects::der_integer(&[&[0], secret.as_slice()].concat())
            }
            _ => write(OCTET_STRING, &[&secret]),
        });
        let parameters = write(SEQUENCE, &[&write_oid(set), &write_oid(curve.digest_oid())]);
        let identifier = write(SEQUENCE, &[&write_oid(kind), &parameters]);
        let key = Zeroizing::new(write(OCTET_STRING, &[&inner]));
        Some(Zeroizing::new(write(SEQUENCE, &[&write(INTEGER, &[&[0]]), &identifier, &key])))
    }
}

impl SoftwareSigner {
    /// Takes a PKCS#8 key and its certificate.
    ///
    /// # Errors
    /// As [`SoftwareKey::from_pkcs8`].
    pub fn new(pkcs8: &[u8], certificate: Certificate) -> Result<Self, SignError> {
        Ok(Self { key: SoftwareKey::from_pkcs8(pkcs8)?, certificate })
    }

    /// Puts a key and its certificate together.
    ///
    /// # Errors
    /// [`SignError::KeyMismatch`] if the certificate is of another key.
    pub fn pair(key: SoftwareKey, certificate: Certificate) -> Result<Self, SignError> {
        match key.public.octets == certificate.public_key().octets {
            true => Ok(Self { key, certificate }),
            false => Err(SignError::KeyMismatch),
        }
    }
}

impl Signer for SoftwareSigner {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.sign(message)
    }
}

/// A key with its `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
fn public(kind: KeyKind, identifier: &[&[u8]], octets: Vec<u8>) -> PublicKey {
    let bits = write(BIT_STRING, &[&[0], &octets]);
    let spki = write(SEQUENCE, &[&write(SEQUENCE, identifier), &bits]);
    PublicKey { kind, octets, spki }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gost_keys_survive_their_pkcs8_form_and_sign() {
        for curve in GostCurve::ALL {
            let key = GostPrivateKey::generate(curve, &crypto::SystemRandom).unwrap();
            let key = SoftwareKey::gost(key);
            let again = SoftwareKey::from_pkcs8(&key.gost_pkcs8().unwrap()).unwrap();
            assert_eq!(again.public_key(), key.public_key());
            let value = again.sign_checked(b"message").unwrap();
            let check = |message: &[u8]| {
                verify(key.algorithm(), ValueForm::Fixed, key.public_key(), message, &value)
            };
            assert_eq!(check(b"message"), Ok(()));
            assert!(check(b"another").is_err());
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let mut key = rcgen::KeyPair::generate().unwrap().serialize_der();
        assert!(SoftwareKey::from_pkcs8(&key).is_ok());
        for end in 0..key.len() {
            assert!(SoftwareKey::from_pkcs8(&key[..end]).is_err());
        }
        // Another curve's identifier.
        let at = key.windows(8).position(|part| part.ends_with(&[3, 1, 7])).unwrap();
        key[at + 7] = 1;
        assert!(SoftwareKey::from_pkcs8(&key).is_err());
    }
}
