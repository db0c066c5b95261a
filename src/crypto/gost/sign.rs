//! Signing (RFC 7091 §6.1), in constant time: no branch and no address depends on the key or on
//! the nonce.

use ring::hmac;
use zeroize::{Zeroize as _, Zeroizing};

use super::curve::Curve;
use super::field::Field;
use super::limbs::{self, Limbs};
use super::point::{Affine, Projective};
use super::verify::nonzero;

/// r and s.
pub(super) type Pair<const N: usize> = (Limbs<N>, Limbs<N>);

/// Signs the digest `e`, taken as a number.
///
/// The nonce is derived from key, digest and `salt`, so it stays unpredictable and unrepeated even
/// where the salt is constant. HMAC-SHA-512 derives it, since the table look-ups of Streebog would
/// show the key to the cache.
pub(super) fn sign<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    d: &Limbs<N>,
    e: &Limbs<N>,
    salt: &[u8; 32],
) -> Pair<N> {
    let mut octets = Zeroizing::new(Vec::with_capacity(8 * N + salt.len()));
    octets.extend(d.iter().flat_map(|limb| limb.to_le_bytes()));
    octets.extend(salt);
    let secret = hmac::Key::new(hmac::HMAC_SHA512, &octets);
    let mut attempt = 0u64;
    loop {
        let k = nonce(curve, &secret, e, attempt);
        // Never the case but with a chance of 2⁻²⁵⁰.
        match sign_with(curve, d, &k, e) {
            Some(pair) => return pair,
            None => attempt += 1,
        }
    }
}

/// Signs with the nonce `k`; `None` where k, r or s is zero.
pub(super) fn sign_with<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    d: &Limbs<N>,
    k: &Limbs<N>,
    e: &Limbs<N>,
) -> Option<Pair<N>> {
    let order = &curve.order;
    let e = nonzero(order.reduce(e));
    let r = order.reduce(&multiply_generator(curve, k).x.number());
    let s = order.add(&order.multiply(&r, d), &order.multiply(&e, k));
    (order.holds(k) & order.holds(&r) & order.holds(&s) == 1).then_some((r, s))
}

/// `k · G`; (0, 0) for k = 0.
pub(super) fn multiply_generator<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    k: &Limbs<N>,
) -> Affine<F> {
    let mut sum = Projective::infinity();
    for (at, window) in curve.windows().iter().enumerate() {
        let digit = k[at / 16] >> (at % 16 * 4) & 15;
        // Every entry is read, whichever is wanted.
        let mut chosen = Projective::infinity();
        for (entry, multiple) in window.iter().zip(1..) {
            let entry = Projective { x: entry.x, y: entry.y, z: F::one() };
            chosen = chosen.select(&entry, limbs::equal_word(digit, multiple));
        }
        sum = sum.add(&chosen, &curve.coefficients, &curve.three_b);
    }
    sum.to_affine()
}

// Twice as many bits as the order has, so that their remainder is as good as evenly spread.
fn nonce<F: Field<N>, const N: usize>(
    curve: &Curve<F, N>,
    secret: &hmac::Key,
    e: &Limbs<N>,
    attempt: u64,
) -> Zeroizing<Limbs<N>> {
    let half = |number: u8| {
        let mut context = hmac::Context::with_key(secret);
        context.update(&[number]);
        context.update(&attempt.to_le_bytes());
        context.update(&limbs::to_octets(e));
        let tag = context.sign();
        let mut out = Zeroizing::new([0; N]);
        for (limb, octets) in out.iter_mut().zip(tag.as_ref().as_chunks().0) {
            *limb = u64::from_le_bytes(*octets);
        }
        out
    };
    let (low, high) = (half(0), half(1));
    let mut reduced = curve.order.reduce_wide(&low, &high);
    let out = Zeroizing::new(reduced);
    reduced.zeroize();
    out
}
