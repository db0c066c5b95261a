//! Digests over octets, at once or as they come.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

use super::DigestAlgorithm;

/// A running digest.
#[derive(Clone)]
pub struct Digester(Context);

impl Digester {
    /// Starts a digest.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(Context::new(match algorithm {
            DigestAlgorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            DigestAlgorithm::Sha256 => &SHA256,
            DigestAlgorithm::Sha384 => &SHA384,
            DigestAlgorithm::Sha512 => &SHA512,
        }))
    }

    /// Takes the next octets.
    pub fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// Ends the digest.
    pub fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
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
    use std::fmt::Write as _;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut out, octet| {
        let _ = write!(out, "{octet:02x}");
        out
    })
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
}
