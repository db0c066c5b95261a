//! XML signatures (W3C xmldsig-core1), read strictly: every signature of a document, each with
//! its digests checked and the octets that were digested.

mod reference;
#[cfg(test)]
mod tests;
mod transform;

pub(super) use reference::{Detached, Outside};
pub(super) use transform::{Transform, canonicalization, read as transforms};

use crate::crypto::{SignatureAlgorithm, UnsupportedAlgorithm, ValueForm};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{ContentFile, FoundSignature, Level, SignatureFormat, SignedScope};
use crate::x509::{Certificate, read_known};

use super::document::{Document, Element};
use super::ids::Ids;
use super::xades::{self, Properties};
use super::{DSIG, XmlError, encoding, wss};
use reference::{Context, Reference, leaf};

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
    let all = document.root().descendants().filter(|element| element.is(DSIG, "Signature"));
    let signatures: Vec<_> = all.take(limits::SIGNATURES + 1).collect();
    if signatures.is_empty() {
        return Ok(Vec::new());
    }
    if signatures.len() > limits::SIGNATURES {
        return Err(XmlError::Limit("signatures of a document"));
    }
    let ids = Ids::of(document)?;
    let mut context = Context {
        document,
        ids,
        signatures: signatures.clone(),
        outside,
        budget: limits::XML_CANONICAL_BYTES,
    };
    let read = |(number, found)| (found, read_one(&mut context, found, number));
    Ok((1..).zip(signatures).map(read).collect())
}

fn read_one<'a>(
    context: &mut Context<'a>,
    signature: Element<'a>,
    number: usize,
) -> FoundSignature {
    let id = signature.attribute("Id").map(|id| id.chars().take(128).collect());
    let mut found = FoundSignature {
        id: id.unwrap_or_else(|| format!("signature-{number}")),
        format: SignatureFormat::XmlDsig,
        algorithm: Err(UnsupportedAlgorithm { name: "none".to_owned() }),
        digests: Vec::new(),
        value_form: ValueForm::Fixed,
        signed_octets: Vec::new(),
        value: Vec::new(),
        certificate: None,
        certificates: Vec::new(),
        claimed_time: None,
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
    let (how, document) = (parts.canonicalization, context.document);
    found.signed_octets =
        transform::canonical(&how, document, Some(parts.signed_info), &[], &mut context.budget)?;
    found.certificates = match parts.key_info {
        Some(key_info) => certificates(key_info, &context.ids)?,
        None => Vec::new(),
    };

    let properties = Properties::find(signature);
    let mut references = Vec::with_capacity(parts.references.len());
    for (number, element) in (1..).zip(parts.references) {
        references.push(context.reference(signature, element, number));
    }
    found.certificate = found.certificates.first().cloned();
    take_properties(properties, &references, found);
    if let Some(key_info) = parts.key_info {
        found.faults.extend(disagreement(key_info, found.certificate.as_ref()));
    }
    for reference in references {
        take_reference(reference, found);
    }
    Ok(())
}

/// The parts of a signature, in the one order its schema has (xmldsig-core1 §4.2).
struct Parts<'a> {
    signed_info: Element<'a>,
    canonicalization: super::c14n::Canonicalization,
    method: &'a str,
    references: Vec<Element<'a>>,
    value: Element<'a>,
    key_info: Option<Element<'a>>,
}

impl<'a> Parts<'a> {
    fn of(signature: Element<'a>) -> Result<Self, Reason> {
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

/// The certificates of KeyInfo, in their order.
fn certificates(key_info: Element<'_>, ids: &Ids<'_>) -> Result<Vec<Certificate>, Reason> {
    let data = key_info.children().filter(|child| child.is(DSIG, "X509Data"));
    let found = data.flat_map(Element::children).filter(|child| child.is(DSIG, "X509Certificate"));
    let mut certificates = Vec::new();
    for element in found {
        if certificates.len() >= limits::CERTIFICATES {
            return Err(Reason::new(ReasonCode::Refused, "too many certificates in a signature"));
        }
        let certificate = leaf(element).and_then(|text| {
            let read = |_: &[u8]| Certificate::from_der(&encoding::decode(&text)?).ok();
            read_known(text.as_bytes(), read)
        });
        certificates.push(certificate.ok_or_else(|| malformed("a certificate that is none"))?);
    }
    certificates.extend(wss::certificates(key_info, ids)?);
    Ok(certificates)
}

/// Takes over the XAdES properties, if the signature covers them.
fn take_properties(
    properties: Result<Option<Properties<'_>>, Reason>,
    references: &[Reference<'_>],
    found: &mut FoundSignature,
) {
    let typed = references.iter().filter(|found| found.kind == Some(xades::SIGNED_PROPERTIES_TYPE));
    let typed: Vec<_> = typed.collect();
    let properties = match properties {
        Ok(Some(properties)) => properties,
        Ok(None) if typed.is_empty() => return,
        Ok(None) => {
            return found
                .faults
                .push(malformed("a reference to signed properties that are not there"));
        }
        Err(fault) => return found.faults.push(fault),
    };
    let covered = matches!(typed.as_slice(), [one] if one.target == Some(properties.element));
    if !covered {
        let detail = "XAdES properties that the signature does not cover, or not by their type";
        return match typed.as_slice() {
            [] => found.warnings.push(malformed(detail)),
            _ => found.faults.push(malformed(detail)),
        };
    }
    found.claimed_time = properties.signing_time;
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
}

fn take_reference(reference: Reference<'_>, found: &mut FoundSignature) {
    found.faults.extend(reference.faults);
    found.digests.extend(reference.digest.filter(|digest| !found.digests.contains(digest)));
    if reference.kind == Some(xades::SIGNED_PROPERTIES_TYPE) {
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

/// KeyInfo gives hints; each that we understand must agree with the certificate.
fn disagreement(key_info: Element<'_>, certificate: Option<&Certificate>) -> Option<Reason> {
    let certificate = certificate?;
    let key = &certificate.public_key().octets;
    let agrees = |element: Element<'_>| {
        let octets = |element: Element<'_>| leaf(element).and_then(|text| encoding::decode(&text));
        let contained = |name| {
            let part = element.child(name).and_then(octets).unwrap_or_default();
            let part = part.into_iter().skip_while(|octet| *octet == 0).collect::<Vec<u8>>();
            !part.is_empty() && key.windows(part.len()).any(|window| window == part)
        };
        match element.name() {
            "RSAKeyValue" => contained("Modulus") && contained("Exponent"),
            "ECKeyValue" => contained("PublicKey"),
            "X509SKI" => match certificate.subject_key_id() {
                Some(identifier) => octets(element).as_deref() == Some(identifier),
                None => true,
            },
            _ => true,
        }
    };
    let groups = key_info
        .children()
        .filter(|child| child.is(DSIG, "KeyValue") || child.is(DSIG, "X509Data"));
    let mut hints = groups.flat_map(Element::children);
    let odd = hints.find(|hint| !agrees(*hint))?;
    let detail = format!("{} does not agree with the certificate", odd.qualified_name());
    Some(Reason::new(ReasonCode::CertificateMismatch, detail))
}

fn malformed(what: &str) -> Reason {
    Reason::new(ReasonCode::Malformed, what)
}
