//! The encryption schemes of PKCS#12 files: those of RFC 7292 appendix C and PBES2 (RFC 8018
//! §6.2). RC4 and scrypt are known by name only.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{
    BlockCipherDecrypt, BlockModeDecrypt as _, BlockModeEncrypt as _, InnerIvInit as _, KeyInit,
    KeyIvInit as _,
};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use zeroize::Zeroizing;

use super::ber::Reader;
use super::derive::{Cost, Purpose, pbkdf2, pkcs12};
use super::{Password, Pkcs12Error};
use crate::crypto::DigestAlgorithm;
use crate::limits;
use crate::token::objects::der_integer;
use crate::x509::der::{self, INTEGER, NULL, OCTET_STRING, SEQUENCE, write, write_oid};

const PBES2: &str = "1.2.840.113549.1.5.13";
const PBKDF2: &str = "1.2.840.113549.1.5.12";
const HMAC_SHA256: &str = "1.2.840.113549.2.9";
const AES256_CBC: &str = "2.16.840.1.101.3.4.1.42";

/// Iterations that may still be spent on one file.
pub(super) struct Budget(u32);

#[derive(Clone, Copy)]
enum Cipher {
    TripleDes3,
    TripleDes2,
    Rc2 { bits: usize },
    Aes128,
    Aes192,
    Aes256,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self(limits::PKCS12_ITERATIONS)
    }

    /// Charges the iterations that stand next in a file.
    pub(super) fn charge(&mut self, iterations: u32) -> Result<u32, Pkcs12Error> {
        if iterations == 0 {
            return Err(Pkcs12Error::Malformed("no iterations".to_owned()));
        }
        self.0 = self.0.checked_sub(iterations).ok_or(Pkcs12Error::TooManyIterations)?;
        Ok(iterations)
    }
}

/// Decrypts with the scheme of an AlgorithmIdentifier. Padding that is wrong means another key,
/// that is, another password.
pub(super) fn decrypt(
    mut algorithm: Reader<'_>,
    password: &Password,
    data: &[u8],
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
    let oid = algorithm.oid()?;
    let mut parameters = algorithm.enter(SEQUENCE)?;
    if oid == PBES2 {
        let (key, cipher, iv) = pbes2(parameters, password, budget)?;
        return cipher.decrypt(&key, &iv, data).ok_or(Pkcs12Error::WrongPassword);
    }
    let cipher = match oid.strip_prefix("1.2.840.113549.1.12.1.") {
        Some("3") => Cipher::TripleDes3,
        Some("4") => Cipher::TripleDes2,
        Some("5") => Cipher::Rc2 { bits: 128 },
        Some("6") => Cipher::Rc2 { bits: 40 },
        Some("1" | "2") => return Err(Pkcs12Error::Unsupported("encryption with RC4".to_owned())),
        _ => return Err(Pkcs12Error::Unsupported(format!("encryption {oid}"))),
    };
    let salt = parameters.octets(OCTET_STRING)?;
    let cost = Cost { salt: &salt, iterations: budget.charge(parameters.small()?)? };
    let part =
        |purpose, length| pkcs12(DigestAlgorithm::Sha1, purpose, &password.bmp, cost, length);
    let key = part(Purpose::Key, cipher.key_length());
    let iv = part(Purpose::InitialValue, cipher.block_length());
    cipher.decrypt(&key, &iv, data).ok_or(Pkcs12Error::WrongPassword)
}

/// Encrypts with AES-256 under PBES2 and HMAC-SHA-256; gives the AlgorithmIdentifier too. The
/// salt's first 16 octets are the initial value, the rest is the salt.
pub(super) fn encrypt(
    password: &Password,
    random: &[u8; 32],
    iterations: u32,
    data: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let (iv, salt) = random.split_at(16);
    let cost = Cost { salt, iterations };
    let key = pbkdf2(DigestAlgorithm::Sha256, password.utf8(), cost, 32);
    // Key and initial value have the right length, so nothing can fail.
    let encryptor = cbc::Encryptor::<Aes256>::new_from_slices(&key, iv);
    let encrypted =
        encryptor.map_or_else(|_| Vec::new(), |one| one.encrypt_padded_vec::<Pkcs7>(data));
    let prf = write(SEQUENCE, &[&write_oid(HMAC_SHA256), &write(NULL, &[])]);
    let count = number(iterations);
    let kdf = write(SEQUENCE, &[&write(OCTET_STRING, &[salt]), &count, &prf]);
    let kdf = write(SEQUENCE, &[&write_oid(PBKDF2), &kdf]);
    let cipher = write(SEQUENCE, &[&write_oid(AES256_CBC), &write(OCTET_STRING, &[iv])]);
    let parameters = write(SEQUENCE, &[&kdf, &cipher]);
    (write(SEQUENCE, &[&write_oid(PBES2), &parameters]), encrypted)
}

