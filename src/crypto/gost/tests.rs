//! The numbers of the standards, and properties.

use proptest::prelude::*;

use super::curve::Published;
use super::limbs::{Limbs, from_hex};
use super::scalar::Modulus;
use super::*;
use crate::crypto::{SystemRandom, hex};

const CURVES: [GostCurve; 3] = [GostCurve::Tc26A512, GostCurve::Tc26A256, GostCurve::CryptoProA];

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// A field with any prime, for the curves of the standards' examples, which no one uses. The
/// formulas above it are the ones under test.
trait Prime<const N: usize>: Copy + Send + Sync + 'static {
    fn modulus() -> &'static Modulus<N>;
}

#[derive(Clone, Copy)]
struct Element<P, const N: usize>(Limbs<N>, std::marker::PhantomData<P>);

fn element<P, const N: usize>(number: Limbs<N>) -> Element<P, N> {
    Element(number, std::marker::PhantomData)
}

impl<P: Prime<N>, const N: usize> Field<N> for Element<P, N> {
    fn new(number: Limbs<N>) -> Option<Self> {
        (limbs::less(&number, P::modulus().number()) == 1).then(|| element(number))
    }
    fn number(&self) -> Limbs<N> {
        self.0
    }
    fn add(&self, other: &Self) -> Self {
        element(P::modulus().add(&self.0, &other.0))
    }
    fn subtract(&self, other: &Self) -> Self {
        let modulus = P::modulus();
        element(modulus.add(&self.0, &modulus.negate(&other.0)))
    }
    fn multiply(&self, other: &Self) -> Self {
        element(P::modulus().multiply(&self.0, &other.0))
    }
    fn square(&self) -> Self {
        self.multiply(self)
    }
    fn invert(&self) -> Self {
        let modulus = P::modulus();
        let mut one = [0; N];
        one[0] = 1;
        element(modulus.montgomery(&modulus.invert(&modulus.to_montgomery(&self.0)), &one))
    }
    fn select(&self, other: &Self, choice: u64) -> Self {
        element(limbs::select(&self.0, &other.0, choice))
    }
    fn is_zero(&self) -> u64 {
        limbs::is_zero(&self.0)
    }
    fn zero() -> Self {
        element([0; N])
    }
    fn one() -> Self {
        let mut one = [0; N];
        one[0] = 1;
        element(one)
    }
}

struct Example<const N: usize> {
    d: Limbs<N>,
    e: Limbs<N>,
    k: Limbs<N>,
    key: (Limbs<N>, Limbs<N>),
    value: (Limbs<N>, Limbs<N>),
}

fn check<P: Prime<N>, const N: usize>(curve: &Curve<Element<P, N>, N>, example: &Example<N>) {
    let point = sign::multiply_generator(curve, &example.d);
    assert_eq!((point.x.number(), point.y.number()), example.key);
    let (r, s) = sign::sign_with(curve, &example.d, &example.k, &example.e).unwrap();
    assert_eq!((r, s), example.value);
    assert!(verify::verify(curve, &point, &example.e, (&r, &s)));
    assert!(!verify::verify(curve, &point, &example.e, (&s, &r)));
}

// RFC 7091 §7.1.
#[test]
fn the_example_with_256_bits() {
    #[derive(Clone, Copy)]
    struct P;
    impl Prime<4> for P {
        fn modulus() -> &'static Modulus<4> {
            static MODULUS: Modulus<4> = Modulus::new(from_hex(
                "8000000000000000000000000000000000000000000000000000000000000431",
            ));
            &MODULUS
        }
    }
    let curve = Curve::<Element<P, 4>, 4>::new(Published {
        a: "7",
        b: "5FBFF498AA938CE739B8E022FBAFEF40563F6E6A3472FC2A514C0CE9DAE23B7E",
        order: "8000000000000000000000000000000150FE8A1892976154C59CFC193ACCF5B3",
        x: "2",
        y: "8E2A8A0E65147D4BD6316030E16D19C85C97F0A9CA267122B96ABBCEA7E8FC8",
        prime_order: true,
    });
    check(
        &curve,
        &Example {
            d: from_hex("7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28"),
            e: from_hex("2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5"),
            k: from_hex("77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3"),
            key: (
                from_hex("7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B"),
                from_hex("26F1B489D6701DD185C8413A977B3CBBAF64D1C593D26627DFFB101A87FF77DA"),
            ),
            value: (
                from_hex("41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493"),
                from_hex("1456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40"),
            ),
        },
    );
}

