//! The revoked serial numbers of one CRL in two flat tables.
//!
//! An entry is 25 octets: its number right-aligned in 20, sign and reason in one, the date in
//! four. The entries stand grouped by a hash of the number, one of them to a group on average, and
//! the other table says where each group begins. So a look-up touches two places in memory, and
//! half a million entries take 14.5 MB. The hash is seeded with octets of the CRL's signature,
//! which nobody can choose together with the numbers that would crowd in one group.

use super::der::DerError;
use super::large::Large;
use crate::limits;

/// Octets of a serial number (RFC 5280 §4.1.2.2); longer ones are kept aside.
const WIDTH: usize = 20;
/// Number, sign and reason, date.
const RECORD: usize = WIDTH + 1 + 4;
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
    /// The issuer of each record, 16 bits, in an indirect CRL; else empty.
    issuers: Large,
    count: usize,
    /// Entries with numbers too long for the table, sorted.
    aside: Vec<(Vec<u8>, Entry)>,
}

/// Gives every entry to the function it is called with.
pub(crate) trait Walk<T>: Fn(&mut dyn FnMut(&[u8], Entry)) -> Result<T, DerError> {}

impl<T, F: Fn(&mut dyn FnMut(&[u8], Entry)) -> Result<T, DerError>> Walk<T> for F {}

/// A serial number in the form it is looked for.
enum Key<'a> {
    Short([u8; WIDTH], u8),
    Long(&'a [u8]),
}

impl CrlIndex {
    /// Makes the index in two walks over the entries: one that counts, one that puts each in its
    /// place. `expected` is a guess at their number; `seed` ends in 16 octets that the author of
    /// the entries could not choose. What the walk itself says is returned beside.
    pub(crate) fn build<T>(
        seed: &[u8],
        expected: usize,
        walk: impl Walk<T>,
    ) -> Result<(Self, T), DerError> {
        let mut halves = seed.rchunks_exact(8).map(|half| half.iter().fold(0, shifted));
        let seed = SPREAD.map(|one| one ^ halves.next().unwrap_or(0));
        let groups = expected.clamp(1, limits::CRL_BYTES) as u32;
        let mut this = Self {
            seed,
            starts: Large::zeroed((groups as usize + 1) * 4),
            groups,
            records: Vec::new().into(),
            issuers: Vec::new().into(),
            count: 0,
            aside: Vec::new(),
        };
        let (mut indirect, mut too_many) = (false, false);
        let said = walk(&mut |serial, entry| match Key::of(serial) {
            Key::Short(number, _) => {
                let group = this.group(&number);
                this.set_start(group, this.start(group) + 1);
                this.count += 1;
                indirect |= entry.issuer != 0;
            }
            Key::Long(_) if this.aside.len() >= limits::CRL_LONG_SERIALS => too_many = true,
            Key::Long(number) => this.aside.push((number.to_vec(), entry)),
        })?;
        if too_many {
            return Err(DerError("too many serial numbers of over 20 octets"));
        }
        this.aside.sort_by(|one, other| one.0.cmp(&other.0));
        // From the size of each group to its end.
        let mut end = 0;
        for group in 0..=this.groups {
            end += this.start(group);
            this.set_start(group, end);
        }
        this.records = Large::zeroed(this.count * RECORD);
        this.issuers = Large::zeroed(if indirect { this.count * 2 } else { 0 });
        // Each group is filled from its end, which leaves its beginning in the table.
        walk(&mut |serial, entry| {
            if let Key::Short(number, sign) = Key::of(serial) {
                let group = this.group(&number);
                let place = this.start(group).saturating_sub(1);
                this.set_start(group, place);
                this.put(place as usize, &number, sign, entry);
            }
        })?;
        Ok((this, said))
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
        let short = range.filter_map(move |place| {
            let record = self.records.get(place * RECORD..)?.first_chunk::<RECORD>()?;
            let Key::Short(number, sign) = &key else { return None };
            let same = record[..WIDTH] == *number && record[WIDTH] & NEGATIVE == *sign;
            same.then(|| self.entry(place, record))
        });
        short.chain(aside.iter().map(|(_, entry)| *entry))
    }

    pub(crate) fn len(&self) -> usize {
        self.count + self.aside.len()
    }

    fn put(&mut self, place: usize, number: &[u8; WIDTH], sign: u8, entry: Entry) {
        let record = self.records.get_mut(place * RECORD..).and_then(|at| at.first_chunk_mut());
        let Some(record): Option<&mut [u8; RECORD]> = record else { return };
        record[..WIDTH].copy_from_slice(number);
        record[WIDTH] = sign | entry.reason.map_or(NO_REASON, |code| code.min(NO_REASON - 1));
        // Dates outside 1970–2106 do not occur; they are moved to the edge.
        let since = entry.since.clamp(0, i64::from(u32::MAX)) as u32;
        record[WIDTH + 1..].copy_from_slice(&since.to_le_bytes());
        if let Some(issuer) = self.issuers.get_mut(place * 2..).and_then(|at| at.first_chunk_mut())
        {
            *issuer = entry.issuer.to_le_bytes();
        }
    }

    fn entry(&self, place: usize, record: &[u8; RECORD]) -> Entry {
        let [.., reason, a, b, c, d] = *record;
        let issuer = self.issuers.get(place * 2..).and_then(|at| at.first_chunk());
        Entry {
            since: u32::from_le_bytes([a, b, c, d]).into(),
            reason: Some(reason & !NEGATIVE).filter(|code| *code != NO_REASON),
            issuer: issuer.map_or(0, |octets| u16::from_le_bytes(*octets)),
        }
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
        let at = self.starts.get(group as usize * 4..).and_then(|at| at.first_chunk());
        at.map_or(0, |octets| u32::from_le_bytes(*octets))
    }

    fn set_start(&mut self, group: u32, start: u32) {
        let at = self.starts.get_mut(group as usize * 4..).and_then(|at| at.first_chunk_mut());
        if let Some(octets) = at {
            *octets = start.to_le_bytes();
        }
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
        CrlIndex::build(&[0x5a; 16], entries.len(), walk).unwrap().0
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
            let (largest, empty) = sizes.fold((0, 0), |(large, empty), size| {
                (size.max(large), empty + u32::from(size == 0))
            });
            // Chance leaves 36.8 % empty and eight or nine in the largest.
            assert!(
                largest < 14 && (35_000..38_500).contains(&empty),
                "{step}: {largest}, {empty}"
            );
        }
    }

    #[test]
    fn too_many_long_numbers_are_refused() {
        let walk = |put: &mut dyn FnMut(&[u8], Entry)| {
            (0..=limits::CRL_LONG_SERIALS).for_each(|_| put(&[1; 21], entry_of(1)));
            Ok(())
        };
        assert!(CrlIndex::build(&[0; 16], 1, walk).is_err());
    }
}
