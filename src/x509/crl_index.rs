//! The revoked serial numbers of one CRL in two flat tables.
//!
//! An entry is 27 octets: its number right-aligned in 20, sign and reason in one, the date in
//! four, its issuer in two. The entries stand grouped by a hash of the number, eight of them to a
//! group on average, and the other table says where each group begins. So a look-up touches two
//! places in memory, and half a million entries take 14 MB. The hash is seeded with octets of the CRL's signature,
//! which nobody can choose together with the numbers that would crowd in one group.

use super::der::DerError;
use super::large::Large;
use crate::limits;

/// Octets of a serial number (RFC 5280 §4.1.2.2); longer ones are kept aside.
const WIDTH: usize = 20;
/// Number, sign and reason, date, issuer.
const RECORD: usize = WIDTH + 1 + 4 + 2;
/// Entries of a group on average: so many lie side by side, and the table of groups is so small
/// that it mostly stays near the processor. Measured: 2, 4, 8 take 0.36, 0.32, 0.29 µs.
const DENSITY: usize = 8;
/// Groups are filled so many at a time, that those stay near the processor.
const PART: usize = 256;
/// Of the octet after the number: whether the number is negative.
const NEGATIVE: u8 = 0x80;
/// Of the octet after the number: no reason is given.
const NO_REASON: u8 = 0x7f;

/// Digits of π, and of the golden section: they hold the hash together if a seed is poor.
const SPREAD: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
const FRACTION: u64 = 0x9e37_79b9_7f4a_7c15;

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Revocation date in seconds since 1970.
    pub since: i64,
    /// Reason code; `None` where the entry gives none.
    pub reason: Option<u8>,
    /// Which certificate issuer of the CRL the entry belongs to.
    pub issuer: u16,
}

/// The tables.
pub(crate) struct CrlIndex {
    seed: [u64; 2],
    /// Where each group begins, and the end of the last: numbers of 32 bits.
    starts: Large,
    groups: u32,
    records: Large,
    /// Entries with numbers too long for the table, sorted.
    aside: Vec<(Vec<u8>, Entry)>,
}

/// A serial number in the form it is looked for.
enum Key<'a> {
    Short([u8; WIDTH], u8),
    Long(&'a [u8]),
}

impl CrlIndex {
    /// Makes the index of the entries that `walk` gives, `most` at most and probably `expected`.
    /// `seed` ends in 16 octets that the author of the entries could not choose. What the walk
    /// itself says is returned beside.
    pub(crate) fn build<T>(
        seed: &[u8],
        (expected, most): (usize, usize),
        walk: impl FnOnce(&mut dyn FnMut(&[u8], Entry)) -> Result<T, DerError>,
    ) -> Result<(Self, T), DerError> {
        let mut halves = seed.rchunks_exact(8).map(|half| half.iter().fold(0, shifted));
        let seed = SPREAD.map(|one| one ^ halves.next().unwrap_or(0));
        let mut listed = Large::zeroed(most.min(limits::CRL_BYTES) * RECORD);
        let mut places = listed.as_chunks_mut::<RECORD>().0.iter_mut();
        let (mut count, mut too_many, mut aside) = (0, false, Vec::new());
        let said = walk(&mut |serial, entry| match Key::of(serial) {
            Key::Short(number, sign) => match places.next() {
                Some(place) => {
                    *place = record(&number, sign, entry);
                    count += 1;
                }
                None => too_many = true,
            },
            Key::Long(_) if aside.len() >= limits::CRL_LONG_SERIALS => too_many = true,
            Key::Long(number) => aside.push((number.to_vec(), entry)),
        })?;
        if too_many {
            return Err(DerError("too many serial numbers of over 20 octets"));
        }
        aside.sort_by(|one, other| one.0.cmp(&other.0));
        let listed = listed.as_chunks().0.get(..count).unwrap_or_default();
        let groups = (expected / DENSITY).clamp(1, limits::CRL_BYTES);
        let mut this = Self {
            seed,
            starts: Large::zeroed((groups + 1) * 4),
            groups: groups as u32,
            records: Large::zeroed(count * RECORD),
            aside,
        };
        this.fill(listed);
        Ok((this, said))
    }

