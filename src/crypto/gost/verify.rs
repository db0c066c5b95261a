//! Verification (RFC 7091 §6.2), in variable time: everything in it is public.

use super::curve::{Curve, odd_multiples};
use super::field::Field;
use super::limbs::{self, Limbs};
use super::point::{Affine, Jacobian};

/// Bits of the signed digits: of the generator's scalar, and of the key's.
const WIDTHS: (u32, u32) = (10, 5);

/// Whether (r, s) is a signature of the digest `e`, taken as a number, by the key.
pub(super) fn verify<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    key: &Affine<F>,
    e: &Limbs<N>,
    (r, s): (&Limbs<N>, &Limbs<N>),
) -> bool {
    let order = &curve.order;
    if order.holds(r) & order.holds(s) == 0 {
        return false;
    }
    // v = 1 / e in Montgomery form, so that a product with it is a plain number.
    let v = order.invert(&order.to_montgomery(&nonzero(order.reduce(e))));
    let generators = order.montgomery(s, &v);
    let keys = order.negate(&order.montgomery(r, &v));
    let sum = multiply_twice(curve, &generators, key, &keys);
    has_x(curve, &sum, r)
}

/// The digest as a number modulo the order, where 0 counts as 1 (RFC 7091 §6.1 step 2).
pub(super) fn nonzero<const N: usize>(mut e: Limbs<N>) -> Limbs<N> {
    e[0] |= limbs::is_zero(&e);
    e
}

// generators · G + keys · Q, with shared doublings.
fn multiply_twice<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    generators: &Limbs<N>,
    key: &Affine<F>,
    keys: &Limbs<N>,
) -> Jacobian<F> {
    let coefficients = &curve.coefficients;
    let fixed = curve.odd_multiples();
    let table = odd_multiples(&Jacobian::from_affine(key), coefficients, 1 << (WIDTHS.1 - 2));
    let (first, second) = (signed_digits(generators, WIDTHS.0), signed_digits(keys, WIDTHS.1));
    let mut sum: Jacobian<F> = Jacobian::infinity();
    for (generator, key) in first.iter().zip(&second).rev() {
        if sum.z.is_zero() == 0 {
            sum = sum.double(coefficients);
        }
        if *generator != 0 {
            let point = fixed[usize::from(generator.unsigned_abs() / 2)];
            let point = if *generator < 0 { point.negate() } else { point };
            sum = sum.add_affine(&point, coefficients);
        }
        if *key != 0 {
            let mut point = table[usize::from(key.unsigned_abs() / 2)];
            if *key < 0 {
                point.y = point.y.negate();
            }
            sum = sum.add(&point, coefficients);
        }
    }
    sum
}

/// Digits that are 0 or odd, below 2^(width − 1) in size, and sum up to the number with the powers
/// of two: the width-w non-adjacent form.
fn signed_digits<const N: usize>(number: &Limbs<N>, width: u32) -> Vec<i16> {
    let mut digits = vec![0i16; 64 * N + 1];
    let (mut at, mut carry) = (0, 0);
    while at < digits.len() {
        if limbs::bit(number, at) == carry {
            at += 1;
            continue;
        }
        let bits = (0..width as usize).map(|i| (limbs::bit(number, at + i) as i16) << i);
        let digit = bits.sum::<i16>() + carry as i16;
        carry = u64::from(digit >> (width - 1) != 0);
        digits[at] = digit - ((carry as i16) << width);
        at += width as usize;
    }
    digits
}

// Whether the point's x, as a number modulo the order, is r: compared without an inversion, for
// every number below the prime that r stands for.
fn has_x<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    point: &Jacobian<F>,
    r: &Limbs<N>,
) -> bool {
    if point.z.is_zero() == 1 {
        return false;
    }
    let zz = point.z.square();
    let mut next = Some(*r);
    while let Some(x) = next.and_then(F::new) {
        if x.multiply(&zz).equals(&point.x) {
            return true;
        }
        let (sum, carry) = limbs::add(&x.number(), curve.order.number());
        next = (carry == 0).then_some(sum);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn signed_digits_sum_up(number: u64, width in 2u32..=10) {
            let digits = signed_digits(&[number, 0], width);
            let sum = digits.iter().rev().fold(0i128, |sum, digit| 2 * sum + i128::from(*digit));
            prop_assert_eq!(sum, i128::from(number));
            for digit in digits {
                prop_assert!(digit == 0 || digit % 2 != 0 && digit.abs() < 1 << (width - 1));
            }
        }
    }
}
