//! PKCS#12 files (RFC 7292), for people without a token: those of the national authority, which are
//! BER with indefinite lengths under the encryption of the nineties, and those of today.
//!
//! A file must have a code that proves its password (its MAC), and gives nothing before that was
//! verified.

pub(super) mod ber;
mod derive;
mod scheme;
mod write;

use zeroize::{Zeroize as _, Zeroizing};

use self::ber::Reader;
use self::derive::{Cost, Purpose};
use self::scheme::Budget;
use super::{KeyChoice, KeyInfo, Pin, SignError, SoftwareKey, SoftwareSigner};
use crate::crypto::DigestAlgorithm;
use crate::limits;
use crate::x509::Certificate;
use crate::x509::der::{DerError, OCTET_STRING, SEQUENCE, SET};

const DATA: &str = "1.2.840.113549.1.7.1";
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const ENVELOPED_DATA: &str = "1.2.840.113549.1.7.3";
const ENCRYPTED_DATA: &str = "1.2.840.113549.1.7.6";
const BAGS: &str = "1.2.840.113549.1.12.10.1.";
const X509_CERTIFICATE: &str = "1.2.840.113549.1.9.22.1";
const FRIENDLY_NAME: &str = "1.2.840.113549.1.9.20";
const LOCAL_KEY_ID: &str = "1.2.840.113549.1.9.21";
/// `[0]`, explicit, and the implicit form of a string.
const CONTENT: u8 = 0xa0;
const IMPLICIT: u8 = 0x80;

/// The keys and certificates of one file, decrypted.
pub struct Pkcs12 {
    keys: Vec<Key>,
    certificates: Vec<Certificate>,
}

struct Key {
    secret: SoftwareKey,
    id: Vec<u8>,
    name: String,
}

/// Why a PKCS#12 file gave nothing. No variant ever holds a password or a part of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// Larger than [`limits::PKCS12_BYTES`].
    #[error("the PKCS#12 file is larger than {} bytes", limits::PKCS12_BYTES)]
    TooLarge,
    /// More keys and certificates than [`limits::PKCS12_BAGS`].
    #[error("the PKCS#12 file has more than {} keys and certificates", limits::PKCS12_BAGS)]
    TooManyBags,
    /// It asks for more work than [`limits::PKCS12_ITERATIONS`].
    #[error("the PKCS#12 file asks for more than {} iterations", limits::PKCS12_ITERATIONS)]
    TooManyIterations,
    /// Not what the standard describes, or cut off.
    #[error("not a PKCS#12 file, or a damaged one: {0}")]
    Malformed(String),
    /// An algorithm or a form that is none of ours, or a file without a password.
    #[error("the PKCS#12 file needs what is not supported: {0}")]
    Unsupported(String),
    /// The code does not fit: another password, or a changed file.
    #[error("the password is wrong, or the PKCS#12 file was changed")]
    WrongPassword,
    /// A key that is none of ours.
    #[error(transparent)]
    Key(#[from] SignError),
    /// No randomness to write with.
    #[error("the random source failed")]
    Random,
}

impl From<DerError> for Pkcs12Error {
    fn from(error: DerError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// A password in both the forms that schemes want.
struct Password {
    pin: Pin,
    bmp: Zeroizing<Vec<u8>>,
}

impl Password {
    fn new(pin: &Pin) -> Self {
        // BMPString with two zero octets at its end (RFC 7292 §B.1). Each octet of the text makes
        // at most one unit of it, so the secret is never copied to a larger place.
        let mut bmp = Zeroizing::new(Vec::with_capacity(2 * pin.text().len() + 2));
        pin.text().encode_utf16().for_each(|unit| bmp.extend(unit.to_be_bytes()));
        bmp.extend([0, 0]);
        Self { pin: pin.clone(), bmp }
    }

    fn utf8(&self) -> &[u8] {
        self.pin.text().as_bytes()
    }
}

/// What is collected while the bags are gone through.
struct Opening<'a> {
    password: &'a Password,
    budget: Budget,
    bags: usize,
    found: Pkcs12,
}

impl Pkcs12 {
    /// Opens a file with its password.
    ///
    /// # Errors
    /// [`Pkcs12Error`]; a wrong password and a changed file cannot be told apart.
    pub fn read(octets: &[u8], password: &Pin) -> Result<Self, Pkcs12Error> {
        if octets.len() > limits::PKCS12_BYTES {
            return Err(Pkcs12Error::TooLarge);
        }
        let password = Password::new(password);
        let mut file = Reader::only(octets, SEQUENCE)?;
        if file.small()? != 3 {
            return Err(Pkcs12Error::Malformed("another version than 3".to_owned()));
        }
        let mut safe = file.enter(SEQUENCE)?;
        match safe.oid()?.as_str() {
            DATA => {}
            SIGNED_DATA => return Err(unsupported("a file with a signature for its integrity")),
            other => return Err(unsupported(other)),
        }
        let safe = safe.enter(CONTENT)?.octets(OCTET_STRING)?;
        if file.is_empty() {
            return Err(unsupported("a file without a code for its integrity"));
        }
        let mut budget = Budget::new();
        check_mac(file.enter(SEQUENCE)?, &password, &safe, &mut budget)?;

        let found = Self { keys: Vec::new(), certificates: Vec::new() };
        let mut opening = Opening { password: &password, budget, bags: 0, found };
        let mut contents = Reader::only(&safe, SEQUENCE)?;
        while !contents.is_empty() {
            opening.content(contents.enter(SEQUENCE)?)?;
        }
        Ok(opening.found)
    }

