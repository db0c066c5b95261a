//! XML signatures (W3C xmldsig-core1), read strictly: every signature of a document, each with
//! its digests checked and the octets that were digested.

mod key_info;
mod later;
mod manifest;
mod names;
mod parts;
mod reference;
mod stamps;
#[cfg(test)]
mod tests;
mod transform;

pub(super) use later::{archived, value_stamped};
pub(super) use reference::{Detached, Outside};
pub(super) use transform::{Transform, canonicalization, read as transforms};

use crate::crypto::{SignatureAlgorithm, UnsupportedAlgorithm, ValueForm};
use crate::reason::{Reason, ReasonCode};
use crate::signature::{
    ContentFile, FoundSignature, Level, SignatureFormat, SignedScope, SignerClaims,
};
use crate::x509::Certificate;

use super::document::{Document, Element};
use super::xades::{self, Properties, SIGNED_PROPERTIES_TYPE};
use super::{DSIG, XADES, XmlError, encoding, wss};
use parts::{Parts, malformed};
use reference::{Context, Reference, leaf};
use stamps::Stamping;

/// The type of a reference to the value of a signature that is countersigned (EN 319 132-1
/// §5.2.7.2).
pub(super) const COUNTERSIGNED_TYPE: &str = "http://uri.etsi.org/01903#CountersignedSignature";

/// Every signature of the document, in document order, wherever it stands: independent, nested,
/// or one after the other. `detached` is the content of a reference that leads outside.
///
/// The digests are checked here, the signature values are not: that needs a key that is trusted.
/// A document without signatures gives an empty list.
///
/// # Errors
/// Where the whole document is refused: it is no document, has an id twice, or too many signatures.
pub fn read(document: &[u8], detached: Option<&[u8]>) -> Result<Vec<FoundSignature>, XmlError> {
    read_with(document, Outside { detached: detached.map(Detached::Octets), ..Outside::default() })
}

/// The same, where the detached content lies in a file. It is digested from there; only a
/// reference that transforms it has it in memory, up to [`limits::DOCUMENT_BYTES`].
///
/// # Errors
/// As [`read`].
pub fn read_over(document: &[u8], content: &ContentFile) -> Result<Vec<FoundSignature>, XmlError> {
    let detached = Some(Detached::File(content));
    read_with(document, Outside { detached, ..Outside::default() })
}

fn read_with(document: &[u8], outside: Outside<'_>) -> Result<Vec<FoundSignature>, XmlError> {
    let document = Document::parse(document)?;
    let mut found = read_all(&document, outside)?;
    if wss::is_envelope(document.root()) {
        wss::judge(&document, &mut found)?;
    }
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// The same of a parsed document, each signature with its element.
pub(super) fn read_all<'a>(
    document: &'a Document,
    outside: Outside<'a>,
) -> Result<Vec<(Element<'a>, FoundSignature)>, XmlError> {
    let Some(mut context) = Context::of(document, outside)? else { return Ok(Vec::new()) };
    let signatures = context.signatures.clone();
    let read = |signature| (signature, read_one(&mut context, signature));
    Ok(signatures.into_iter().map(read).collect())
}

fn read_one<'a>(context: &mut Context<'a>, signature: Element<'a>) -> FoundSignature {
    let mut found = FoundSignature {
        id: context.name(signature),
        format: SignatureFormat::XmlDsig,
        algorithm: Err(UnsupportedAlgorithm { name: "none".to_owned() }),
        digests: Vec::new(),
        value_form: ValueForm::Fixed,
        signed_octets: Vec::new(),
        value: Vec::new(),
        certificate: None,
        certificates: Vec::new(),
        claimed_time: None,
        claims: SignerClaims::default(),
        scope: SignedScope::default(),
        faults: Vec::new(),
        warnings: Vec::new(),
        timestamps: Vec::new(),
        evidence: Vec::new(),
    };
    if let Err(fault) = fill(context, signature, &mut found) {
        found.faults.push(fault);
    }
    found
}

fn fill<'a>(
    context: &mut Context<'a>,
    signature: Element<'a>,
    found: &mut FoundSignature,
) -> Result<(), Reason> {
    let parts = Parts::of(signature)?;
    found.algorithm = SignatureAlgorithm::from_xml_uri(parts.method);
    let value = leaf(parts.value).and_then(|text| encoding::decode(&text));
    found.value = value.ok_or_else(|| malformed("a signature value that is no base64"))?;
    let (how, document) = (parts.canonicalization.clone(), context.document);
    found.signed_octets =
        transform::canonical(&how, document, Some(parts.signed_info), &[], &mut context.budget)?;
    if let Some(key_info) = parts.key_info {
        found.certificates = key_info::certificates(key_info, &context.ids)?;
        found.certificate = key_info::signer(key_info, &found.certificates);
    }

    let mut references = own_references(context, signature, &parts);
    if let Err(fault) = manifest::follow(context, signature, &mut references) {
        found.faults.push(fault);
    }
    let qualifying = xades::qualifying(signature);
    let properties = match &qualifying {
        Ok(Some(qualifying)) => Properties::read(*qualifying),
        Ok(None) => Ok(None),
        Err(fault) => Err(fault.clone()),
    };
    let properties = take_properties(properties, &references, found);
    if let (Some(key_info), Some(certificate)) = (parts.key_info, &found.certificate) {
        found.faults.extend(key_info::disagreement(key_info, certificate));
    }
    found.faults.extend(countersigned(context, signature, &references).err());
    let mut stamping = Stamping { context, signature, parts: &parts, references: &references };
    if let Some(properties) = properties {
        stamping.content(&properties.content_stamps, found);
    }
    if let Ok(Some(qualifying)) = qualifying {
        stamping.unsigned(qualifying, found);
    }
    for reference in references {
        take_reference(reference, found);
    }
    Ok(())
}

