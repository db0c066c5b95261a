//! What the time-stamps of XAdES are made over (EN 319 132-1 §5.2.8, §5.3, §5.5.2), and the other
//! unsigned properties of a signature.

use super::parts::Parts;
use super::reference::{Context, Reference};
use super::transform;
use crate::cms;
use crate::crypto::{DigestAlgorithm, Digester};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{
    CarriedTimestamp, FoundSignature, Level, SignatureFormat, Stamped, TimestampKind,
};
use crate::xml::c14n::Canonicalization;
use crate::xml::document::Element;
use crate::xml::xades::{SIGNED_PROPERTIES_TYPE, Stamp, Unsigned, Values};
use crate::xml::{DSIG, XADES};

/// One signature with what its time-stamps cover.
pub(super) struct Stamping<'c, 'a> {
    pub context: &'c mut Context<'a>,
    pub signature: Element<'a>,
    pub parts: &'c Parts<'a>,
    pub references: &'c [Reference<'a>],
}

/// What archive time-stamps have in common, digested once: each covers all that the one before it
/// covers, and more.
#[derive(Default)]
pub(super) struct Covered(Vec<Run>);

/// One digest on its way.
struct Run {
    how: Canonicalization,
    algorithm: DigestAlgorithm,
    /// Unsigned properties taken so far.
    taken: usize,
    digester: Digester,
}

impl<'a> Stamping<'_, 'a> {
    /// Takes the content time-stamps among the signed properties.
    pub(super) fn content(&mut self, stamps: &[Element<'a>], found: &mut FoundSignature) {
        for element in stamps {
            let all = element.name() == "AllDataObjectsTimeStamp";
            let result = Stamp::read(*element).and_then(|stamp| {
                let chosen = self.chosen(all, &stamp.included)?;
                take_tokens(&stamp, TimestampKind::Content, found, &mut |algorithm| {
                    let mut digester = Digester::new(algorithm);
                    self.feed_references(&chosen, &stamp.canonicalization, &mut digester)?;
                    Ok(digester.finish())
                })
            });
            note(*element, result, found);
        }
    }

    /// Takes the unsigned properties, in their order; they set the level.
    pub(super) fn unsigned(&mut self, qualifying: Element<'a>, found: &mut FoundSignature) {
        let properties = match Unsigned::list(qualifying) {
            Ok(properties) => properties,
            Err(reason) => return found.warnings.push(reason),
        };
        let (mut values, mut covered) = (Values::default(), Covered::default());
        let (mut level, mut before) = (Level::B, Vec::with_capacity(properties.len()));
        for (element, property) in properties {
            let result = match property {
                Unsigned::SignatureStamp => Stamp::read(element).and_then(|stamp| {
                    self.only_the_value(&stamp)?;
                    let octets = self.canonical(&stamp.canonicalization, self.parts.value)?;
                    level = level.max(Level::T);
                    push(&stamp, TimestampKind::Signature, found, |_| {
                        Ok(Stamped::Octets(octets.clone()))
                    })
                }),
                Unsigned::ArchiveStamp => Stamp::read(element).and_then(|stamp| {
                    if !stamp.included.is_empty() {
                        return Err(refused("Include is not taken here"));
                    }
                    if level >= Level::T && !values.evidence.is_empty() {
                        level = Level::Lta;
                    }
                    take_tokens(&stamp, TimestampKind::Archive, found, &mut |algorithm| {
                        self.archive(&stamp.canonicalization, algorithm, &before, &mut covered)
                    })
                }),
                Unsigned::Values => {
                    values.take(element);
                    if level == Level::T && !values.evidence.is_empty() {
                        level = Level::Lt;
                    }
                    Ok(())
                }
                Unsigned::Counter(Some(_)) => Ok(()),
                Unsigned::Counter(None) => Err(refused("it does not hold one signature")),
                Unsigned::Other => Err(refused("it is not understood, and not used")),
            };
            note(element, result, found);
            before.push(element);
        }
        // Values may stand before the time-stamp they belong to.
        if level == Level::T && !values.evidence.is_empty() {
            level = Level::Lt;
        }
        let room = limits::CERTIFICATES.saturating_sub(found.certificates.len());
        let fresh = values.certificates.into_iter().take(room);
        found.certificates.extend(fresh);
        found.evidence.extend(values.evidence);
        found.warnings.extend(values.oddities);
        if let SignatureFormat::Xades(_) = found.format {
            found.format = SignatureFormat::Xades(level);
        }
    }

    /// The references of a content time-stamp: all but the one to the signed properties, or those
    /// it includes by their ids.
    fn chosen(&self, all: bool, included: &[&str]) -> Result<Vec<usize>, Reason> {
        let numbered = || self.references.iter().enumerate();
        if all {
            let content = numbered().filter(|(_, one)| one.kind != Some(SIGNED_PROPERTIES_TYPE));
            return Ok(content.map(|(index, _)| index).collect());
        }
        let found = included.iter().map(|uri| {
            let id = uri.strip_prefix('#');
            let mut found =
                numbered().filter(|(_, one)| id.is_some() && one.element.attribute("Id") == id);
            found.next().map(|(index, _)| index)
        });
        found.collect::<Option<_>>().ok_or_else(|| refused("it includes what is no reference"))
    }

    fn feed_references(
        &mut self,
        chosen: &[usize],
        how: &Canonicalization,
        sink: &mut Digester,
    ) -> Result<(), Reason> {
        for reference in chosen.iter().filter_map(|index| self.references.get(*index)) {
            let octets = self.context.processed(self.signature, reference, how)?;
            self.context.budget.take(octets.len())?;
            sink.update(&octets);
        }
        Ok(())
    }

    /// An implicit signature time-stamp, or one that includes the value by its id.
    fn only_the_value(&self, stamp: &Stamp<'_>) -> Result<(), Reason> {
        let id = self.parts.value.attribute("Id");
        match stamp.included.as_slice() {
            [] => Ok(()),
            [uri] if id.is_some() && uri.strip_prefix('#') == id => Ok(()),
            _ => Err(refused("it includes something else than the signature value")),
        }
    }

    /// The digest of what an archive time-stamp covers: the references as they were processed,
    /// SignedInfo, SignatureValue, KeyInfo, the unsigned properties `before` it, and the objects
    /// but the one of the properties (EN 319 132-1 §5.5.2.2).
    pub(super) fn archive(
        &mut self,
        how: &Canonicalization,
        algorithm: DigestAlgorithm,
        before: &[Element<'a>],
        covered: &mut Covered,
    ) -> Result<Vec<u8>, Reason> {
        let runs = &mut covered.0;
        let known = runs.iter().position(|run| run.algorithm == algorithm && run.how == *how);
        let mut run = match known {
            Some(place) => runs.swap_remove(place),
            None => self.beginning(how, algorithm)?,
        };
        for part in before.iter().skip(run.taken) {
            run.digester.update(&self.canonical(how, *part)?);
        }
        run.taken = before.len();
        let mut digester = run.digester.clone();
        runs.push(run);
        let holds_properties = |object: &Element<'_>| {
            object.children().any(|child| child.is(XADES, "QualifyingProperties"))
        };
        let objects = self.signature.children().filter(|child| child.is(DSIG, "Object"));
        for object in objects.filter(|object| !holds_properties(object)) {
            digester.update(&self.canonical(how, object)?);
        }
        Ok(digester.finish())
    }

    /// What every archive time-stamp begins with.
    fn beginning(
        &mut self,
        how: &Canonicalization,
        algorithm: DigestAlgorithm,
    ) -> Result<Run, Reason> {
        let mut digester = Digester::new(algorithm);
        let own = self.parts.references.len();
        self.feed_references(&(0..own).collect::<Vec<_>>(), how, &mut digester)?;
        let parts = [Some(self.parts.signed_info), Some(self.parts.value), self.parts.key_info];
        for part in parts.into_iter().flatten() {
            digester.update(&self.canonical(how, part)?);
        }
        Ok(Run { how: how.clone(), algorithm, taken: 0, digester })
    }

    pub(super) fn canonical(
        &mut self,
        how: &Canonicalization,
        apex: Element<'a>,
    ) -> Result<Vec<u8>, Reason> {
        let document = self.context.document;
        transform::canonical(how, document, Some(apex), &[], &mut self.context.budget)
    }
}

