//! No input hangs: truncated and bit-flipped documents, each under a bound of processor time.

use std::path::PathBuf;
use std::time::Duration;

use qoltanba::pdf;

use crate::setting::{SIGNED, by_citizen};

/// Of processor time: far above what any of them takes, far below what a person calls a hang.
const BOUND: Duration = Duration::from_secs(5);
/// For all of them: what is left then is left out.
const WHOLE: Duration = Duration::from_secs(60);

/// A small generator of numbers, the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut out = vec![SIGNED.clone(), by_citizen(&SIGNED).unwrap()];
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora");
    let root = std::env::var_os("QOLTANBA_CORPORA").unwrap_or_else(|| beside.into());
    let folder = PathBuf::from(root).join("pdf-insecurity");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    files.sort();
    let pdfs = files.iter().filter(|path| path.extension().is_some_and(|one| one == "pdf"));
    out.extend(pdfs.map(|path| std::fs::read(path).unwrap()));
    out
}

#[test]
fn no_damaged_document_takes_long() {
    let mut numbers = Numbers(20_261_122);
    let (mut slowest, mut count) = (Duration::ZERO, 0);
    let begun = processor_time();
    'all: for round in 0..20 {
        for seed in seeds_once() {
            let mut octets = seed.clone();
            match round % 4 {
                0 => octets.truncate(numbers.below(octets.len())),
                1 => {
                    for _ in 0..1 + numbers.below(16) {
                        let at = numbers.below(octets.len());
                        octets[at] ^= 1 << numbers.below(8);
                    }
                }
                2 => {
                    // Numbers are what loops run by: another digit where a digit stands.
                    for _ in 0..64 {
                        let at = numbers.below(octets.len());
                        let digit = octets[at..].iter().position(u8::is_ascii_digit);
                        if let Some(digit) = digit {
                            octets[at + digit] = b'0' + numbers.below(10) as u8;
                        }
                    }
                }
                _ => {
                    let (from, to) = (numbers.below(octets.len()), numbers.below(octets.len()));
                    let length = numbers.below(octets.len() - from.max(to)).min(4_000);
                    octets.copy_within(from..from + length, to);
                }
            }
            let start = processor_time();
            let _ = pdf::read(&octets);
            let _ = pdf::attachments(&octets);
            let took = processor_time() - start;
            assert!(took < BOUND, "round {round}: {took:?}");
            slowest = slowest.max(took);
            count += 1;
            if processor_time() - begun > WHOLE {
                break 'all;
            }
        }
    }
    println!("{count} documents, the slowest took {slowest:?}");
    assert!(count >= 40, "{count} documents in {:?}", processor_time() - begun);
}

/// Time this thread has had the processor, whatever else the machine does (Linux, `proc(5)`,
/// `schedstat`).
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

fn seeds_once() -> &'static [Vec<u8>] {
    static SEEDS: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(seeds);
    &SEEDS
}
