//! A strict reader and a small writer of DER (X.690 §8, §10), for structures that must be read in
//! place, octet for octet: CRLs, OCSP responses, extensions.

use time::{Date, Month, OffsetDateTime, Time};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// What is wrong with the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DerError(pub &'static str);

/// Reads elements one after another; it never copies and never recurses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// One element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    /// Tag, length and content.
    pub whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// A reader of the content of the only element of `octets`, which must have this tag.
    pub(crate) fn only(octets: &'a [u8], tag: u8) -> Result<Self, DerError> {
        let mut reader = Self(octets);
        let inner = reader.enter(tag)?;
        reader.finish()?;
        Ok(inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The tag of the next element, if there is one.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    pub(crate) fn element(&mut self) -> Result<Element<'a>, DerError> {
        let (&tag, rest) = self.0.split_first().ok_or(DerError("an element is missing"))?;
        if tag & 0x1f == 0x1f {
            return Err(DerError("a tag number over 30"));
        }
        let (&first, rest) = rest.split_first().ok_or(DerError("a length is missing"))?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest
                    .split_at_checked(usize::from(first & 0x7f))
                    .ok_or(DerError("a length is cut off"))?;
                let length = octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
                if length < 0x80 || octets.first() == Some(&0) {
                    return Err(DerError("a length is not written in its shortest form"));
                }
                (length, rest)
            }
            _ => return Err(DerError("an indefinite or over-long length")),
        };
        let (content, rest) =
            rest.split_at_checked(length).ok_or(DerError("an element is cut off"))?;
        let (whole, _) = self.0.split_at(self.0.len() - rest.len());
        self.0 = rest;
        Ok(Element { tag, content, whole })
    }

    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        if self.peek() != Some(tag) {
            return Err(DerError("an element of another type was expected"));
        }
        self.element()
    }

    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerError> {
        if self.peek() == Some(tag) { self.element().map(Some) } else { Ok(None) }
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, DerError> {
        self.expect(tag).map(|element| Self(element.content))
    }

    pub(crate) fn oid(&mut self) -> Result<String, DerError> {
        oid(self.expect(OID)?.content)
    }

    /// The content of an INTEGER in its shortest form.
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], DerError> {
        integer(self.expect(INTEGER)?.content)
    }

    /// UTCTime or GeneralizedTime.
    pub(crate) fn time(&mut self) -> Result<OffsetDateTime, DerError> {
        time(self.element()?)
    }

    pub(crate) fn finish(self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError("something follows the value")) }
    }
}

/// An object identifier in dotted form.
pub(crate) fn oid(content: &[u8]) -> Result<String, DerError> {
    use std::fmt::Write as _;
    let bad = DerError("not an object identifier");
    if content.last().is_none_or(|octet| octet & 0x80 != 0) {
        return Err(bad);
    }
    let mut out = String::with_capacity(content.len() * 3);
    let (mut arc, mut start, mut first) = (0_u64, true, true);
    for octet in content {
        if start && *octet == 0x80 || arc >= 1 << 56 {
            return Err(bad);
        }
        arc = arc << 7 | u64::from(octet & 0x7f);
        start = octet & 0x80 == 0;
        if start {
            let _ = if first {
                let top = (arc / 40).min(2);
                write!(out, "{top}.{}", arc - top * 40)
            } else {
                write!(out, ".{arc}")
            };
            (arc, first) = (0, false);
        }
    }
    Ok(out)
}

/// The content of an INTEGER, if it is in its shortest form.
pub(crate) fn integer(content: &[u8]) -> Result<&[u8], DerError> {
    match content {
        [] => Err(DerError("an empty integer")),
        [0, next, ..] if *next < 0x80 => Err(DerError("an integer with a spare octet")),
        [0xff, next, ..] if *next >= 0x80 => Err(DerError("an integer with a spare octet")),
        _ => Ok(content),
    }
}

/// A non-negative INTEGER that fits 32 bits.
pub(crate) fn small(content: &[u8]) -> Result<u32, DerError> {
    match integer(content)? {
        [first, ..] if *first >= 0x80 => Err(DerError("a negative number")),
        [0, rest @ ..] | rest if rest.len() <= 4 => {
            Ok(rest.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet)))
        }
        // Numbers too large to count with are all alike here: no path is that long.
        _ => Ok(u32::MAX),
    }
}

/// A BOOLEAN; any octet but zero is true, as old issuers wrote it.
pub(crate) fn boolean(content: &[u8]) -> Result<bool, DerError> {
    match content {
        [octet] => Ok(*octet != 0),
        _ => Err(DerError("not a boolean")),
    }
}

/// The octets of a BIT STRING of whole octets.
pub(crate) fn octets_of_bits(content: &[u8]) -> Result<&[u8], DerError> {
    match content {
        [0, octets @ ..] => Ok(octets),
        _ => Err(DerError("not a bit string of whole octets")),
    }
}

