//! Cross-reference tables and streams (ISO 32000-1 §7.5.4–7.5.8), read strictly from `startxref`
//! backwards through every `/Prev`.

use std::ops::Range;

use lopdf::{Dictionary, Object, ObjectId};

use super::PdfError;
use super::filter::decode_stream;
use super::syntax::{Cursor, Spanned};
use crate::limits;

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Free,
    At { offset: usize, generation: u16 },
    Within { container: u32, index: u32 },
}

/// One section with its trailer.
#[derive(Debug)]
pub(super) struct Section {
    pub offset: usize,
    pub entries: Vec<(u32, Entry)>,
    pub trailer: Dictionary,
    /// A cross-reference stream, not a table.
    pub is_stream: bool,
}

/// `n g obj` with its value; `stream` is where the octets of a stream begin.
pub(super) struct Indirect {
    pub id: ObjectId,
    pub value: Spanned,
    pub stream: Option<usize>,
}

/// An object that was gone through without making its value.
pub(super) struct Skimmed {
    pub id: ObjectId,
    /// Where its value ends, the octets of a stream apart.
    pub end: usize,
    /// Bytes and values of it, as they are counted of [`Spanned`].
    pub size: usize,
    pub values: usize,
    /// The place of the value that was asked for.
    pub asked: Option<Range<usize>>,
    pub stream: Option<usize>,
}

/// Every section, newest first; at least one.
pub(super) fn sections(octets: &[u8]) -> Result<Vec<Section>, PdfError> {
    let mut sections: Vec<Section> = Vec::new();
    let mut next = Some(start(octets)?);
    let mut count = 0;
    while let Some(offset) = next {
        if sections.iter().any(|section| section.offset == offset) {
            return Err(PdfError::malformed("cross-reference sections lead in a circle"));
        }
        // A linearised file has two sections for its first revision.
        if sections.len() > limits::PDF_REVISIONS {
            return Err(PdfError::TooMany("revisions"));
        }
        let section = section(octets, offset)?;
        count += section.entries.len();
        if count > limits::PDF_OBJECTS {
            return Err(PdfError::TooMany("objects"));
        }
        if section.trailer.has(b"XRefStm") {
            // Old and new readers see two different documents in it.
            return Err(PdfError::malformed("the file is a hybrid of table and stream"));
        }
        next = match section.trailer.get(b"Prev") {
            Err(_) => None,
            Ok(prev) => {
                let prev = prev.as_i64().ok().and_then(|prev| usize::try_from(prev).ok());
                Some(prev.ok_or_else(|| PdfError::malformed("a bad /Prev"))?)
            }
        };
        sections.push(section);
    }
    Ok(sections)
}

/// Whether the octets end as a revision must: `startxref`, a number, `%%EOF`, one line end.
pub(super) fn start(octets: &[u8]) -> Result<usize, PdfError> {
    let missing = || PdfError::malformed("the file does not end with startxref and %%EOF");
    let body = octets.trim_ascii_end();
    if octets.len() - body.len() > 2 {
        return Err(PdfError::malformed("something follows the last %%EOF"));
    }
    let body = body.strip_suffix(b"%%EOF").ok_or_else(missing)?.trim_ascii_end();
    let digits = body.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
    let (body, digits) = body.split_at(body.len() - digits);
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    let ends = body.trim_ascii_end().ends_with(b"startxref") && body.len() < octets.len();
    number.filter(|_| ends).ok_or_else(missing)
}

/// Reads `n g obj` and its value at an offset, up to `endobj` or the octets of a stream.
pub(super) fn indirect(octets: &[u8], offset: usize) -> Result<Indirect, PdfError> {
    let mut cursor = Cursor::new(octets, offset);
    let id = head(&mut cursor)?;
    let value = cursor.value()?;
    let stream = tail(&mut cursor, value.object.as_dict().is_ok())?;
    Ok(Indirect { id, value, stream })
}

