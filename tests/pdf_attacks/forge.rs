//! The forger's tools: objects rewritten, any kind of update appended, signatures made by hand.

use std::fmt::Write as _;
use std::ops::Range;

use lopdf::{Document, Object, ObjectId};
use qoltanba::cms;
use qoltanba::crypto::{DigestAlgorithm, digest, hex};
use qoltanba::token::{Signer, sign_checked};

/// A document with what is known of it.
pub struct Paper {
    pub octets: Vec<u8>,
    pub parsed: Document,
}

/// What to append.
#[derive(Default)]
pub struct Update {
    pub objects: Vec<(u32, Vec<u8>)>,
    /// Another catalog than the old one.
    pub root: Option<u32>,
    /// Objects declared free.
    pub freed: Vec<u32>,
    /// Numbers pointed to places that exist already.
    pub pointed: Vec<(u32, usize)>,
    /// A cross-reference stream in place of a table.
    pub stream: bool,
}

impl Paper {
    pub fn new(octets: &[u8]) -> Self {
        let parsed = Document::load_mem(octets).unwrap();
        Self { octets: octets.to_vec(), parsed }
    }

    /// The text of an object, as it was written last.
    pub fn text(&self, number: u32) -> String {
        let head = format!("\n{number} 0 obj");
        let at = rfind(&self.octets, head.as_bytes()).unwrap() + head.len();
        let rest = &self.octets[at..];
        let end = rest.windows(6).position(|window| window == b"endobj").unwrap();
        String::from_utf8_lossy(&rest[..end]).trim().to_owned()
    }

    pub fn root(&self) -> u32 {
        self.parsed.trailer.get(b"Root").unwrap().as_reference().unwrap().0
    }

    pub fn page(&self, number: u32) -> u32 {
        self.parsed.get_pages()[&number].0
    }

    /// The reference under a key of a dictionary object.
    pub fn under(&self, number: u32, key: &[u8]) -> u32 {
        let object = self.parsed.get_dictionary((number, 0)).unwrap().get(key).unwrap();
        match object {
            Object::Array(items) => items[0].as_reference().unwrap().0,
            other => other.as_reference().unwrap().0,
        }
    }

    /// The first object that a test of its dictionary finds.
    pub fn find(&self, wanted: impl Fn(&lopdf::Dictionary) -> bool) -> u32 {
        let found = self.parsed.objects.iter().find(|(_, object)| match object {
            Object::Dictionary(dictionary) => wanted(dictionary),
            Object::Stream(stream) => wanted(&stream.dict),
            _ => false,
        });
        let ((number, _), _): (&ObjectId, _) = found.unwrap();
        *number
    }

    pub fn next(&self) -> u32 {
        self.parsed.max_id + 1
    }

    /// The document with other text in an object.
    pub fn with(&self, number: u32, text: &str) -> Vec<u8> {
        let objects = vec![(number, text.as_bytes().to_vec())];
        self.updated(&Update { objects, ..Update::default() })
    }

    pub fn updated(&self, update: &Update) -> Vec<u8> {
        let mut out = self.octets.clone();
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        let mut entries: Vec<(u32, Option<usize>)> = Vec::new();
        for (number, text) in &update.objects {
            entries.push((*number, Some(out.len())));
            out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
            out.extend_from_slice(text);
            out.extend_from_slice(b"\nendobj\n");
        }
        entries.extend(update.freed.iter().map(|number| (*number, None)));
        entries.extend(update.pointed.iter().map(|(number, at)| (*number, Some(*at))));
        let root = update.root.unwrap_or(self.root());
        let highest = entries.iter().map(|one| one.0).max().unwrap_or(0);
        let size = self.next().max(highest + 1);
        let start = out.len();
        let last = rfind(&self.octets, b"startxref").unwrap();
        let previous: String = String::from_utf8_lossy(&self.octets[last + 9..])
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let common = format!("/Root {root} 0 R/Prev {previous}");
        if update.stream {
            entries.push((size, Some(start)));
            entries.sort_unstable();
            let (mut index, mut rows) = (String::new(), Vec::new());
            for (number, at) in &entries {
                write!(index, "{number} 1 ").unwrap();
                rows.push(u8::from(at.is_some()));
                rows.extend_from_slice(&(at.unwrap_or(0) as u32).to_be_bytes());
                rows.push(0);
            }
            let text = format!(
                "{size} 0 obj\n<</Type/XRef/Size {}/W[1 4 1]/Index[{index}]{common}/Length {}>>\nstream\n",
                size + 1,
                rows.len()
            );
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(&rows);
            out.extend_from_slice(b"\nendstream\nendobj\n");
        } else {
            entries.sort_unstable();
            out.extend_from_slice(b"xref\n");
            for (number, at) in entries {
                let (kind, at) = at.map_or(('f', 0), |at| ('n', at));
                out.extend_from_slice(format!("{number} 1\n{at:010} 00000 {kind} \n").as_bytes());
            }
            out.extend_from_slice(format!("trailer\n<</Size {size}{common}>>\n").as_bytes());
        }
        out.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
        out
    }
}

