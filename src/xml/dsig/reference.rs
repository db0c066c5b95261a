//! References (xmldsig-core1 §4.4.3): what each covers, and whether its digest holds.

use std::borrow::Cow;

use super::transform::{self, Budget, Data, Transform};
use crate::crypto::{DigestAlgorithm, digest};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{ContentFile, ScopeItem};
use crate::xml::c14n::Canonicalization;
use crate::xml::document::{Document, Element};
use crate::xml::ids::Ids;
use crate::xml::{DSIG, XmlError, encoding};

/// What all signatures of a document are read against.
pub(super) struct Context<'a> {
    pub document: &'a Document,
    pub ids: Ids<'a>,
    /// Every signature, in document order.
    pub signatures: Vec<Element<'a>>,
    pub outside: Outside<'a>,
    /// What may still be spent.
    pub budget: Budget,
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

impl<'a> Detached<'a> {
    fn octets(self) -> Result<Cow<'a, [u8]>, Reason> {
        match self {
            Self::Octets(content) => Ok(Cow::Borrowed(content)),
            Self::File(file) => file.octets().map(Cow::Owned).map_err(|error| {
                let detail = format!("content that is transformed must fit into memory: {error}");
                Reason::new(ReasonCode::Refused, detail)
            }),
        }
    }
}

/// One reference as it was found.
pub(super) struct Reference<'a> {
    pub element: Element<'a>,
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
    holds: bool,
    /// Whether it was digested where it lies, so that its octets are not here.
    elsewhere: bool,
    source: Option<Source<'a>>,
    transforms: Vec<Transform>,
    /// The later signatures that were left out.
    left_out: Vec<Element<'a>>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Nodes(Option<Element<'a>>),
    Content(Detached<'a>),
}

impl Reference<'_> {
    /// Whether the digest holds and is one over the target with all its markup.
    pub(super) fn is_of_markup(&self) -> bool {
        let canonical = |transform| matches!(transform, &Transform::Canonical(_));
        self.holds() && self.transforms.iter().all(canonical)
    }

    /// Whether the digest holds.
    pub(super) fn holds(&self) -> bool {
        self.holds
    }
}

impl<'a> Context<'a> {
    /// All that the signatures of a document are read against; `None` if it has none.
    ///
    /// # Errors
    /// Where an id stands twice, or there are too many signatures.
    pub(super) fn of(
        document: &'a Document,
        outside: Outside<'a>,
    ) -> Result<Option<Self>, XmlError> {
        let all = document.root().descendants().filter(|element| element.is(DSIG, "Signature"));
        let signatures: Vec<_> = all.take(limits::SIGNATURES + 1).collect();
        if signatures.is_empty() {
            return Ok(None);
        }
        if signatures.len() > limits::SIGNATURES {
            return Err(XmlError::Limit("signatures of a document"));
        }
        let (ids, budget) = (Ids::of(document)?, Budget::new());
        Ok(Some(Self { document, ids, signatures, outside, budget }))
    }

    /// The id a signature is called by: its own, or one made from its place.
    pub(super) fn name(&self, signature: Element<'a>) -> String {
        match signature.attribute("Id") {
            Some(id) => id.chars().take(128).collect(),
            None => {
                let place = self.signatures.iter().position(|other| *other == signature);
                format!("signature-{}", place.map_or(0, |place| place + 1))
            }
        }
    }

