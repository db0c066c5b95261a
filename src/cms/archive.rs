//! The archive time-stamp, version 3, with its index of hashes (EN 319 122-1 §5.5.2 and §5.5.3).

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use rasn::types::{Any, OctetString};
use rasn_cms::AlgorithmIdentifier;
use time::OffsetDateTime;

use super::CmsError;
use super::content::Signed;
use super::read::{SignedMessage, Signer, parse};
use super::unsigned::{Unsigned, imprint};
use super::wire::{HASH_INDEX_V3, HashIndex, dotted, encode, exactly, oid};
use crate::crypto::{DigestAlgorithm, digest};
use crate::signature::Stamped;

/// An archive time-stamp as it is carried.
pub(super) struct Archive {
    pub token: Any,
    /// Its `genTime`; what cannot be read is the newest and proves nothing.
    pub time: Option<OffsetDateTime>,
    algorithm: Option<DigestAlgorithm>,
    /// The index, and its own octets.
    index: Option<(HashIndex, Any)>,
}

/// What an index can name, hashed once for each algorithm.
pub(super) struct Hashed<'a> {
    message: &'a SignedMessage,
    unsigned: &'a Unsigned,
    tables: RefCell<Vec<(DigestAlgorithm, Rc<Tables>)>>,
}

struct Tables {
    certificates: Vec<Vec<u8>>,
    crls: Vec<Vec<u8>>,
    attributes: Vec<Vec<u8>>,
}

impl Archive {
    pub(super) fn read(token: &Any) -> Self {
        let imprint = imprint(token.as_bytes());
        let index = parse(token.as_bytes()).ok().and_then(|(message, _)| {
            let unsigned = Unsigned::of(&message.signers.first()?.info);
            let mut values = unsigned.values(HASH_INDEX_V3);
            let (value, None) = (values.next()?, values.next()) else { return None };
            Some((exactly(value.as_bytes())?, value.clone()))
        });
        Self {
            token: token.clone(),
            time: imprint.as_ref().map(|one| one.2),
            algorithm: imprint.and_then(|one| one.0),
            index,
        }
    }

    /// Whether the index names this value of an unsigned attribute.
    pub(super) fn covers(&self, kind: &str, value: &Any) -> bool {
        let (Some((index, _)), Some(algorithm)) = (&self.index, self.hash_algorithm()) else {
            return false;
        };
        let Ok(hash) = attribute_hash(algorithm, kind, value) else { return false };
        index.attributes.iter().any(|one| one.as_ref() == hash)
    }

    /// What the token must be made over; `None` where the index names what is not there, or the
    /// algorithms do not fit.
    pub(super) fn stamped(
        &self,
        hashed: &Hashed<'_>,
        message: &SignedMessage,
        signer: &Signer,
        content: &Signed<'_>,
    ) -> Option<Stamped> {
        let (index, octets) = self.index.as_ref()?;
        let tables = hashed.tables(self.hash_algorithm()?);
        let there = |named: &[OctetString], known: &[Vec<u8>]| {
            let known: HashSet<&[u8]> = known.iter().map(Vec::as_slice).collect();
            named.iter().all(|one| known.contains(one.as_ref()))
        };
        let all = there(&index.certificates, &tables.certificates)
            && there(&index.crls, &tables.crls)
            && there(&index.attributes, &tables.attributes);
        if !all {
            return None;
        }
        octets_of(message, signer, content, self.algorithm?, octets.as_bytes()).ok()
    }

    fn hash_algorithm(&self) -> Option<DigestAlgorithm> {
        let (index, _) = self.index.as_ref()?;
        DigestAlgorithm::from_oid(&dotted(&index.algorithm.algorithm)).ok()
    }
}

impl<'a> Hashed<'a> {
    pub(super) fn of(message: &'a SignedMessage, unsigned: &'a Unsigned) -> Self {
        Self { message, unsigned, tables: RefCell::default() }
    }

    fn tables(&self, algorithm: DigestAlgorithm) -> Rc<Tables> {
        let known = self.tables.borrow().iter().find(|one| one.0 == algorithm).cloned();
        if let Some((_, tables)) = known {
            return tables;
        }
        let each = |list: &Option<Vec<Any>>| {
            let list = list.as_deref().unwrap_or_default();
            list.iter().map(|one| digest(algorithm, one.as_bytes())).collect()
        };
        let values = self.unsigned.attributes.iter();
        let values = values.flat_map(|(kind, values)| values.iter().map(move |one| (kind, one)));
        let tables = Rc::new(Tables {
            certificates: each(&self.message.signed.certificates),
            crls: each(&self.message.signed.crls),
            attributes: values
                .filter_map(|(kind, value)| attribute_hash(algorithm, kind, value).ok())
                .collect(),
        });
        self.tables.borrow_mut().push((algorithm, Rc::clone(&tables)));
        tables
    }

    /// The index of all there is now.
    pub(super) fn index(&self, algorithm: DigestAlgorithm) -> Result<Vec<u8>, CmsError> {
        let tables = self.tables(algorithm);
        let named = |hashes: &[Vec<u8>]| hashes.iter().cloned().map(OctetString::from).collect();
        encode(&HashIndex {
            algorithm: AlgorithmIdentifier {
                algorithm: oid(algorithm.row().oids.first().copied().unwrap_or_default()),
                parameters: None,
            },
            certificates: named(&tables.certificates),
            crls: named(&tables.crls),
            attributes: named(&tables.attributes),
        })
    }
}

/// The input of the imprint (§5.5.3): the content's type, its digest by the imprint's algorithm,
/// the signer's fields as they stand but for the unsigned attributes, the index.
pub(super) fn octets_of(
    message: &SignedMessage,
    signer: &Signer,
    content: &Signed<'_>,
    algorithm: DigestAlgorithm,
    index: &[u8],
) -> Result<Stamped, CmsError> {
    let mut out = encode(&message.signed.encap_content_info.content_type)?;
    out.extend(content.digest(algorithm).ok_or(CmsError::WrongDigest)?);
    for field in signer.signed_fields() {
        out.extend_from_slice(field.as_bytes());
    }
    out.extend_from_slice(index);
    Ok(Stamped::Octets(out))
}

/// The type and one value of an attribute, one behind the other.
fn attribute_hash(
    algorithm: DigestAlgorithm,
    kind: &str,
    value: &Any,
) -> Result<Vec<u8>, CmsError> {
    let octets = [encode(&oid(kind))?, value.as_bytes().to_vec()].concat();
    Ok(digest(algorithm, &octets))
}