/// The same without making the value: `found` is called for every reference in it. Of a dictionary
/// the place of the value of `key` is told too.
pub(super) fn skim(
    octets: &[u8],
    offset: usize,
    key: &[u8],
    found: &mut dyn FnMut(u32),
) -> Result<Skimmed, PdfError> {
    let mut cursor = Cursor::new(octets, offset);
    let id = head(&mut cursor)?;
    cursor.space();
    let (start, mut asked) = (cursor.at(), None);
    let is_dictionary = octets.get(start..).is_some_and(|rest| rest.starts_with(b"<<"));
    let mut entry = |found: &[u8], span: Range<usize>| {
        if found == key {
            asked = Some(span);
        }
    };
    let values = cursor.skim(&mut entry, found)?;
    let end = cursor.at();
    let stream = tail(&mut cursor, is_dictionary)?;
    Ok(Skimmed { id, end, size: end - start, values, asked, stream })
}

fn head(cursor: &mut Cursor<'_>) -> Result<ObjectId, PdfError> {
    let number = cursor.unsigned()?;
    cursor.space();
    let generation = cursor.unsigned()?;
    cursor.space();
    let id = u32::try_from(number).ok().zip(u16::try_from(generation).ok());
    match (id, cursor.keyword(b"obj")) {
        (Some(id), true) => Ok(id),
        _ => Ok(cursor.error("an object is expected")?),
    }
}

/// What follows a value: its end, or the place where a stream's octets begin.
fn tail(cursor: &mut Cursor<'_>, is_dictionary: bool) -> Result<Option<usize>, PdfError> {
    cursor.space();
    if cursor.keyword(b"endobj") {
        return Ok(None);
    }
    let begins = cursor.literal(b"stream") && (cursor.literal(b"\r\n") || cursor.literal(b"\n"));
    match begins && is_dictionary {
        true => Ok(Some(cursor.at())),
        false => Ok(cursor.error("endobj is expected")?),
    }
}

/// The place of a stream's octets; `endstream` and `endobj` must follow.
pub(super) fn stream_span(
    octets: &[u8],
    start: usize,
    length: i64,
) -> Result<Range<usize>, PdfError> {
    let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
    let end = end.filter(|end| *end <= octets.len());
    let end = end.ok_or_else(|| PdfError::malformed("a stream has a bad /Length"))?;
    let mut cursor = Cursor::new(octets, end);
    cursor.space();
    let ends = cursor.keyword(b"endstream") && {
        cursor.space();
        cursor.keyword(b"endobj")
    };
    match ends {
        true => Ok(start..end),
        false => Err(PdfError::malformed("a stream does not end where its /Length says")),
    }
}

fn section(octets: &[u8], offset: usize) -> Result<Section, PdfError> {
    let mut cursor = Cursor::new(octets, offset);
    if cursor.keyword(b"xref") {
        return table(cursor, offset);
    }
    stream(octets, offset)
}

fn table(mut cursor: Cursor<'_>, offset: usize) -> Result<Section, PdfError> {
    let mut entries = Vec::new();
    loop {
        cursor.space();
        if cursor.keyword(b"trailer") {
            break;
        }
        let first = u32::try_from(cursor.unsigned()?).unwrap_or(u32::MAX);
        cursor.space();
        let count = u32::try_from(cursor.unsigned()?).unwrap_or(u32::MAX);
        if count as usize > limits::PDF_OBJECTS {
            return Err(PdfError::TooMany("objects"));
        }
        for index in 0..count {
            cursor.space();
            let place = cursor.unsigned()?;
            let space = cursor.literal(b" ");
            let generation = cursor.unsigned()?;
            let space = space && cursor.literal(b" ");
            let used = cursor.keyword(b"n");
            if !space || !(used || cursor.keyword(b"f")) {
                return Ok(cursor.error("a bad cross-reference entry")?);
            }
            let entry = match (used, usize::try_from(place), u16::try_from(generation)) {
                (true, Ok(offset), Ok(generation)) => Entry::At { offset, generation },
                (false, ..) => Entry::Free,
                _ => return Ok(cursor.error("a bad cross-reference entry")?),
            };
            entries.push((first.saturating_add(index), entry));
        }
    }
    let trailer = match cursor.value()?.object {
        Object::Dictionary(trailer) => trailer,
        _ => return Ok(cursor.error("a trailer is expected")?),
    };
    checked(Section { offset, entries, trailer, is_stream: false })
}