// RFC 7091 §7.2.
#[test]
fn the_example_with_512_bits() {
    #[derive(Clone, Copy)]
    struct P;
    impl Prime<8> for P {
        fn modulus() -> &'static Modulus<8> {
            static MODULUS: Modulus<8> = Modulus::new(from_hex(
                "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D\
                 F1D852741AF4704A0458047E80E4546D35B8336FAC224DD81664BBF528BE6373",
            ));
            &MODULUS
        }
    }
    let curve = Curve::<Element<P, 8>, 8>::new(Published {
        a: "7",
        b: "1CFF0806A31116DA29D8CFA54E57EB748BC5F377E49400FDD788B649ECA1AC43\
            61834013B2AD7322480A89CA58E0CF74BC9E540C2ADD6897FAD0A3084F302ADC",
        order: "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D\
                A82F2D7ECB1DBAC719905C5EECC423F1D86E25EDBE23C595D644AAF187E6E6DF",
        x: "24D19CC64572EE30F396BF6EBBFD7A6C5213B3B3D7057CC825F91093A68CD762\
            FD60611262CD838DC6B60AA7EEE804E28BC849977FAC33B4B530F1B120248A9A",
        y: "2BB312A43BD2CE6E0D020613C857ACDDCFBF061E91E5F2C3F32447C259F39B2C\
            83AB156D77F1496BF7EB3351E1EE4E43DC1A18B91B24640B6DBB92CB1ADD371E",
        prime_order: true,
    });
    check(
        &curve,
        &Example {
            d: from_hex(
                "BA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B10207\
                 2E8123B2200A0563322DAD2827E2714A2636B7BFD18AADFC62967821FA18DD4",
            ),
            e: from_hex(
                "3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C591\
                 7184EE536593F4414339976C647C5D5A407ADEDB1D560C4FC6777D2972075B8C",
            ),
            k: from_hex(
                "359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F36588\
                 6748ED7A44B3E794434006011842286212273A6D14CF70EA3AF71BB1AE679F1",
            ),
            key: (
                from_hex(
                    "115DC5BC96760C7B48598D8AB9E740D4C4A85A65BE33C1815B5C320C854621DD\
                     5A515856D13314AF69BC5B924C8B4DDFF75C45415C1D9DD9DD33612CD530EFE1",
                ),
                from_hex(
                    "37C7C90CD40B0F5621DC3AC1B751CFA0E2634FA0503B3D52639F5D7FB72AFD61\
                     EA199441D943FFE7F0C70A2759A3CDB84C114E1F9339FDF27F35ECA93677BEEC",
                ),
            ),
            value: (
                from_hex(
                    "2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD3\
                     5492558486B20F1C9EC197C90699850260C93BCBCD9C5C3317E19344E173AE36",
                ),
                from_hex(
                    "1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5\
                     823CE288E8C4F362526080DF7F70CE406A6EEB1F56919CB92A9853BDE73E5B4A",
                ),
            ),
        },
    );
}

