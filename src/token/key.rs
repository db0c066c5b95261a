//! One private key on a token, and the signer it makes with its certificate.

use std::sync::{Arc, Mutex};

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::error::Fault;
use super::module::lock;
use super::{GostMechanism, KeyInfo, SignError, Signer, Token};
use crate::crypto::{
    DigestAlgorithm, KeyKind, PublicKey, SignatureAlgorithm, ValueForm, digest, hex, verify,
};
use crate::x509::Certificate;

/// DER of `DigestInfo` up to the digest, for SHA-256 (RFC 8017 §9.2 note 1).
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// Which key of a token is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// The key with this label.
    Label(String),
    /// The key with this `CKA_ID`.
    Id(Vec<u8>),
    /// The key whose certificate has this serial number (hexadecimal, any case).
    CertificateSerial(String),
    /// The only key that signs documents: several are told apart by the `nonRepudiation` bit of
    /// their certificates, as cards hold a key for login beside it.
    Only,
}

/// A private key on a token. It is found by its `CKA_ID` again whenever its handle is void.
pub struct TokenKey {
    token: Arc<Token>,
    id: Vec<u8>,
    public: PublicKey,
    algorithm: SignatureAlgorithm,
    /// How GOST values are made; `None` for other keys.
    gost: Option<GostMechanism>,
    handle: Mutex<Option<(u64, ObjectHandle)>>,
}

/// A key on a token with its certificate.
pub struct TokenSigner {
    key: TokenKey,
    certificate: Certificate,
}

impl Token {
    /// The signer made of a key and the certificate stored beside it.
    ///
    /// # Errors
    /// [`SignError::NoSuchKey`] if none or several fit, or no certificate lies beside the key.
    pub fn signer(self: &Arc<Self>, choice: &KeyChoice) -> Result<TokenSigner, SignError> {
        let info = self.choose(choice)?;
        let certificate = info.certificate.clone();
        let certificate = certificate.ok_or_else(|| {
            SignError::NoSuchKey(format!("no certificate beside the key {}", name(&info)))
        })?;
        self.pair(&info, certificate)
    }

    /// The signer made of a key and a certificate that is not on the token.
    ///
    /// # Errors
    /// As [`Token::signer`]; [`SignError::KeyMismatch`] if the certificate is of another key.
    pub fn signer_with(
        self: &Arc<Self>,
        choice: &KeyChoice,
        certificate: Certificate,
    ) -> Result<TokenSigner, SignError> {
        self.pair(&self.choose(choice)?, certificate)
    }

    /// A key without a certificate, as a certification authority starts with.
    ///
    /// # Errors
    /// [`SignError::NoSuchKey`] if none or several fit.
    pub fn key(self: &Arc<Self>, choice: &KeyChoice) -> Result<TokenKey, SignError> {
        let info = self.choose(choice)?;
        let public = info.public_key.clone();
        let public = public.ok_or_else(|| {
            SignError::UnsupportedKey(format!("the token does not show the key {}", name(&info)))
        })?;
        TokenKey::new(Arc::clone(self), info.id, public)
    }

    fn choose(&self, choice: &KeyChoice) -> Result<KeyInfo, SignError> {
        let token = &self.info().label;
        match choice.among(self.keys()?, token) {
            Err(SignError::NoSuchKey(_)) if !self.is_logged_in() => Err(SignError::NoSuchKey(
                format!("the token {token} shows its keys only with a PIN"),
            )),
            chosen => chosen,
        }
    }

    fn pair(
        self: &Arc<Self>,
        info: &KeyInfo,
        certificate: Certificate,
    ) -> Result<TokenSigner, SignError> {
        let public = certificate.public_key().clone();
        if info.public_key.as_ref().is_some_and(|known| known.octets != public.octets) {
            return Err(SignError::KeyMismatch);
        }
        let key = TokenKey::new(Arc::clone(self), info.id.clone(), public)?;
        Ok(TokenSigner { key, certificate })
    }
}

