//! Digests of the octets around signatures. They begin alike: what one has gone over, the next
//! one, and the digest of the whole file, need not go over again.

use std::cell::RefCell;
use std::ops::Range;

use crate::crypto::{DigestAlgorithm, Digester};

/// The digests of one file.
pub(super) struct Digests<'a> {
    octets: &'a [u8],
    begun: RefCell<Vec<Begun>>,
}

/// A digest of everything before a place.
struct Begun {
    algorithm: DigestAlgorithm,
    at: usize,
    digester: Digester,
}

impl<'a> Digests<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, begun: RefCell::default() }
    }

    /// The digest of everything up to `end` but the gap.
    pub(super) fn around(
        &self,
        gap: &Range<usize>,
        end: usize,
        algorithm: DigestAlgorithm,
    ) -> Vec<u8> {
        let (at, mut digester) = self.before(gap.start, algorithm);
        digester.update(self.octets.get(at..gap.start).unwrap_or_default());
        let begun = Begun { algorithm, at: gap.start, digester: digester.clone() };
        self.begun.borrow_mut().push(begun);
        digester.update(self.octets.get(gap.end..end).unwrap_or_default());
        digester.finish()
    }

    /// The digest of the whole file.
    pub(super) fn whole(&self, algorithm: DigestAlgorithm) -> Vec<u8> {
        let (at, mut digester) = self.before(self.octets.len(), algorithm);
        digester.update(self.octets.get(at..).unwrap_or_default());
        digester.finish()
    }

    /// The longest beginning that was gone over, up to `end`.
    fn before(&self, end: usize, algorithm: DigestAlgorithm) -> (usize, Digester) {
        let begun = self.begun.borrow();
        let fitting = begun.iter().filter(|one| one.algorithm == algorithm && one.at <= end);
        let longest = fitting.max_by_key(|one| one.at);
        longest.map_or_else(|| (0, Digester::new(algorithm)), |one| (one.at, one.digester.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_is_what_it_is_alone(
            octets in prop::collection::vec(any::<u8>(), 300),
            places in prop::collection::vec((0usize..300, 0usize..300, 0usize..300), 1..6),
        ) {
            let algorithm = DigestAlgorithm::Sha256;
            let digests = Digests::new(&octets);
            for (a, b, c) in places {
                let mut places = [a, b, c];
                places.sort_unstable();
                let [start, resume, end] = places;
                let alone = [&octets[..start], &octets[resume..end]].concat();
                let around = digests.around(&(start..resume), end, algorithm);
                prop_assert_eq!(around, digest(algorithm, &alone));
                prop_assert_eq!(digests.whole(algorithm), digest(algorithm, &octets));
            }
        }
    }
}
