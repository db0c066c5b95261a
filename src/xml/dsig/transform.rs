//! Transforms of a reference (xmldsig-core1 §6.6): the few that are taken, and their running.

use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::xml::c14n::{Canonicalization, Method, Subset};
use crate::xml::document::{Document, Element};
use crate::xml::{DSIG, ENVELOPED, FILTER2, XmlError, encoding};

const BASE64: &str = "http://www.w3.org/2000/09/xmldsig#base64";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// One transform that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transform {
    /// Leaves out the signature that holds the reference.
    Enveloped,
    /// Leaves out every signature (the XPath Filter 2.0 form of several signers side by side).
    WithoutSignatures,
    Canonical(Canonicalization),
    Base64,
}

/// What flows from transform to transform.
pub(super) enum Data<'a> {
    /// Nodes of the document; comments are never among them (xmldsig-core1 §4.4.3.3).
    Nodes { apex: Option<Element<'a>>, excluded: Vec<Element<'a>> },
    /// Octets, and whether they are the canonical form of nodes.
    Octets(Vec<u8>),
}

/// Reads the transforms of a reference.
pub fn read(reference: Element<'_>) -> Result<Vec<Transform>, Reason> {
    let list = reference.children().find(|child| child.is(DSIG, "Transforms"));
    let Some(list) = list else { return Ok(Vec::new()) };
    let mut transforms = Vec::new();
    for transform in list.children() {
        if transforms.len() >= limits::XML_TRANSFORMS {
            return Err(Reason::new(ReasonCode::Refused, "too many transforms in a reference"));
        }
        if !transform.is(DSIG, "Transform") {
            return Err(Reason::new(ReasonCode::Malformed, "something else among the transforms"));
        }
        transforms.push(read_one(transform)?);
    }
    Ok(transforms)
}

/// Reads a canonicalization algorithm with its parameters (`CanonicalizationMethod`, `Transform`).
pub fn canonicalization(element: Element<'_>) -> Result<Option<Canonicalization>, Reason> {
    let uri = element.attribute("Algorithm").unwrap_or_default();
    let Some(mut how) = Canonicalization::from_uri(uri) else { return Ok(None) };
    for (index, parameter) in element.children().enumerate() {
        let expected = index == 0
            && how.method == Method::Exclusive
            && parameter.is(EXCLUSIVE, "InclusiveNamespaces");
        if !expected {
            return Err(refused("a canonicalization with parameters that are not its own"));
        }
        let list = parameter.attribute("PrefixList").unwrap_or_default();
        let prefixes = list.split_ascii_whitespace();
        how.inclusive_prefixes = prefixes
            .map(|prefix| if prefix == "#default" { String::new() } else { prefix.to_owned() })
            .collect();
        if how.inclusive_prefixes.len() > limits::XML_NAMESPACES_IN_SCOPE {
            return Err(refused("too many inclusive namespaces"));
        }
    }
    Ok(Some(how))
}

/// Work that may still be spent on the signatures of a document, all their references together.
/// Digests can be right without any key, so nothing about a reference is earned.
pub(super) struct Budget {
    /// Octets that may still be made or digested.
    pub octets: usize,
    /// Nodes that may still be passed: comments and what is left out make no octets.
    pub steps: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { octets: limits::XML_CANONICAL_BYTES, steps: limits::XML_STEPS }
    }

    /// Takes this many octets.
    pub(super) fn take(&mut self, octets: usize) -> Result<(), Reason> {
        let left = self.octets.checked_sub(octets);
        self.octets = left.ok_or_else(|| XmlError::Limit("octets under signatures").reason())?;
        Ok(())
    }

    /// Takes a walk over a subtree, or the whole document. At each node is asked whether it is one
    /// of those left out; eight such questions take about as long as the rest of a step.
    fn walk(
        &mut self,
        document: &Document,
        apex: Option<Element<'_>>,
        excluded: &[Element<'_>],
    ) -> Result<(), Reason> {
        let steps = match apex {
            Some(apex) => apex.node().end.saturating_sub(apex.index) as usize,
            None => document.nodes.len(),
        };
        let left = self.steps.checked_sub(steps.saturating_mul(1 + excluded.len() / 8));
        self.steps = left.ok_or_else(|| XmlError::Limit("nodes under signatures").reason())?;
        Ok(())
    }
}

