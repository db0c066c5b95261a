//! Manifests (xmldsig-core1 §5.1): lists of references that a signature covers. Each is checked
//! here; one that fails is a fault of the signature.

use super::parts::malformed;
use super::reference::{Context, Reference};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::xml::DSIG;
use crate::xml::document::Element;

const MANIFEST_TYPE: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";

/// Checks the manifests that the references lead to, and those these lead to in turn; what they
/// list is added to `references`.
///
/// # Errors
/// A reason where a manifest is broken, or there are too many references.
pub(super) fn follow<'a>(
    context: &mut Context<'a>,
    signature: Element<'a>,
    references: &mut Vec<Reference<'a>>,
) -> Result<(), Reason> {
    let mut level = 0..references.len();
    let mut listed = 0;
    for depth in 0.. {
        let mut manifests = Vec::new();
        for reference in references.get(level.clone()).unwrap_or_default() {
            manifests.extend(manifests_of(reference)?);
        }
        if manifests.is_empty() {
            return Ok(());
        }
        if depth >= limits::XML_MANIFEST_DEPTH {
            return Err(Reason::new(ReasonCode::Refused, "manifests in manifests in manifests"));
        }
        level.start = references.len();
        for manifest in manifests {
            for (number, element) in (1..).zip(manifest.children()) {
                if !element.is(DSIG, "Reference") {
                    return Err(malformed("something else than references in a manifest"));
                }
                listed += 1;
                if listed > limits::XML_MANIFEST_REFERENCES {
                    let detail = "too many references in the manifests of a signature";
                    return Err(Reason::new(ReasonCode::Refused, detail));
                }
                let label = format!("reference {number} of a manifest");
                references.push(context.reference(signature, element, &label));
            }
            if level.start == references.len() {
                return Err(malformed("a manifest without references"));
            }
        }
        level.end = references.len();
    }
    Ok(())
}

/// The manifests a reference covers: its target, or those in an `Object` that is its target.
fn manifests_of<'a>(reference: &Reference<'a>) -> Result<Vec<Element<'a>>, Reason> {
    let is_manifest = |element: &Element<'_>| element.is(DSIG, "Manifest");
    let found: Vec<_> = match reference.target {
        Some(target) if is_manifest(&target) => vec![target],
        Some(target) if target.is(DSIG, "Object") => {
            target.children().filter(is_manifest).collect()
        }
        _ => Vec::new(),
    };
    // Its digest differs: that is told, and nobody needs what it lists.
    if !reference.holds() {
        return Ok(Vec::new());
    }
    let typed = reference.kind == Some(MANIFEST_TYPE);
    if typed && found.is_empty() {
        return Err(malformed("a reference to a manifest that leads to none"));
    }
    if !found.is_empty() && !reference.is_of_markup() {
        let detail = "a manifest behind another transform than a canonicalization";
        return Err(Reason::new(ReasonCode::Refused, detail));
    }
    Ok(found)
}
