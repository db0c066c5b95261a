//! Pages, fields and names: the trees of a PDF, walked without recursion and under limits.

use std::collections::HashSet;
use std::rc::Rc;

use lopdf::{Dictionary, Object, ObjectId};

use super::PdfError;
use super::file::{File, Loaded};
use crate::limits;

/// Parents of a field asked for an entry.
const PARENTS: usize = 16;

/// A terminal form field (ISO 32000-1 §12.7.3) with a value.
pub(super) struct Field {
    /// The fully qualified name.
    pub name: Rc<str>,
    /// `/FT`, inherited.
    pub kind: Rc<[u8]>,
    /// `/V`, as it stands in the field.
    pub value: Option<Object>,
    /// The field's own object.
    pub id: Option<ObjectId>,
    /// Its widgets, where they are objects of their own.
    pub widgets: Vec<ObjectId>,
}

/// The page with this number, counted from 0.
pub(super) fn page(file: &File<'_>, wanted: usize) -> Result<(ObjectId, Rc<Loaded>), PdfError> {
    pages(file)?.into_iter().nth(wanted).ok_or(PdfError::NoSuchPage(wanted))
}

/// Every page, in order.
pub(super) fn pages(file: &File<'_>) -> Result<Vec<(ObjectId, Rc<Loaded>)>, PdfError> {
    let (_, catalog) = file.catalog()?;
    let root = catalog.dictionary().and_then(|dictionary| dictionary.get(b"Pages").ok());
    let (mut seen, mut out) = (HashSet::new(), Vec::new());
    let mut stack: Vec<Object> = root.cloned().into_iter().collect();
    while let Some(node) = stack.pop() {
        let Ok(id) = node.as_reference() else { return Err(bad()) };
        if !seen.insert(id) {
            return Err(PdfError::malformed("the page tree leads in a circle"));
        }
        let Some(loaded) = file.load(id)? else { return Err(bad()) };
        let dictionary = loaded.dictionary().ok_or_else(bad)?;
        match file.get(dictionary, b"Kids")? {
            Object::Array(kids) => stack.extend(kids.into_iter().rev()),
            _ => out.push((id, loaded)),
        }
        if out.len() + stack.len() > limits::PDF_OBJECTS {
            return Err(PdfError::TooMany("pages"));
        }
    }
    Ok(out)
}

/// Every terminal field of the form.
pub(super) fn fields(file: &File<'_>) -> Result<Vec<Field>, PdfError> {
    let (_, catalog) = file.catalog()?;
    let Some(catalog) = catalog.dictionary() else { return Ok(Vec::new()) };
    let form = file.get(catalog, b"AcroForm")?;
    let Ok(form) = form.as_dict() else { return Ok(Vec::new()) };
    let mut stack: Vec<(Object, Rc<str>, Rc<[u8]>)> = Vec::new();
    if let Object::Array(fields) = file.get(form, b"Fields")? {
        stack.extend(fields.into_iter().rev().map(|one| (one, "".into(), [].into())));
    }
    let (mut seen, mut out) = (HashSet::new(), Vec::new());
    while let Some((node, parent, kind)) = stack.pop() {
        if node.as_reference().is_ok_and(|id| !seen.insert(id)) {
            return Err(PdfError::malformed("a form field stands twice"));
        }
        if out.len() + stack.len() > limits::PDF_OBJECTS {
            return Err(PdfError::TooMany("form fields"));
        }
        let field = file.resolve(&node)?;
        let Ok(field) = field.as_dict() else { continue };
        let name: Rc<str> = qualified(&parent, &file.get(field, b"T")?).into();
        if name.len() > limits::PDF_FIELD_NAME {
            return Err(PdfError::malformed("a form field has too long a name"));
        }
        let kind = match file.get(field, b"FT")? {
            Object::Name(kind) => kind.into(),
            _ => kind,
        };
        let kids = match file.get(field, b"Kids")? {
            Object::Array(kids) => kids,
            _ => Vec::new(),
        };
        // Kids without a name are the field's widgets, not fields (§12.7.3.1).
        let mut has_fields = false;
        for kid in &kids {
            has_fields |= file.resolve(kid)?.as_dict().is_ok_and(|kid| kid.has(b"T"));
        }
        if has_fields {
            stack.extend(
                kids.into_iter().rev().map(|kid| (kid, Rc::clone(&name), Rc::clone(&kind))),
            );
        } else {
            let value = field.get(b"V").ok().filter(|value| !value.is_null()).cloned();
            let widgets = kids.iter().filter_map(|kid| kid.as_reference().ok()).collect();
            out.push(Field { name, kind, value, id: node.as_reference().ok(), widgets });
        }
    }
    Ok(out)
}

/// The leaves of a name tree (§7.9.6).
pub(super) fn names(file: &File<'_>, root: Object) -> Result<Vec<(Vec<u8>, Object)>, PdfError> {
    let (mut seen, mut out) = (HashSet::new(), Vec::new());
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        if node.as_reference().is_ok_and(|id| !seen.insert(id)) {
            return Err(PdfError::malformed("a name tree leads in a circle"));
        }
        let node = file.resolve(&node)?;
        let Ok(node) = node.as_dict() else { continue };
        if let Object::Array(kids) = file.get(node, b"Kids")? {
            stack.extend(kids.into_iter().rev());
        }
        if let Object::Array(pairs) = file.get(node, b"Names")? {
            for pair in pairs.chunks_exact(2) {
                if let [Object::String(name, _), value] = pair {
                    out.push((name.clone(), value.clone()));
                }
            }
        }
        if out.len() + stack.len() > limits::PDF_OBJECTS {
            return Err(PdfError::TooMany("names"));
        }
    }
    Ok(out)
}

/// The text of a text string; empty for anything else.
pub(super) fn text(object: &Object) -> String {
    lopdf::decode_text_string(object).unwrap_or_default()
}

/// The dictionary under a key, resolved.
pub(super) fn dictionary(
    file: &File<'_>,
    holder: &Dictionary,
    key: &[u8],
) -> Result<Option<Dictionary>, PdfError> {
    Ok(match file.get(holder, key)? {
        Object::Dictionary(dictionary) => Some(dictionary),
        _ => None,
    })
}

/// An entry of a field or widget, from its parents where it has none itself (§12.7.3.1).
pub(super) fn inherited(
    file: &File<'_>,
    field: &Dictionary,
    key: &[u8],
) -> Result<Object, PdfError> {
    let mut holder = field.clone();
    for _ in 0..PARENTS {
        let value = file.get(&holder, key)?;
        if !value.is_null() {
            return Ok(value);
        }
        match dictionary(file, &holder, b"Parent")? {
            Some(parent) => holder = parent,
            None => break,
        }
    }
    Ok(Object::Null)
}

fn qualified(parent: &str, name: &Object) -> String {
    match (parent, text(name)) {
        (parent, name) if name.is_empty() => parent.to_owned(),
        ("", name) => name,
        (parent, name) => format!("{parent}.{name}"),
    }
}

fn bad() -> PdfError {
    PdfError::malformed("the page tree is broken")
}
