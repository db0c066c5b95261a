//! A reader of BER (X.690 §8): what `x509::der` refuses is common in PKCS#12, namely indefinite
//! lengths, lengths written longer than needed, and strings cut into pieces.

use std::borrow::Cow;

use crate::limits;
use crate::x509::der::{self, DerError};

/// Reads elements one after another; it copies only strings that come in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// One element; its content has no end marker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
}

const CONSTRUCTED: u8 = 0x20;
const END: &[u8] = &[0, 0];

impl<'a> Reader<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// A reader of the content of the only element of `octets`, which must have this tag.
    pub(crate) fn only(octets: &'a [u8], tag: u8) -> Result<Self, DerError> {
        let mut reader = Self(octets);
        let inner = reader.enter(tag)?;
        if reader.is_empty() { Ok(inner) } else { Err(DerError("something follows the value")) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn element(&mut self) -> Result<Element<'a>, DerError> {
        let size = Size::of(self.0, limits::ASN1_DEPTH)?;
        let cut = DerError("an element is cut off");
        let tag = *self.0.first().ok_or(cut)?;
        let (_, rest) = self.0.split_at_checked(size.header).ok_or(cut)?;
        let (content, rest) = rest.split_at_checked(size.content).ok_or(cut)?;
        let (_, rest) = rest.split_at_checked(size.end).ok_or(cut)?;
        self.0 = rest;
        Ok(Element { tag, content })
    }

    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        if self.0.first() != Some(&tag) {
            return Err(DerError("an element of another type was expected"));
        }
        self.element()
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, DerError> {
        self.expect(tag).map(|element| Self(element.content))
    }

    pub(crate) fn oid(&mut self) -> Result<String, DerError> {
        der::oid(self.expect(der::OID)?.content)
    }

    /// A non-negative INTEGER; one too large for 32 bits counts as the largest.
    pub(crate) fn small(&mut self) -> Result<u32, DerError> {
        der::small(self.expect(der::INTEGER)?.content)
    }

    /// An OCTET STRING, whole or in pieces, under its own tag or an implicit one.
    pub(crate) fn octets(&mut self, tag: u8) -> Result<Cow<'a, [u8]>, DerError> {
        let element = self.element()?;
        if element.tag & !CONSTRUCTED != tag & !CONSTRUCTED {
            return Err(DerError("an element of another type was expected"));
        }
        pieces(element, limits::ASN1_DEPTH)
    }
}

fn pieces(element: Element<'_>, depth: usize) -> Result<Cow<'_, [u8]>, DerError> {
    if element.tag & CONSTRUCTED == 0 {
        return Ok(Cow::Borrowed(element.content));
    }
    let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
    let (mut reader, mut whole) = (Reader(element.content), Vec::new());
    while !reader.is_empty() {
        let piece = reader.element()?;
        if piece.tag & !CONSTRUCTED != der::OCTET_STRING {
            return Err(DerError("a string made of something else"));
        }
        whole.extend_from_slice(&pieces(piece, depth)?);
    }
    Ok(Cow::Owned(whole))
}

const TOO_DEEP: DerError = DerError("elements are nested too deep");

/// The octets of an element's header, content and end marker.
#[derive(Clone, Copy)]
struct Size {
    header: usize,
    content: usize,
    end: usize,
}

impl Size {
    // The work is the length of the octets times the depth, at most.
    fn of(octets: &[u8], depth: usize) -> Result<Self, DerError> {
        let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
        let [tag, length, rest @ ..] = octets else {
            return Err(DerError("an element is cut off"));
        };
        if tag & 0x1f == 0x1f {
            return Err(DerError("a tag number over 30"));
        }
        match length {
            0..=0x7f => Ok(Self { header: 2, content: usize::from(*length), end: 0 }),
            0x80 if tag & CONSTRUCTED != 0 => {
                let mut left = rest;
                while !left.starts_with(END) {
                    let child = Self::of(left, depth)?;
                    let size = child.header + child.content + child.end;
                    left = left.get(size..).ok_or(DerError("an element is cut off"))?;
                }
                Ok(Self { header: 2, content: rest.len() - left.len(), end: END.len() })
            }
            0x81..=0x84 => {
                let count = usize::from(length & 0x7f);
                let digits = rest.get(..count).ok_or(DerError("a length is cut off"))?;
                let content = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
                Ok(Self { header: 2 + count, content, end: 0 })
            }
            _ => Err(DerError("an impossible length")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_in_pieces_and_lengths_without_end_are_read() {
        // 24 80 [ 04 01 61 ] [ 24 81 04 [ 04 02 62 63 ] ] 00 00, then NULL.
        let octets = [0x24, 0x80, 4, 1, 0x61, 0x24, 0x81, 4, 4, 2, 0x62, 0x63, 0, 0, 5, 0];
        let mut reader = Reader::new(&octets);
        assert_eq!(reader.octets(der::OCTET_STRING).unwrap().as_ref(), b"abc");
        assert_eq!(reader.element().unwrap().tag, der::NULL);
        assert!(reader.is_empty());
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nest = |depth: usize| [[0x30, 0x80].repeat(depth), [0, 0].repeat(depth)].concat();
        assert!(Reader::new(&nest(limits::ASN1_DEPTH)).element().is_ok());
        let refused = Reader::new(&nest(limits::ASN1_DEPTH + 1)).element().unwrap_err();
        assert_eq!(refused, TOO_DEEP);
        let strings = |depth: usize| [[0x24, 0x80].repeat(depth), [0, 0].repeat(depth)].concat();
        assert!(Reader::new(&strings(100_000)).octets(der::OCTET_STRING).is_err());
    }

    proptest! {
        #[test]
        fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..96)) {
            let mut reader = Reader::new(&octets);
            while reader.octets(der::OCTET_STRING).is_ok() {}
            let mut reader = Reader::new(&octets);
            while let Ok(element) = reader.element() {
                prop_assert!(element.content.len() < octets.len());
            }
        }
    }
}
