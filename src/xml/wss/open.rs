//! Reading signed messages.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::super::c14n::{Canonicalization, Subset};
use super::super::document::{Document, Element};
use super::super::dsig::{self, Outside};
use super::super::ids::Ids;
use super::super::{DSIG, XmlError, xades};
use super::envelope::Envelope;
use super::{SoapError, SoapVersion, WSSE, WSU};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{FoundSignature, SignatureFormat};

/// Who reads a message, and what is asked of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receiver<'a> {
    /// The actor (SOAP 1.1) or role (SOAP 1.2) played; `None` for the ultimate receiver.
    pub actor: Option<&'a str>,
    /// Header blocks that are understood beside Security: namespace and local name.
    pub understood: &'a [(&'a str, &'a str)],
    /// How fresh the message must be; `None` takes any age.
    pub freshness: Option<Freshness>,
}

/// How fresh a message must be. The time is that of a signed Timestamp, or the signing time of
/// signed XAdES properties; a message that signs none is not fresh.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// The clock.
    pub now: OffsetDateTime,
    /// Oldest age taken.
    pub window: Duration,
    /// How far clocks may differ.
    pub skew: Duration,
}

/// A message whose structure and digests hold. Who signed it is not judged yet: that is the
/// verifier's work, with the signature given here.
#[derive(Clone, Debug)]
pub struct Message {
    /// The version of SOAP.
    pub version: SoapVersion,
    /// The signature over the Body.
    pub signature: FoundSignature,
    /// The Body's canonical octets, as they were signed. Nothing else of the message may be used.
    pub body: Vec<u8>,
}

/// The times of a Timestamp (WSS 1.1 §10).
struct Timestamp {
    created: Option<OffsetDateTime>,
    expires: Option<OffsetDateTime>,
}

/// Opens a signed message: its parts are the standard's, every header block that must be
/// understood is, exactly one Security header is addressed to the receiver, its one signature
/// covers the Body, and all digests hold.
///
/// # Errors
/// [`SoapError`], which can be answered as a fault.
pub fn open(message: &[u8], receiver: &Receiver<'_>) -> Result<Message, SoapError> {
    let document = Document::parse(message)?;
    let envelope = Envelope::of(&document)?;
    let odd = not_understood(&envelope, receiver);
    if !odd.is_empty() {
        return Err(SoapError::NotUnderstood(odd));
    }
    let security = envelope.security(receiver.actor).map_err(SoapError::Security)?;
    let Some(security) = security else {
        return Err(SoapError::refused("no Security header is addressed to this receiver"));
    };
    let ids = Ids::of(&document)?;
    let all = dsig::read_all(&document, Outside::default())?;
    let mut ours = all.into_iter().filter(|(place, _)| place.parent() == Some(security));
    let (Some((place, mut signature)), None) = (ours.next(), ours.next()) else {
        return Err(SoapError::refused("the Security header does not hold exactly one signature"));
    };
    let timestamp = check(&document, &envelope, security, place, &ids, &mut signature);
    if !signature.faults.is_empty() {
        return Err(SoapError::Failed(signature.faults));
    }
    if let Some(freshness) = receiver.freshness {
        freshness.judge(timestamp.as_ref(), signature.claimed_time)?;
    }
    let body = signature.scope.octets.first().cloned().unwrap_or_default();
    Ok(Message { version: envelope.version, signature, body })
}

/// Judges the signatures of a message as those of a document, for its ultimate receiver: what is
/// wrong becomes a fault of the signature.
///
/// # Errors
/// [`XmlError`] where an id stands twice.
pub fn judge<'a>(
    document: &'a Document,
    found: &mut [(Element<'a>, FoundSignature)],
) -> Result<(), XmlError> {
    let envelope = match Envelope::of(document) {
        Ok(envelope) => envelope,
        Err(error) => {
            let reason = Reason::new(ReasonCode::Malformed, error.to_string());
            found.iter_mut().for_each(|(_, one)| one.faults.push(reason.clone()));
            return Ok(());
        }
    };
    let ids = Ids::of(document)?;
    let odd = not_understood(&envelope, &Receiver::default());
    let security = envelope.security(None);
    for (place, one) in found.iter_mut() {
        if envelope.body.contains(*place) {
            // A document inside the message with a signature of its own. A Body in it would be
            // one that was moved here.
            if targets(*place, &ids).iter().any(|(_, target)| {
                target.is_some_and(|target| {
                    target.is(envelope.version.namespace(), "Body") && target != envelope.body
                })
            }) {
                one.faults.push(refused("a signature over a Body that is not the message's"));
            }
            continue;
        }
        match &security {
            Ok(Some(security)) if place.parent() == Some(*security) => {
                check(document, &envelope, *security, *place, &ids, one);
                let warnings = odd.iter().map(|(_, name)| {
                    let detail = format!("the header {name} must be understood and is not");
                    Reason::new(ReasonCode::Refused, detail)
                });
                one.warnings.extend(warnings);
            }
            Err(reason) => one.faults.push(reason.clone()),
            _ => one.faults.push(refused(
                "a signature outside the Body and the Security header of the ultimate receiver",
            )),
        }
    }
    Ok(())
}

/// Checks that a signature in the Security header covers the Body, and hands on nothing else.
fn check<'a>(
    document: &Document,
    envelope: &Envelope<'a>,
    security: Element<'a>,
    signature: Element<'a>,
    ids: &Ids<'a>,
    found: &mut FoundSignature,
) -> Option<Timestamp> {
    found.format = SignatureFormat::WsSecurity;
    let targets = targets(signature, ids);
    let covered = |element| targets.iter().position(|(_, target)| *target == Some(element));
    let scope = std::mem::take(&mut found.scope);
    let Some(index) = covered(envelope.body) else {
        found.faults.push(refused("the signature does not cover the Body of the Envelope"));
        return None;
    };
    let reference = targets.get(index).map(|(reference, _)| *reference);
    let id = envelope.body.attribute_of(WSU, "Id");
    let named = reference.and_then(|found| found.attribute("URI")?.strip_prefix('#'));
    if id.is_none() || named != id {
        found.faults.push(refused("the Body is not referred to by its wsu:Id"));
    }
    // What is handed on is the Body's canonical form, and only if a digest was found to hold over
    // exactly these octets; it is made again for signatures without faults only.
    let reference = reference.filter(|_| found.faults.is_empty());
    let octets = reference.and_then(only_canonical).and_then(|how| {
        let subset = Subset { apex: Some(envelope.body), excluded: &[] };
        how.octets(document, subset, limits::XML_CANONICAL_BYTES).ok()
    });
    let both = scope.items.into_iter().zip(scope.octets);
    match octets.and_then(|body| both.into_iter().find(|(_, octets)| *octets == body)) {
        Some((item, octets)) => {
            found.scope.items.push(item);
            found.scope.octets.push(octets);
        }
        None if found.faults.is_empty() => {
            let what = "the Body is transformed otherwise than by canonicalization";
            found.faults.push(refused(what));
        }
        None => {}
    }

    let mut stamps = security.children().filter(|child| child.is(WSU, "Timestamp"));
    let (stamp, surplus) = (stamps.next()?, stamps.next());
    if surplus.is_some() {
        found.faults.push(refused("a Security header with two Timestamps"));
        return None;
    }
    covered(stamp)?;
    match Timestamp::of(stamp) {
        Ok(stamp) => {
            found.claimed_time = found.claimed_time.or(stamp.created);
            Some(stamp)
        }
        Err(fault) => {
            found.faults.push(fault);
            None
        }
    }
}

