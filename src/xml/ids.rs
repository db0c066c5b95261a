//! Ids: which attributes are ids, and which element has one. A document in which an id stands
//! twice is refused, because two readers may then see two different elements under one signature.

use super::document::{Document, Element};
use super::{XML, XmlError};

/// Namespace of `wsu:Id` (OASIS WS-Security utility 1.0).
pub(super) const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// The one set of attributes that are ids: namespace and local name.
const ID_ATTRIBUTES: [(&str, &str); 5] =
    [("", "Id"), ("", "ID"), ("", "id"), (WSU, "Id"), (XML, "id")];

/// The elements of a document by their ids, in the order of the ids.
pub(super) struct Ids<'a>(Vec<(&'a str, Element<'a>)>);

impl<'a> Ids<'a> {
    /// Collects every id.
    ///
    /// # Errors
    /// [`XmlError::Refused`] if one stands twice, even under different attribute names.
    pub(super) fn of(document: &'a Document) -> Result<Self, XmlError> {
        let elements = document.with_ids.iter().map(|index| Element { document, index: *index });
        let ids = elements.flat_map(|element| ids_of(element).map(move |id| (id, element)));
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable_by_key(|(id, _)| *id);
        let doubled = ids.windows(2).find_map(|pair| match pair {
            [(one, _), (other, _)] if one == other => Some(one),
            _ => None,
        });
        if let Some(id) = doubled {
            let id: String = id.chars().take(64).collect();
            return Err(XmlError::Refused(format!("the id {id:?} stands twice")));
        }
        Ok(Self(ids))
    }

    pub(super) fn element(&self, id: &str) -> Option<Element<'a>> {
        let place = self.0.binary_search_by_key(&id, |(own, _)| *own).ok()?;
        self.0.get(place).map(|(_, element)| *element)
    }
}

pub(super) fn ids_of(element: Element<'_>) -> impl Iterator<Item = &str> {
    let ids = element.attributes().filter(|(namespace, local, _)| {
        local.len() == 2 && ID_ATTRIBUTES.contains(&(*namespace, *local))
    });
    ids.map(|(_, _, value)| value)
}
