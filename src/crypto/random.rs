//! Randomness as a parameter, so that tests are exact.

use ring::rand::SecureRandom as _;

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `out`. A source that fails leaves zeros and returns `false`.
    #[must_use]
    fn fill(&self, out: &mut [u8]) -> bool;
}

/// The operating system's random source.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> bool {
        ring::rand::SystemRandom::new().fill(out).is_ok()
    }
}
