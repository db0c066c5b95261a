//! A PDF file as its cross-reference sections describe it (ISO 32000-1 §7.5), objects read when
//! they are asked for. Broken sections are an error: they are never repaired, because two readers
//! repair them into two documents.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use lopdf::{Dictionary, Object, ObjectId};

use super::PdfError;
use super::filter::decode_stream;
use super::syntax::{Cursor, Spanned, value};
use super::xref::{self, Entry, Section};
use crate::limits;

/// References followed from one to the next.
const HOPS: usize = 16;

/// Bytes of text of the objects that are kept, and of the largest one: those that are asked for
/// again and again are small.
const KEPT: usize = 1 << 20;
const KEPT_ONE: usize = 1 << 16;

/// A readable file.
pub(super) struct File<'a> {
    octets: &'a [u8],
    index: Rc<Index>,
    budget: Rc<Budget>,
}

/// Where the objects are, and those that were read.
struct Index {
    sections: Vec<Section>,
    /// In the order of their numbers.
    entries: Vec<(u32, Entry)>,
    containers: RefCell<HashMap<u32, Rc<Container>>>,
    kept: RefCell<HashMap<u32, Rc<Loaded>>>,
    room: Cell<usize>,
}

/// The work left for a file and its revisions together: bytes and values parsed, bytes decoded.
struct Budget {
    parsed: Cell<usize>,
    values: Cell<usize>,
    decoded: Cell<usize>,
}

/// One indirect object.
#[derive(Clone)]
pub(super) struct Loaded {
    /// Its value; a stream's dictionary.
    pub value: Spanned,
    /// The text the places of `value` count in: the file, or the object stream it stands in.
    pub text: Text,
    /// The encoded octets of a stream.
    pub stream: Option<Range<usize>>,
}

/// Where an object's text is.
#[derive(Clone)]
pub(super) enum Text {
    /// In the file.
    File,
    /// In a decoded object stream.
    Container(Rc<Container>),
}

/// A decoded object stream (ISO 32000-1 §7.5.7).
pub(super) struct Container {
    octets: Vec<u8>,
    /// Object number and where its value begins.
    index: Vec<(u32, usize)>,
}

impl<'a> File<'a> {
    /// Reads the cross-reference sections, newest first, from the end of the file.
    pub(super) fn open(octets: &'a [u8]) -> Result<Self, PdfError> {
        // A small file with many signatures may be read a little more often.
        let parsed = octets.len().saturating_mul(limits::PDF_READS).saturating_add(1 << 20);
        let decoded = Cell::new(limits::PDF_DECODED_BYTES);
        let (parsed, values) = (Cell::new(parsed), Cell::new(limits::PDF_VALUES_READ));
        Self::with_budget(octets, Rc::new(Budget { parsed, values, decoded }))
    }

    /// The revision that ends there, as a file of its own.
    pub(super) fn revision(&self, end: usize) -> Result<Self, PdfError> {
        if end == self.octets.len() {
            let (index, budget) = (Rc::clone(&self.index), Rc::clone(&self.budget));
            return Ok(Self { octets: self.octets, index, budget });
        }
        let octets = self.octets.get(..end).unwrap_or_default();
        Self::with_budget(octets, Rc::clone(&self.budget))
    }

    fn with_budget(octets: &'a [u8], budget: Rc<Budget>) -> Result<Self, PdfError> {
        if !octets.starts_with(b"%PDF-") {
            return Err(PdfError::malformed("the file does not begin with %PDF-"));
        }
        let sections = xref::sections(octets)?;
        let entries = sections.iter().flat_map(|section| &section.entries);
        let mut entries: Vec<(u32, Entry)> = entries.copied().collect();
        // The newest section that names an object has it; the sort keeps their order.
        entries.sort_by_key(|entry| entry.0);
        entries.dedup_by_key(|entry| entry.0);
        let (containers, kept) = (RefCell::default(), RefCell::default());
        let index = Index { sections, entries, containers, kept, room: Cell::new(KEPT) };
        let file = Self { octets, index: Rc::new(index), budget };
        if file.trailer().has(b"Encrypt") {
            return Err(PdfError::Encrypted);
        }
        Ok(file)
    }

