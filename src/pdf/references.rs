//! Which object refers to which: what nobody refers to is not shown, and what is referred to and
//! missing is a hole that somebody may fill later.

use super::PdfError;
use super::file::File;
use crate::limits;

/// Every reference of a revision, its trailer apart.
#[derive(Default)]
pub(super) struct References {
    /// Object referred to and the one that does.
    pairs: Vec<(u32, u32)>,
    /// The objects of the file and where the text of each ends.
    pub ends: Vec<(u32, usize)>,
}

impl References {
    /// Goes through every object of a revision.
    pub(super) fn of(file: &File<'_>) -> Result<Self, PdfError> {
        let mut out = Self::default();
        for number in file.numbers() {
            let pairs = &mut out.pairs;
            let end = file.references(number, &mut |target| pairs.push((target, number)))?;
            if let Some(end) = end.flatten() {
                out.ends.push((number, end));
            }
            if out.pairs.len() > limits::PDF_OBJECTS.saturating_mul(16) {
                return Err(PdfError::TooMany("references"));
            }
        }
        out.pairs.sort_unstable();
        out.pairs.dedup();
        Ok(out)
    }

    /// The objects that refer to this one.
    pub(super) fn holders(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.pairs.partition_point(|pair| pair.0 < number);
        let rest = self.pairs.get(first..).unwrap_or_default();
        rest.iter().take_while(move |pair| pair.0 == number).map(|pair| pair.1)
    }
}