// R 50.1.113-2016 §5.3.3 (RFC 7836 appendix B): the two key pairs of the key agreement.
#[test]
fn public_keys_of_the_recommendation() {
    for (secret, public) in [
        (
            "c990ecd972fce84ec4db022778f50fcac726f46708384b8d458304962d7147f8\
             c2db41cef22c90b102f2968404f9b9be6d47c79692d81826b32b8daca43cb667",
            "aab0eda4abff21208d18799fb9a8556654ba783070eba10cb9abb253ec56dcf5\
             d3ccba6192e464e6e5bcb6dea137792f2431f6c897eb1b3c0cc14327b1adc0a7\
             914613a3074e363aedb204d38d3563971bd8758e878c9db11403721b48002d38\
             461f92472d40ea92f9958c0ffa4c93756401b97f89fdbe0b5e46e4a4631cdb5a",
        ),
        (
            "48c859f7b6f11585887cc05ec6ef1390cfea739b1a18c0d4662293ef63b79e3b\
             8014070b44918590b4b996acfea4edfbbbcccc8c06edd8bf5bda92a51392d0db",
            "192fe183b9713a077253c72c8735de2ea42a3dbc66ea317838b65fa32523cd5e\
             fca974eda7c863f4954d1147f1f2b25c395fce1c129175e876d132e94ed5a651\
             04883b414c9b592ec4dc84826f07d0b6d9006dda176ce48c391e3f97d102e03b\
             b598bf132a228a45f7201aba08fc524a2d77e43a362ab022ad4028f75bde3b79",
        ),
    ] {
        let secret = octets(secret);
        let key = GostPrivateKey::from_little_endian(GostCurve::Tc26A512, &secret).unwrap();
        assert_eq!(hex(&key.public()), public);
    }
}

#[test]
fn generators_lie_on_their_curves_and_have_their_orders() {
    fn holds<F: Field<N>, const N: usize>(curve: &Curve<F, N>) {
        assert!(curve.generator.is_on(&curve.coefficients));
        let last = curve.order.negate(&{
            let mut one = [0; N];
            one[0] = 1;
            one
        });
        // (q − 1) G = −G, by both ways of multiplying.
        let product = sign::multiply_generator(curve, &last);
        assert!(product.x.equals(&curve.generator.x));
        assert!(product.y.add(&curve.generator.y).is_zero() == 1);
        assert!(curve.point(product.x.number(), product.y.number()).is_some());
    }
    holds(&TC26_A_512);
    holds(&TC26_A_256);
    holds(&CRYPTO_PRO_A);
}

// The field against the Montgomery arithmetic, which shares no code with it; the numbers lean to
// the ends, where carries happen.
fn numbers<const N: usize>() -> impl Strategy<Value = Limbs<N>> {
    let limb = prop_oneof![Just(0), Just(u64::MAX), Just(u64::MAX - 568), Just(1), any::<u64>()];
    prop::collection::vec(limb, N).prop_map(|limbs| limbs.try_into().unwrap())
}

fn field_agrees<F: Field<N>, const N: usize>(a: Limbs<N>, b: Limbs<N>, c: u64) {
    let mut prime = [u64::MAX; N];
    prime[0] = c.wrapping_neg();
    let modulus = Modulus::new(prime);
    let (a, b) = (modulus.reduce(&a), modulus.reduce(&b));
    let (x, y) = (F::new(a).unwrap(), F::new(b).unwrap());
    assert_eq!(x.multiply(&y).number(), modulus.multiply(&a, &b));
    assert_eq!(x.square().number(), modulus.multiply(&a, &a));
    assert_eq!(x.add(&y).number(), modulus.add(&a, &b));
    assert_eq!(x.subtract(&y).number(), modulus.add(&a, &modulus.negate(&b)));
    let odd = x.negate().subtract(&y).add(&x);
    assert_eq!(odd.number(), modulus.negate(&b));
    assert_eq!(odd.multiply(&x.negate()).number(), modulus.multiply(&a, &b));
    let inverse = x.invert().multiply(&x);
    assert!(inverse.equals(&if a == [0; N] { F::zero() } else { F::one() }));
    assert!(F::new(prime).is_none());
}

#[derive(Debug)]
struct Fixed(u8);

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) -> bool {
        out.fill(self.0);
        true
    }
}

fn key(curve: GostCurve, seed: &[u8; 64]) -> GostPrivateKey {
    let mut secret = seed[..curve.octets()].to_vec();
    *secret.last_mut().unwrap() &= 0x3f;
    GostPrivateKey::from_little_endian(curve, &secret).unwrap()
}

