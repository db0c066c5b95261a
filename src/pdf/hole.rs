//! The hole a signature is put into: a dictionary whose `/ByteRange` and `/Contents` are written
//! when the file around them is finished (ISO 32000-1 §12.8.1).

use std::ops::Range;

use rasn::prelude::*;

use super::PdfError;
use crate::crypto::{DigestAlgorithm, Digester, hex};
use crate::limits;

/// The text of a signature dictionary, and where its holes are.
pub(super) struct Dictionary {
    pub text: Vec<u8>,
    byte_range: Range<usize>,
    gap: Range<usize>,
}

/// A file that lacks nothing but the string of `/Contents`.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct Waiting {
    document: OctetString,
    gap_start: u64,
    gap_end: u64,
}

impl Dictionary {
    /// A dictionary with these entries before and behind the holes, and room for `room` bytes.
    pub(super) fn new(before: &str, room: usize, behind: &str) -> Self {
        let mut text = format!("<<{before}\n/ByteRange ");
        let hole = |text: &mut String, size: usize, fill: &str| {
            let start = text.len();
            text.push_str(&fill.repeat(size));
            start..text.len()
        };
        // "[0 " and three numbers of at most ten digits.
        let byte_range = hole(&mut text, 36, " ");
        text.push_str("\n/Contents ");
        let start = text.len();
        text.push('<');
        hole(&mut text, room * 2, "0");
        text.push('>');
        let gap = start..text.len();
        text.push('\n');
        text.push_str(behind);
        text.push_str(">>");
        Self { text: text.into_bytes(), byte_range, gap }
    }

    /// The finished file, in which the dictionary's text begins at `start`.
    pub(super) fn within(self, mut document: Vec<u8>, start: usize) -> Waiting {
        let gap = start + self.gap.start..start + self.gap.end;
        let range = format!("[0 {} {} {}]", gap.start, gap.end, document.len() - gap.end);
        let place = start + self.byte_range.start..start + self.byte_range.end;
        let place = document.get_mut(place).unwrap_or_default();
        // Spaces fill the rest: the dictionary was written before the numbers were known.
        let padded = format!("{range:<width$}", width = place.len());
        place.copy_from_slice(padded.get(..place.len()).unwrap_or_default().as_bytes());
        let (gap_start, gap_end) = (gap.start as u64, gap.end as u64);
        Waiting { document: document.into(), gap_start, gap_end }
    }
}

impl Waiting {
    /// The digest of everything but the gap.
    pub(super) fn digest(&self, algorithm: DigestAlgorithm) -> Vec<u8> {
        let mut digester = Digester::new(algorithm);
        let (before, behind) = self.parts();
        digester.update(before);
        digester.update(behind);
        digester.finish()
    }

    /// Everything before and behind the gap.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        let gap = self.gap();
        let before = self.document.get(..gap.start).unwrap_or_default();
        (before, self.document.get(gap.end..).unwrap_or_default())
    }

    /// The file with this in the gap.
    pub(super) fn filled(&self, signature: &[u8]) -> Result<Vec<u8>, PdfError> {
        let mut document = self.document.to_vec();
        fill(&mut document, &self.gap(), signature)?;
        Ok(document)
    }

    /// Whether the numbers are possible ones: stored octets may be damaged.
    pub(super) fn checked(self) -> Result<Self, PdfError> {
        let sane = self.gap_start < self.gap_end.saturating_sub(1)
            && self.gap_end <= self.document.len() as u64;
        match sane && self.document.len() <= limits::DOCUMENT_BYTES * 2 {
            true => Ok(self),
            false => Err(PdfError::malformed("the prepared document is damaged")),
        }
    }

    fn gap(&self) -> Range<usize> {
        let bound = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        bound(self.gap_start)..bound(self.gap_end)
    }
}

/// Writes a signature as hexadecimal digits into a gap, zeros behind it.
pub(super) fn fill(
    document: &mut [u8],
    gap: &Range<usize>,
    signature: &[u8],
) -> Result<(), PdfError> {
    let place = gap.start.saturating_add(1)..gap.end.saturating_sub(1);
    let place = document.get_mut(place);
    let place = place.ok_or_else(|| PdfError::malformed("the prepared document is damaged"))?;
    let digits = hex(signature);
    match place.split_at_mut_checked(digits.len()) {
        Some((place, rest)) => {
            place.copy_from_slice(digits.as_bytes());
            rest.fill(b'0');
            Ok(())
        }
        None => Err(PdfError::SignatureTooLarge),
    }
}
