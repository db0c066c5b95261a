//! Ids: which attributes are ids, and which element has one. A document in which an id stands
//! twice is refused, because two readers may then see two different elements under one signature.

use std::collections::HashMap;

use super::document::{Document, Element};
use super::{XML, XmlError};

/// Namespace of `wsu:Id` (OASIS WS-Security utility 1.0).
pub(super) const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// The one set of attributes that are ids: namespace and local name.
const ID_ATTRIBUTES: [(&str, &str); 5] =
    [("", "Id"), ("", "ID"), ("", "id"), (WSU, "Id"), (XML, "id")];

/// The elements of a document by their ids.
pub(super) struct Ids<'a>(HashMap<&'a str, Element<'a>>);

impl<'a> Ids<'a> {
    /// Collects every id.
    ///
    /// # Errors
    /// [`XmlError::Refused`] if one stands twice, even under different attribute names.
    pub(super) fn of(document: &'a Document) -> Result<Self, XmlError> {
        let mut ids = HashMap::new();
        for element in document.root().descendants() {
            for id in ids_of(element) {
                if ids.insert(id, element).is_some() {
                    let id: String = id.chars().take(64).collect();
                    return Err(XmlError::Refused(format!("the id {id:?} stands twice")));
                }
            }
        }
        Ok(Self(ids))
    }

    pub(super) fn element(&self, id: &str) -> Option<Element<'a>> {
        self.0.get(id).copied()
    }
}

pub(super) fn ids_of(element: Element<'_>) -> impl Iterator<Item = &str> {
    let ids = element.attributes().filter(|(namespace, local, _)| {
        local.len() == 2 && ID_ATTRIBUTES.contains(&(*namespace, *local))
    });
    ids.map(|(_, _, value)| value)
}
