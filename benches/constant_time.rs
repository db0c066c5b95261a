//! Whether the time of signing with GOST keys shows the key or the nonce: the test of Reparaz,
//! Balasch and Verbauwhede ("dude, is my code constant time?", 2017). Two classes of input are
//! signed in random order; Welch's t over the two sets of times, whole and cropped at several
//! percentiles, says whether their means differ. Over 4.5 in absolute value, they do.
//!
//! Classes: a fixed key against random ones, the smallest key (1) against random ones, and, to
//! see that the test can find a leak, a signature against one with a branch on the key's weight.
//! `cargo bench --bench constant_time -- SECONDS` (10 for each pair without it).

use std::hint::black_box;
use std::time::{Duration, Instant};

use qoltanba::crypto::{GostCurve, GostPrivateKey, Random, SystemRandom};

/// What the paper calls a leak.
const THRESHOLD: f64 = 4.5;
const KEYS: usize = 256;
const BATCH: usize = 512;
/// Times over these shares of all times are left out, one after another: the slow tail is noise.
const CROPS: [f64; 6] = [1.0, 0.99, 0.95, 0.9, 0.75, 0.5];

/// No randomness: the nonce follows from key and digest alone.
struct Nothing;

impl Random for Nothing {
    fn fill(&self, out: &mut [u8]) -> bool {
        out.fill(0);
        true
    }
}

fn main() {
    let seconds = std::env::args().filter_map(|one| one.parse().ok()).next().unwrap_or(10);
    let time = Duration::from_secs(seconds);
    for curve in GostCurve::ALL {
        let random: Vec<_> = (0..KEYS).map(|_| key(curve)).collect();
        let fixed: Vec<_> = (0..KEYS).map(|_| copy(&random[0])).collect();
        let one: Vec<_> = (0..KEYS).map(|_| smallest(curve)).collect();
        report(curve, "fixed key, random key", time, &fixed, &random, sign);
        report(curve, "key 1, random key", time, &one, &random, sign);
        report(curve, "control: a branch on the key", time, &one, &random, leaky);
    }
}

fn sign(key: &GostPrivateKey, digest: &[u8]) {
    drop(black_box(key.sign(black_box(digest), &Nothing)));
}

/// What a leak looks like: for each bit of the key that is set, the time of one multiplication
/// in the field.
fn leaky(key: &GostPrivateKey, digest: &[u8]) {
    let weight: u32 = key.to_little_endian().iter().map(|octet| octet.count_ones()).sum();
    for _ in 0..30 * weight {
        black_box(0);
    }
    sign(key, digest);
}

fn report(
    curve: GostCurve,
    what: &str,
    time: Duration,
    first: &[GostPrivateKey],
    second: &[GostPrivateKey],
    run: fn(&GostPrivateKey, &[u8]),
) {
    let mut times = [Vec::new(), Vec::new()];
    let (end, mut random) = (Instant::now() + time, vec![0; 2 * BATCH]);
    let mut digests = vec![0; BATCH * curve.octets()];
    while Instant::now() < end {
        // Everything is drawn before the clock starts, and both classes take the same steps.
        assert!(SystemRandom.fill(&mut random) && SystemRandom.fill(&mut digests));
        for (draw, digest) in random.chunks(2).zip(digests.chunks(curve.octets())) {
            let class = usize::from(draw[0] & 1);
            let keys = [first, second][class];
            let key = &keys[usize::from(draw[1]) % KEYS];
            let start = Instant::now();
            run(key, digest);
            times[class].push(start.elapsed().as_nanos() as f64);
        }
    }
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    let limit = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    let tests = CROPS.map(|share| (share, welch(&times, limit(share))));
    let (share, worst) = tests.into_iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap();
    // Of the fastest nine tenths, as the mean of all follows the machine's other work.
    let (first, second) = halves(&times, limit(0.9));
    let (apart, error) = (first.0 - second.0, (first.1 + second.1).sqrt());
    let verdict = if worst.abs() > THRESHOLD { "differ" } else { "no difference seen" };
    println!(
        "{curve:?}, {what}: {} signatures, largest |t| {:.2} (of the fastest {:.0} %): {verdict}; \
         means {:.1} µs, apart by {apart:.0} ± {:.0} ns",
        all.len(),
        worst.abs(),
        share * 100.0,
        second.0 / 1000.0,
        1.96 * error
    );
}

/// Welch's t of the times up to a limit.
fn welch(times: &[Vec<f64>; 2], limit: f64) -> f64 {
    let (first, second) = halves(times, limit);
    (first.0 - second.0) / (first.1 + second.1).sqrt()
}

/// Mean, and the square of its standard error, of each class.
fn halves(times: &[Vec<f64>; 2], limit: f64) -> ((f64, f64), (f64, f64)) {
    let of = |times: &[f64]| {
        let kept: Vec<_> = times.iter().copied().filter(|time| *time <= limit).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let spread = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, spread / count)
    };
    (of(&times[0]), of(&times[1]))
}

fn key(curve: GostCurve) -> GostPrivateKey {
    GostPrivateKey::generate(curve, &SystemRandom).expect("a random source")
}

fn copy(key: &GostPrivateKey) -> GostPrivateKey {
    GostPrivateKey::from_little_endian(key.curve(), &key.to_little_endian()).expect("a key")
}

fn smallest(curve: GostCurve) -> GostPrivateKey {
    let mut secret = vec![0; curve.octets()];
    secret[0] = 1;
    GostPrivateKey::from_little_endian(curve, &secret).expect("a key")
}