    // Sorts the records by group in two steps, by parts and within them, since half a million
    // steps at random through memory take longer than all the rest.
    fn fill(&mut self, listed: &[[u8; RECORD]]) {
        let mut records = std::mem::replace(&mut self.records, Vec::new().into());
        let sorted = records.as_chunks_mut().0;
        let group = |record: &[u8; RECORD]| self.group(number(record)) as usize;
        let mut parts = vec![0; self.groups as usize / PART + 2];
        distribute(listed, sorted, &mut parts, |record| group(record) / PART);
        let mut starts = Vec::with_capacity(self.groups as usize + 1);
        for range in parts.windows(2) {
            let [start, end] = [range[0] as usize, range[1] as usize];
            let Some(part) = sorted.get_mut(start..end) else { continue };
            let mut within = [0; PART];
            let copy = part.to_vec();
            distribute(&copy, part, &mut within, |record| group(record) % PART);
            starts.extend(within.map(|offset| range[0] + offset));
        }
        starts.resize(self.groups as usize + 1, listed.len() as u32);
        let places = self.starts.as_chunks_mut::<4>().0.iter_mut();
        places.zip(starts).for_each(|(place, start)| *place = start.to_le_bytes());
        self.records = records;
    }

    /// Every entry with this serial number, given as its DER content octets.
    pub(crate) fn find<'a>(&'a self, serial: &'a [u8]) -> impl Iterator<Item = Entry> + 'a {
        let key = Key::of(serial);
        let (range, aside) = match &key {
            Key::Short(number, _) => {
                let group = self.group(number);
                (self.start(group) as usize..self.start(group + 1) as usize, &[][..])
            }
            Key::Long(number) => {
                let start = self.aside.partition_point(|(known, _)| known.as_slice() < *number);
                let rest = self.aside.get(start..).unwrap_or_default();
                let end = rest.partition_point(|(known, _)| known == number);
                (0..0, rest.get(..end).unwrap_or_default())
            }
        };
        let records = self.records.as_chunks::<RECORD>().0.get(range).unwrap_or_default();
        let short = records.iter().filter_map(move |record| match &key {
            Key::Short(wanted, sign) => {
                let same = number(record) == wanted && record[WIDTH] & NEGATIVE == *sign;
                same.then(|| entry(record))
            }
            Key::Long(_) => None,
        });
        short.chain(aside.iter().map(|(_, entry)| *entry))
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len() / RECORD + self.aside.len()
    }

    // A keyed hash by two wide products, spread evenly over the groups.
    fn group(&self, number: &[u8; WIDTH]) -> u32 {
        let [a, b, c, d, e, f, g, h, between @ .., i, j, k, l, m, n, o, p] = *number;
        let high = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let low = u64::from_be_bytes([i, j, k, l, m, n, o, p]);
        let between = u64::from(u32::from_be_bytes(between));
        let mixed = mix(high ^ self.seed[0], low ^ self.seed[1]);
        let mixed = mix(mixed ^ between, self.seed[0] ^ FRACTION);
        ((u64::from(mixed as u32) * u64::from(self.groups)) >> 32) as u32
    }

    fn start(&self, group: u32) -> u32 {
        let starts = self.starts.as_chunks().0;
        starts.get(group as usize).map_or(0, |octets| u32::from_le_bytes(*octets))
    }
}

// Puts records where `place` says, the places one after another. `starts` are zeros, and
// become the places' beginnings.
fn distribute(
    from: &[[u8; RECORD]],
    to: &mut [[u8; RECORD]],
    starts: &mut [u32],
    place: impl Fn(&[u8; RECORD]) -> usize,
) {
    for record in from {
        if let Some(count) = starts.get_mut(place(record)) {
            *count += 1;
        }
    }
    let mut end = 0;
    for start in starts.iter_mut() {
        end += *start;
        *start = end;
    }
    // Each place is filled from its end.
    for record in from {
        if let Some(start) = starts.get_mut(place(record)) {
            *start = start.saturating_sub(1);
            if let Some(to) = to.get_mut(*start as usize) {
                *to = *record;
            }
        }
    }
}

