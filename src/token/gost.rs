//! How tokens make GOST signatures: modules differ in the mechanism's number, in what they take, and
//! in the byte order of what they give.

use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};
use serde::Deserialize;

use crate::crypto::{GostCurve, SignatureAlgorithm, digest};

/// `CKM_GOSTR3410` (PKCS#11 2.40 §2.48.7): keys of 256 bits.
const CKM_GOSTR3410: u32 = 0x1201;

/// How one module signs with keys of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GostMechanism {
    /// The kind of key: `gost-512`, `gost-256` or `gost-2004`.
    pub key: GostCurve,
    /// The mechanism's number, for example 0x1201 (`CKM_GOSTR3410`) or a vendor's own.
    pub mechanism: u32,
    /// What the module takes.
    #[serde(default)]
    pub input: GostInput,
    /// The byte order of the value the module gives.
    #[serde(default)]
    pub value: GostValue,
}

/// What a module takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GostInput {
    /// The digest as it is computed.
    #[default]
    Digest,
    /// The digest with its octets reversed.
    DigestReversed,
    /// The message itself (`CKM_GOSTR3410_WITH_GOSTR3411` and its like).
    Message,
}

/// The byte order of a module's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GostValue {
    /// s ‖ r, each with its highest octet first, as RFC 4490 and RFC 9215 write it.
    #[default]
    SRBig,
    /// r ‖ s, each with its highest octet first.
    RSBig,
    /// s ‖ r, each with its lowest octet first.
    SRLittle,
    /// r ‖ s, each with its lowest octet first, as national documents have it.
    RSLittle,
}

impl GostMechanism {
    /// What the standard says, where it says something: it has no mechanism for 512 bits.
    pub(super) fn standard(key: GostCurve) -> Option<Self> {
        let (input, value) = (GostInput::default(), GostValue::default());
        (key != GostCurve::Tc26A512).then_some(Self { key, mechanism: CKM_GOSTR3410, input, value })
    }

    pub(super) fn mechanism(self) -> Mechanism<'static> {
        Mechanism::VendorDefined(VendorDefinedMechanism::new::<()>(kind(self.mechanism), None))
    }

    /// What goes to the module.
    pub(super) fn input(self, algorithm: SignatureAlgorithm, message: &[u8]) -> Vec<u8> {
        let mut digest = match self.input {
            GostInput::Message => return message.to_vec(),
            _ => digest(algorithm.digest(), message),
        };
        if self.input == GostInput::DigestReversed {
            digest.reverse();
        }
        digest
    }

    /// The value in national order.
    pub(super) fn value(self, mut value: Vec<u8>) -> Vec<u8> {
        let half = value.len() / 2;
        if matches!(self.value, GostValue::SRBig | GostValue::RSBig) {
            // All octets reversed changes the halves too.
            value.reverse();
        }
        if matches!(self.value, GostValue::RSBig | GostValue::SRLittle) {
            value.rotate_left(half);
        }
        value
    }
}

/// The binding has no name for the GOST mechanisms of the standard, and makes a type from a number
/// only in the vendors' range.
#[allow(unsafe_code)]
fn kind(number: u32) -> MechanismType {
    let number = std::ffi::c_ulong::from(number);
    // SAFETY: `MechanismType` is `repr(transparent)` over `CK_MECHANISM_TYPE`, an unsigned long of
    // which every value is allowed; the sizes are compared when this is compiled.
    unsafe { std::mem::transmute::<std::ffi::c_ulong, MechanismType>(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_order_become_national_ones() {
        // r = 0x0102, s = 0x0304.
        for (value, octets) in [
            (GostValue::SRBig, [3, 4, 1, 2]),
            (GostValue::RSBig, [1, 2, 3, 4]),
            (GostValue::SRLittle, [4, 3, 2, 1]),
            (GostValue::RSLittle, [2, 1, 4, 3]),
        ] {
            let standard = GostMechanism::standard(GostCurve::CryptoProA).unwrap();
            let module = GostMechanism { value, ..standard };
            assert_eq!(module.value(octets.to_vec()), [2, 1, 4, 3], "{value:?}");
        }
    }

    #[test]
    fn numbers_of_mechanisms_stay_what_they_are() {
        for number in [CKM_GOSTR3410, 0xd432_1006] {
            assert_eq!(*kind(number), std::ffi::c_ulong::from(number));
        }
    }
}