/// A stream object's text.
pub fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{entries}/Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// A dictionary's text with an entry more, or another value under its key.
pub fn entry(text: &str, key: &str, value: &str) -> String {
    let cut = match text
        .find(&format!("/{key}"))
        .filter(|at| !text[at + key.len() + 1..].starts_with(|c: char| c.is_ascii_alphanumeric()))
    {
        None => text.to_owned(),
        Some(at) => {
            let rest = &text[at + key.len() + 1..];
            let end = value_end(rest);
            format!("{}{}", &text[..at], &rest[end..])
        }
    };
    let open = cut.find("<<").unwrap() + 2;
    format!("{}/{key} {value} {}", &cut[..open], &cut[open..])
}

fn value_end(rest: &str) -> usize {
    let (mut depth, mut at, mut seen) = (0i32, 0, false);
    let octets = rest.as_bytes();
    while at < octets.len() {
        match octets[at] {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth -= 1,
            b'<' if octets.get(at + 1) == Some(&b'<') => {
                depth += 1;
                at += 1;
            }
            b'>' if octets.get(at + 1) == Some(&b'>') => {
                if depth == 0 {
                    return at;
                }
                depth -= 1;
                at += 1;
            }
            b'/' if depth == 0 && seen => return at,
            _ => {}
        }
        seen |= !octets[at].is_ascii_whitespace();
        at += 1;
    }
    at
}

/// How a document is signed by hand.
pub struct ByHand<'a> {
    pub key: &'a dyn Signer,
    /// More of the signature dictionary.
    pub signature: &'a str,
    /// More of the field, `/Rect` among it.
    pub field: &'a str,
    /// More of the catalog; `SIG` stands for the signature's number.
    pub catalog: &'a str,
    /// Other fields of the form.
    pub fields: &'a str,
    /// Objects written with it.
    pub objects: Vec<(u32, Vec<u8>)>,
}

impl<'a> ByHand<'a> {
    pub fn new(key: &'a dyn Signer) -> Self {
        let (signature, field, catalog, fields) = ("", "/Rect[0 0 0 0]", "", "");
        Self { key, signature, field, catalog, fields, objects: Vec::new() }
    }

    /// Certified at a level of DocMDP.
    pub fn certified(key: &'a dyn Signer, reference: &'a str) -> Self {
        Self { signature: reference, catalog: "/Perms<</DocMDP SIG 0 R>>", ..Self::new(key) }
    }

    /// Signs; the paper must have no form yet.
    pub fn sign(&self, paper: &Paper) -> Vec<u8> {
        let taken = self.objects.iter().map(|one| one.0 + 1).max().unwrap_or(0);
        let signature = paper.next().max(taken);
        let field = signature + 1;
        let head = "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Contents <";
        let dictionary = format!(
            "{head}{}>/ByteRange[0 ##########/##########/##########]/M(D:20261122100000Z){}>>",
            "0".repeat(12_000),
            self.signature
        );
        let page = paper.page(1);
        let page_text = paper.text(page);
        let annotation = format!(
            "<</Type/Annot/Subtype/Widget/FT/Sig/T(Hand)/F 132/P {page} 0 R/V {signature} 0 R{}>>",
            self.field
        );
        let catalog = self.catalog.replace("SIG", &signature.to_string());
        let root = paper.text(paper.root());
        let open = root.find("<<").unwrap() + 2;
        let root = format!(
            "{}/AcroForm<</Fields[{field} 0 R {}]/SigFlags 3>>{catalog} {}",
            &root[..open],
            self.fields,
            &root[open..]
        );
        let annotations = format!("[{field} 0 R {}]", self.fields);
        let mut objects = self.objects.clone();
        objects.extend([
            (signature, dictionary.into_bytes()),
            (field, annotation.into_bytes()),
            (page, entry(&page_text, "Annots", &annotations).into_bytes()),
            (paper.root(), root.into_bytes()),
        ]);
        let octets = paper.updated(&Update { objects, ..Update::default() });
        complete(octets, self.key)
    }
}

/// Fills the places of `/ByteRange` and `/Contents` of the last signature dictionary.
fn complete(mut octets: Vec<u8>, key: &dyn Signer) -> Vec<u8> {
    let gap = last_contents(&octets);
    let numbers = [gap.start, gap.end, octets.len() - gap.end].map(|one| format!("{one:10}"));
    let place = rfind(&octets, b"[0 ##########").unwrap();
    let text = format!("[0 {} {} {}]", numbers[0], numbers[1], numbers[2]);
    octets[place..place + text.len()].copy_from_slice(text.as_bytes());
    let covered = [&octets[..gap.start], &octets[gap.end..]].concat();
    let imprint = digest(DigestAlgorithm::Sha256, &covered);
    let options = cms::SigningOptions::default();
    let prepared = cms::prepare(&imprint, key.certificate(), key.algorithm(), options).unwrap();
    let value = sign_checked(key, prepared.to_be_signed()).unwrap();
    let message = hex(&prepared.complete(&value).unwrap());
    octets[gap.start + 1..gap.start + 1 + message.len()].copy_from_slice(message.as_bytes());
    octets
}

/// Where the hexadecimal string of the last signature stands, brackets included.
pub fn last_contents(octets: &[u8]) -> Range<usize> {
    let start = rfind(octets, b"/Contents <").unwrap() + 10;
    let end = octets[start..].iter().position(|octet| *octet == b'>').unwrap();
    start..start + end + 1
}

pub fn rfind(octets: &[u8], word: &[u8]) -> Option<usize> {
    octets.windows(word.len()).rposition(|window| window == word)
}