proptest! {
    // Without optimisation a verification takes tens of milliseconds.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn fields_agree_with_plain_arithmetic(a in numbers::<8>(), b in numbers::<8>()) {
        field_agrees::<curve::Field512, 8>(a, b, 569);
        let half = |limbs: Limbs<8>| limbs.first_chunk::<4>().copied().unwrap();
        field_agrees::<curve::Field256, 4>(half(a), half(b), 617);
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else(
        seed: [u8; 64],
        digest: [u8; 64],
        salt: u8,
        place in 0usize..1024,
    ) {
        for curve in CURVES {
            let key = key(curve, &seed);
            let digest = &digest[..curve.octets()];
            let public = key.public();
            let value = key.sign(digest, &Fixed(salt)).unwrap();
            prop_assert!(curve.verify(&public, digest, &value));
            prop_assert_eq!(&value, &key.sign(digest, &Fixed(salt)).unwrap());
            prop_assert_ne!(&value, &key.sign(digest, &Fixed(!salt)).unwrap());
            let flip = |octets: &[u8]| {
                let mut octets = octets.to_vec();
                let place = place % (8 * octets.len());
                octets[place / 8] ^= 1 << (place % 8);
                octets
            };
            prop_assert!(!curve.verify(&flip(&public), digest, &value));
            prop_assert!(!curve.verify(&public, &flip(digest), &value));
            prop_assert!(!curve.verify(&public, digest, &flip(&value)));
            prop_assert!(!curve.verify(&public, digest, &value[1..]));
        }
    }

    #[test]
    fn any_octets_are_no_panic(
        key in prop::collection::vec(any::<u8>(), 0..130),
        value in prop::collection::vec(any::<u8>(), 0..130),
    ) {
        for curve in CURVES {
            prop_assert!(!curve.verify(&key, &value, &value));
            let _ = GostPrivateKey::from_big_endian(curve, &key);
        }
    }
}

#[test]
fn r_and_s_lie_between_zero_and_the_order() {
    for curve in CURVES {
        let key = key(curve, &[7; 64]);
        let (public, length) = (key.public(), curve.octets());
        let digest = vec![9; length];
        let value = key.sign(&digest, &SystemRandom).unwrap();
        let order = match curve {
            GostCurve::Tc26A512 => limbs::to_octets(TC26_A_512.order.number()),
            GostCurve::Tc26A256 => limbs::to_octets(TC26_A_256.order.number()),
            GostCurve::CryptoProA => limbs::to_octets(CRYPTO_PRO_A.order.number()),
        };
        for bad in [vec![0; length], order.clone(), vec![0xff; length]] {
            assert!(!curve.verify(&public, &digest, &[&bad[..], &value[length..]].concat()));
            assert!(!curve.verify(&public, &digest, &[&value[..length], &bad[..]].concat()));
            assert!(GostPrivateKey::from_little_endian(curve, &bad).is_none());
        }
        // s + q means the same number, and is refused all the same.
        let mut carry = 0;
        let more: Vec<u8> = value[length..]
            .iter()
            .zip(&order)
            .map(|(a, b)| {
                let sum = u16::from(*a) + u16::from(*b) + carry;
                carry = sum >> 8;
                sum as u8
            })
            .collect();
        assert!(!curve.verify(&public, &digest, &[&value[..length], &more].concat()));
    }
}

#[test]
fn a_zero_digest_counts_as_one() {
    for curve in CURVES {
        let key = key(curve, &[5; 64]);
        let zero = vec![0; curve.octets()];
        let mut one = zero.clone();
        one[0] = 1;
        let value = key.sign(&zero, &SystemRandom).unwrap();
        assert!(curve.verify(&key.public(), &zero, &value));
        assert!(curve.verify(&key.public(), &one, &value));
    }
}