    /// Whether both are read by the same cross-reference sections.
    pub(super) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.index, &other.index)
    }

    /// The octets of the file.
    pub(super) fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The cross-reference sections, newest first; there is at least one.
    pub(super) fn sections(&self) -> &[Section] {
        &self.index.sections
    }

    /// The newest trailer.
    pub(super) fn trailer(&self) -> &Dictionary {
        // `xref::sections` never gives an empty list.
        &self.index.sections[0].trailer
    }

    /// The number after the largest in use.
    pub(super) fn next_number(&self) -> u32 {
        let size = self.trailer().get(b"Size").and_then(Object::as_i64).unwrap_or(0);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        self.numbers().last().map_or(size, |number| size.max(number.saturating_add(1)))
    }

    /// The entry of an object number.
    pub(super) fn entry(&self, number: u32) -> Option<Entry> {
        let entries = &self.index.entries;
        let place = entries.binary_search_by_key(&number, |entry| entry.0).ok()?;
        entries.get(place).map(|entry| entry.1)
    }

    /// The generation of an object in use.
    pub(super) fn generation(&self, number: u32) -> Option<u16> {
        match self.entry(number)? {
            Entry::Free => None,
            Entry::At { generation, .. } => Some(generation),
            Entry::Within { .. } => Some(0),
        }
    }

    /// The numbers of every object the sections name, in their order.
    pub(super) fn numbers(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.index.entries.iter().map(|entry| entry.0)
    }

    /// The document catalog and its reference.
    pub(super) fn catalog(&self) -> Result<(ObjectId, Rc<Loaded>), PdfError> {
        let root = self.trailer().get(b"Root").and_then(Object::as_reference);
        let root = root.map_err(|_| PdfError::malformed("the trailer names no /Root"))?;
        match self.load(root)? {
            Some(catalog) if catalog.dictionary().is_some() => Ok((root, catalog)),
            _ => Err(PdfError::malformed("the /Root is no dictionary")),
        }
    }

    /// Loads an object; `None` where the reference leads nowhere (the null object).
    pub(super) fn load(&self, id: ObjectId) -> Result<Option<Rc<Loaded>>, PdfError> {
        let (number, generation) = id;
        let entry = match self.entry(number) {
            None | Some(Entry::Free) => return Ok(None),
            Some(Entry::At { generation: other, .. }) if other != generation => return Ok(None),
            Some(Entry::Within { .. }) if generation != 0 => return Ok(None),
            Some(entry) => entry,
        };
        if let Some(kept) = self.kept(number) {
            // It will be copied, or walked through: that is work too.
            self.spend_on(&kept.value)?;
            return Ok(Some(kept));
        }
        let loaded = Rc::new(match entry {
            Entry::Within { container, index } => self.load_within(container, index, number)?,
            Entry::At { offset, .. } => self.load_at(offset, id)?,
            Entry::Free => return Ok(None),
        });
        let size = loaded.value.span.len();
        if let Some(room) = self.index.room.get().checked_sub(size).filter(|_| size <= KEPT_ONE) {
            self.index.room.set(room);
            self.index.kept.borrow_mut().insert(number, Rc::clone(&loaded));
        }
        Ok(Some(loaded))
    }

    /// Calls for every reference in an object and tells where its text ends, if it is in the file
    /// itself; `None` where the object is not there. The object is checked as by [`File::load`].
    pub(super) fn references(
        &self,
        number: u32,
        found: &mut dyn FnMut(u32),
    ) -> Result<Option<Option<usize>>, PdfError> {
        let Some(generation) = self.generation(number) else { return Ok(None) };
        if let Some(kept) = self.kept(number) {
            self.spend_on(&kept.value)?;
            kept.value.references(found);
            return Ok(Some(kept.end()));
        }
        match self.entry(number) {
            Some(Entry::At { offset, .. }) => {
                let skimmed = xref::skim(self.octets, offset, b"Length", found)?;
                self.spend(skimmed.size, skimmed.values)?;
                if skimmed.id != (number, generation) {
                    return Err(misplaced((number, generation), offset));
                }
                let end = match skimmed.stream {
                    None => skimmed.end,
                    Some(start) => {
                        let length = skimmed.asked.map(|span| Cursor::new(self.octets, span.start));
                        let length = length.map(|mut cursor| cursor.value()).transpose()?;
                        self.stream_span(length.map(|length| length.object), start)?.end
                    }
                };
                Ok(Some(Some(end)))
            }
            Some(Entry::Within { container, index }) => {
                let (container, start) = self.within(container, index, number)?;
                let mut cursor = Cursor::new(&container.octets, start);
                let values = cursor.skim(&mut |_, _| (), found)?;
                self.spend(cursor.at() - start, values)?;
                Ok(Some(None))
            }
            _ => Ok(None),
        }
    }

    /// The name that a dictionary has under a key, without making the rest of it, which may be long
    /// lists of numbers.
    pub(super) fn name_in(&self, id: ObjectId, key: &[u8]) -> Result<Option<Vec<u8>>, PdfError> {
        if let (None, Some(Entry::At { offset, generation })) = (self.kept(id.0), self.entry(id.0))
        {
            let skimmed = xref::skim(self.octets, offset, key, &mut |_| ())?;
            self.spend(skimmed.size, skimmed.values)?;
            if generation != id.1 || skimmed.id != id {
                return Err(misplaced(id, offset));
            }
            let Some(span) = skimmed.asked else { return Ok(None) };
            let value = self.resolve(&Cursor::new(self.octets, span.start).value()?.object)?;
            return Ok(value.as_name().ok().map(<[u8]>::to_vec));
        }
        let Some(loaded) = self.load(id)? else { return Ok(None) };
        let Some(dictionary) = loaded.dictionary() else { return Ok(None) };
        Ok(self.get(dictionary, key)?.as_name().ok().map(<[u8]>::to_vec))
    }

    /// The object itself, references followed; null where they lead nowhere.
    pub(super) fn resolve(&self, object: &Object) -> Result<Object, PdfError> {
        let mut object = object.clone();
        for _ in 0..HOPS {
            let Ok(reference) = object.as_reference() else { return Ok(object) };
            let loaded = self.load(reference)?;
            object = loaded.map_or(Object::Null, |loaded| loaded.value.object.clone());
        }
        Err(PdfError::malformed("references lead in a circle"))
    }

    /// The resolved value of a key; null where there is none.
    pub(super) fn get(&self, dictionary: &Dictionary, key: &[u8]) -> Result<Object, PdfError> {
        dictionary.get(key).map_or(Ok(Object::Null), |value| self.resolve(value))
    }

    /// The octets of a place in an object's text.
    pub(super) fn text<'b>(&'b self, loaded: &'b Loaded, span: Range<usize>) -> &'b [u8] {
        let octets = match &loaded.text {
            Text::File => self.octets,
            Text::Container(container) => &container.octets,
        };
        octets.get(span).unwrap_or_default()
    }

    /// The decoded octets of a stream.
    pub(super) fn decoded(&self, loaded: &Loaded) -> Result<Vec<u8>, PdfError> {
        self.decoded_up_to(loaded, limits::PDF_STREAM_BYTES)
    }

    /// As [`File::decoded`], under a limit in bytes.
    pub(super) fn decoded_up_to(&self, loaded: &Loaded, limit: usize) -> Result<Vec<u8>, PdfError> {
        let (Some(span), Ok(dictionary)) = (&loaded.stream, loaded.value.object.as_dict()) else {
            return Err(PdfError::malformed("a stream is expected"));
        };
        let mut filters = Dictionary::new();
        for key in [b"Filter".as_slice(), b"DecodeParms"] {
            match self.get(dictionary, key)? {
                Object::Null => {}
                value => filters.set(key, value),
            }
        }
        let encoded = self.octets.get(span.clone()).unwrap_or_default();
        let decoded = decode_stream(filters, encoded, limit)?;
        spend(&self.budget.decoded, decoded.len(), "bytes in compressed streams")?;
        Ok(decoded)
    }

    fn load_at(&self, offset: usize, wanted: ObjectId) -> Result<Loaded, PdfError> {
        let indirect = xref::indirect(self.octets, offset)?;
        self.spend_on(&indirect.value)?;
        if indirect.id != wanted {
            return Err(misplaced(wanted, offset));
        }
        let stream = match indirect.stream {
            None => None,
            Some(start) => {
                let length = indirect.value.object.as_dict().and_then(|one| one.get(b"Length"));
                Some(self.stream_span(length.ok().cloned(), start)?)
            }
        };
        Ok(Loaded { value: indirect.value, text: Text::File, stream })
    }

    fn kept(&self, number: u32) -> Option<Rc<Loaded>> {
        self.index.kept.borrow().get(&number).map(Rc::clone)
    }

    fn spend_on(&self, value: &Spanned) -> Result<(), PdfError> {
        self.spend(value.span.len(), value.values)
    }

    fn spend(&self, size: usize, values: usize) -> Result<(), PdfError> {
        spend(&self.budget.parsed, size, "references")?;
        spend(&self.budget.values, values, "references")
    }

    fn stream_span(&self, length: Option<Object>, start: usize) -> Result<Range<usize>, PdfError> {
        let length = length.ok_or_else(|| PdfError::malformed("a stream has no /Length"))?;
        let length = match length.as_reference() {
            // The length is a number, never a stream: no recursion follows.
            Ok(reference) => match self.entry(reference.0) {
                Some(Entry::At { offset, .. }) => {
                    let indirect = xref::indirect(self.octets, offset)?;
                    (indirect.id == reference).then_some(indirect.value.object)
                }
                _ => None,
            },
            Err(_) => Some(length),
        };
        let length = length.and_then(|length| length.as_i64().ok());
        let length = length.ok_or_else(|| PdfError::malformed("a stream has a bad /Length"))?;
        xref::stream_span(self.octets, start, length)
    }

    fn load_within(&self, number: u32, index: u32, wanted: u32) -> Result<Loaded, PdfError> {
        let (container, start) = self.within(number, index, wanted)?;
        let mut cursor = Cursor::new(&container.octets, start);
        let value = cursor.value()?;
        self.spend_on(&value)?;
        Ok(Loaded { value, text: Text::Container(container), stream: None })
    }

    /// An object stream and where an object begins in it.
    fn within(
        &self,
        number: u32,
        index: u32,
        wanted: u32,
    ) -> Result<(Rc<Container>, usize), PdfError> {
        let container = self.container(number)?;
        let place = container.index.get(index as usize).filter(|(number, _)| *number == wanted);
        let start = place.map(|place| place.1);
        let missing = || PdfError::malformed("an object stream does not hold its object");
        Ok((container, start.ok_or_else(missing)?))
    }

    fn container(&self, number: u32) -> Result<Rc<Container>, PdfError> {
        if let Some(known) = self.index.containers.borrow().get(&number) {
            return Ok(Rc::clone(known));
        }
        let Some(Entry::At { offset, generation: 0 }) = self.entry(number) else {
            return Err(PdfError::malformed("an object stream is not there"));
        };
        let loaded = self.load_at(offset, (number, 0))?;
        let integer = |key: &[u8]| {
            let value = loaded.value.object.as_dict().and_then(|dictionary| dictionary.get(key));
            value.and_then(Object::as_i64).ok().and_then(|value| usize::try_from(value).ok())
        };
        let is_container =
            loaded.value.object.as_dict().is_ok_and(|dictionary| dictionary.has_type(b"ObjStm"));
        let (Some(count), Some(first), true) = (integer(b"N"), integer(b"First"), is_container)
        else {
            return Err(PdfError::malformed("a bad object stream"));
        };
        if count > limits::PDF_OBJECTS {
            return Err(PdfError::TooMany("objects"));
        }
        let octets = self.decoded(&loaded)?;
        let mut cursor = Cursor::new(&octets, 0);
        let mut index = Vec::new();
        for _ in 0..count {
            cursor.space();
            let number = u32::try_from(cursor.unsigned()?).unwrap_or(u32::MAX);
            cursor.space();
            let place = usize::try_from(cursor.unsigned()?).unwrap_or(usize::MAX);
            index.push((number, first.saturating_add(place)));
        }
        let container = Rc::new(Container { octets, index });
        self.index.containers.borrow_mut().insert(number, Rc::clone(&container));
        Ok(container)
    }
}

