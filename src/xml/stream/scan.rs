//! Markup found in a file, piece by piece. The scanner only tells pieces apart: whether they are
//! what they must be is for the parser, which gets all of them.

use std::io::{self, Read};

use memchr::{memchr, memchr3, memmem};

use super::super::XmlError;
use crate::limits;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, or a part of one that may be parsed without the rest.
    Text,
    Start,
    Empty,
    End,
    /// A comment, an instruction, the XML declaration, a CDATA section.
    Other,
}

/// A file being scanned.
pub(super) struct Scanner<R> {
    source: R,
    buffer: Vec<u8>,
    /// What is before this in the buffer was handed on.
    at: usize,
    /// Place of the buffer's first octet in the file.
    offset: u64,
    ended: bool,
    /// How much is read at a time, in octets.
    read: usize,
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(source: R, read: usize) -> Self {
        Self { source, buffer: Vec::new(), at: 0, offset: 0, ended: false, read }
    }

    /// The place of the next piece in the file.
    pub(super) fn place(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// The next piece; `None` at the end.
    pub(super) fn piece(&mut self) -> Result<Option<(Kind, &[u8])>, XmlError> {
        let (kind, length) = loop {
            match self.find()? {
                Some(found) => break found,
                None if self.ended && self.rest().is_empty() => return Ok(None),
                None if self.ended => return Err(self.malformed("the document ends in markup")),
                None => self.more()?,
            }
        };
        let from = self.at;
        self.at += length;
        Ok(Some((kind, self.buffer.get(from..self.at).unwrap_or_default())))
    }

    /// Kind and length of the piece that begins here, if all of it is in the buffer.
    fn find(&self) -> Result<Option<(Kind, usize)>, XmlError> {
        let rest = self.rest();
        let closed = |kind, from: usize, end: &[u8]| {
            let found = rest.get(from..).and_then(|inner| memmem::find(inner, end));
            found.map(|at| (kind, from + at + end.len()))
        };
        let found = match rest {
            [] => return Ok(None),
            [b'<', b'!', b'-', b'-', ..] => closed(Kind::Other, 4, b"-->"),
            [b'<', b'!', b'[', ..] => closed(Kind::Other, 3, b"]]>"),
            [b'<', b'!', b'D', ..] => {
                return Err(XmlError::Refused("a document type declaration".to_owned()));
            }
            [b'<', b'!', ..] if rest.len() >= 4 => {
                return Err(self.malformed("markup that is none"));
            }
            [b'<', b'?', ..] => closed(Kind::Other, 2, b"?>"),
            [b'<', b'/', ..] => closed(Kind::End, 2, b">"),
            [b'<', _, ..] => tag(rest),
            [b'<'] => None,
            _ => return Ok(self.text(rest)),
        };
        if found.map_or(rest.len(), |(_, length)| length) > limits::STREAM_PIECE_BYTES {
            let what = "a tag, comment, CDATA section or instruction is too large";
            return Err(XmlError::Large(what.to_owned()));
        }
        Ok(found)
    }

    /// A text up to the next markup, or as much of a long one as can be parsed alone.
    fn text(&self, rest: &[u8]) -> Option<(Kind, usize)> {
        if let Some(end) = memchr(b'<', rest) {
            return Some((Kind::Text, end));
        }
        if self.ended {
            return Some((Kind::Text, rest.len()));
        }
        if rest.len() < self.read {
            return None;
        }
        separable(rest).map(|length| (Kind::Text, length))
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    fn more(&mut self) -> Result<(), XmlError> {
        if self.rest().len() > limits::STREAM_PIECE_BYTES {
            return Err(XmlError::Large("a text that cannot be parted is too large".to_owned()));
        }
        self.buffer.drain(..self.at);
        self.offset += self.at as u64;
        self.at = 0;
        let before = self.buffer.len();
        let read = (&mut self.source).take(self.read as u64).read_to_end(&mut self.buffer);
        read.map_err(|error| unreadable(&error))?;
        self.ended = self.buffer.len() == before;
        Ok(())
    }

    pub(super) fn malformed(&self, what: &str) -> XmlError {
        let position = usize::try_from(self.place()).unwrap_or(usize::MAX);
        XmlError::Malformed { position, what: what.to_owned() }
    }
}

pub(super) fn unreadable(error: &io::Error) -> XmlError {
    XmlError::Refused(format!("a file that cannot be read: {error}"))
}

/// A start tag; `>` may stand in its values.
fn tag(rest: &[u8]) -> Option<(Kind, usize)> {
    let mut at = 1;
    loop {
        let found = at + memchr3(b'>', b'"', b'\'', rest.get(at..)?)?;
        let octet = *rest.get(found)?;
        if octet == b'>' {
            let empty = found >= 2 && rest.get(found - 1) == Some(&b'/');
            return Some((if empty { Kind::Empty } else { Kind::Start }, found + 1));
        }
        at = found + 2 + memchr(octet, rest.get(found + 1..)?)?;
    }
}

/// Where a text can be parted so that both parts say what the whole says: between characters, not
/// in a reference, not between CR and LF, and not where `]]>` could be torn.
pub(super) fn separable(text: &[u8]) -> Option<usize> {
    let mut at = text.len();
    if let Some(reference) = memchr::memrchr(b'&', text)
        && memchr(b';', text.get(reference..)?).is_none()
    {
        at = reference;
    }
    while at > 0 {
        let (before, after) = (text.get(at - 1)?, text.get(at));
        // What follows the last octet is not known yet.
        let unknown = after.is_none() && (*before == b'\r' || *before >= 0x80);
        let within = after.is_some_and(|octet| octet & 0xC0 == 0x80);
        if !unknown && !within && *before != b']' && *before != b'\r' {
            return Some(at);
        }
        at -= 1;
    }
    None
}
