//! An incremental update (ISO 32000-1 §7.5.6): the old octets stay, new objects and one
//! cross-reference section of the same kind as the old one are appended.

use std::io::Write as _;

use lopdf::{Object, ObjectId};

use super::PdfError;
use super::file::{File, Loaded, with_entries};
use super::filter::{Packed, deflated};
use super::syntax::value;
use crate::crypto::{DigestAlgorithm, digest, hex};

/// What most updates take: a font, a page, a signature's room.
const ROOM: usize = 40 << 10;

/// How a stream says that it is compressed.
const FLATE: &str = "/Filter/FlateDecode";

/// An update being written.
pub(super) struct Update<'f, 'a> {
    file: &'f File<'a>,
    out: Vec<u8>,
    written: Vec<(u32, u16, usize)>,
    next: u32,
}

impl<'f, 'a> Update<'f, 'a> {
    pub(super) fn new(file: &'f File<'a>) -> Self {
        let mut out = Vec::with_capacity(file.octets().len() + ROOM);
        out.extend_from_slice(file.octets());
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        Self { file, out, written: Vec::new(), next: file.next_number() }
    }

    /// The number of an object to be written.
    pub(super) fn reserve(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Writes an object and returns where its text begins.
    pub(super) fn object(&mut self, (number, generation): ObjectId, text: &[u8]) -> usize {
        self.written.push((number, generation, self.out.len()));
        let _ = writeln!(self.out, "{number} {generation} obj");
        let start = self.out.len();
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\nendobj\n");
        start
    }

    /// Writes a compressed stream with these dictionary entries.
    pub(super) fn stream(&mut self, number: u32, entries: &str, data: &[u8]) {
        match deflated(data) {
            Some(deflated) => self.raw(number, entries, FLATE, &deflated),
            None => self.raw(number, entries, "", data),
        }
    }

    /// Writes a stream that was compressed before, where that helps.
    pub(super) fn packed(&mut self, number: u32, entries: &str, data: &Packed) {
        let filter = if data.deflated { FLATE } else { "" };
        self.raw(number, entries, filter, &data.octets);
    }

    fn raw(&mut self, number: u32, entries: &str, filter: &str, content: &[u8]) {
        self.written.push((number, 0, self.out.len()));
        let length = content.len();
        let head = format!("{number} 0 obj\n<<{entries}{filter}/Length {length}>>\nstream\n");
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(content);
        self.out.extend_from_slice(b"\nendstream\nendobj\n");
    }

    /// Rewrites a dictionary object of the file with entries replaced or added.
    pub(super) fn rewrite(
        &mut self,
        id: ObjectId,
        old: &Loaded,
        changes: &[(&str, Vec<u8>)],
    ) -> Result<(), PdfError> {
        let text = with_entries(self.file.text(old, old.value.span.clone()), changes)?;
        self.object(id, &text);
        Ok(())
    }

    /// The value that `holder` must have under `key` so that the list there ends with `item`: the
    /// list itself, or, where it is an object of its own, that object rewritten and its reference.
    pub(super) fn appended(
        &mut self,
        holder: &[u8],
        key: &str,
        item: &str,
    ) -> Result<Vec<u8>, PdfError> {
        let parsed = value(holder)?;
        let Some(span) = parsed.entry(key.as_bytes()) else {
            return Ok(format!("[{item}]").into_bytes());
        };
        let text = holder.get(span).unwrap_or_default();
        let parsed = value(text)?.object;
        if let Ok(id) = parsed.as_reference() {
            let list = self.file.load(id)?;
            let list = list.ok_or_else(|| PdfError::malformed("a list is not there"))?;
            let old = self.file.text(&list, list.value.span.clone());
            let new = with_item(&list.value.object, old, item)?;
            if !self.written.iter().any(|(number, ..)| *number == id.0) {
                self.object(id, &new);
            }
            return Ok(text.to_vec());
        }
        with_item(&parsed, text, item)
    }

    /// Ends the update and returns the whole file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let is_stream = self.file.sections()[0].is_stream;
        let trailer = self.trailer();
        self.written.sort_unstable();
        let start = match is_stream {
            true => self.xref_stream(&trailer),
            false => self.xref_table(&trailer),
        };
        let _ = writeln!(self.out, "startxref\n{start}\n%%EOF");
        self.out
    }

