//! Keys and codes from passwords: RFC 7292 appendix B, PBKDF2 (RFC 8018 §5.2), HMAC (RFC 2104).

use gost94::Gost94Test;
use hmac::digest::FixedOutput;
use hmac::{KeyInit, Mac, SimpleHmac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use streebog::{Streebog256, Streebog512};
use zeroize::Zeroizing;

use crate::crypto::{DigestAlgorithm, Digester};

/// What the octets are for (RFC 7292 §B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    InitialValue = 2,
    Mac = 3,
}

/// Salt and count, as a file states them; the count was charged to the budget.
#[derive(Clone, Copy)]
pub(super) struct Cost<'a> {
    pub salt: &'a [u8],
    pub iterations: u32,
}

// A generic function with the digest's own type.
macro_rules! with {
    ($digest:expr, $function:ident ( $($argument:expr),* )) => {
        match $digest {
            DigestAlgorithm::Sha1 => $function::<SimpleHmac<Sha1>>($($argument),*),
            DigestAlgorithm::Sha256 => $function::<SimpleHmac<Sha256>>($($argument),*),
            DigestAlgorithm::Sha384 => $function::<SimpleHmac<Sha384>>($($argument),*),
            DigestAlgorithm::Sha512 => $function::<SimpleHmac<Sha512>>($($argument),*),
            DigestAlgorithm::Streebog512 => $function::<SimpleHmac<Streebog512>>($($argument),*),
            DigestAlgorithm::Streebog256 => $function::<SimpleHmac<Streebog256>>($($argument),*),
            DigestAlgorithm::Gost94 => $function::<SimpleHmac<Gost94Test>>($($argument),*),
        }
    };
}

/// The key derivation of PKCS#12 itself (RFC 7292 §B.2); the password is a BMPString with its two
/// zero octets at the end.
pub(super) fn pkcs12(
    algorithm: DigestAlgorithm,
    purpose: Purpose,
    password: &[u8],
    cost: Cost<'_>,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = match algorithm {
        DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512 => 128,
        DigestAlgorithm::Gost94 => 32,
        _ => 64,
    };
    let whole = |octets: &[u8]| octets.len().div_ceil(block) * block;
    let mut input = Zeroizing::new(Vec::with_capacity(whole(cost.salt) + whole(password)));
    for part in [cost.salt, password] {
        input.extend(part.iter().cycle().take(whole(part)));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(length + algorithm.length()));
    while out.len() < length {
        let mut digester = Digester::new(algorithm);
        digester.update(&vec![purpose as u8; block]);
        digester.update(&input);
        let mut digest = Zeroizing::new(digester.finish());
        for _ in 1..cost.iterations {
            digest = Zeroizing::new(crate::crypto::digest(algorithm, &digest));
        }
        out.extend_from_slice(&digest);
        // Each block plus the repeated digest plus one, as numbers of this length.
        for part in input.chunks_mut(block) {
            let mut carry = 1;
            for (at, octet) in part.iter_mut().enumerate().rev() {
                let added = digest.get(at % digest.len()).copied().unwrap_or_default();
                carry += u16::from(*octet) + u16::from(added);
                *octet = carry as u8;
                carry >>= 8;
            }
        }
    }
    out.truncate(length);
    out
}

/// PBKDF2 with HMAC over this digest.
pub(super) fn pbkdf2(
    algorithm: DigestAlgorithm,
    password: &[u8],
    cost: Cost<'_>,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(vec![0; length]);
    with!(algorithm, stretch(password, cost, &mut out));
    out
}

/// Whether `code` is the HMAC of `message`, compared without telling by its time where it differs.
pub(super) fn mac_fits(
    algorithm: DigestAlgorithm,
    key: &[u8],
    message: &[u8],
    code: &[u8],
) -> bool {
    with!(algorithm, fits(key, message, code))
}

/// The HMAC of `message`.
pub(super) fn mac(algorithm: DigestAlgorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    with!(algorithm, code_of(key, message))
}

fn stretch<M>(password: &[u8], cost: Cost<'_>, out: &mut [u8])
where
    M: Mac + FixedOutput + KeyInit + Clone + Sync,
{
    // HMAC takes keys of every length.
    let _ = pbkdf2::pbkdf2::<M>(password, cost.salt, cost.iterations, out);
}

fn fits<M: Mac + KeyInit>(key: &[u8], message: &[u8], code: &[u8]) -> bool {
    let mac = <M as KeyInit>::new_from_slice(key);
    mac.is_ok_and(|mac| mac.chain_update(message).verify_slice(code).is_ok())
}

fn code_of<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(key);
    mac.map_or_else(
        |_| Vec::new(),
        |mac| mac.chain_update(message).finalize().into_bytes().to_vec(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    // RFC 6070 (SHA-1) and RFC 7914 §11 (SHA-256).
    #[test]
    fn pbkdf2_of_the_examples() {
        let cost = Cost { salt: b"salt", iterations: 4096 };
        let key = pbkdf2(DigestAlgorithm::Sha1, b"password", cost, 20);
        assert_eq!(hex(&key), "4b007901b765489abead49d926f721d065a429c1");
        let cost = Cost { salt: b"salt", iterations: 1 };
        let key = pbkdf2(DigestAlgorithm::Sha256, b"passwd", cost, 64);
        assert_eq!(
            hex(&key),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
             49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        );
    }

    // R 50.1.113-2016 appendix A (RFC 7836 §A.1) with 512 bits.
    #[test]
    fn hmac_with_streebog_of_the_example() {
        let key: Vec<u8> = (0..32).collect();
        let message =
            [1, 0x26, 0xbd, 0xb8, 0x78, 0, 0xaf, 0x21, 0x43, 0x41, 0x45, 0x65, 0x63, 0x78, 1, 0];
        let code = mac(DigestAlgorithm::Streebog512, &key, &message);
        assert_eq!(
            hex(&code),
            "a59bab22ecae19c65fbde6e5f4e9f5d8549d31f037f9df9b905500e171923a77\
             3d5f1530f2ed7e964cb2eedc29e9ad2f3afe93b2814f79f5000ffc0366c251e6"
        );
        assert!(mac_fits(DigestAlgorithm::Streebog512, &key, &message, &code));
        assert!(!mac_fits(DigestAlgorithm::Streebog512, &key, &message, &code[..63]));
    }
}
