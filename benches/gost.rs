//! GOST signatures and digests, and OpenSSL's GOST engine beside them where it is installed. All
//! times are processor time, so that other programs on the machine do not count.

#[path = "../tests/kit/gost_engine.rs"]
mod gost_engine;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use gost_engine::Engine;
use qoltanba::crypto::{DigestAlgorithm, GostCurve, GostPrivateKey, SystemRandom, digest};

const ROUNDS: usize = 5;
const MEGABYTES: usize = 8;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let engine = Engine::find();
    for (curve, kind, set) in [
        (GostCurve::Tc26A512, "gost2012_512", "A"),
        (GostCurve::Tc26A256, "gost2012_256", "TCA"),
        (GostCurve::CryptoProA, "gost2012_256", "A"),
    ] {
        let key = GostPrivateKey::generate(curve, &SystemRandom).expect("a random source");
        let (public, digest) = (key.public(), vec![7; curve.octets()]);
        let value = key.sign(&digest, &SystemRandom).expect("a digest of the right length");
        let verify = || assert!(curve.verify(&public, black_box(&digest), &value));
        let sign = || drop(black_box(key.sign(black_box(&digest), &SystemRandom)));
        for (what, run) in [("verify", &verify as &dyn Fn()), ("sign", &sign)] {
            let name = format!("{curve:?} {what}");
            criterion.bench_function(&name, |bencher| {
                bencher.iter_custom(|count| timed(count, run));
            });
            compare(&name, &|count| timed(count, run), engine, &|engine, count| {
                engine.speed(&[&format!("speed-{what}"), kind, set, &count.to_string()])
            });
        }
    }
    let megabytes = vec![0; MEGABYTES << 20];
    for (algorithm, name) in [
        (DigestAlgorithm::Streebog512, "md_gost12_512"),
        (DigestAlgorithm::Streebog256, "md_gost12_256"),
        (DigestAlgorithm::Gost94, ""),
    ] {
        let title = algorithm.row().name;
        let run = || drop(black_box(digest(algorithm, black_box(&megabytes))));
        let mut group = criterion.benchmark_group("digest");
        group.throughput(Throughput::Bytes(megabytes.len() as u64)).sample_size(10);
        group.bench_function(title, |bencher| bencher.iter_custom(|count| timed(count, &run)));
        group.finish();
        let engine = engine.filter(|_| !name.is_empty());
        compare(title, &|_| timed(1, &run), engine, &|engine, _| {
            engine.speed(&["speed-hash", name, &MEGABYTES.to_string()])
        });
    }
    criterion.final_summary();
}

// The two in turn, so that a slow moment of the machine meets both; the median of the ratios.
fn compare(
    name: &str,
    ours: &dyn Fn(u64) -> Duration,
    engine: Option<&Engine>,
    theirs: &dyn Fn(&Engine, u64) -> Duration,
) {
    let Some(engine) = engine else { return };
    const COUNT: u64 = 400;
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| (ours(COUNT).as_secs_f64(), theirs(engine, COUNT).as_secs_f64()))
        .collect();
    rounds.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
    let (ours, theirs) = rounds[ROUNDS / 2];
    println!("{name}: {:.2} times the speed of OpenSSL's GOST engine", theirs / ours);
}

fn timed(count: u64, run: &dyn Fn()) -> Duration {
    let start = spent();
    for _ in 0..count {
        run();
    }
    spent() - start
}

// Time of this thread on a processor; without Linux, time by the clock.
fn spent() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
