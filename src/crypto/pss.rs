//! RSASSA-PSS with other parameters than ring has (RFC 8017 §8.1.2, §9.1.2). Everything here is
//! public, so nothing needs to be constant-time; `num-bigint` raises to the power.

use num_bigint::BigUint;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::RSAPublicKey;

use super::{DigestAlgorithm, Digester, UnsupportedAlgorithm, VerifyError, digest};

/// Digest, mask and salt of an RSASSA-PSS value (RFC 4055 §3.1), where they are not the usual
/// ones: one digest for message and mask, and a salt of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PssParameters {
    digest: DigestAlgorithm,
    mask: DigestAlgorithm,
    salt: u16,
}

impl PssParameters {
    /// A digest for the message, one for the mask (MGF1), and the length of the salt in octets.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] for digests that are not of SHA-2.
    pub fn new(
        digest: DigestAlgorithm,
        mask: DigestAlgorithm,
        salt: u16,
    ) -> Result<Self, UnsupportedAlgorithm> {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        let name = digest.row().name;
        let name = match (digest, mask) {
            (Sha256 | Sha384 | Sha512, Sha256 | Sha384 | Sha512) => {
                return Ok(Self { digest, mask, salt });
            }
            (Sha256 | Sha384 | Sha512, _) => format!("{name} and MGF1 of {}", mask.row().name),
            _ => name.to_owned(),
        };
        Err(UnsupportedAlgorithm { name: format!("RSASSA-PSS with {name}") })
    }

    /// The digest of the message.
    pub fn digest(self) -> DigestAlgorithm {
        self.digest
    }

    /// Whether ring and the XML identifiers know them.
    pub(super) fn is_usual(self) -> bool {
        self.mask == self.digest && usize::from(self.salt) == self.digest.length()
    }

    /// What [`super::SignatureAlgorithm::name`] adds to the row's name.
    pub(super) fn suffix(self) -> String {
        format!(", MGF1 of {}, salt of {} octets", self.mask.row().name, self.salt)
    }

    /// Reads [`PssParameters::suffix`] again.
    pub(super) fn from_suffix(digest: DigestAlgorithm, suffix: &str) -> Option<Self> {
        let (mask, salt) = suffix.strip_prefix(", MGF1 of ")?.split_once(", salt of ")?;
        let mask = super::DIGESTS.iter().find(|row| row.name == mask)?.algorithm?;
        let salt = salt.strip_suffix(" octets")?.parse().ok()?;
        Self::new(digest, mask, salt).ok()
    }

    /// Checks `value` over `message` with the key in an `RSAPublicKey`. Modulus and exponent are
    /// bounded as ring bounds them.
    pub(super) fn verify(
        self,
        key: &[u8],
        message: &[u8],
        value: &[u8],
    ) -> Result<(), VerifyError> {
        let encoded = recover(key, value).ok_or(VerifyError::Wrong)?;
        match self.fits(&encoded, &digest(self.digest, message)) {
            Some(true) => Ok(()),
            _ => Err(VerifyError::Wrong),
        }
    }

    // EMSA-PSS-VERIFY (§9.1.2) from step 3 on.
    fn fits(self, encoded: &Encoded, digested: &[u8]) -> Option<bool> {
        let (length, salt) = (digested.len(), usize::from(self.salt));
        let (masked, rest) =
            encoded.octets.split_at_checked(encoded.octets.len().checked_sub(length + 1)?)?;
        let (hash, trailer) = rest.split_at_checked(length)?;
        let padding = masked.len().checked_sub(salt + 1)?;
        let unused = !(0xffu8 >> encoded.spare);
        if trailer != [0xbc] || masked.first()? & unused != 0 {
            return Some(false);
        }
        let mask = self.mask(hash, masked.len());
        let mut block: Vec<u8> =
            masked.iter().zip(mask).map(|(octet, mask)| octet ^ mask).collect();
        *block.first_mut()? &= !unused;
        let (zeros, tail) = block.split_at_checked(padding)?;
        let (delimiter, salt) = tail.split_first()?;
        if zeros.iter().any(|octet| *octet != 0) || *delimiter != 1 {
            return Some(false);
        }
        let mut own = Digester::new(self.digest);
        for part in [&[0; 8][..], digested, salt] {
            own.update(part);
        }
        Some(own.finish() == hash)
    }

    // MGF1 (§B.2.1).
    fn mask(self, seed: &[u8], length: usize) -> impl Iterator<Item = u8> {
        let blocks = length.div_ceil(self.mask.length()) as u32;
        let algorithm = self.mask;
        (0..blocks).flat_map(move |counter| {
            let mut block = Digester::new(algorithm);
            block.update(seed);
            block.update(&counter.to_be_bytes());
            block.finish()
        })
    }
}

/// The encoded message, and how many bits of its first octet are not used.
struct Encoded {
    octets: Vec<u8>,
    spare: u32,
}

// §8.1.2, steps 1 and 2.
fn recover(key: &[u8], value: &[u8]) -> Option<Encoded> {
    let (rest, key) = RSAPublicKey::from_der(key).ok()?;
    let modulus = BigUint::from_bytes_be(key.modulus);
    let exponent = BigUint::from_bytes_be(key.exponent);
    let bits = modulus.bits();
    let bounded = rest.is_empty()
        && (2048..=8192).contains(&bits)
        && modulus.bit(0)
        && (2..=33).contains(&exponent.bits())
        && exponent.bit(0);
    let signature = BigUint::from_bytes_be(value);
    if !bounded || value.len() as u64 != bits.div_ceil(8) || signature >= modulus {
        return None;
    }
    let message = signature.modpow(&exponent, &modulus).to_bytes_be();
    let length = usize::try_from((bits - 1).div_ceil(8)).ok()?;
    let mut octets = vec![0; length.checked_sub(message.len())?];
    octets.extend(message);
    let spare = u32::try_from(8 * length as u64 - (bits - 1)).ok()?;
    Some(Encoded { octets, spare })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_outside_of_sha_2_are_refused_by_name() {
        use DigestAlgorithm::{Sha1, Sha256, Streebog256};
        let name = |digest, mask| PssParameters::new(digest, mask, 20).unwrap_err().name;
        assert_eq!(name(Sha256, Sha1), "RSASSA-PSS with SHA-256 and MGF1 of SHA-1");
        assert_eq!(name(Sha1, Sha1), "RSASSA-PSS with SHA-1");
        assert_eq!(name(Streebog256, Sha256), "RSASSA-PSS with Streebog-256");
    }

    proptest! {
        #[test]
        fn any_octets_are_no_panic(
            octets in prop::collection::vec(any::<u8>(), 0..300),
            spare in 0u32..8,
            salt in any::<u16>(),
        ) {
            let parameters =
                PssParameters::new(DigestAlgorithm::Sha256, DigestAlgorithm::Sha512, salt).unwrap();
            let encoded = Encoded { octets: octets.clone(), spare };
            prop_assert_ne!(parameters.fits(&encoded, &[0; 32]), Some(true));
            prop_assert!(recover(&octets, &octets).is_none());
        }
    }
}
