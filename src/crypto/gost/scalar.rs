//! Arithmetic modulo a group order: Montgomery multiplication, constant-time in the values.

use super::limbs::{self, Limbs, multiplying};

/// An odd modulus of `N` limbs with its highest limb in use; R = 2⁶⁴ᴺ.
pub(super) struct Modulus<const N: usize> {
    modulus: Limbs<N>,
    /// −1 / modulus, modulo 2⁶⁴.
    inverse: u64,
    /// R² modulo the modulus.
    square: Limbs<N>,
}

impl<const N: usize> Modulus<N> {
    pub(super) const fn new(modulus: Limbs<N>) -> Self {
        // Newton's iteration doubles the right bits: 5, 10, 20, 40, 80.
        let mut inverse = modulus[0].wrapping_mul(3) ^ 2;
        let mut i = 0;
        while i < 4 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(modulus[0].wrapping_mul(inverse)));
            i += 1;
        }
        let mut square = [0; N];
        square[0] = 1;
        let mut i = 0;
        while i < 128 * N {
            let (double, carry) = limbs::add(&square, &square);
            let (less, borrow) = limbs::subtract(&double, &modulus);
            square = if carry == 1 || borrow == 0 { less } else { double };
            i += 1;
        }
        Self { modulus, inverse: inverse.wrapping_neg(), square }
    }

    /// The modulus.
    pub(super) const fn number(&self) -> &Limbs<N> {
        &self.modulus
    }

    /// 1 where `a` lies between 0 and the modulus, both excluded; else 0.
    pub(super) fn holds(&self, a: &Limbs<N>) -> u64 {
        limbs::less(a, &self.modulus) & (1 ^ limbs::is_zero(a))
    }

    /// `a + b`; both below the modulus.
    pub(super) fn add(&self, a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
        let (sum, carry) = limbs::add(a, b);
        self.once(sum, carry)
    }

    /// `−a`; `a` below the modulus.
    pub(super) fn negate(&self, a: &Limbs<N>) -> Limbs<N> {
        let (out, _) = limbs::subtract(&self.modulus, a);
        limbs::select(&out, &[0; N], limbs::is_zero(a))
    }

    /// Any number of N limbs, modulo the modulus.
    pub(super) fn reduce(&self, a: &Limbs<N>) -> Limbs<N> {
        let mut one = [0; N];
        one[0] = 1;
        self.montgomery(&self.to_montgomery(a), &one)
    }

    /// `high · R + low`, modulo the modulus.
    pub(super) fn reduce_wide(&self, low: &Limbs<N>, high: &Limbs<N>) -> Limbs<N> {
        self.add(&self.reduce(low), &self.to_montgomery(high))
    }

    /// `a · b`; one of them below the modulus.
    pub(super) fn multiply(&self, a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
        self.montgomery(&self.to_montgomery(a), b)
    }

    /// `a · R`; any `a`.
    pub(super) fn to_montgomery(&self, a: &Limbs<N>) -> Limbs<N> {
        self.montgomery(a, &self.square)
    }

    /// `a · b / R`; one of them below the modulus.
    #[inline]
    pub(super) fn montgomery(&self, a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
        let (mut out, mut top) = ([0; N], 0);
        for limb in a {
            let mut carry = 0;
            for j in 0..N {
                (out[j], carry) = multiplying(out[j], *limb, b[j], carry);
            }
            let (sum, over) = limbs::carrying(top, carry, 0);
            let factor = out[0].wrapping_mul(self.inverse);
            let (_, mut carry) = multiplying(out[0], factor, self.modulus[0], 0);
            for j in 1..N {
                (out[j - 1], carry) = multiplying(out[j], factor, self.modulus[j], carry);
            }
            let (last, again) = limbs::carrying(sum, carry, 0);
            out[N - 1] = last;
            top = over + again;
        }
        self.once(out, top)
    }

    /// `a` to the power `exponent`, both in Montgomery form and in variable time in the exponent:
    /// for public exponents only.
    pub(super) fn power(&self, a: &Limbs<N>, exponent: &Limbs<N>) -> Limbs<N> {
        let mut one = [0; N];
        one[0] = 1;
        let mut table = [self.to_montgomery(&one); 16];
        for i in 1..16 {
            table[i] = self.montgomery(&table[i - 1], a);
        }
        (0..16 * N).rev().fold(table[0], |power, at| {
            let power = (0..4).fold(power, |power, _| self.montgomery(&power, &power));
            let digit = exponent[at / 16] >> (at % 16 * 4) & 15;
            self.montgomery(&power, &table[digit as usize])
        })
    }

    /// `1 / a` in Montgomery form, for `a` in the same; the modulus must be prime.
    pub(super) fn invert(&self, a: &Limbs<N>) -> Limbs<N> {
        let mut two = [0; N];
        two[0] = 2;
        self.power(a, &limbs::subtract(&self.modulus, &two).0)
    }

    // Takes the modulus off once, where the number reaches it.
    #[inline(always)]
    fn once(&self, a: Limbs<N>, carry: u64) -> Limbs<N> {
        let (less, borrow) = limbs::subtract(&a, &self.modulus);
        limbs::select(&less, &a, borrow & (1 ^ carry))
    }
}