/// An INTEGER.
pub(super) fn number(value: u32) -> Vec<u8> {
    der_integer(&[&[0], value.to_be_bytes().as_slice()].concat())
}

type KeyAndCipher = (Zeroizing<Vec<u8>>, Cipher, Vec<u8>);

fn pbes2(
    mut parameters: Reader<'_>,
    password: &Password,
    budget: &mut Budget,
) -> Result<KeyAndCipher, Pkcs12Error> {
    let mut kdf = parameters.enter(SEQUENCE)?;
    let mut scheme = parameters.enter(SEQUENCE)?;
    let cipher = match scheme.oid()?.as_str() {
        "2.16.840.1.101.3.4.1.2" => Cipher::Aes128,
        "2.16.840.1.101.3.4.1.22" => Cipher::Aes192,
        AES256_CBC => Cipher::Aes256,
        "1.2.840.113549.3.7" => Cipher::TripleDes3,
        other => return Err(Pkcs12Error::Unsupported(format!("encryption {other}"))),
    };
    let iv = scheme.octets(OCTET_STRING)?.into_owned();
    match kdf.oid()?.as_str() {
        PBKDF2 => {}
        "1.3.6.1.4.1.11591.4.11" => return Err(Pkcs12Error::Unsupported("scrypt".to_owned())),
        other => return Err(Pkcs12Error::Unsupported(format!("key derivation {other}"))),
    }
    let mut kdf = kdf.enter(SEQUENCE)?;
    let salt = kdf.octets(OCTET_STRING)?;
    let iterations = budget.charge(kdf.small()?)?;
    let mut prf = DigestAlgorithm::Sha1;
    while !kdf.is_empty() {
        let element = kdf.element()?;
        match element.tag {
            // The key's length, which follows from the cipher.
            INTEGER => {
                if usize::try_from(der::small(element.content)?) != Ok(cipher.key_length()) {
                    return Err(Pkcs12Error::Malformed("a key of another length".to_owned()));
                }
            }
            _ => prf = hmac_digest(&Reader::new(element.content).oid()?)?,
        }
    }
    let cost = Cost { salt: &salt, iterations };
    Ok((pbkdf2(prf, password.utf8(), cost, cipher.key_length()), cipher, iv))
}

fn hmac_digest(oid: &str) -> Result<DigestAlgorithm, Pkcs12Error> {
    Ok(match oid {
        "1.2.840.113549.2.7" => DigestAlgorithm::Sha1,
        HMAC_SHA256 => DigestAlgorithm::Sha256,
        "1.2.840.113549.2.10" => DigestAlgorithm::Sha384,
        "1.2.840.113549.2.11" => DigestAlgorithm::Sha512,
        "1.2.643.7.1.1.4.1" => DigestAlgorithm::Streebog256,
        "1.2.643.7.1.1.4.2" => DigestAlgorithm::Streebog512,
        other => return Err(Pkcs12Error::Unsupported(format!("key derivation with {other}"))),
    })
}

impl Cipher {
    fn key_length(self) -> usize {
        match self {
            Self::TripleDes3 | Self::Aes192 => 24,
            Self::TripleDes2 | Self::Aes128 => 16,
            Self::Rc2 { bits } => bits / 8,
            Self::Aes256 => 32,
        }
    }

    fn block_length(self) -> usize {
        match self {
            Self::TripleDes3 | Self::TripleDes2 | Self::Rc2 { .. } => 8,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
        }
    }

    /// CBC with the padding of PKCS#7; `None` where the data do not decrypt.
    fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::TripleDes3 => cbc(TdesEde3::new_from_slice(key).ok()?, iv, data),
            Self::TripleDes2 => cbc(TdesEde2::new_from_slice(key).ok()?, iv, data),
            Self::Rc2 { bits } => cbc(Rc2::new_with_eff_key_len(key, bits), iv, data),
            Self::Aes128 => cbc(Aes128::new_from_slice(key).ok()?, iv, data),
            Self::Aes192 => cbc(Aes192::new_from_slice(key).ok()?, iv, data),
            Self::Aes256 => cbc(Aes256::new_from_slice(key).ok()?, iv, data),
        }
    }
}

fn cbc<C: BlockCipherDecrypt>(cipher: C, iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let decryptor = cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
    decryptor.decrypt_padded_vec::<Pkcs7>(data).ok().map(Zeroizing::new)
}