/// What each reference of a signature leads to, in the order of its scope.
fn targets<'a>(signature: Element<'a>, ids: &Ids<'a>) -> Vec<(Element<'a>, Option<Element<'a>>)> {
    let info = signature.children().find(|child| child.is(DSIG, "SignedInfo"));
    let references = info.into_iter().flat_map(Element::children);
    let references = references.filter(|child| {
        child.is(DSIG, "Reference")
            && child.attribute("Type") != Some(xades::SIGNED_PROPERTIES_TYPE)
    });
    references
        .map(|reference| {
            let uri = reference.attribute("URI").unwrap_or_default();
            (reference, uri.strip_prefix('#').and_then(|id| ids.element(id)))
        })
        .collect()
}

/// The canonicalization of a reference that has no other transform: nothing is hidden from its
/// digest.
fn only_canonical(reference: Element<'_>) -> Option<Canonicalization> {
    let list = reference.children().find(|child| child.is(DSIG, "Transforms"));
    let mut transforms = list.into_iter().flat_map(Element::children);
    match (transforms.next(), transforms.next()) {
        (None, _) => Some(Canonicalization::INCLUSIVE),
        (Some(only), None) => {
            let how = dsig::canonicalization(only).ok().flatten()?;
            Some(Canonicalization { comments: false, ..how })
        }
        _ => None,
    }
}

/// Header blocks addressed to the receiver that must be understood and are not: namespace and
/// local name.
fn not_understood(envelope: &Envelope<'_>, receiver: &Receiver<'_>) -> Vec<(String, String)> {
    let blocks = envelope.addressed(receiver.actor);
    let known = |block: &Element<'_>| {
        block.is(WSSE, "Security")
            || receiver.understood.iter().any(|(namespace, name)| block.is(namespace, name))
    };
    let odd = blocks.filter(|block| envelope.must_understand(*block) && !known(block));
    let name = |text: &str| text.chars().take(256).collect();
    odd.map(|block| (name(block.namespace().unwrap_or_default()), name(block.name()))).collect()
}

impl Timestamp {
    fn of(element: Element<'_>) -> Result<Self, Reason> {
        let time = |name: &str| {
            let mut found = element.children().filter(|child| child.is(WSU, name));
            match (found.next(), found.next()) {
                (None, _) => Ok(None),
                (Some(time), None) => OffsetDateTime::parse(time.text().trim(), &Rfc3339)
                    .map(Some)
                    .map_err(|_| refused("a Timestamp that is no date and time with its zone")),
                _ => Err(refused("a Timestamp that says a time twice")),
            }
        };
        Ok(Self { created: time("Created")?, expires: time("Expires")? })
    }
}

impl Freshness {
    fn judge(
        &self,
        timestamp: Option<&Timestamp>,
        claimed: Option<OffsetDateTime>,
    ) -> Result<(), SoapError> {
        let expired = |what: String| Err(SoapError::Expired(what));
        let created = timestamp.and_then(|stamp| stamp.created).or(claimed);
        let Some(created) = created else {
            return expired("no time is signed".to_owned());
        };
        if created > self.now + self.skew {
            return expired(format!("it was made in the future, at {created}"));
        }
        if created < self.now - self.window - self.skew {
            return expired(format!("it was made at {created}"));
        }
        match timestamp.and_then(|stamp| stamp.expires) {
            Some(expires) if expires <= self.now - self.skew || expires < created => {
                expired(format!("it expired at {expires}"))
            }
            _ => Ok(()),
        }
    }
}

fn refused(what: &str) -> Reason {
    Reason::new(ReasonCode::Refused, what)
}
