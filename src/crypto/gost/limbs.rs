//! Numbers as little-endian limbs of 64 bits. Nothing here branches or indexes by a value.

use std::hint::black_box;

/// A number of `N` limbs, the lowest first.
pub(super) type Limbs<const N: usize> = [u64; N];

/// `a + b + carry`: the sum and the carry out.
#[inline(always)]
pub(super) const fn carrying(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = a as u128 + b as u128 + carry as u128;
    (sum as u64, (sum >> 64) as u64)
}

/// `a − b − borrow`: the difference and the borrow out, 0 or 1.
#[inline(always)]
pub(super) const fn borrowing(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let difference = (a as u128).wrapping_sub(b as u128 + borrow as u128);
    (difference as u64, (difference >> 127) as u64)
}

/// `sum + a · b + carry`, which never overflows: low and high limb.
#[inline(always)]
pub(super) const fn multiplying(sum: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let product = a as u128 * b as u128 + sum as u128 + carry as u128;
    (product as u64, (product >> 64) as u64)
}

/// The sum and the carry out.
#[inline(always)]
pub(super) const fn add<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> (Limbs<N>, u64) {
    let (mut out, mut carry, mut i) = ([0; N], 0, 0);
    while i < N {
        (out[i], carry) = carrying(a[i], b[i], carry);
        i += 1;
    }
    (out, carry)
}

/// The difference and the borrow out.
#[inline(always)]
pub(super) const fn subtract<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> (Limbs<N>, u64) {
    let (mut out, mut borrow, mut i) = ([0; N], 0, 0);
    while i < N {
        (out[i], borrow) = borrowing(a[i], b[i], borrow);
        i += 1;
    }
    (out, borrow)
}

/// `a` where `choice` is 0, `b` where it is 1.
#[inline(always)]
pub(super) fn select<const N: usize>(a: &Limbs<N>, b: &Limbs<N>, choice: u64) -> Limbs<N> {
    // Kept from the optimiser, which would otherwise see the two values of the mask and branch.
    let mask = black_box(choice.wrapping_neg());
    std::array::from_fn(|i| a[i] ^ (mask & (a[i] ^ b[i])))
}

/// 1 where the number is zero, else 0.
#[inline(always)]
pub(super) fn is_zero<const N: usize>(a: &Limbs<N>) -> u64 {
    equal_word(a.iter().fold(0, |all, limb| all | limb), 0)
}

/// 1 where the words are equal, else 0.
#[inline(always)]
pub(super) fn equal_word(a: u64, b: u64) -> u64 {
    let difference = a ^ b;
    1 ^ ((difference | difference.wrapping_neg()) >> 63)
}

/// 1 where `a < b`, else 0.
#[inline(always)]
pub(super) fn less<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> u64 {
    subtract(a, b).1
}

/// The bit at `at`, counted from the lowest; 0 beyond the end.
#[inline(always)]
pub(super) fn bit<const N: usize>(a: &Limbs<N>, at: usize) -> u64 {
    a.get(at / 64).map_or(0, |limb| limb >> (at % 64) & 1)
}

/// From `8 N` octets, the lowest first; `None` for any other length.
pub(super) fn from_octets<const N: usize>(octets: &[u8]) -> Option<Limbs<N>> {
    let (words, rest) = octets.as_chunks::<8>();
    let words: &[[u8; 8]; N] = words.try_into().ok()?;
    rest.is_empty().then(|| words.map(u64::from_le_bytes))
}

/// The `8 N` octets, the lowest first.
pub(super) fn to_octets<const N: usize>(limbs: &Limbs<N>) -> Vec<u8> {
    limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}

/// From hexadecimal digits as the standards print them, the highest first, for constants.
pub(super) const fn from_hex<const N: usize>(digits: &str) -> Limbs<N> {
    let digits = digits.as_bytes();
    let (mut out, mut i) = ([0; N], 0);
    assert!(digits.len() <= 16 * N, "too many digits");
    while i < digits.len() {
        let place = digits.len() - 1 - i;
        let value = match digits[i] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            _ => panic!("not a hexadecimal digit"),
        };
        out[place / 16] |= (value as u64) << (place % 16 * 4);
        i += 1;
    }
    out
}