/// Runs the transforms over `data`; what is left as nodes is made octets by `last`. `signatures` are
/// all signatures of the document, `own` the one that holds the reference.
pub(super) fn run<'a>(
    transforms: &[Transform],
    mut data: Data<'a>,
    document: &'a Document,
    (own, signatures): (Element<'a>, &[Element<'a>]),
    last: &Canonicalization,
    budget: &mut Budget,
) -> Result<Vec<u8>, Reason> {
    for transform in transforms {
        data = match (transform, data) {
            (Transform::Enveloped, Data::Nodes { apex, mut excluded }) => {
                excluded.push(own);
                Data::Nodes { apex, excluded }
            }
            (Transform::WithoutSignatures, Data::Nodes { apex, mut excluded }) => {
                excluded.extend_from_slice(signatures);
                Data::Nodes { apex, excluded }
            }
            (Transform::Enveloped | Transform::WithoutSignatures, Data::Octets(_)) => {
                return Err(refused("an enveloped transform over octets"));
            }
            (Transform::Canonical(how), Data::Nodes { apex, excluded }) => {
                let how = Canonicalization { comments: false, ..how.clone() };
                Data::Octets(canonical(&how, document, apex, &excluded, budget)?)
            }
            (Transform::Canonical(how), Data::Octets(octets)) => {
                let document = Document::parse(&octets).map_err(|error| error.reason())?;
                Data::Octets(canonical(how, &document, None, &[], budget)?)
            }
            (Transform::Base64, Data::Octets(octets)) => {
                let text = String::from_utf8(octets).unwrap_or_default();
                Data::Octets(base64(&text)?)
            }
            (Transform::Base64, Data::Nodes { apex, excluded }) => {
                budget.walk(document, apex, &excluded)?;
                let text = text_of(document, apex.unwrap_or(document.root()), &excluded);
                budget.take(text.len())?;
                Data::Octets(base64(&text)?)
            }
        };
    }
    match data {
        Data::Octets(octets) => Ok(octets),
        Data::Nodes { apex, excluded } => {
            let last = Canonicalization { comments: false, ..last.clone() };
            canonical(&last, document, apex, &excluded, budget)
        }
    }
}

/// The canonical form of a piece, taken from the budget.
pub(super) fn canonical(
    how: &Canonicalization,
    document: &Document,
    apex: Option<Element<'_>>,
    excluded: &[Element<'_>],
    budget: &mut Budget,
) -> Result<Vec<u8>, Reason> {
    budget.walk(document, apex, excluded)?;
    let octets = how.octets(document, Subset { apex, excluded }, budget.octets);
    let octets = octets.map_err(|error: XmlError| error.reason())?;
    budget.take(octets.len())?;
    Ok(octets)
}

fn read_one(transform: Element<'_>) -> Result<Transform, Reason> {
    if let Some(how) = canonicalization(transform)? {
        return Ok(Transform::Canonical(how));
    }
    let uri = transform.attribute("Algorithm").unwrap_or_default();
    match uri {
        FILTER2 => filter(transform),
        ENVELOPED | BASE64 if transform.children().next().is_some() => {
            Err(refused("a transform with parameters that are not its own"))
        }
        ENVELOPED => Ok(Transform::Enveloped),
        BASE64 => Ok(Transform::Base64),
        _ => {
            let name: String = uri.chars().take(128).collect();
            Err(refused(format!("the transform {name}")))
        }
    }
}

/// The forms of XPath Filter 2.0 that leave out signatures; all other filters are refused.
fn filter(transform: Element<'_>) -> Result<Transform, Reason> {
    let other =
        || refused(format!("the transform {FILTER2} in a form that is not the enveloped one"));
    let mut children = transform.children();
    let (Some(filter), None) = (children.next(), children.next()) else { return Err(other()) };
    if !filter.is(FILTER2, "XPath") || filter.attribute("Filter") != Some("subtract") {
        return Err(other());
    }
    let text = filter.text();
    let text = text.trim();
    let signature = |rest: &str| {
        let prefix = rest.strip_suffix(":Signature")?;
        let (_, namespace) = filter.binding(prefix).filter(|_| !prefix.is_empty())?;
        (namespace == DSIG).then_some(())
    };
    let own = text.strip_prefix("here()/ancestor::").and_then(|rest| rest.strip_suffix("[1]"));
    let all = text.strip_prefix("/descendant::").or_else(|| text.strip_prefix("//"));
    match (own.and_then(signature), all.and_then(signature)) {
        (Some(()), _) => Ok(Transform::Enveloped),
        (_, Some(())) => Ok(Transform::WithoutSignatures),
        _ => Err(other()),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, Reason> {
    encoding::decode(text).ok_or_else(|| {
        Reason::new(ReasonCode::Malformed, "a base64 transform of what is no base64")
    })
}

/// All text in a subtree, in document order (xmldsig-core1 §6.6.2).
fn text_of(document: &Document, apex: Element<'_>, excluded: &[Element<'_>]) -> String {
    let mut text = String::new();
    let mut at = apex.index;
    while let Some(node) = document.nodes.get(at as usize).filter(|_| at < apex.node().end) {
        if excluded.iter().any(|excluded| excluded.index == at) {
            at = node.end;
            continue;
        }
        if let crate::xml::document::Kind::Text(span) = node.kind {
            text.push_str(document.str(span));
        }
        at += 1;
    }
    text
}

fn refused(what: impl Into<String>) -> Reason {
    Reason::new(ReasonCode::Refused, what)
}