/// The tokens of a time-stamp over what `digest` gives, by the algorithm of each token's imprint.
fn take_tokens(
    stamp: &Stamp<'_>,
    kind: TimestampKind,
    found: &mut FoundSignature,
    digest: &mut dyn FnMut(DigestAlgorithm) -> Result<Vec<u8>, Reason>,
) -> Result<(), Reason> {
    push(stamp, kind, found, |token| {
        let small = token.len() <= limits::TIMESTAMP_BYTES;
        let algorithm = small.then(|| cms::imprint(token)).flatten().and_then(|one| one.0);
        Ok(match algorithm {
            Some(algorithm) => Stamped::Digest(algorithm, digest(algorithm)?),
            // No token, or an unknown algorithm: it is refused for that, whatever it is over.
            None => Stamped::Octets(Vec::new()),
        })
    })
}

fn push(
    stamp: &Stamp<'_>,
    kind: TimestampKind,
    found: &mut FoundSignature,
    mut over: impl FnMut(&[u8]) -> Result<Stamped, Reason>,
) -> Result<(), Reason> {
    for token in &stamp.tokens {
        if found.timestamps.len() >= limits::TIMESTAMPS {
            return Err(refused("there are too many time-stamps"));
        }
        let over = over(token)?;
        found.timestamps.push(CarriedTimestamp { kind, token: token.clone(), over });
    }
    Ok(())
}

fn note(property: Element<'_>, result: Result<(), Reason>, found: &mut FoundSignature) {
    if let Err(reason) = result {
        let name: String = property.qualified_name().chars().take(128).collect();
        let detail = format!("the property {name}: {}", reason.detail);
        found.warnings.push(Reason::new(reason.code, detail));
    }
}

fn refused(what: &str) -> Reason {
    Reason::new(ReasonCode::Refused, what)
}