    /// Writes a GOST key with its certificates, encrypted with AES-256 (PBES2) and with a
    /// SHA-256 MAC.
    ///
    /// # Errors
    /// [`Pkcs12Error::Unsupported`] for keys of other kinds, [`Pkcs12Error::Random`].
    pub fn write(
        key: &SoftwareKey,
        certificates: &[&Certificate],
        name: &str,
        password: &Pin,
        random: &dyn crate::crypto::Random,
    ) -> Result<Vec<u8>, Pkcs12Error> {
        write::file(key, certificates, name, &Password::new(password), random)
    }

    /// The keys, each with the certificate of its public half, where one is in the file.
    pub fn keys(&self) -> Vec<KeyInfo> {
        let info = |key: &Key| {
            let public = key.secret.public_key();
            let certificate =
                self.certificates.iter().find(|one| one.public_key().octets == public.octets);
            KeyInfo {
                id: key.id.clone(),
                label: key.name.clone(),
                kind: public.kind.clone(),
                certificate: certificate.cloned(),
                public_key: Some(public.clone()),
                signs: true,
            }
        };
        self.keys.iter().map(info).collect()
    }

    /// Every certificate, those of issuers too.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The signer made of a key and its certificate.
    ///
    /// # Errors
    /// [`SignError::NoSuchKey`] if none or several fit, or the file has no certificate of the key.
    pub fn signer(self, choice: &KeyChoice) -> Result<SoftwareSigner, SignError> {
        let info = choice.among(self.keys(), "the PKCS#12 file")?;
        let certificate = info.certificate.clone().ok_or_else(|| {
            SignError::NoSuchKey("the PKCS#12 file has no certificate of the key".to_owned())
        })?;
        SoftwareSigner::pair(self.key(choice)?, certificate)
    }

    /// A key alone.
    ///
    /// # Errors
    /// [`SignError::NoSuchKey`] if none or several fit.
    pub fn key(self, choice: &KeyChoice) -> Result<SoftwareKey, SignError> {
        let info = choice.among(self.keys(), "the PKCS#12 file")?;
        let meant = |key: &Key| Some(key.secret.public_key()) == info.public_key.as_ref();
        let key = self.keys.into_iter().find(meant);
        key.map(|key| key.secret).ok_or_else(|| SignError::NoSuchKey(info.label.clone()))
    }

    /// The signer made of a key and a certificate that is not in the file.
    ///
    /// # Errors
    /// As [`Pkcs12::signer`]; [`SignError::KeyMismatch`] if the certificate is of another key.
    pub fn signer_with(
        self,
        choice: &KeyChoice,
        certificate: Certificate,
    ) -> Result<SoftwareSigner, SignError> {
        SoftwareSigner::pair(self.key(choice)?, certificate)
    }
}

impl std::fmt::Debug for Pkcs12 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (keys, certificates) = (self.keys.len(), self.certificates.len());
        write!(f, "Pkcs12({keys} keys, {certificates} certificates)")
    }
}