impl Loaded {
    /// The dictionary, of a stream too.
    pub(super) fn dictionary(&self) -> Option<&Dictionary> {
        self.value.object.as_dict().ok()
    }

    /// Where its text in the file ends, the octets of a stream included.
    fn end(&self) -> Option<usize> {
        let end = self.stream.as_ref().map_or(self.value.span.end, |span| span.end);
        matches!(self.text, Text::File).then_some(end)
    }
}

fn misplaced((number, generation): ObjectId, offset: usize) -> PdfError {
    let detail = format!("object {number} {generation} does not stand at offset {offset}");
    PdfError::Malformed(detail)
}

/// The text of a dictionary with entries replaced or added: what is not named stays octet for
/// octet as it was.
pub(super) fn with_entries(text: &[u8], changes: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, PdfError> {
    let parsed = value(text)?;
    if parsed.object.as_dict().is_err() {
        return Err(PdfError::malformed("a dictionary is expected"));
    }
    let end = parsed.span.end.saturating_sub(2);
    let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    for (key, value) in changes {
        edits.push(match parsed.entry(key.as_bytes()) {
            Some(span) => (span, [b" ", value.as_slice()].concat()),
            None => (end..end, [b"\n/", key.as_bytes(), b" ", value].concat()),
        });
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = Vec::with_capacity(text.len() + 256);
    let mut at = parsed.span.start;
    for (span, new) in edits {
        out.extend_from_slice(text.get(at..span.start).unwrap_or_default());
        out.extend(new);
        at = span.end;
    }
    out.extend_from_slice(text.get(at..parsed.span.end).unwrap_or_default());
    Ok(out)
}

fn spend(left: &Cell<usize>, work: usize, what: &'static str) -> Result<(), PdfError> {
    let rest = left.get().checked_sub(work).ok_or(PdfError::TooMany(what))?;
    left.set(rest);
    Ok(())
}
