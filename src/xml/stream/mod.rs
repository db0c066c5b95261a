//! Documents that do not fit into memory: one enveloped signature over everything, as the last
//! child of the root.
//!
//! The file is read twice. The first reading finds the signature. The second cuts the document
//! into pieces of about a mebibyte between its tokens; each piece, with the start tags that are
//! open before it and end tags for those open after it, is a document of its own, which goes
//! through the same parser and the same canonicalization as any other. What the added tags
//! contribute to the canonical form is known and taken off; the rest goes into the digest. So
//! there are no second rules that could differ. Beside the pieces only the ids are kept, to find
//! one that stands twice.

mod pieces;
mod scan;
#[cfg(test)]
mod tests;

use std::io::{Read, Seek};

use super::c14n::Canonicalization;
use super::document::{Document, Element};
use super::dsig::{self, Outside, Transform};
use super::ids::Ids;
use super::{DSIG, XmlError, wss};
use crate::crypto::DigestAlgorithm;
use crate::limits;
use crate::signature::{FoundSignature, TimestampKind};
use pieces::Pieces;
use scan::{Kind, Scanner, unreadable};

/// The signature of a document of any size, read in memory far below it.
///
/// Taken is one form: one signature, the last element in the root; of its references one covers
/// the whole document (`""`, or `#` and the root's id) by the enveloped transform and at most one
/// canonicalization, the others lead into the signature. The covered octets are not kept, so the
/// scope has none for the document.
///
/// # Errors
/// As [`super::read`]; [`XmlError::Large`] for every other form.
pub fn read_large(file: &mut (impl Read + Seek)) -> Result<Vec<FoundSignature>, XmlError> {
    read_in(file, Sizes { read: 256 * 1024, piece: limits::STREAM_BYTES })
}

/// How much is taken at a time, in octets; tests cut finer.
#[derive(Clone, Copy)]
struct Sizes {
    read: usize,
    piece: usize,
}

fn read_in(file: &mut (impl Read + Seek), sizes: Sizes) -> Result<Vec<FoundSignature>, XmlError> {
    let place = Place::find(file, sizes)?;
    let skeleton = place.skeleton();
    let skeleton = Document::parse(skeleton.as_bytes())?;
    let form = Form::of(&skeleton)?;
    file.rewind().map_err(|error| unreadable(&error))?;
    let digest = Pieces::new(&place, &form, sizes).run(file)?;
    let outside = Outside { detached: None, whole: Some(digest) };
    let found = dsig::read_all(&skeleton, outside)?;
    let found: Vec<_> = found.into_iter().map(|(_, found)| found).collect();
    let archive = |one: &FoundSignature| {
        one.timestamps.iter().any(|stamp| stamp.kind == TimestampKind::Archive)
    };
    match found.iter().any(archive) {
        true => Err(other("it has an archive time-stamp")),
        false => Ok(found),
    }
}

/// Where the parts are.
struct Place {
    /// The root's start tag as it is written.
    root: String,
    /// First octet of the last element in the root.
    signature: u64,
    /// That element as it is written.
    text: String,
}

/// What is signed, and how.
struct Form {
    how: Canonicalization,
    algorithm: DigestAlgorithm,
    /// Whether what stands beside the root is not signed.
    root_only: bool,
}