/// The first 16 named bits of a BIT STRING: bit 0 of the standard is bit 0 of the result.
pub(crate) fn named_bits(content: &[u8]) -> Result<u16, DerError> {
    let (unused, octets) = content.split_first().ok_or(DerError("an empty bit string"))?;
    if *unused > 7 || (octets.is_empty() && *unused != 0) {
        return Err(DerError("not a bit string"));
    }
    let first = octets.first().map_or(0, |octet| u16::from(octet.reverse_bits()));
    let second = octets.get(1).map_or(0, |octet| u16::from(octet.reverse_bits()));
    Ok(first | second << 8)
}

/// UTCTime or GeneralizedTime in the form of RFC 5280 §4.1.2.5; a fraction of a second, which
/// some responders write, is dropped.
pub(crate) fn time(element: Element<'_>) -> Result<OffsetDateTime, DerError> {
    let bad = DerError("not a time");
    let content = element.content;
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let year = digits(content.get(..2).ok_or(bad)?)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, content.get(2..).ok_or(bad)?)
        }
        GENERALIZED_TIME => (digits(content.get(..4).ok_or(bad)?)?, content.get(4..).ok_or(bad)?),
        _ => return Err(bad),
    };
    let (fields, zone) = rest.split_at_checked(10).ok_or(bad)?;
    let zone = match zone {
        [b'.', fraction @ .., b'Z'] if element.tag == GENERALIZED_TIME => {
            if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
                return Err(bad);
            }
            &b"Z"[..]
        }
        _ => zone,
    };
    if zone != b"Z" {
        return Err(bad);
    }
    let field = |index: usize| {
        let value = digits(fields.get(index * 2..index * 2 + 2).ok_or(bad)?)?;
        u8::try_from(value).map_err(|_| bad)
    };
    let month = Month::try_from(field(0)?).map_err(|_| bad)?;
    let date = Date::from_calendar_date(year, month, field(1)?).map_err(|_| bad)?;
    let time = Time::from_hms(field(2)?, field(3)?, field(4)?).map_err(|_| bad)?;
    Ok(OffsetDateTime::new_utc(date, time))
}

fn digits(octets: &[u8]) -> Result<i32, DerError> {
    octets.iter().try_fold(0, |sum, octet| match octet {
        b'0'..=b'9' => Ok(sum * 10 + i32::from(octet - b'0')),
        _ => Err(DerError("not a time")),
    })
}

/// An element of this tag around the parts.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let skip = length.leading_zeros() as usize / 8;
        out.push(0x80 | (octets.len() - skip) as u8);
        out.extend(&octets[skip..]);
    }
    parts.iter().for_each(|part| out.extend(*part));
    out
}

/// An OBJECT IDENTIFIER from its dotted form. Only for identifiers written in this program.
pub(crate) fn write_oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse::<u64>().unwrap_or(0));
    let first = arcs.next().unwrap_or(0) * 40 + arcs.next().unwrap_or(0);
    let mut content = Vec::new();
    for arc in std::iter::once(first).chain(arcs) {
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let more = if group > 0 { 0x80 } else { 0 };
            content.push((arc >> (group * 7)) as u8 & 0x7f | more);
        }
    }
    write(OID, &[&content])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn identifiers_survive_the_round_trip() {
        for dotted in ["1.2.398.3.3.2.1", "2.5.29.32.0", "0.9.2342.19200300.100.1.1", "2.999.1"] {
            let der = write_oid(dotted);
            assert_eq!(Reader::new(&der).oid().unwrap(), dotted);
        }
        assert!(oid(&[0x2a, 0x80, 0x01]).is_err(), "a padded arc");
        assert!(oid(&[0x2a, 0x81]).is_err(), "an unfinished arc");
    }

    #[test]
    fn lengths_have_one_form() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let der = write(OCTET_STRING, &[&vec![7; length]]);
            let mut reader = Reader::new(&der);
            assert_eq!(reader.element().unwrap().content.len(), length);
            assert!(reader.is_empty());
        }
        for wrong in [&[4, 0x81, 1, 0][..], &[4, 0x80, 0, 0], &[4, 0x82, 0, 1, 0], &[4, 2, 0]] {
            assert!(Reader::new(wrong).element().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn times_of_both_forms() {
        let read = |tag, text: &str| time(Element { tag, content: text.as_bytes(), whole: &[] });
        let expected = datetime!(1999-12-31 23:59:58 UTC);
        assert_eq!(read(UTC_TIME, "991231235958Z"), Ok(expected));
        assert_eq!(read(GENERALIZED_TIME, "19991231235958Z"), Ok(expected));
        assert_eq!(read(GENERALIZED_TIME, "19991231235958.25Z"), Ok(expected));
        for wrong in ["991331235958Z", "9912312359Z", "991231235958", "991231235958+0600", "Z"] {
            assert!(read(UTC_TIME, wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&octets);
            while let Ok(element) = reader.element() {
                let _ = (oid(element.content), time(element), named_bits(element.content));
                let _ = (small(element.content), octets_of_bits(element.content));
            }
        }

        #[test]
        fn small_numbers_are_read_as_written(number in any::<u32>()) {
            let octets = [&[0], &number.to_be_bytes()[..]].concat();
            let spare = octets.iter().zip(&octets[1..]).take_while(|(a, b)| **a == 0 && **b < 128);
            let spare = spare.count();
            prop_assert_eq!(small(&octets[spare..]), Ok(number));
        }
    }
}