    fn xref_table(&mut self, trailer: &str) -> usize {
        let start = self.out.len();
        self.out.extend_from_slice(b"xref\n");
        for run in self.written.chunk_by(|a, b| a.0 + 1 == b.0) {
            let first = run.first().map_or(0, |one| one.0);
            let _ = writeln!(self.out, "{first} {}", run.len());
            for (_, generation, offset) in run {
                let _ = writeln!(self.out, "{offset:010} {generation:05} n ");
            }
        }
        let size = self.next;
        let _ = writeln!(self.out, "trailer\n<</Size {size}{trailer}>>");
        start
    }

    fn xref_stream(&mut self, trailer: &str) -> usize {
        let number = self.reserve();
        let start = self.out.len();
        self.written.push((number, 0, start));
        let (mut index, mut rows) = (String::new(), Vec::new());
        for run in self.written.chunk_by(|a, b| a.0 + 1 == b.0) {
            let first = run.first().map_or(0, |one| one.0);
            index.push_str(&format!("{first} {} ", run.len()));
            for (_, generation, offset) in run {
                rows.push(1);
                rows.extend_from_slice(&(*offset as u64).to_be_bytes());
                rows.extend_from_slice(&generation.to_be_bytes());
            }
        }
        let size = self.next;
        let entries = format!("/Type/XRef/Size {size}/W[1 8 2]/Index[{}]{trailer}", index.trim());
        self.stream(number, &entries, &rows);
        start
    }

    /// What the new trailer takes over, and the new half of the file identifier (§14.4).
    fn trailer(&self) -> String {
        let old = self.file.trailer();
        let mut text = format!("/Prev {}", self.file.sections()[0].offset);
        for key in ["Root", "Info"] {
            if let Ok((number, generation)) = old.get(key.as_bytes()).and_then(Object::as_reference)
            {
                text.push_str(&format!("/{key} {number} {generation} R"));
            }
        }
        let id = self.file.get(old, b"ID").ok();
        let id = id.as_ref().and_then(|id| id.as_array().ok()?.first()?.as_str().ok());
        if let Some(first) = id {
            let appended = self.out.get(self.file.octets().len()..).unwrap_or_default();
            let digest = digest(DigestAlgorithm::Sha256, appended);
            let second = hex(digest.get(..16).unwrap_or_default());
            text.push_str(&format!("/ID[<{}><{second}>]", hex(first)));
        }
        text
    }
}

/// A text string (§7.9.2.2): as it is where it is plain, UTF-16 with its mark where it is not.
pub(super) fn text_string(text: &str) -> String {
    if text.bytes().all(|octet| (b' '..=b'~').contains(&octet) && !b"()\\".contains(&octet)) {
        return format!("({text})");
    }
    let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    format!("<feff{}>", hex(&octets))
}

/// A name (§7.3.5), everything unusual written with `#`.
pub(super) fn name(text: &str) -> String {
    let octets = text.bytes().map(|octet| match octet {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'+' => {
            char::from(octet).to_string()
        }
        _ => format!("#{octet:02x}"),
    });
    format!("/{}", octets.collect::<String>())
}

fn with_item(list: &Object, text: &[u8], item: &str) -> Result<Vec<u8>, PdfError> {
    let (true, Some(text)) = (list.as_array().is_ok(), text.strip_suffix(b"]")) else {
        return Err(PdfError::malformed("a list is expected"));
    };
    Ok([text, b" ", item.as_bytes(), b"]"].concat())
}
