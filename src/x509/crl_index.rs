//! The revoked serial numbers of one CRL in a compact sorted table.
//!
//! 28 octets an entry, so half a million take 14 MB, and the CRL's own octets need not stay in
//! memory. Serial numbers are written last octet first: random and consecutive ones alike then
//! differ in the leading bits, and about as many buckets as entries leave one or two to compare.

/// Serial numbers longer than RFC 5280 §4.1.2.2 allows are kept aside.
const WIDTH: usize = 20;
const RECORD: usize = WIDTH + 8;
/// Fewer entries than this are searched without buckets.
const BUCKETS_FROM: usize = 4_096;
/// No more than 2^20 buckets: 4 MB.
const BUCKET_BITS: u32 = 20;

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

/// The table.
#[derive(Debug, Default)]
pub(crate) struct CrlIndex {
    records: Vec<[u8; RECORD]>,
    /// Where each bucket begins, and the end of the last.
    buckets: Vec<u32>,
    bits: u32,
    long: Vec<(Vec<u8>, Entry)>,
}

impl CrlIndex {
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self { records: Vec::with_capacity(entries), ..Self::default() }
    }

    /// Adds an entry; [`CrlIndex::sort`] must follow before the first look-up.
    pub(crate) fn add(&mut self, serial: &[u8], entry: Entry) {
        let Some(mut record) = key(serial) else {
            self.long.push((serial.to_vec(), entry));
            return;
        };
        // Dates outside 1970–2106 do not occur; they are moved to the edge.
        let since = entry.since.clamp(0, i64::from(u32::MAX)) as u32;
        record[21] = entry.reason.unwrap_or(u8::MAX);
        record[22..26].copy_from_slice(&since.to_be_bytes());
        record[26..28].copy_from_slice(&entry.issuer.to_be_bytes());
        self.records.push(record);
    }

    pub(crate) fn sort(&mut self) {
        self.records.sort_unstable();
        self.records.shrink_to_fit();
        if self.records.len() >= BUCKETS_FROM {
            self.bits = self.records.len().ilog2().min(BUCKET_BITS);
            let mut next = 0;
            self.buckets = (0..=1 << self.bits)
                .map(|bucket| {
                    let rest = self.records.get(next..).unwrap_or_default();
                    let before = |record: &&[u8; RECORD]| bucket_of(record, self.bits) < bucket;
                    next += rest.iter().take_while(before).count();
                    next as u32
                })
                .collect();
        }
    }

    /// Every entry with this serial number, given as its DER content octets.
    pub(crate) fn find<'a>(&'a self, serial: &'a [u8]) -> impl Iterator<Item = Entry> + 'a {
        let key = key(serial);
        let records = key.as_ref().map_or(&[][..], |key| self.bucket(key));
        let same = move |record: &&[u8; RECORD]| {
            key.as_ref().is_some_and(|key| record[..=WIDTH] == key[..=WIDTH])
        };
        let short = records.iter().filter(same).map(entry);
        short.chain(self.long.iter().filter(move |(long, _)| long == serial).map(|(_, e)| *e))
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len() + self.long.len()
    }

    /// Memory taken, in bytes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.records.capacity() * RECORD + self.buckets.capacity() * 4
    }

    // The few records that may hold the key: its bucket, or what a search finds where there are
    // no buckets or the serial numbers crowd in one.
    fn bucket(&self, key: &[u8; RECORD]) -> &[[u8; RECORD]] {
        let bucket = bucket_of(key, self.bits) as usize;
        let range = match (self.buckets.get(bucket), self.buckets.get(bucket + 1)) {
            (Some(start), Some(end)) => self.records.get(*start as usize..*end as usize),
            _ => Some(&self.records[..]),
        };
        let range = range.unwrap_or_default();
        if range.len() <= 8 {
            return range;
        }
        let start = range.partition_point(|record| record[..=WIDTH] < key[..=WIDTH]);
        let rest = range.get(start..).unwrap_or_default();
        let end = rest.partition_point(|record| record[..=WIDTH] <= key[..=WIDTH]);
        rest.get(..end).unwrap_or_default()
    }
}

// The serial number last octet first, and its length, which tells 00 from 0000.
fn key(serial: &[u8]) -> Option<[u8; RECORD]> {
    let mut key = [0; RECORD];
    let place = key.get_mut(..serial.len()).filter(|place| place.len() <= WIDTH)?;
    place.iter_mut().zip(serial.iter().rev()).for_each(|(to, from)| *to = *from);
    key[WIDTH] = serial.len() as u8;
    Some(key)
}

// The leading bits; the order of buckets is that of the records.
fn bucket_of(record: &[u8; RECORD], bits: u32) -> u32 {
    u32::from_be_bytes([0, record[0], record[1], record[2]]) >> (24 - bits)
}

fn entry(record: &[u8; RECORD]) -> Entry {
    let since = u32::from_be_bytes([record[22], record[23], record[24], record[25]]);
    Entry {
        since: i64::from(since),
        reason: Some(record[21]).filter(|code| *code != u8::MAX),
        issuer: u16::from_be_bytes([record[26], record[27]]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn entry_of(number: u32) -> Entry {
        Entry { since: i64::from(number), reason: Some((number % 11) as u8), issuer: 0 }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn finds_what_a_plain_map_finds(
            serials in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 1..24), 0..200),
            filler in prop::sample::select(vec![0_u32, 5_000]),
            absent in prop::collection::vec(any::<u8>(), 1..24),
        ) {
            let mut plain: HashMap<Vec<u8>, Entry> = HashMap::new();
            for (number, serial) in serials.into_iter().enumerate() {
                plain.insert(serial, entry_of(number as u32));
            }
            for number in 0..filler {
                plain.insert(number.to_be_bytes().to_vec(), entry_of(number));
            }
            let mut index = CrlIndex::default();
            plain.iter().for_each(|(serial, entry)| index.add(serial, *entry));
            index.sort();
            prop_assert_eq!(index.len(), plain.len());
            for (serial, entry) in &plain {
                prop_assert_eq!(index.find(serial).collect::<Vec<_>>(), vec![*entry]);
            }
            prop_assert_eq!(index.find(&absent).next(), plain.get(&absent).copied());
        }
    }

    #[test]
    fn half_a_million_entries_take_less_than_twenty_megabytes() {
        let mut index = CrlIndex::with_capacity(500_000);
        (0..500_000_u32)
            .for_each(|n| index.add(&[&[0x55; 16], &n.to_be_bytes()[..]].concat(), entry_of(n)));
        index.sort();
        assert!(index.bytes() < 20_000_000, "{}", index.bytes());
        assert_eq!(
            index.find(&[&[0x55; 16], &[0, 7, 0, 1][..]].concat()).next(),
            Some(entry_of(0x0007_0001))
        );
    }
}
