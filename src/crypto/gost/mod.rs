//! GOST R 34.10-2012 (RFC 7091), which Kazakhstan calls GOST 34.10-2015, and GOST 34.310-2004, the
//! same scheme on another curve.
//!
//! Byte orders are those of the national authority: a digest is a number with its lowest octet
//! first, a public key is x ‖ y and a signature value r ‖ s, each half with its lowest octet first.
//! (RFC 9215 writes the value s ‖ r with the highest first: exactly these octets reversed.)

mod curve;
mod field;
mod limbs;
mod point;
mod scalar;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

use zeroize::Zeroizing;

use self::curve::{CRYPTO_PRO_A, Curve, TC26_A_256, TC26_A_512};
use self::field::Field;
use super::Random;

/// The curves of the national algorithms; configurations name them by their kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
pub enum GostCurve {
    /// id-tc26-gost-3410-12-512-paramSetA: GOST R 34.10-2012 with 512 bits.
    #[serde(rename = "gost-512")]
    Tc26A512,
    /// id-tc26-gost-3410-2012-256-paramSetA: GOST R 34.10-2012 with 256 bits.
    #[serde(rename = "gost-256")]
    Tc26A256,
    /// The CryptoPro parameter set A: GOST 34.310-2004.
    #[serde(rename = "gost-2004")]
    CryptoProA,
}

/// A private key; its octets are wiped when it goes.
pub struct GostPrivateKey {
    curve: GostCurve,
    secret: Zeroizing<Vec<u8>>,
}

// A generic function with the curve's own type.
macro_rules! on {
    ($curve:expr, $function:ident ( $($argument:expr),* )) => {
        match $curve {
            GostCurve::Tc26A512 => $function(&*TC26_A_512, $($argument),*),
            GostCurve::Tc26A256 => $function(&*TC26_A_256, $($argument),*),
            GostCurve::CryptoProA => $function(&*CRYPTO_PRO_A, $($argument),*),
        }
    };
}

impl GostCurve {
    /// Every curve.
    pub const ALL: [Self; 3] = [Self::Tc26A512, Self::Tc26A256, Self::CryptoProA];

    /// Octets of a coordinate, of a private key, of r and of s.
    pub fn octets(self) -> usize {
        match self {
            Self::Tc26A512 => 64,
            Self::Tc26A256 | Self::CryptoProA => 32,
        }
    }

    /// The name of the key kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tc26A512 => "GOST R 34.10-2012 (512 bits)",
            Self::Tc26A256 => "GOST R 34.10-2012 (256 bits)",
            Self::CryptoProA => "GOST 34.310-2004",
        }
    }

    /// The curve with this key algorithm and parameter set, both dotted identifiers.
    pub fn from_oids(key: &str, parameters: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oids() == (key, parameters))
    }

    /// The dotted identifiers of the key algorithm and of the parameter set.
    pub fn oids(self) -> (&'static str, &'static str) {
        match self {
            Self::Tc26A512 => ("1.2.398.3.10.1.1.2.2", "1.2.398.3.10.1.1.2.2.1"),
            Self::Tc26A256 => ("1.2.398.3.10.1.1.2.1", "1.2.398.3.10.1.1.2.1.1"),
            Self::CryptoProA => ("1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.1.1.1.1"),
        }
    }

    /// The dotted identifier of the digest that keys of this curve name beside the parameter set.
    pub fn digest_oid(self) -> &'static str {
        match self {
            Self::Tc26A512 => "1.2.398.3.10.1.3.3",
            Self::Tc26A256 => "1.2.398.3.10.1.3.2",
            Self::CryptoProA => "1.2.398.3.10.1.3.1.1.0",
        }
    }

    /// Whether `value` signs `digest` with the public key `key`. A key that is no point of the
    /// curve's prime-order group signs nothing.
    pub fn verify(self, key: &[u8], digest: &[u8], value: &[u8]) -> bool {
        on!(self, verified(key, digest, value)).unwrap_or(false)
    }
}

