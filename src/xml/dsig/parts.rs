//! The parts of a signature element.

use super::transform;
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::xml::DSIG;
use crate::xml::c14n::Canonicalization;
use crate::xml::document::Element;

/// The parts of a signature, in the one order its schema has (xmldsig-core1 §4.2).
pub(super) struct Parts<'a> {
    pub signed_info: Element<'a>,
    pub canonicalization: Canonicalization,
    pub method: &'a str,
    pub references: Vec<Element<'a>>,
    pub value: Element<'a>,
    pub key_info: Option<Element<'a>>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(signature: Element<'a>) -> Result<Self, Reason> {
        let mut children = signature.children().peekable();
        let mut next = |name| children.next().filter(|child| child.is(DSIG, name));
        let (Some(signed_info), Some(value)) = (next("SignedInfo"), next("SignatureValue")) else {
            return Err(malformed("a signature without SignedInfo and SignatureValue"));
        };
        let key_info = children.next_if(|child| child.is(DSIG, "KeyInfo"));
        if !children.all(|child| child.is(DSIG, "Object")) {
            return Err(malformed("a signature with surplus parts"));
        }
        let mut inside = signed_info.children();
        let mut next = |name| inside.next().filter(|child| child.is(DSIG, name));
        let (Some(canonicalization), Some(method)) =
            (next("CanonicalizationMethod"), next("SignatureMethod"))
        else {
            return Err(malformed("SignedInfo without its methods"));
        };
        let references: Vec<_> = inside.take(limits::XML_REFERENCES + 1).collect();
        if references.is_empty() || !references.iter().all(|child| child.is(DSIG, "Reference")) {
            return Err(malformed("SignedInfo without references, or with something else"));
        }
        if references.len() > limits::XML_REFERENCES {
            return Err(Reason::new(ReasonCode::Refused, "too many references in a signature"));
        }
        let uri = canonicalization.attribute("Algorithm").unwrap_or_default();
        let canonicalization = transform::canonicalization(canonicalization)?;
        let canonicalization = canonicalization.ok_or_else(|| {
            let name: String = uri.chars().take(128).collect();
            Reason::new(ReasonCode::Refused, format!("the canonicalization {name}"))
        })?;
        let method = method.attribute("Algorithm").unwrap_or_default();
        Ok(Self { signed_info, canonicalization, method, references, value, key_info })
    }
}

pub(super) fn malformed(what: &str) -> Reason {
    Reason::new(ReasonCode::Malformed, what)
}