impl TokenKey {
    fn new(token: Arc<Token>, id: Vec<u8>, public: PublicKey) -> Result<Self, SignError> {
        let unsupported = |why: String| SignError::UnsupportedKey(why);
        let mut gost = None;
        let algorithm = match &public.kind {
            KeyKind::Rsa { .. } => SignatureAlgorithm::RsaPkcs1Sha256,
            KeyKind::P256 => SignatureAlgorithm::EcdsaSha256,
            KeyKind::Gost(curve) => {
                gost = token.gost(*curve);
                if gost.is_none() {
                    let name = curve.name();
                    return Err(unsupported(format!(
                        "{name}: the configuration names no mechanism of this module"
                    )));
                }
                SignatureAlgorithm::for_key(&public.kind)
                    .map_err(|error| unsupported(error.to_string()))?
            }
            other => return Err(unsupported(other.to_string())),
        };
        Ok(Self { token, id, public, algorithm, gost, handle: Mutex::new(None) })
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The algorithm of [`TokenKey::sign_checked`].
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Signs `message` and checks the value with the public half. ECDSA values come as r ‖ s.
    ///
    /// # Errors
    /// As [`Signer::sign`]; [`SignError::KeyMismatch`] if the value does not verify.
    pub fn sign_checked(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let value = self.sign(message)?;
        verify(self.algorithm, ValueForm::Fixed, &self.public, message, &value)
            .map_err(|_| SignError::KeyMismatch)?;
        Ok(value)
    }

    /// The digest is made here, so that a large document never travels to the token, and not by
    /// the token's combined mechanisms, of which `CKM_ECDSA_SHA256` is often missing.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let sha256 = || digest(DigestAlgorithm::Sha256, message);
        let (mechanism, input) = match (self.gost, self.algorithm) {
            (Some(gost), _) => (gost.mechanism(), gost.input(self.algorithm, message)),
            (None, SignatureAlgorithm::EcdsaSha256) => (Mechanism::Ecdsa, sha256()),
            _ => (Mechanism::RsaPkcs, [&SHA256_DIGEST_INFO, sha256().as_slice()].concat()),
        };
        let value = self.token.run(|session, generation| {
            let handle = self.find(session, generation)?;
            Ok(session.sign(&mechanism, handle, &input)?)
        })?;
        Ok(match self.gost {
            Some(gost) => gost.value(value),
            None => value,
        })
    }

    fn find(&self, session: &Session, generation: u64) -> Result<ObjectHandle, Fault> {
        let mut known = lock(&self.handle);
        if let Some((_, handle)) = known.filter(|(made, _)| *made == generation) {
            return Ok(handle);
        }
        let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(self.id.clone())];
        let found = session.find_objects(&template)?;
        let handle = *found.first().ok_or_else(|| {
            SignError::NoSuchKey(format!("the key {} is no longer there", hex(&self.id)))
        })?;
        *known = Some((generation, handle));
        Ok(handle)
    }
}

impl TokenSigner {
    /// The token the key lies on.
    pub fn token(&self) -> &Arc<Token> {
        &self.key.token
    }
}

impl Signer for TokenSigner {
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

impl KeyChoice {
    /// The one key that is meant, among those that sign; `place` is where they lie.
    pub(super) fn among(&self, keys: Vec<KeyInfo>, place: &str) -> Result<KeyInfo, SignError> {
        let keys: Vec<_> = keys.into_iter().filter(|key| key.signs).collect();
        let present = keys.iter().map(name).collect::<Vec<_>>().join(", ");
        let mut fitting: Vec<_> = keys.into_iter().filter(|key| self.fits(key)).collect();
        if *self == Self::Only && fitting.len() > 1 {
            fitting.retain(for_documents);
        }
        match (fitting.pop(), fitting.is_empty()) {
            (Some(key), true) => Ok(key),
            (Some(_), false) => Err(SignError::NoSuchKey(format!(
                "several keys on {place} fit; choose one of [{present}]"
            ))),
            (None, _) => {
                Err(SignError::NoSuchKey(format!("no key on {place} fits; present: [{present}]")))
            }
        }
    }

    fn fits(&self, key: &KeyInfo) -> bool {
        match self {
            Self::Label(label) => key.label == *label,
            Self::Id(id) => key.id == *id,
            Self::CertificateSerial(serial) => {
                let serial = serial.to_ascii_lowercase();
                let serial = serial.trim_start_matches('0');
                key.certificate
                    .as_ref()
                    .is_some_and(|known| known.serial_hex().trim_start_matches('0') == serial)
            }
            Self::Only => true,
        }
    }
}

fn for_documents(key: &KeyInfo) -> bool {
    let usage = key.certificate.as_ref().and_then(Certificate::key_usage);
    usage.is_some_and(|usage| usage.non_repudiation())
}

fn name(key: &KeyInfo) -> String {
    format!("{} ({})", key.label, hex(&key.id))
}