impl GostPrivateKey {
    /// Takes a private key with its lowest octet first, as the PKCS#8 keys of GOST 34.10-2015 have
    /// it; `None` unless it lies between 0 and the group order.
    pub fn from_little_endian(curve: GostCurve, secret: &[u8]) -> Option<Self> {
        on!(curve, is_private(secret))
            .then(|| Self { curve, secret: Zeroizing::new(secret.to_vec()) })
    }

    /// Takes a private key with its highest octet first, as the PKCS#8 keys of GOST 34.310-2004
    /// have it (there an INTEGER, so shorter ones count).
    pub fn from_big_endian(curve: GostCurve, secret: &[u8]) -> Option<Self> {
        let start = secret.iter().position(|octet| *octet != 0)?;
        let mut octets = Zeroizing::new(secret[start..].to_vec());
        let missing = curve.octets().checked_sub(octets.len())?;
        octets.reverse();
        octets.reserve_exact(missing);
        octets.resize(curve.octets(), 0);
        Self::from_little_endian(curve, &octets)
    }

    /// A new key; `None` if the random source fails.
    pub fn generate(curve: GostCurve, random: &dyn Random) -> Option<Self> {
        let mut secret = Zeroizing::new(vec![0; curve.octets()]);
        // Every second number at worst fits, for the 256-bit parameter set A every fourth.
        (0..256).find_map(|_| {
            let filled = random.fill(&mut secret);
            filled.then(|| Self::from_little_endian(curve, &secret)).flatten()
        })
    }

    /// The curve.
    pub fn curve(&self) -> GostCurve {
        self.curve
    }

    /// The public key.
    pub fn public(&self) -> Vec<u8> {
        on!(self.curve, public(&self.secret))
    }

    /// The private key with its lowest octet first.
    pub fn to_little_endian(&self) -> Zeroizing<Vec<u8>> {
        self.secret.clone()
    }

    /// Signs a digest, in constant time. The nonce comes from key, digest and `random`; a random
    /// source that fails makes the signature deterministic, never weak. `None` for a digest of
    /// another length than the curve's.
    pub fn sign(&self, digest: &[u8], random: &dyn Random) -> Option<Vec<u8>> {
        let mut salt = Zeroizing::new([0; 32]);
        let _ = random.fill(salt.as_mut_slice());
        on!(self.curve, signed(&self.secret, digest, &salt))
    }
}

impl std::fmt::Debug for GostPrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GostPrivateKey({})", self.curve.name())
    }
}

fn verified<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    key: &[u8],
    digest: &[u8],
    value: &[u8],
) -> Option<bool> {
    let (x, y) = key.split_at_checked(8 * N)?;
    let (r, s) = value.split_at_checked(8 * N)?;
    let key = curve.point(limbs::from_octets(x)?, limbs::from_octets(y)?)?;
    let (r, s) = (limbs::from_octets(r)?, limbs::from_octets(s)?);
    Some(verify::verify(curve, &key, &limbs::from_octets(digest)?, (&r, &s)))
}

fn is_private<F: Field<N>, const N: usize>(curve: &Curve<F, N>, secret: &[u8]) -> bool {
    let secret = limbs::from_octets(secret).map(Zeroizing::new);
    secret.is_some_and(|secret| curve.order.holds(&secret) == 1)
}

fn public<F: Field<N>, const N: usize>(curve: &Curve<F, N>, secret: &[u8]) -> Vec<u8> {
    let secret = Zeroizing::new(limbs::from_octets(secret).unwrap_or([0; N]));
    let point = sign::multiply_generator(curve, &secret);
    [limbs::to_octets(&point.x.number()), limbs::to_octets(&point.y.number())].concat()
}

fn signed<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    secret: &[u8],
    digest: &[u8],
    salt: &[u8; 32],
) -> Option<Vec<u8>> {
    let secret = Zeroizing::new(limbs::from_octets(secret)?);
    let (r, s) = sign::sign(curve, &secret, &limbs::from_octets(digest)?, salt);
    Some([limbs::to_octets(&r), limbs::to_octets(&s)].concat())
}
