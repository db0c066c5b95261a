//! The fields the curves lie over: integers modulo 2⁶⁴ᴺ − C for a small C, so that a product folds
//! in one short pass. Everything is constant-time in the values.

use super::limbs::{self, Limbs, borrowing, carrying, multiplying};

/// A prime field whose elements fit `N` limbs.
pub(super) trait Field<const N: usize>: Copy + Send + Sync + 'static {
    /// The element of a number below the prime; `None` for a larger one.
    fn new(number: Limbs<N>) -> Option<Self>;
    /// The number of the element, below the prime.
    fn number(&self) -> Limbs<N>;
    fn add(&self, other: &Self) -> Self;
    fn subtract(&self, other: &Self) -> Self;
    fn multiply(&self, other: &Self) -> Self;
    fn square(&self) -> Self;
    /// The inverse; zero for zero.
    fn invert(&self) -> Self;
    /// `self` where `choice` is 0, `other` where it is 1.
    fn select(&self, other: &Self, choice: u64) -> Self;
    /// 1 for zero, else 0.
    fn is_zero(&self) -> u64;
    fn zero() -> Self;
    fn one() -> Self;

    fn double(&self) -> Self {
        self.add(self)
    }

    fn negate(&self) -> Self {
        Self::zero().subtract(self)
    }

    fn equals(&self, other: &Self) -> bool {
        self.subtract(other).is_zero() == 1
    }
}

/// An element modulo 2⁶⁴ᴺ − C: any number of N limbs, so the lowest C have two forms.
#[derive(Clone, Copy)]
pub(super) struct Folded<const N: usize, const C: u64>(Limbs<N>);

impl<const N: usize, const C: u64> Folded<N, C> {
    const fn prime() -> Limbs<N> {
        let mut prime = [u64::MAX; N];
        prime[0] = C.wrapping_neg();
        prime
    }

    /// Adds `extra · C`, where `extra` is what a sum has above its N limbs (at most a few C).
    #[inline(always)]
    fn fold(mut limbs: Limbs<N>, extra: u64) -> Self {
        let mut carry = extra * C;
        for limb in &mut limbs {
            (*limb, carry) = carrying(*limb, carry, 0);
        }
        // A carry here leaves less than `extra · C` behind it, so the lowest limb takes one more C.
        limbs[0] += carry * C;
        Self(limbs)
    }

    #[inline(always)]
    fn reduce(low: Limbs<N>, high: Limbs<N>) -> Self {
        let (mut out, mut carry) = (low, 0);
        for i in 0..N {
            (out[i], carry) = multiplying(low[i], high[i], C, carry);
        }
        Self::fold(out, carry)
    }

    // x^(2^count): `count` squarings.
    fn squared(&self, count: usize) -> Self {
        (0..count).fold(*self, |power, _| power.square())
    }

    // x^(2^ones − 1), by doubling the run of ones.
    fn run(&self, ones: usize) -> Self {
        match ones {
            1 => *self,
            _ if ones % 2 == 1 => self.run(ones - 1).square().multiply(self),
            _ => {
                let half = self.run(ones / 2);
                half.squared(ones / 2).multiply(&half)
            }
        }
    }
}

impl<const N: usize, const C: u64> Field<N> for Folded<N, C> {
    fn new(number: Limbs<N>) -> Option<Self> {
        (limbs::less(&number, &Self::prime()) == 1).then_some(Self(number))
    }

    fn number(&self) -> Limbs<N> {
        let (reduced, borrow) = limbs::subtract(&self.0, &Self::prime());
        limbs::select(&reduced, &self.0, borrow)
    }

    #[inline]
    fn add(&self, other: &Self) -> Self {
        let (sum, carry) = limbs::add(&self.0, &other.0);
        Self::fold(sum, carry)
    }

    #[inline]
    fn subtract(&self, other: &Self) -> Self {
        let (mut out, borrow) = limbs::subtract(&self.0, &other.0);
        // 2⁶⁴ᴺ = C: what was borrowed is given back.
        let mut back = borrow * C;
        for limb in &mut out {
            (*limb, back) = borrowing(*limb, back, 0);
        }
        // As in `fold`: after a second borrow the number is close to 2⁶⁴ᴺ.
        out[0] -= back * C;
        Self(out)
    }

    #[inline]
    fn multiply(&self, other: &Self) -> Self {
        let (mut low, mut high) = ([0; N], [0; N]);
        for i in 0..N {
            let mut carry = 0;
            for j in 0..N {
                let place = if i + j < N { &mut low[i + j] } else { &mut high[i + j - N] };
                (*place, carry) = multiplying(*place, self.0[i], other.0[j], carry);
            }
            high[i] = carry;
        }
        Self::reduce(low, high)
    }

    #[inline]
    fn square(&self) -> Self {
        let (mut low, mut high) = ([0; N], [0; N]);
        // The products of two different limbs, once.
        for i in 0..N {
            let mut carry = 0;
            for j in i + 1..N {
                let place = if i + j < N { &mut low[i + j] } else { &mut high[i + j - N] };
                (*place, carry) = multiplying(*place, self.0[i], self.0[j], carry);
            }
            high[i] = carry;
        }
        // Twice them, and the squares of the limbs.
        let (mut top, mut carry) = (0, 0);
        for i in 0..N {
            let square = self.0[i] as u128 * self.0[i] as u128;
            for (at, part) in [(2 * i, square as u64), (2 * i + 1, (square >> 64) as u64)] {
                let place = if at < N { &mut low[at] } else { &mut high[at - N] };
                let doubled = *place << 1 | top;
                top = *place >> 63;
                (*place, carry) = carrying(doubled, part, carry);
            }
        }
        Self::reduce(low, high)
    }

    // Fermat: x^(p − 2). All bits of the exponent are ones but some of the lowest ten.
    fn invert(&self) -> Self {
        const { assert!(C < 1022) };
        (0..10).rev().fold(self.run(64 * N - 10), |power, at| {
            let power = power.square();
            if (1022 - C) >> at & 1 == 1 { power.multiply(self) } else { power }
        })
    }

    #[inline]
    fn select(&self, other: &Self, choice: u64) -> Self {
        Self(limbs::select(&self.0, &other.0, choice))
    }

    fn is_zero(&self) -> u64 {
        limbs::is_zero(&self.number())
    }

    fn zero() -> Self {
        Self([0; N])
    }

    fn one() -> Self {
        let mut one = [0; N];
        one[0] = 1;
        Self(one)
    }
}
