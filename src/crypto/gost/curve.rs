//! The curves by their published numbers, and the multiples of their generators that signing and
//! verification look up.

use std::sync::{LazyLock, OnceLock};

use super::field::{Field, Folded};
use super::limbs::{self, Limbs};
use super::point::{Affine, Coefficients, Jacobian, normalise};
use super::scalar::Modulus;

/// Integers modulo 2⁵¹² − 569.
pub(super) type Field512 = Folded<8, 569>;
/// Integers modulo 2²⁵⁶ − 617.
pub(super) type Field256 = Folded<4, 617>;

/// A curve with its generator.
pub(super) struct Curve<F, const N: usize> {
    pub coefficients: Coefficients<F>,
    pub three_b: F,
    pub generator: Affine<F>,
    /// The order of the generator, a prime.
    pub order: Modulus<N>,
    /// Whether every point of the curve is a multiple of the generator.
    pub prime_order: bool,
    odd: OnceLock<Vec<Affine<F>>>,
    windows: OnceLock<Vec<[Affine<F>; 15]>>,
}

/// What the standards print, in hexadecimal.
pub(super) struct Published {
    pub a: &'static str,
    pub b: &'static str,
    pub order: &'static str,
    pub x: &'static str,
    pub y: &'static str,
    pub prime_order: bool,
}

/// id-tc26-gost-3410-12-512-paramSetA (RFC 7836 appendix A.1), of GOST 34.10-2015 with 512 bits.
pub(super) static TC26_A_512: LazyLock<Curve<Field512, 8>> = LazyLock::new(|| {
    Curve::new(Published {
        a: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
             FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC4",
        b: "E8C2505DEDFC86DDC1BD0B2B6667F1DA34B82574761CB0E879BD081CFD0B6265\
             EE3CB090F30D27614CB4574010DA90DD862EF9D4EBEE4761503190785A71C760",
        order: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
             27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275",
        x: "3",
        y: "7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921\
             DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4",
        prime_order: true,
    })
});

/// id-tc26-gost-3410-2012-256-paramSetA (RFC 7836 appendix A.2), of GOST 34.10-2015 with 256 bits.
pub(super) static TC26_A_256: LazyLock<Curve<Field256, 4>> = LazyLock::new(|| {
    Curve::new(Published {
        a: "C2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335",
        b: "295F9BAE7428ED9CCC20E7C359A9D41A22FCCD9108E17BF7BA9337A6F8AE9513",
        order: "400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67",
        x: "91E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28",
        y: "32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C",
        prime_order: false,
    })
});

/// id-GostR3410-2001-CryptoPro-A-ParamSet (RFC 4357 §11.4), of GOST 34.310-2004.
pub(super) static CRYPTO_PRO_A: LazyLock<Curve<Field256, 4>> = LazyLock::new(|| {
    Curve::new(Published {
        a: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD94",
        b: "A6",
        order: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893",
        x: "1",
        y: "8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14",
        prime_order: true,
    })
});

/// How many odd multiples of a generator are kept: for signed digits of ten bits.
pub(super) const ODD_MULTIPLES: usize = 256;

impl<F: Field<N>, const N: usize> Curve<F, N> {
    /// Takes the published numbers, which must be right.
    pub(super) fn new(published: Published) -> Self {
        let element = |digits| F::new(limbs::from_hex(digits)).unwrap_or_else(F::zero);
        let (a, b) = (element(published.a), element(published.b));
        let three = F::one().double().add(&F::one());
        Self {
            coefficients: Coefficients { a, b, minus_three: a.add(&three).is_zero() == 1 },
            three_b: b.multiply(&three),
            generator: Affine { x: element(published.x), y: element(published.y) },
            order: Modulus::new(limbs::from_hex(published.order)),
            prime_order: published.prime_order,
            odd: OnceLock::new(),
            windows: OnceLock::new(),
        }
    }

    /// The odd multiples of the generator, 1 to 2 · [`ODD_MULTIPLES`] − 1.
    pub(super) fn odd_multiples(&self) -> &[Affine<F>] {
        self.odd.get_or_init(|| {
            let generator = Jacobian::from_affine(&self.generator);
            normalise(&odd_multiples(&generator, &self.coefficients, ODD_MULTIPLES))
        })
    }

    /// For every four bits of a scalar, the lowest first, the multiples 1 to 15 they stand for.
    pub(super) fn windows(&self) -> &[[Affine<F>; 15]] {
        self.windows.get_or_init(|| {
            let mut base = Jacobian::from_affine(&self.generator);
            let mut all = Vec::with_capacity(16 * 15 * N);
            for _ in 0..16 * N {
                let mut multiple = base;
                for _ in 0..15 {
                    all.push(multiple);
                    multiple = multiple.add(&base, &self.coefficients);
                }
                base = multiple;
            }
            normalise(&all).as_chunks().0.to_vec()
        })
    }

    /// The point with these coordinates, if it is a multiple of the generator.
    pub(super) fn point(&self, x: Limbs<N>, y: Limbs<N>) -> Option<Affine<F>> {
        let point = Affine { x: F::new(x)?, y: F::new(y)? };
        if !point.is_on(&self.coefficients) {
            return None;
        }
        (self.prime_order || self.is_multiple(&point)).then_some(point)
    }

    // Whether the order takes the point to infinity.
    fn is_multiple(&self, point: &Affine<F>) -> bool {
        let order = self.order.number();
        let product = (0..64 * N).rev().fold(Jacobian::infinity(), |sum: Jacobian<F>, at| {
            let sum = sum.double(&self.coefficients);
            match limbs::bit(order, at) {
                1 => sum.add_affine(point, &self.coefficients),
                _ => sum,
            }
        });
        product.z.is_zero() == 1
    }
}

/// The first `count` odd multiples of a point.
pub(super) fn odd_multiples<const N: usize, F: Field<N>>(
    point: &Jacobian<F>,
    curve: &Coefficients<F>,
    count: usize,
) -> Vec<Jacobian<F>> {
    let twice = point.double(curve);
    std::iter::successors(Some(*point), |last| Some(last.add(&twice, curve))).take(count).collect()
}