fn stream(octets: &[u8], offset: usize) -> Result<Section, PdfError> {
    let bad = || PdfError::malformed("a bad cross-reference stream");
    let indirect = indirect(octets, offset)
        .map_err(|_| PdfError::malformed("no cross-reference section stands where it should"))?;
    let (Some(start), Object::Dictionary(trailer)) = (indirect.stream, indirect.value.object)
    else {
        return Err(bad());
    };
    if !trailer.has_type(b"XRef") {
        return Err(bad());
    }
    let integers = |key: &[u8]| -> Option<Vec<u32>> {
        let items = trailer.get(key).ok()?.as_array().ok()?;
        items.iter().map(|item| item.as_i64().ok().and_then(|n| u32::try_from(n).ok())).collect()
    };
    let length = trailer.get(b"Length").and_then(Object::as_i64).map_err(|_| bad())?;
    let size = trailer.get(b"Size").and_then(Object::as_i64).ok();
    let size = size.and_then(|size| u32::try_from(size).ok()).ok_or_else(bad)?;
    let index = if trailer.has(b"Index") { integers(b"Index") } else { Some(vec![0, size]) };
    let index = index.filter(|index| index.len() % 2 == 0).ok_or_else(bad)?;
    let widths = integers(b"W").ok_or_else(bad)?;
    let [kind_width, first_width, second_width] = widths[..] else { return Err(bad()) };
    if [kind_width, first_width, second_width].iter().any(|width| *width > 8) {
        return Err(bad());
    }
    let mut filters = Dictionary::new();
    for key in [b"Filter".as_slice(), b"DecodeParms"] {
        if let Ok(value) = trailer.get(key) {
            filters.set(key, value.clone());
        }
    }
    let encoded = octets.get(stream_span(octets, start, length)?).unwrap_or_default();
    // A predictor puts an octet before each row.
    let rows = index.iter().skip(1).step_by(2).fold(0usize, |a, b| a.saturating_add(*b as usize));
    if rows > limits::PDF_OBJECTS {
        return Err(PdfError::TooMany("objects"));
    }
    let row = (kind_width + first_width + second_width) as usize + 1;
    let decoded = decode_stream(filters, encoded, rows * row + 1024)?;
    let mut rest = decoded.as_slice();
    let mut field = |width: u32| {
        let (head, tail) = rest.split_at_checked(width as usize)?;
        rest = tail;
        Some(head.iter().fold(0u64, |number, octet| number << 8 | u64::from(*octet)))
    };
    let mut entries = Vec::new();
    for range in index.chunks_exact(2) {
        let [first, count] = range else { return Err(bad()) };
        for number in 0..*count {
            let kind = if kind_width == 0 { Some(1) } else { field(kind_width) };
            let (kind, a, b) = match (kind, field(first_width), field(second_width)) {
                (Some(kind), Some(a), Some(b)) => (kind, a, b),
                _ => return Err(bad()),
            };
            let entry = match kind {
                0 => Entry::Free,
                1 => Entry::At {
                    offset: usize::try_from(a).map_err(|_| bad())?,
                    generation: u16::try_from(b).map_err(|_| bad())?,
                },
                2 => Entry::Within {
                    container: u32::try_from(a).map_err(|_| bad())?,
                    index: u32::try_from(b).map_err(|_| bad())?,
                },
                _ => return Err(bad()),
            };
            entries.push((first.saturating_add(number), entry));
        }
    }
    checked(Section { offset, entries, trailer, is_stream: true })
}

/// No number twice in one section, none beyond `/Size`.
fn checked(section: Section) -> Result<Section, PdfError> {
    let size = section.trailer.get(b"Size").and_then(Object::as_i64).unwrap_or(0);
    let mut numbers: Vec<u32> = section.entries.iter().map(|(number, _)| *number).collect();
    if !numbers.is_sorted() {
        numbers.sort_unstable();
    }
    if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(PdfError::malformed("an object stands twice in a cross-reference section"));
    }
    match numbers.last() {
        Some(last) if i64::from(*last) >= size => {
            Err(PdfError::malformed("a cross-reference section is larger than its /Size"))
        }
        _ => Ok(section),
    }
}
