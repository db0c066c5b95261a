//! Which object refers to which: what nobody refers to is not shown, and what is referred to and
//! missing is a hole that somebody may fill later.

use std::collections::HashMap;

use lopdf::Object;

use super::PdfError;
use super::file::File;
use crate::limits;

/// Every reference of a revision, its trailer apart.
#[derive(Default)]
pub(super) struct References {
    /// Object referred to and the one that does.
    pairs: Vec<(u32, u32)>,
    /// Where the text of each object of the file ends.
    pub ends: HashMap<u32, usize>,
}

impl References {
    /// Walks every object of a revision.
    pub(super) fn of(file: &File<'_>) -> Result<Self, PdfError> {
        let mut out = Self::default();
        let mut work = 0usize;
        for number in file.numbers() {
            let Some(generation) = file.generation(number) else { continue };
            let Some(loaded) = file.load((number, generation))? else { continue };
            if matches!(loaded.text, super::file::Text::File) {
                let end = loaded.stream.as_ref().map_or(loaded.value.span.end, |span| span.end);
                out.ends.insert(number, end);
            }
            let mut own = vec![&loaded.value.object];
            while let Some(object) = own.pop() {
                work += 1;
                if work > limits::PDF_OBJECTS.saturating_mul(16) {
                    return Err(PdfError::TooMany("values"));
                }
                match object {
                    Object::Reference((target, _)) => out.pairs.push((*target, number)),
                    Object::Array(items) => own.extend(items),
                    Object::Dictionary(dictionary) => {
                        own.extend(dictionary.iter().map(|(_, value)| value));
                    }
                    _ => {}
                }
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