fn record(number: &[u8; WIDTH], sign: u8, entry: Entry) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..WIDTH].copy_from_slice(number);
    record[WIDTH] = sign | entry.reason.map_or(NO_REASON, |code| code.min(NO_REASON - 1));
    // Dates outside 1970–2106 do not occur; they are moved to the edge.
    let since = entry.since.clamp(0, i64::from(u32::MAX)) as u32;
    record[WIDTH + 1..WIDTH + 5].copy_from_slice(&since.to_le_bytes());
    record[WIDTH + 5..].copy_from_slice(&entry.issuer.to_le_bytes());
    record
}

fn number(record: &[u8; RECORD]) -> &[u8; WIDTH] {
    record.first_chunk().unwrap_or(&[0; WIDTH])
}

fn entry(record: &[u8; RECORD]) -> Entry {
    let [.., reason, a, b, c, d, e, f] = *record;
    Entry {
        since: u32::from_le_bytes([a, b, c, d]).into(),
        reason: Some(reason & !NEGATIVE).filter(|code| *code != NO_REASON),
        issuer: u16::from_le_bytes([e, f]),
    }
}

impl<'a> Key<'a> {
    // Leading zeros of a positive number and leading ones of a negative one do not count.
    fn of(serial: &'a [u8]) -> Self {
        let negative = serial.first().is_some_and(|first| *first >= 0x80);
        let fill = if negative { 0xff } else { 0 };
        let spare = serial.iter().take_while(|octet| **octet == fill).count();
        let rest = serial.get(spare..).unwrap_or_default();
        let mut number = [fill; WIDTH];
        match WIDTH.checked_sub(rest.len()).and_then(|start| number.get_mut(start..)) {
            // No octets are no number.
            Some(place) if !serial.is_empty() => {
                place.copy_from_slice(rest);
                Self::Short(number, if negative { NEGATIVE } else { 0 })
            }
            // The shortest form, as DER writes it.
            _ => {
                let told = rest.first().is_some_and(|first| (*first >= 0x80) == negative);
                let start = if told { spare } else { spare.saturating_sub(1) };
                Self::Long(serial.get(start..).unwrap_or_default())
            }
        }
    }
}

fn shifted(sum: u64, octet: &u8) -> u64 {
    sum << 8 | u64::from(*octet)
}

fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn entry_of(number: u32) -> Entry {
        let reason = Some((number % 11) as u8).filter(|code| *code != 7);
        Entry { since: i64::from(number), reason, issuer: 0 }
    }

    fn build(entries: &[(Vec<u8>, Entry)]) -> CrlIndex {
        let walk = |put: &mut dyn FnMut(&[u8], Entry)| {
            entries.iter().for_each(|(serial, entry)| put(serial, *entry));
            Ok(())
        };
        CrlIndex::build(&[0x5a; 16], (entries.len(), entries.len()), walk).unwrap().0
    }

    /// The content octets of a positive INTEGER.
    fn positive(octets: &[u8]) -> Vec<u8> {
        let octets: Vec<u8> = octets.iter().copied().skip_while(|octet| *octet == 0).collect();
        let sign = octets.first().is_none_or(|first| *first >= 0x80);
        [if sign { &[0][..] } else { &[] }, &octets].concat()
    }

    /// Serial numbers as authorities choose them, and as nobody should.
    fn serials() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let many = |one: BoxedStrategy<Vec<u8>>| prop::collection::vec(one, 0..150);
        let number = |length| prop::collection::vec(any::<u8>(), length).prop_map(|o| positive(&o));
        // Negative ones in their shortest form.
        let negative = prop::collection::vec(any::<u8>(), 1..24).prop_map(|mut octets| {
            octets[0] = 0x80 | octets[0] & 0x3f;
            octets
        });
        // Numbers that differ in one octet somewhere.
        let close = (0..20_usize, any::<u8>()).prop_map(|(place, octet)| {
            let mut number = [0x41; 20];
            number[place] = octet;
            positive(&number)
        });
        let run = (any::<u64>(), 0..5_000_u64).prop_map(|(first, count)| {
            (0..count).map(|n| positive(&first.wrapping_add(n).to_be_bytes())).collect::<Vec<_>>()
        });
        let all = (
            many(number(16..=20).boxed()),
            many(number(1..=1).boxed()),
            many(number(21..=24).boxed()),
            many(negative.boxed()),
            many(close.boxed()),
            run,
        );
        all.prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn finds_what_a_plain_map_finds(
            serials in serials(),
            absent in prop::collection::vec(any::<u8>(), 0..24),
        ) {
            let mut plain: HashMap<Vec<u8>, Entry> = HashMap::new();
            for (number, serial) in serials.into_iter().enumerate() {
                plain.insert(serial, entry_of(number as u32));
            }
            let entries: Vec<_> = plain.clone().into_iter().collect();
            let index = build(&entries);
            prop_assert_eq!(index.len(), plain.len());
            for (serial, entry) in &entries {
                prop_assert_eq!(index.find(serial).collect::<Vec<_>>(), vec![*entry]);
                // The neighbours, which are mostly not there.
                let mut near = serial.clone();
                *near.last_mut().unwrap() ^= 1;
                prop_assert_eq!(index.find(&near).next(), plain.get(&near).copied());
            }
            let absent = if absent.first() == Some(&0) { positive(&absent) } else { absent };
            if crate::x509::der::integer(&absent).is_ok() {
                prop_assert_eq!(index.find(&absent).next(), plain.get(&absent).copied());
            }
        }

        #[test]
        fn a_number_listed_twice_is_found_twice_each_with_its_issuer(
            number in prop::collection::vec(1..0x80_u8, 1..24),
            times in 1..40_u16,
        ) {
            let entry = |issuer| Entry { issuer, ..entry_of(u32::from(issuer)) };
            let entries: Vec<_> = (0..times).map(|n| (number.clone(), entry(n))).collect();
            let index = build(&entries);
            let mut found: Vec<_> = index.find(&number).map(|one| (one.issuer, one)).collect();
            found.sort_by_key(|(issuer, _)| *issuer);
            prop_assert_eq!(found, (0..times).map(|n| (n, entry(n))).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_form_of_a_number_does_not_count_but_its_sign_does() {
        let index = build(&[(vec![5], entry_of(1)), (vec![0x80], entry_of(2))]);
        assert_eq!(index.find(&[0, 0, 5]).next(), Some(entry_of(1)));
        assert_eq!(index.find(&[0xff, 0x80]).next(), Some(entry_of(2)));
        for absent in [&[][..], &[0], &[0, 0x80], &[5, 0], &[0xff; 20], &[0x80, 0]] {
            assert_eq!(index.find(absent).next(), None, "{absent:?}");
        }
        let long = [&[0, 0x90][..], &[7; 20]].concat();
        let index = build(&[(long.clone(), entry_of(3))]);
        assert_eq!(index.find(&[&[0, 0], &long[..]].concat()).next(), Some(entry_of(3)));
        assert_eq!(index.find(&long[1..]).next(), None, "the negative one");
    }

    #[test]
    fn numbers_in_a_row_do_not_crowd() {
        for step in [1_u64, 256, 1 << 32, 0x9e37_79b9_7f4a_7c15] {
            let numbers = (1..=100_000_u64).map(|n| n.wrapping_mul(step).to_be_bytes());
            let entries: Vec<_> = numbers.map(|n| (positive(&n), entry_of(1))).collect();
            let index = build(&entries);
            let sizes = (0..index.groups).map(|group| index.start(group + 1) - index.start(group));
            let (least, most) =
                sizes.fold((u32::MAX, 0), |(a, b), size| (a.min(size), b.max(size)));
            // Chance leaves about 25 in the largest; without a hash thousands would be there.
            assert!(least < 4 && (18..40).contains(&most), "{step}: {least}, {most}");
        }
    }

    #[test]
    fn too_many_long_numbers_are_refused() {
        let walk = |put: &mut dyn FnMut(&[u8], Entry)| {
            (0..=limits::CRL_LONG_SERIALS).for_each(|_| put(&[1; 21], entry_of(1)));
            Ok(())
        };
        assert!(CrlIndex::build(&[0; 16], (1, 1), walk).is_err());
    }
}
