//! The second reading: piece after piece through parser, canonicalization and digest.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read;

use super::super::c14n::Subset;
use super::super::document::{Document, Element};
use super::super::ids::ids_of;
use super::super::{DSIG, XmlError};
use super::scan::{Kind, Scanner};
use super::{Form, Place, Sizes, name, other, text};
use crate::crypto::Digester;
use crate::limits;

pub(super) struct Pieces<'a> {
    place: &'a Place,
    form: &'a Form,
    sizes: Sizes,
    digester: Digester,
    /// Start tags open at this place, as they are written.
    open: Vec<String>,
    open_bytes: usize,
    /// The piece that is gathered, and the elements that begin in it.
    piece: Vec<u8>,
    elements: usize,
    /// Which of them is the signature, and the place of its first octet in the piece.
    signature: Option<(usize, usize)>,
    before: Before,
    /// The ids seen, hashed with a key nobody outside knows. Two that are equal are always found;
    /// the odds that two others meet are one in millions for as many ids as are taken.
    ids: HashSet<u64>,
    hasher: RandomState,
}

/// The start tags open before the piece that is gathered.
#[derive(Default)]
struct Before {
    tags: String,
    count: usize,
    /// Octets of their canonical form.
    canonical: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(place: &'a Place, form: &'a Form, sizes: Sizes) -> Self {
        Self {
            place,
            form,
            sizes,
            digester: Digester::new(form.algorithm),
            open: Vec::new(),
            open_bytes: 0,
            piece: Vec::new(),
            elements: 0,
            signature: None,
            before: Before::default(),
            ids: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Reads the document; gives the digest of its canonical form without the signature.
    pub(super) fn run(mut self, file: &mut impl Read) -> Result<Vec<u8>, XmlError> {
        let mut scanner = Scanner::new(file, self.sizes.read);
        // The depth at which the signature ends, while it is read.
        let mut within = false;
        loop {
            let place = scanner.place();
            let Some((kind, octets)) = scanner.piece()? else { break };
            if place == self.place.signature {
                self.signature = Some((self.elements, self.piece.len()));
                within = kind == Kind::Start;
            }
            match kind {
                Kind::Start => {
                    let tag = text(octets)?;
                    if self.open.is_empty() && tag != self.place.root {
                        return Err(self.changed());
                    }
                    self.open_bytes += tag.len();
                    self.open.push(tag);
                    self.elements += 1;
                }
                Kind::Empty => self.elements += 1,
                Kind::End => {
                    let tag = self.open.pop();
                    self.open_bytes -= tag.map_or(0, |tag| tag.len());
                    within &= self.open.len() > 1;
                }
                Kind::Text | Kind::Other => {}
            }
            self.piece.extend_from_slice(octets);
            if self.piece.len() < self.sizes.piece || within {
                // A signature was found to be small enough.
                continue;
            }
            if self.open_bytes > limits::STREAM_OPEN_BYTES {
                return Err(other("the start tags around a place in it are too large"));
            }
            if !self.open.is_empty() {
                self.flush()?;
            } else if self.piece.len() > limits::STREAM_PIECE_BYTES {
                return Err(other("too much stands beside its root"));
            }
        }
        if !self.open.is_empty() {
            return Err(scanner.malformed("the document ends in an open element"));
        }
        self.flush()?;
        Ok(self.digester.finish())
    }

    /// Parses, checks and digests what was gathered.
    fn flush(&mut self) -> Result<(), XmlError> {
        let mut ends = String::new();
        for tag in self.open.iter().rev() {
            ends.extend(["</", name(tag), ">"]);
        }
        if let Some((_, at)) = self.signature {
            let found = self.piece.get(at..).unwrap_or_default();
            if !found.starts_with(self.place.text.as_bytes()) {
                return Err(self.changed());
            }
        }
        let mut octets = Vec::with_capacity(self.before.tags.len() + self.piece.len() + ends.len());
        octets.extend_from_slice(self.before.tags.as_bytes());
        octets.append(&mut self.piece);
        octets.extend_from_slice(ends.as_bytes());
        let document = Document::parse(&octets)?;
        drop(octets);
        let signature = self.check(&document)?;

        let root_only = self.form.root_only;
        let excluded: &[Element<'_>] = signature.as_slice();
        let subset = Subset { apex: root_only.then_some(document.root()), excluded };
        let canonical = self.form.how.octets(&document, subset, 16 * limits::STREAM_PIECE_BYTES)?;
        let to = canonical.len().saturating_sub(ends.len());
        let own = canonical.get(self.before.canonical..to);
        self.digester.update(own.ok_or_else(|| self.changed())?);

        let tags: String = self.open.concat();
        if tags != self.before.tags {
            let canonical = match tags.is_empty() {
                true => 0,
                false => {
                    let alone = Document::parse(format!("{tags}{ends}").as_bytes())?;
                    let limit = 16 * limits::STREAM_PIECE_BYTES;
                    let subset = Subset { apex: root_only.then_some(alone.root()), excluded: &[] };
                    let octets = self.form.how.octets(&alone, subset, limit)?;
                    octets.len().saturating_sub(ends.len())
                }
            };
            self.before = Before { tags, count: self.open.len(), canonical };
        }
        self.elements = 0;
        self.signature = None;
        Ok(())
    }

    /// What no piece shows alone: ids that stand twice, other signatures, and that the file is
    /// the one of the first reading. Gives the signature, if it stands in this piece.
    fn check<'d>(&mut self, document: &'d Document) -> Result<Option<Element<'d>>, XmlError> {
        let mut signature = None;
        let mut count = 0;
        for element in document.root().descendants().skip(self.before.count) {
            for id in ids_of(element) {
                if !self.ids.insert(self.hasher.hash_one(id)) {
                    let id: String = id.chars().take(64).collect();
                    return Err(XmlError::Refused(format!("the id {id:?} stands twice")));
                }
                if self.ids.len() > limits::STREAM_IDS {
                    return Err(XmlError::Limit("ids of a large document"));
                }
            }
            let expected = self.signature.is_some_and(|(index, _)| index == count);
            match element.is(DSIG, "Signature") {
                true if expected && element.parent() == Some(document.root()) => {
                    signature = Some(element);
                }
                // Inside the signature none was found when it was parsed alone.
                true => return Err(other("it has more than one signature")),
                false if expected => return Err(self.changed()),
                false => {}
            }
            count += 1;
        }
        // The scanner and the parser must have seen the same elements.
        if count != self.elements {
            return Err(self.changed());
        }
        Ok(signature)
    }

    fn changed(&self) -> XmlError {
        XmlError::Refused("a file that changed while it was read".to_owned())
    }
}