#[test]
fn points_outside_the_group_are_no_keys() {
    // The 256-bit parameter set A has cofactor 4: its point of order two, and a key plus it.
    let curve = &*TC26_A_256;
    let low = low_order();
    assert!(low.is_on(&curve.coefficients));
    assert!(curve.point(low.x.number(), low.y.number()).is_none());
    let sum = point::Jacobian::from_affine(&curve.generator).add_affine(&low, &curve.coefficients);
    let sum = point::normalise(&[sum]).remove(0);
    assert!(sum.is_on(&curve.coefficients));
    assert!(curve.point(sum.x.number(), sum.y.number()).is_none());
    for curve in CURVES {
        let length = 2 * curve.octets();
        let digest = vec![1; curve.octets()];
        let value = key(curve, &[3; 64]).sign(&digest, &SystemRandom).unwrap();
        // (0, 0), coordinates above the prime, and a point off the curve.
        for bad in [vec![0; length], vec![0xff; length], vec![1; length]] {
            assert!(!curve.verify(&bad, &digest, &value));
        }
    }
}

// The sum of the four points T with 2 T = 0 that a curve of order 4 q has is found by taking a
// random point q times, and doubling until the next step is infinity.
fn low_order() -> point::Affine<curve::Field256> {
    let curve = &*TC26_A_256;
    let coefficients = &curve.coefficients;
    let mut root = [0; 4];
    // p = 3 mod 4: a square root is a power with (p + 1) / 4 = 2²⁵⁴ − 154.
    let exponent = limbs::subtract(&[0, 0, 0, 1 << 62], &[154, 0, 0, 0]).0;
    let mut prime = [u64::MAX; 4];
    prime[0] = 617u64.wrapping_neg();
    let modulus = Modulus::new(prime);
    loop {
        root[0] += 1;
        let x = curve::Field256::new(root).unwrap();
        let right = x.square().add(&coefficients.a).multiply(&x).add(&coefficients.b);
        let power = modulus.power(&modulus.to_montgomery(&right.number()), &exponent);
        let y = curve::Field256::new(modulus.montgomery(&power, &[1, 0, 0, 0])).unwrap();
        let candidate = point::Affine { x, y };
        if !candidate.is_on(coefficients) {
            continue;
        }
        let order = curve.order.number();
        let mut sum = (0..256).rev().fold(point::Jacobian::infinity(), |sum, at| {
            let sum: point::Jacobian<_> = sum.double(coefficients);
            if limbs::bit(order, at) == 1 { sum.add_affine(&candidate, coefficients) } else { sum }
        });
        if sum.z.is_zero() == 1 {
            continue;
        }
        while sum.double(coefficients).z.is_zero() == 0 {
            sum = sum.double(coefficients);
        }
        return point::normalise(&[sum]).remove(0);
    }
}

#[test]
fn keys_with_the_highest_octet_first() {
    let curve = GostCurve::CryptoProA;
    let little = GostPrivateKey::from_little_endian(curve, &{
        let mut secret = [0; 32];
        secret[0] = 0x34;
        secret[1] = 0x12;
        secret
    });
    let public = little.unwrap().public();
    for big in [&[0x12, 0x34][..], &[0, 0, 0x12, 0x34]] {
        assert_eq!(GostPrivateKey::from_big_endian(curve, big).unwrap().public(), public);
    }
    assert!(GostPrivateKey::from_big_endian(curve, &[1; 33]).is_none());
    assert!(GostPrivateKey::from_big_endian(curve, &[]).is_none());
}

#[test]
fn a_failing_random_source_makes_no_weak_signature() {
    struct Broken;
    impl Random for Broken {
        fn fill(&self, out: &mut [u8]) -> bool {
            out.fill(0);
            false
        }
    }
    let key = key(GostCurve::Tc26A512, &[1; 64]);
    let (one, two) = (key.sign(&[1; 64], &Broken).unwrap(), key.sign(&[2; 64], &Broken).unwrap());
    // The same r twice would give the key away.
    assert_ne!(one[..64], two[..64]);
    assert!(GostPrivateKey::generate(GostCurve::Tc26A512, &Broken).is_none());
    assert!(GostPrivateKey::generate(GostCurve::Tc26A256, &SystemRandom).is_some());
}