impl Place {
    /// Finds the root and its last child.
    fn find(file: &mut (impl Read + Seek), sizes: Sizes) -> Result<Self, XmlError> {
        file.rewind().map_err(|error| unreadable(&error))?;
        let mut scanner = Scanner::new(&mut *file, sizes.read);
        let mut depth = 0_usize;
        let mut root = None;
        let mut last = None;
        loop {
            let place = scanner.place();
            let Some((kind, piece)) = scanner.piece()? else { break };
            match kind {
                Kind::Start | Kind::Empty => {
                    match depth {
                        0 if root.is_none() => root = Some(text(piece)?),
                        1 => last = Some((place, place + piece.len() as u64)),
                        _ => {}
                    }
                    depth += usize::from(kind == Kind::Start);
                }
                Kind::End => {
                    depth = depth.saturating_sub(1);
                    if depth == 1
                        && let Some((_, end)) = &mut last
                    {
                        *end = place + piece.len() as u64;
                    }
                }
                Kind::Text | Kind::Other => {}
            }
        }
        let root = root.ok_or_else(|| other("it has no root element"))?;
        let (signature, end) = last.ok_or_else(|| other("it has no signature there"))?;
        let length = end - signature;
        if length > limits::STREAM_PIECE_BYTES as u64 {
            return Err(other("the last element of the root is larger than a signature"));
        }
        let mut octets = Vec::new();
        let seek = file.seek(std::io::SeekFrom::Start(signature));
        let read = seek.and_then(|_| file.take(length).read_to_end(&mut octets));
        read.map_err(|error| unreadable(&error))?;
        Ok(Self { root, signature, text: text(&octets)? })
    }

    /// The root with nothing in it but the signature.
    fn skeleton(&self) -> String {
        format!("{}{}</{}>", self.root, self.text, name(&self.root))
    }
}

impl Form {
    fn of(skeleton: &Document) -> Result<Self, XmlError> {
        let root = skeleton.root();
        if wss::is_envelope(root) {
            return Err(other("it is a SOAP message"));
        }
        let mut children = root.children();
        let signature = children.next().filter(|child| child.is(DSIG, "Signature"));
        let (Some(signature), None) = (signature, children.next()) else {
            return Err(other("the last element of the root is no signature"));
        };
        if signature.descendants().skip(1).any(|inner| inner.is(DSIG, "Signature")) {
            return Err(other("it has more than one signature"));
        }
        let ids = Ids::of(skeleton)?;
        let info = signature.children().find(|child| child.is(DSIG, "SignedInfo"));
        let references = info.into_iter().flat_map(Element::children);
        let references = references.filter(|child| child.is(DSIG, "Reference"));
        let mut form = None;
        for reference in references.take(limits::XML_REFERENCES) {
            let uri = reference.attribute("URI");
            let target = uri.and_then(|uri| uri.strip_prefix('#')).and_then(|id| ids.element(id));
            match (uri, target) {
                (Some(""), _) => {}
                (_, Some(target)) if target == root => {}
                (_, Some(target)) if signature.contains(target) => continue,
                _ => return Err(other("a reference leads elsewhere")),
            }
            if form.is_some() {
                return Err(other("two references cover it"));
            }
            let transforms = dsig::transforms(reference).unwrap_or_default();
            let how = match transforms.as_slice() {
                [Transform::Enveloped] => Canonicalization::INCLUSIVE,
                // A same-document reference has no comments (xmldsig-core1 §4.4.3.3).
                [Transform::Enveloped, Transform::Canonical(how)] => {
                    Canonicalization { comments: false, ..how.clone() }
                }
                _ => return Err(other("its reference has other transforms")),
            };
            let method = reference.children().find(|child| child.is(DSIG, "DigestMethod"));
            let method = method.and_then(|method| method.attribute("Algorithm"));
            // An unknown one is told by the reader of signatures; the rest is checked none the
            // less.
            let algorithm = DigestAlgorithm::from_xml_uri(method.unwrap_or_default());
            let algorithm = algorithm.unwrap_or(DigestAlgorithm::Sha256);
            form = Some(Self { how, algorithm, root_only: uri != Some("") });
        }
        form.ok_or_else(|| other("no reference covers it"))
    }
}

/// The name in a start tag.
fn name(tag: &str) -> &str {
    let inner = tag.strip_prefix('<').unwrap_or(tag);
    inner.split(['>', '/', ' ', '\t', '\r', '\n']).next().unwrap_or_default()
}

fn text(octets: &[u8]) -> Result<String, XmlError> {
    let text = std::str::from_utf8(octets);
    let malformed = |_| XmlError::Malformed { position: 0, what: "not UTF-8".to_owned() };
    text.map(str::to_owned).map_err(malformed)
}

fn other(why: &str) -> XmlError {
    XmlError::Large(why.to_owned())
}
