//! References (xmldsig-core1 §4.4.3): what each covers, and whether its digest holds.

use std::borrow::Cow;

use super::transform::{self, Data, Transform};
use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::{Reason, ReasonCode};
use crate::signature::{ContentFile, ScopeItem};
use crate::xml::document::{Document, Element};
use crate::xml::ids::Ids;
use crate::xml::{DSIG, encoding};

/// What all signatures of a document are read against.
pub(super) struct Context<'a> {
    pub document: &'a Document,
    pub ids: Ids<'a>,
    /// Every signature, in document order.
    pub signatures: Vec<Element<'a>>,
    pub outside: Outside<'a>,
    /// Octets that may still be made.
    pub budget: usize,
}

/// What is not in the parsed document.
#[derive(Default)]
pub struct Outside<'a> {
    /// The content of a reference that leads outside.
    pub detached: Option<Detached<'a>>,
    /// The digest of the whole document without the signature, where only its root and the
    /// signature were parsed.
    pub whole: Option<Vec<u8>>,
}

/// Detached content.
#[derive(Clone, Copy)]
pub enum Detached<'a> {
    /// In memory.
    Octets(&'a [u8]),
    /// In a file.
    File(&'a ContentFile),
}

/// One reference as it was found.
pub(super) struct Reference<'a> {
    /// `Type`, if it has one.
    pub kind: Option<&'a str>,
    /// The element referred to; `None` for the document and for detached content.
    pub target: Option<Element<'a>>,
    pub item: ScopeItem,
    /// The digest, if it is one of ours; whether it is accepted is the policy's word.
    pub digest: Option<DigestAlgorithm>,
    /// The digested octets; empty where the digest differs, so that nobody uses them.
    pub octets: Vec<u8>,
    /// Whether the digest holds, and everything but signatures of the document is in it.
    pub whole: bool,
    /// Whether the digest holds only when signatures made later are left out.
    pub before_others: bool,
    pub faults: Vec<Reason>,
}

