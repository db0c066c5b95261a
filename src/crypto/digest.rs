//! Digests over octets, at once or as they come.

use gost94::Gost94Test;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use streebog::{Digest as _, Streebog256, Streebog512};

use super::DigestAlgorithm;

/// A running digest.
#[derive(Clone)]
pub struct Digester(Running);

#[derive(Clone)]
enum Running {
    Sha(Context),
    Streebog512(Streebog512),
    Streebog256(Streebog256),
    Gost94(Gost94Test),
}

impl Digester {
    /// Starts a digest.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Sha1 => Running::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            DigestAlgorithm::Sha256 => Running::Sha(Context::new(&SHA256)),
            DigestAlgorithm::Sha384 => Running::Sha(Context::new(&SHA384)),
            DigestAlgorithm::Sha512 => Running::Sha(Context::new(&SHA512)),
            DigestAlgorithm::Streebog512 => Running::Streebog512(Streebog512::default()),
            DigestAlgorithm::Streebog256 => Running::Streebog256(Streebog256::default()),
            DigestAlgorithm::Gost94 => Running::Gost94(Gost94Test::default()),
        })
    }

    /// Takes the next octets.
    pub fn update(&mut self, octets: &[u8]) {
        match &mut self.0 {
            Running::Sha(digest) => digest.update(octets),
            Running::Streebog512(digest) => digest.update(octets),
            Running::Streebog256(digest) => digest.update(octets),
            Running::Gost94(digest) => digest.update(octets),
        }
    }

    /// Ends the digest.
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            Running::Sha(digest) => digest.finish().as_ref().to_vec(),
            Running::Streebog512(digest) => digest.finalize().to_vec(),
            Running::Streebog256(digest) => digest.finalize().to_vec(),
            Running::Gost94(digest) => digest.finalize().to_vec(),
        }
    }
}

/// The digest of `octets`.
pub fn digest(algorithm: DigestAlgorithm, octets: &[u8]) -> Vec<u8> {
    let mut digester = Digester::new(algorithm);
    digester.update(octets);
    digester.finish()
}

/// Lower-case hexadecimal digits of `octets`.
pub fn hex(octets: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut out = String::with_capacity(octets.len() * 2);
    for octet in octets {
        out.push(DIGITS[usize::from(octet >> 4)]);
        out.push(DIGITS[usize::from(octet & 15)]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4 example: the message "abc".
    #[test]
    fn sha_256_of_abc() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&digest(DigestAlgorithm::Sha256, b"abc")), expected);
        let mut running = Digester::new(DigestAlgorithm::Sha256);
        running.update(b"a");
        running.update(b"bc");
        assert_eq!(hex(&running.finish()), expected);
    }

    // RFC 6986 §10.1.1 and §10.1.2 (printed there with the highest octet first).
    #[test]
    fn streebog_of_the_example() {
        let message = b"012345678901234567890123456789012345678901234567890123456789012";
        assert_eq!(
            hex(&digest(DigestAlgorithm::Streebog512, message)),
            "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa\
             00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"
        );
        assert_eq!(
            hex(&digest(DigestAlgorithm::Streebog256, message)),
            "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"
        );
    }

    // GOST R 34.11-94 appendix A.3.1 (RFC 5831 §7.3.1), whose S-box is the test one; and the empty
    // message, which tells the two S-boxes apart.
    #[test]
    fn gost_94_of_the_example() {
        let value = digest(DigestAlgorithm::Gost94, b"This is message, length=32 bytes");
        assert_eq!(hex(&value), "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa");
        let empty = digest(DigestAlgorithm::Gost94, b"");
        assert_eq!(hex(&empty), "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d");
    }

    #[test]
    fn pieces_make_the_same_digest_of_the_length_the_table_states() {
        for algorithm in crate::crypto::DIGESTS.iter().filter_map(|row| row.algorithm) {
            let mut running = Digester::new(algorithm);
            running.update(b"a");
            running.clone().update(b"x");
            running.update(&[7; 200]);
            let whole = digest(algorithm, &[&b"a"[..], &[7; 200]].concat());
            assert_eq!(running.finish(), whole);
            assert_eq!(whole.len(), algorithm.length());
        }
    }
}