    /// The signature whose value this element is.
    pub(super) fn signature_of_value(&self, value: Element<'a>) -> Option<Element<'a>> {
        let parent = value.parent().filter(|_| value.is(DSIG, "SignatureValue"))?;
        self.signatures.contains(&parent).then_some(parent)
    }

    /// What a reference that holds is processed to, where nodes that are left at the end are made
    /// octets by `how` (EN 319 132-1 §5.5.2.2).
    pub(super) fn processed<'r>(
        &mut self,
        signature: Element<'a>,
        reference: &'r Reference<'a>,
        how: &Canonicalization,
    ) -> Result<Cow<'r, [u8]>, Reason> {
        let ends_in_octets = |transform: &Transform| {
            matches!(transform, Transform::Canonical(_) | Transform::Base64)
        };
        let octets = reference.transforms.iter().any(ends_in_octets);
        match reference.source {
            Some(Source::Content(content)) if reference.elsewhere => {
                content.octets().map(|octets| Cow::Owned(octets.into_owned()))
            }
            Some(Source::Nodes(_)) if reference.elsewhere => {
                let detail = "a time-stamp over a document that is too large to be kept";
                Err(Reason::new(ReasonCode::Refused, detail))
            }
            Some(source @ Source::Nodes(_)) if !octets && reference.holds() => {
                let (transforms, left_out) = (&reference.transforms, &reference.left_out);
                self.run(transforms, source, signature, left_out, how).map(Cow::Owned)
            }
            _ => Ok(Cow::Borrowed(&reference.octets)),
        }
    }

    /// Follows and checks one reference of `signature`; `label` is what it is called in faults.
    pub(super) fn reference(
        &mut self,
        signature: Element<'a>,
        reference: Element<'a>,
        label: &str,
    ) -> Reference<'a> {
        let uri = reference.attribute("URI");
        let mut found = Reference {
            element: reference,
            holds: false,
            elsewhere: false,
            source: None,
            transforms: Vec::new(),
            left_out: Vec::new(),
            kind: reference.attribute("Type"),
            target: None,
            item: ScopeItem { kind: "content".to_owned(), what: shown(uri) },
            digest: None,
            octets: Vec::new(),
            whole: false,
            before_others: false,
            faults: Vec::new(),
        };
        match self.check(signature, reference, label, &mut found) {
            Ok(()) => found.holds = true,
            Err(fault) => {
                found.faults.push(fault);
                found.octets = Vec::new();
            }
        }
        found
    }

    fn check(
        &mut self,
        signature: Element<'a>,
        reference: Element<'a>,
        label: &str,
        found: &mut Reference<'a>,
    ) -> Result<(), Reason> {
        let (method, value) = parts(reference)?;
        let uri = reference.attribute("URI");
        let source = self.source(uri)?;
        found.source = Some(source);
        if let Source::Nodes(target) = source {
            let element = target.unwrap_or(self.document.root());
            let whole = target.is_none_or(|target| target == self.document.root());
            found.target = target;
            let signed = self.signature_of_value(element);
            let kind = match signed {
                Some(_) => "signature",
                None if whole => "document",
                None => "element",
            };
            found.item.kind = kind.to_owned();
            found.item.what = match (signed, uri) {
                (Some(signed), _) => self.name(signed),
                (None, Some("") | None) => element.qualified_name().to_owned(),
                (None, Some(uri)) => format!("{} {}", element.qualified_name(), shown(Some(uri))),
            };
        }
        found.transforms = transform::read(reference)?;
        let transforms = found.transforms.clone();
        let algorithm = DigestAlgorithm::from_xml_uri(method);
        let algorithm = algorithm.map_err(|unknown| {
            Reason::new(ReasonCode::UnsupportedAlgorithm, format!("digest {}", unknown.name))
        })?;
        found.digest = Some(algorithm);

        let last = &Canonicalization::INCLUSIVE;
        if let Some(elsewhere) = self.elsewhere(&source, &transforms, algorithm)? {
            if elsewhere != value {
                return Err(differs(label, uri));
            }
            found.elsewhere = true;
            found.whole = found.item.kind == "document";
            return Ok(());
        }
        let octets = self.run(&transforms, source, signature, &[], last)?;
        let mut holds = digest(algorithm, &octets) == value;
        found.octets = octets;
        let later = self.later(signature, found.target);
        if !holds && transforms.contains(&Transform::Enveloped) && !later.is_empty() {
            // The sequential form: each signature was made over the document as it then was, with
            // the earlier signatures in it and without the later ones.
            let octets = self.run(&transforms, source, signature, &later, last)?;
            holds = digest(algorithm, &octets) == value;
            found.octets = octets;
            found.before_others = holds;
            found.left_out = later;
        }
        if !holds {
            return Err(differs(label, uri));
        }
        if matches!(source, Source::Nodes(_)) && found.octets.is_empty() {
            return Err(Reason::new(ReasonCode::Refused, "a reference that covers nothing"));
        }
        found.whole = found.item.kind == "document"
            && !transforms.contains(&Transform::Base64)
            && !self.signatures.contains(&self.document.root());
        let others = self.covered_signatures(signature, found);
        if !others.is_empty() && !matches!(source, Source::Content(_)) {
            found.item.what += &format!(", with the signatures {}", others.join(", "));
        }
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
            Some(uri) if uri == "#" || uri.starts_with("#xpointer(") => {
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
        source: Source<'a>,
        signature: Element<'a>,
        excluded: &[Element<'a>],
        last: &Canonicalization,
    ) -> Result<Vec<u8>, Reason> {
        let data = match source {
            Source::Nodes(apex) => Data::Nodes { apex, excluded: excluded.to_vec() },
            Source::Content(content) => {
                let octets = content.octets()?;
                self.budget.take(octets.len())?;
                Data::Octets(octets.into_owned())
            }
        };
        let (document, budget) = (self.document, &mut self.budget);
        let signatures = (signature, self.signatures.as_slice());
        transform::run(transforms, data, document, signatures, last, budget)
    }

    /// The other signatures that stand in what a reference covers.
    fn covered_signatures(&self, own: Element<'a>, found: &Reference<'a>) -> Vec<String> {
        let transforms = &found.transforms;
        if transforms.contains(&Transform::WithoutSignatures) {
            return Vec::new();
        }
        let enveloped = transforms.contains(&Transform::Enveloped);
        let target = found.target.unwrap_or(self.document.root());
        let others = self.signatures.iter().copied().filter(|other| {
            let left_out = found.left_out.iter().any(|left_out| left_out.contains(*other));
            target.contains(*other) && !left_out && !(enveloped && own.contains(*other))
        });
        others.filter(|other| *other != own).map(|other| self.name(other)).collect()
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

fn differs(label: &str, uri: Option<&str>) -> Reason {
    let detail = format!("the digest of {label} (URI {}) differs", shown(uri));
    Reason::new(ReasonCode::ContentChanged, detail)
}

fn shown(uri: Option<&str>) -> String {
    match uri {
        None => "(none)".to_owned(),
        Some(uri) => format!("\"{}\"", uri.chars().take(96).collect::<String>()),
    }
}