/// The certificates in the KeyInfo of a signature.
pub(super) fn certificates(signature: Element<'_>) -> Result<Vec<Certificate>, Reason> {
    let key_info = Parts::of(signature)?.key_info;
    key_info.map_or(Ok(Vec::new()), key_info::carried)
}

/// The references of SignedInfo, followed and checked.
fn own_references<'a>(
    context: &mut Context<'a>,
    signature: Element<'a>,
    parts: &Parts<'a>,
) -> Vec<Reference<'a>> {
    let numbered = (1..).zip(&parts.references);
    let follow = |(number, element): (usize, &Element<'a>)| {
        context.reference(signature, *element, &format!("reference {number}"))
    };
    numbered.map(follow).collect()
}

/// Takes over the XAdES properties, if the signature covers them.
fn take_properties<'a>(
    properties: Result<Option<Properties<'a>>, Reason>,
    references: &[Reference<'a>],
    found: &mut FoundSignature,
) -> Option<Properties<'a>> {
    let typed = references.iter().filter(|found| found.kind == Some(SIGNED_PROPERTIES_TYPE));
    let typed: Vec<_> = typed.collect();
    let properties = match properties {
        Ok(Some(properties)) => properties,
        Ok(None) if typed.is_empty() => return None,
        Ok(None) => {
            found.faults.push(malformed("a reference to signed properties that are not there"));
            return None;
        }
        Err(fault) => {
            found.faults.push(fault);
            return None;
        }
    };
    let covered = match typed.as_slice() {
        // Where the digest differs, that is told by itself.
        [one] => one.target == Some(properties.element) && (one.is_of_markup() || !one.holds()),
        _ => false,
    };
    if !covered {
        let detail = "XAdES properties that the signature does not cover, or not by their type";
        match typed.as_slice() {
            [] => found.warnings.push(malformed(detail)),
            _ => found.faults.push(malformed(detail)),
        }
        return None;
    }
    found.claimed_time = properties.signing_time;
    found.claims = properties.claims.clone();
    match properties.signer(&found.certificates) {
        None => found.warnings.push(malformed("XAdES properties that name no signing certificate")),
        Some(Ok(certificate)) => {
            found.certificate = Some(certificate);
            if properties.signing_time.is_some() {
                found.format = SignatureFormat::Xades(Level::B);
            }
        }
        Some(Err(fault)) => found.faults.push(fault),
    }
    Some(properties)
}

/// A counter-signature must cover the value of the signature it is for: the one it says by the
/// type of its reference, and the one in whose property it stands.
fn countersigned<'a>(
    context: &Context<'a>,
    signature: Element<'a>,
    references: &[Reference<'a>],
) -> Result<(), Reason> {
    let value_of = |reference: &Reference<'a>| {
        let target = reference.target.filter(|_| reference.is_of_markup())?;
        context.signature_of_value(target)
    };
    let mut typed = references.iter().filter(|found| found.kind == Some(COUNTERSIGNED_TYPE));
    if typed.any(|reference| reference.holds() && value_of(reference).is_none()) {
        return Err(malformed("a counter-signature of what is no signature value"));
    }
    let property = signature.parent().filter(|parent| parent.is(XADES, "CounterSignature"));
    let Some(property) = property else { return Ok(()) };
    let around = std::iter::successors(property.parent(), |element| element.parent());
    let mut around = around.filter(|element| element.is(DSIG, "Signature"));
    let (Some(embedding), false) = (around.next(), references.iter().any(|one| !one.holds()))
    else {
        return Ok(());
    };
    match references.iter().any(|reference| value_of(reference) == Some(embedding)) {
        true => Ok(()),
        false => Err(malformed("a counter-signature that does not cover the signature around it")),
    }
}

fn take_reference(reference: Reference<'_>, found: &mut FoundSignature) {
    found.faults.extend(reference.faults);
    found.digests.extend(reference.digest.filter(|digest| !found.digests.contains(digest)));
    if reference.kind == Some(SIGNED_PROPERTIES_TYPE) {
        return;
    }
    found.scope.covers_whole_document |= reference.whole;
    if reference.before_others {
        let detail = "signatures were added to the document after this one was made";
        found.warnings.push(Reason::new(ReasonCode::AddedAfterSigning, detail));
    }
    found.scope.items.push(reference.item);
    found.scope.octets.push(reference.octets);
}
