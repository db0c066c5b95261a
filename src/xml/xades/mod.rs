//! XAdES properties (ETSI EN 319 132-1): signed and unsigned ones, read and written. Which octets
//! they are about is the business of `dsig`.

mod signed;
mod unsigned;
mod write;

pub(super) use signed::{Properties, SIGNED_PROPERTIES_TYPE};
pub(super) use unsigned::{Stamp, Unsigned, Values};
pub(super) use write::{Home, Written, stamp, values, write_properties};

use super::document::Element;
use super::{DSIG, XADES};
use crate::reason::{Reason, ReasonCode};

/// Namespace of the properties that came later (EN 319 132-1 annex C).
pub(super) const XADES_141: &str = "http://uri.etsi.org/01903/v1.4.1#";

/// The one `QualifyingProperties` in the objects of a signature, if it has one.
///
/// # Errors
/// A reason where it stands twice or belongs to another signature.
pub(super) fn qualifying(signature: Element<'_>) -> Result<Option<Element<'_>>, Reason> {
    let objects = signature.children().filter(|child| child.is(DSIG, "Object"));
    let mut all =
        objects.flat_map(Element::children).filter(|child| child.is(XADES, "QualifyingProperties"));
    let Some(found) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(malformed("qualifying properties stand twice"));
    }
    let target = found.attribute("Target").and_then(|target| target.strip_prefix('#'));
    if target.is_none() || target != signature.attribute("Id") {
        return Err(malformed("qualifying properties of another signature"));
    }
    Ok(Some(found))
}

/// The only child of this name.
///
/// # Errors
/// A reason where it stands twice.
fn only<'a>(element: Element<'a>, name: &str) -> Result<Option<Element<'a>>, Reason> {
    let mut all = element.children().filter(|child| child.is(XADES, name));
    let found = all.next();
    match all.next() {
        None => Ok(found),
        Some(_) => Err(malformed(&format!("{name} stands twice"))),
    }
}

fn child<'a>(element: Element<'a>, name: &str) -> Option<Element<'a>> {
    element.children().find(|child| child.is(XADES, name))
}

fn children<'a>(element: Element<'a>, name: &str) -> impl Iterator<Item = Element<'a>> {
    element.children().filter(move |child| child.is(XADES, name))
}

fn malformed(what: &str) -> Reason {
    Reason::new(ReasonCode::Malformed, what)
}