impl Opening<'_> {
    /// One `ContentInfo` of the authenticated safe.
    fn content(&mut self, mut content: Reader<'_>) -> Result<(), Pkcs12Error> {
        match content.oid()?.as_str() {
            DATA => {
                let bags = content.enter(CONTENT)?.octets(OCTET_STRING)?;
                self.bags(&bags, limits::ASN1_DEPTH)
            }
            ENCRYPTED_DATA => {
                let mut data = content.enter(CONTENT)?.enter(SEQUENCE)?;
                data.small()?;
                let mut info = data.enter(SEQUENCE)?;
                info.oid()?;
                let algorithm = info.enter(SEQUENCE)?;
                let encrypted = info.octets(IMPLICIT)?;
                let bags = self.decrypt(algorithm, &encrypted)?;
                self.bags(&bags, limits::ASN1_DEPTH)
            }
            ENVELOPED_DATA => Err(unsupported("contents encrypted to a certificate")),
            other => Err(unsupported(other)),
        }
    }

    /// `SafeContents`.
    fn bags(&mut self, octets: &[u8], depth: usize) -> Result<(), Pkcs12Error> {
        let mut bags = Reader::only(octets, SEQUENCE)?;
        while !bags.is_empty() {
            self.bags += 1;
            if self.bags > limits::PKCS12_BAGS {
                return Err(Pkcs12Error::TooManyBags);
            }
            let mut bag = bags.enter(SEQUENCE)?;
            let kind = bag.oid()?;
            let mut value = bag.enter(CONTENT)?;
            match kind.strip_prefix(BAGS) {
                // keyBag
                Some("1") => {
                    let pkcs8 = value.expect(SEQUENCE)?;
                    let pkcs8 = Zeroizing::new(crate::x509::der::write(SEQUENCE, &[pkcs8.content]));
                    self.key(&pkcs8, bag)?;
                }
                // pkcs8ShroudedKeyBag
                Some("2") => {
                    let mut shrouded = value.enter(SEQUENCE)?;
                    let algorithm = shrouded.enter(SEQUENCE)?;
                    let encrypted = shrouded.octets(OCTET_STRING)?;
                    let pkcs8 = self.decrypt(algorithm, &encrypted)?;
                    self.key(&pkcs8, bag)?;
                }
                // certBag
                Some("3") => {
                    let mut certificate = value.enter(SEQUENCE)?;
                    if certificate.oid()? == X509_CERTIFICATE {
                        let der = certificate.enter(CONTENT)?.octets(OCTET_STRING)?;
                        // As on tokens: broken ones are no concern of a signer.
                        self.found.certificates.extend(Certificate::from_der(&der));
                    }
                }
                // safeContentsBag
                Some("6") => {
                    let depth = depth.checked_sub(1).ok_or(DerError("bags are nested too deep"))?;
                    let inner = value.expect(SEQUENCE)?;
                    let inner = crate::x509::der::write(SEQUENCE, &[inner.content]);
                    self.bags(&inner, depth)?;
                }
                // CRLs and secrets of other kinds.
                _ => {}
            }
        }
        Ok(())
    }

    fn key(&mut self, pkcs8: &[u8], mut bag: Reader<'_>) -> Result<(), Pkcs12Error> {
        let mut key =
            Key { secret: SoftwareKey::from_pkcs8(pkcs8)?, id: Vec::new(), name: String::new() };
        if !bag.is_empty() {
            let mut attributes = bag.enter(SET)?;
            while !attributes.is_empty() {
                let mut attribute = attributes.enter(SEQUENCE)?;
                let kind = attribute.oid()?;
                let mut values = attribute.enter(SET)?;
                match kind.as_str() {
                    LOCAL_KEY_ID => key.id = values.octets(OCTET_STRING)?.into_owned(),
                    FRIENDLY_NAME => {
                        let units = values.element()?.content.chunks_exact(2);
                        let units: Vec<_> = units
                            .map(|two| two.iter().fold(0, |n, o| n << 8 | u16::from(*o)))
                            .collect();
                        key.name = String::from_utf16_lossy(&units);
                    }
                    _ => {}
                }
            }
        }
        self.found.keys.push(key);
        Ok(())
    }

    fn decrypt(
        &mut self,
        algorithm: Reader<'_>,
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
        scheme::decrypt(algorithm, self.password, data, &mut self.budget)
    }
}

/// `MacData` (RFC 7292 §4 and appendix B).
fn check_mac(
    mut mac: Reader<'_>,
    password: &Password,
    message: &[u8],
    budget: &mut Budget,
) -> Result<(), Pkcs12Error> {
    let mut info = mac.enter(SEQUENCE)?;
    let oid = info.enter(SEQUENCE)?.oid()?;
    let algorithm = DigestAlgorithm::from_oid(&oid)
        .map_err(|unknown| unsupported(&format!("a code made with {}", unknown.name)))?;
    let code = info.octets(OCTET_STRING)?;
    let salt = mac.octets(OCTET_STRING)?;
    let iterations = if mac.is_empty() { 1 } else { mac.small()? };
    let cost = Cost { salt: &salt, iterations: budget.charge(iterations)? };
    let length = algorithm.length();
    let mut key = derive::pkcs12(algorithm, Purpose::Mac, &password.bmp, cost, length);
    let fits = derive::mac_fits(algorithm, &key, message, &code);
    key.zeroize();
    if fits { Ok(()) } else { Err(Pkcs12Error::WrongPassword) }
}

fn unsupported(what: &str) -> Pkcs12Error {
    Pkcs12Error::Unsupported(what.to_owned())
}

#[cfg(test)]
mod tests;