enum Source<'a> {
    Nodes(Option<Element<'a>>),
    Content(Detached<'a>),
}

impl<'a> Context<'a> {
    /// Follows and checks one reference of `signature`; `number` counts from 1.
    pub(super) fn reference(
        &mut self,
        signature: Element<'a>,
        reference: Element<'a>,
        number: usize,
    ) -> Reference<'a> {
        let uri = reference.attribute("URI");
        let mut found = Reference {
            kind: reference.attribute("Type"),
            target: None,
            item: ScopeItem { kind: "content".to_owned(), what: shown(uri) },
            digest: None,
            octets: Vec::new(),
            whole: false,
            before_others: false,
            faults: Vec::new(),
        };
        if let Err(fault) = self.check(signature, reference, number, &mut found) {
            found.faults.push(fault);
            found.octets = Vec::new();
        }
        found
    }

    fn check(
        &mut self,
        signature: Element<'a>,
        reference: Element<'a>,
        number: usize,
        found: &mut Reference<'a>,
    ) -> Result<(), Reason> {
        let (method, value) = parts(reference)?;
        let uri = reference.attribute("URI");
        let source = self.source(uri)?;
        if let Source::Nodes(target) = source {
            let element = target.unwrap_or(self.document.root());
            let whole = target.is_none_or(|target| target == self.document.root());
            found.target = target;
            found.item.kind = if whole { "document" } else { "element" }.to_owned();
            found.item.what = match uri {
                Some("") | None => element.qualified_name().to_owned(),
                Some(uri) => format!("{} {}", element.qualified_name(), shown(Some(uri))),
            };
        }
        let transforms = transform::read(reference)?;
        let algorithm = DigestAlgorithm::from_xml_uri(method);
        let algorithm = algorithm.map_err(|unknown| {
            Reason::new(ReasonCode::UnsupportedAlgorithm, format!("digest {}", unknown.name))
        })?;
        found.digest = Some(algorithm);

        if let Some(elsewhere) = self.elsewhere(&source, &transforms, algorithm)? {
            if elsewhere != value {
                return Err(differs(number, uri));
            }
            found.whole = found.item.kind == "document";
            return Ok(());
        }
        let octets = self.run(&transforms, &source, signature, &[])?;
        let mut holds = digest(algorithm, &octets) == value;
        found.octets = octets;
        let later = self.later(signature, found.target);
        if !holds && transforms.contains(&Transform::Enveloped) && !later.is_empty() {
            // The sequential form: each signature was made over the document as it then was, with
            // the earlier signatures in it and without the later ones.
            let octets = self.run(&transforms, &source, signature, &later)?;
            holds = digest(algorithm, &octets) == value;
            found.octets = octets;
            found.before_others = holds;
        }
        if !holds {
            return Err(differs(number, uri));
        }
        if matches!(source, Source::Nodes(_)) && found.octets.is_empty() {
            return Err(Reason::new(ReasonCode::Refused, "a reference that covers nothing"));
        }
        found.whole = found.item.kind == "document"
            && !transforms.contains(&Transform::Base64)
            && !self.signatures.contains(&self.document.root());
        Ok(())
    }

    /// The digest of what is not in memory: of a file that is not transformed, or of the whole
    /// document where it was digested beforehand.
    fn elsewhere(
        &self,
        source: &Source<'a>,
        transforms: &[Transform],
        algorithm: DigestAlgorithm,
    ) -> Result<Option<Vec<u8>>, Reason> {
        match source {
            Source::Content(Detached::File(file)) if transforms.is_empty() => {
                let value = file.digest(algorithm).map_err(|error| {
                    let detail = format!("the content cannot be read: {error}");
                    Reason::new(ReasonCode::ContentMissing, detail)
                })?;
                Ok(Some(value))
            }
            Source::Nodes(target) if target.is_none_or(|one| one == self.document.root()) => {
                Ok(self.outside.whole.clone())
            }
            _ => Ok(None),
        }
    }

    fn source(&self, uri: Option<&'a str>) -> Result<Source<'a>, Reason> {
        let refused = |what: String| Err(Reason::new(ReasonCode::Refused, what));
        match uri {
            Some("") => Ok(Source::Nodes(None)),
            Some(uri) if uri.starts_with("#xpointer(") => {
                refused(format!("the reference {}", shown(Some(uri))))
            }
            Some(uri) if uri.starts_with('#') => {
                match self.ids.element(uri.get(1..).unwrap_or_default()) {
                    Some(element) => Ok(Source::Nodes(Some(element))),
                    None => Err(Reason::new(
                        ReasonCode::ContentMissing,
                        format!("no element has the id of the reference {}", shown(Some(uri))),
                    )),
                }
            }
            // `URI="x"` names a file; a reader that takes it for the id x can be deceived.
            Some(uri) if self.ids.element(uri).is_some() => {
                refused(format!("the reference {} without #", shown(Some(uri))))
            }
            _ => match self.outside.detached {
                Some(content) => Ok(Source::Content(content)),
                None => Err(Reason::new(
                    ReasonCode::ContentMissing,
                    format!("the content of the reference {} was not given", shown(uri)),
                )),
            },
        }
    }

    fn run(
        &mut self,
        transforms: &[Transform],
        source: &Source<'a>,
        signature: Element<'a>,
        excluded: &[Element<'a>],
    ) -> Result<Vec<u8>, Reason> {
        let data = match source {
            Source::Nodes(apex) => Data::Nodes { apex: *apex, excluded: excluded.to_vec() },
            Source::Content(Detached::Octets(content)) => Data::Octets(content.to_vec()),
            Source::Content(Detached::File(file)) => {
                Data::Octets(file.octets().map_err(|error| {
                    let detail =
                        format!("content that is transformed must fit into memory: {error}");
                    Reason::new(ReasonCode::Refused, detail)
                })?)
            }
        };
        let (document, budget) = (self.document, &mut self.budget);
        transform::run(transforms, data, document, signature, &self.signatures, budget)
    }

    /// The signatures after `signature` that stand in its target and not in itself.
    fn later(&self, signature: Element<'a>, target: Option<Element<'a>>) -> Vec<Element<'a>> {
        let target = target.unwrap_or(self.document.root());
        let after = self.signatures.iter().copied().filter(|other| other.index > signature.index);
        after.filter(|other| target.contains(*other) && !signature.contains(*other)).collect()
    }
}

/// Algorithm and value of the digest; the children of a reference are exactly these three.
fn parts(reference: Element<'_>) -> Result<(&str, Vec<u8>), Reason> {
    let malformed = |what: &str| Reason::new(ReasonCode::Malformed, what);
    let mut children = reference.children().peekable();
    children.next_if(|child| child.is(DSIG, "Transforms"));
    let method = children.next().filter(|child| child.is(DSIG, "DigestMethod"));
    let value = children.next().filter(|child| child.is(DSIG, "DigestValue"));
    let (Some(method), Some(value), None) = (method, value, children.next()) else {
        return Err(malformed("a reference with missing or surplus parts"));
    };
    let value = leaf(value).and_then(|text| encoding::decode(&text));
    let value = value.ok_or_else(|| malformed("a digest value that is no base64"))?;
    Ok((method.attribute("Algorithm").unwrap_or_default(), value))
}

/// The text of an element that may hold nothing else.
pub(super) fn leaf(element: Element<'_>) -> Option<Cow<'_, str>> {
    element.leaf()
}

fn differs(number: usize, uri: Option<&str>) -> Reason {
    let detail = format!("the digest of reference {number} (URI {}) differs", shown(uri));
    Reason::new(ReasonCode::ContentChanged, detail)
}

fn shown(uri: Option<&str>) -> String {
    match uri {
        None => "(none)".to_owned(),
        Some(uri) => format!("\"{}\"", uri.chars().take(96).collect::<String>()),
    }
}
