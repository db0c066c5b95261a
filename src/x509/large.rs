//! Memory for large things: asked of the system for itself, so that every page of it goes back
//! when it is let go. A general allocator keeps pieces of that size for later, and a service that
//! reads a 19 MB list each day would hold several times what it needs. Anonymous memory only:
//! what lies on disk is read, never mapped, since a file changed by others must not change what
//! was verified.

use std::io::{self, Read};
use std::ops::{Deref, DerefMut};

use memmap2::{Advice, MmapMut, MmapOptions};

/// What is smaller comes from the allocator: a map takes whole pages and two system calls.
const LARGE: usize = 256 * 1024;

/// Octets of a length that stays.
pub struct Large {
    memory: Memory,
    length: usize,
}

enum Memory {
    Small(Vec<u8>),
    Mapped(MmapMut),
}

impl Large {
    /// So many zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        if length >= LARGE
            && let Ok(map) = MmapMut::map_anon(length)
        {
            // Large pages spare the walk through page tables; without them it works as well.
            let _ = map.advise(Advice::HugePage);
            return Self { memory: Memory::Mapped(map), length };
        }
        Self { memory: Memory::Small(vec![0; length]), length }
    }

    /// A copy.
    pub(crate) fn copy(octets: &[u8]) -> Self {
        let mut copy = Self::zeroed(octets.len());
        copy.copy_from_slice(octets);
        copy
    }

    /// Everything `reader` gives, `max` octets at most; what comes after that is left.
    pub(crate) fn read(mut reader: impl Read, max: usize) -> io::Result<Self> {
        let mut first = Vec::new();
        let small = LARGE.min(max);
        reader.by_ref().take(small as u64).read_to_end(&mut first)?;
        if first.len() < small || small == max {
            return Ok(first.into());
        }
        // Address space for all that may come; only what does come takes memory.
        let mut map = MmapOptions::new().len(max).no_reserve_swap().map_anon()?;
        let (head, mut rest) = map.split_at_mut(small);
        head.copy_from_slice(&first);
        let mut length = small;
        while !rest.is_empty() {
            match reader.read(rest) {
                Ok(0) => break,
                Ok(count) => {
                    length += count;
                    rest = rest.get_mut(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { memory: Memory::Mapped(map), length })
    }
}

impl From<Vec<u8>> for Large {
    fn from(octets: Vec<u8>) -> Self {
        let length = octets.len();
        Self { memory: Memory::Small(octets), length }
    }
}

impl Deref for Large {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &self.memory {
            Memory::Small(octets) => octets,
            Memory::Mapped(map) => map,
        };
        all.get(..self.length).unwrap_or_default()
    }
}

impl DerefMut for Large {
    fn deref_mut(&mut self) -> &mut [u8] {
        let all: &mut [u8] = match &mut self.memory {
            Memory::Small(octets) => octets,
            Memory::Mapped(map) => map,
        };
        all.get_mut(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_came_whatever_its_length() {
        for length in [0, 1, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE] {
            let octets: Vec<u8> = (0..length).map(|number| (number % 251) as u8).collect();
            for max in [length, length + 1, 4 * LARGE] {
                assert_eq!(*Large::read(&octets[..], max).unwrap(), octets, "{length} of {max}");
            }
            let half = length / 2;
            assert_eq!(*Large::read(&octets[..], half).unwrap(), octets[..half], "{length}");
            assert_eq!(*Large::copy(&octets), octets);
            assert!(Large::zeroed(length).iter().all(|octet| *octet == 0));
        }
    }

    #[test]
    fn a_reader_that_fails_is_an_error() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let count = into.len().min(self.0);
                self.0 -= count;
                if count == 0 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(count) }
            }
        }
        for length in [0, 10, 2 * LARGE] {
            assert!(Large::read(Broken(length), 4 * LARGE).is_err(), "{length}");
        }
    }
}
