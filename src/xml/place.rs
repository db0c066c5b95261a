//! Where something is put into a document, octet for octet.

use super::document::{Document, Element};

/// The source before and after the place where a last child of `element` goes.
pub(super) fn place(document: &Document, element: Element<'_>) -> (String, String) {
    let source = document.source();
    let (before, after) =
        source.split_at_checked(element.data().closes_at as usize).unwrap_or((source, ""));
    match element.data().empty_tag {
        false => (before.to_owned(), after.to_owned()),
        // `<a/>` becomes `<a>…</a>`.
        true => {
            let after = after.strip_prefix("/>").unwrap_or_default();
            (format!("{before}>"), format!("</{}>{after}", element.qualified_name()))
        }
    }
}
