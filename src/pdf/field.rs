//! Signature fields (ISO 32000-1 §12.7.4.5): made with a signature or prepared for one, found by
//! name and filled.

use lopdf::{Object, ObjectId};

use super::PdfError;
use super::file::{File, with_entries};
use super::stamp::Stamp;
use super::tree::{self, Field};
use super::update::{Update, text_string};
use crate::limits;

/// A signature field that waits for its signer.
#[derive(Clone, Debug, PartialEq)]
pub struct EmptyField {
    /// Its name, by which it is signed later.
    pub name: String,
    /// The page, counted from 0.
    pub page: usize,
    /// Left, bottom, right and top in points; all zero for a field that is not seen.
    pub rect: [f32; 4],
}

/// Changes of the catalog: each object is written once in an update.
pub(super) type Changes = Vec<(&'static str, Vec<u8>)>;

/// Adds empty signature fields by incremental update, for example for the officer, the head and
/// the seal. Do it before the first signature: a later one may be forbidden to grow the form.
///
/// # Errors
/// [`PdfError`] for a broken or encrypted file, a page that is not there, or a name that is taken.
pub fn prepare_fields(pdf: &[u8], fields: &[EmptyField]) -> Result<Vec<u8>, PdfError> {
    let mut document = pdf.to_vec();
    if fields.len() > limits::SIGNATURES {
        return Err(PdfError::TooMany("signature fields"));
    }
    for field in fields {
        let file = File::open(&document)?;
        let name = free_name(&tree::fields(&file)?, Some(&field.name))?;
        let mut update = Update::new(&file);
        let mut catalog = Changes::new();
        let sane = field.rect.iter().all(|one| one.is_finite() && one.abs() < 15_000.0);
        if !sane {
            return Err(PdfError::Stamp("its rectangle is nowhere".to_owned()));
        }
        let place = (field.page, field.rect);
        write(&file, &mut update, &name, place, "/F 4", &mut catalog)?;
        write_catalog(&file, &mut update, &catalog)?;
        document = update.finish();
    }
    Ok(document)
}

/// The names of the signature fields that wait for their signer, in the order of the form.
///
/// # Errors
/// [`PdfError`] for a broken or encrypted file.
pub fn empty_fields(pdf: &[u8]) -> Result<Vec<String>, PdfError> {
    let fields = tree::fields(&File::open(pdf)?)?;
    let empty = fields.iter().filter(|field| *field.kind == *b"Sig" && field.value.is_none());
    Ok(empty.map(|field| field.name.to_string()).collect())
}

/// Writes a new field for a signature dictionary.
pub(super) fn write_signed(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    signature: u32,
    name: &str,
    stamp: Option<&Stamp>,
    catalog: &mut Changes,
) -> Result<(), PdfError> {
    let (place, appearance) = match stamp {
        None => ((0, [0.0; 4]), String::new()),
        Some(stamp) => {
            ((stamp.page, stamp.rect), format!("/AP<</N {} 0 R>>", stamp.write(update)?))
        }
    };
    // Flags: print and locked (§12.5.3).
    let entries = format!("/V {signature} 0 R/F 132{appearance}");
    write(file, update, name, place, &entries, catalog)
}

/// Puts a signature dictionary into an empty field.
pub(super) fn fill(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    field: &Field,
    signature: u32,
    stamp: Option<&Stamp>,
    catalog: &mut Changes,
) -> Result<(), PdfError> {
    let missing = || PdfError::Unsupported("a field that is no object of its own");
    let id = field.id.ok_or_else(missing)?;
    let own = file.load(id)?.ok_or_else(missing)?;
    let widget = match field.widgets.as_slice() {
        [] => id,
        [one] => *one,
        _ => return Err(PdfError::Unsupported("a field with several places")),
    };
    let mut changes: Changes = vec![("V", format!("{signature} 0 R").into_bytes())];
    let loaded = file.load(widget)?.ok_or_else(missing)?;
    let appearance = match stamp {
        None => None,
        Some(stamp) => {
            let rect = loaded.dictionary().and_then(|one| one.get(b"Rect").ok());
            let rect = rect.map(|rect| file.resolve(rect)).transpose()?.and_then(numbers);
            let rect = rect.ok_or_else(|| PdfError::malformed("a field without a place"))?;
            let number = Stamp { rect, ..stamp.clone() }.write(update)?;
            Some(("AP", format!("<</N {number} 0 R>>").into_bytes()))
        }
    };
    match appearance {
        Some(appearance) if widget != id => update.rewrite(widget, &loaded, &[appearance])?,
        appearance => changes.extend(appearance),
    }
    update.rewrite(id, &own, &changes)?;
    write_form(file, update, None, None, catalog)
}

/// The fields that a field's `/Lock` closes, as the signature must repeat it (§12.7.4.5 table
/// 233); empty where there is none.
pub(super) fn lock(file: &File<'_>, field: &Field) -> Result<String, PdfError> {
    let Some(own) = field.id.map(|id| file.load(id)).transpose()?.flatten() else {
        return Ok(String::new());
    };
    let Some(own) = own.dictionary() else { return Ok(String::new()) };
    if let Some(seed) = tree::dictionary(file, own, b"SV")?
        && seed.get(b"Ff").and_then(Object::as_i64).is_ok_and(|flags| flags != 0)
    {
        return Err(PdfError::Unsupported("a field that demands a kind of signature"));
    }
    let Some(lock) = tree::dictionary(file, own, b"Lock")? else { return Ok(String::new()) };
    let action = match lock.get(b"Action").and_then(Object::as_name) {
        Ok(b"All") => "All",
        Ok(b"Include") => "Include",
        Ok(b"Exclude") => "Exclude",
        _ => return Err(PdfError::malformed("a field's lock says nothing")),
    };
    let names = file.get(&lock, b"Fields")?;
    let names = names.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let names: String = names.map(|name| text_string(&tree::text(name))).collect();
    let names = if action == "All" { String::new() } else { format!("/Fields[{names}]") };
    Ok(format!(
        "<</Type/SigRef/TransformMethod/FieldMDP/TransformParams\
         <</Type/TransformParams/V/1.2/Action/{action}{names}>>>>"
    ))
}

/// A name nobody has: the one asked for, or the first free `SignatureN`.
pub(super) fn free_name(fields: &[Field], wanted: Option<&str>) -> Result<String, PdfError> {
    let taken = |name: &str| fields.iter().any(|field| *field.name == *name);
    match wanted {
        Some(name) if taken(name) => Err(PdfError::Unsupported("a field of this name exists")),
        // A full stop separates the names of a field's ancestors (§12.7.3.2).
        Some(name) if name.is_empty() || name.contains('.') => {
            Err(PdfError::Unsupported("a field name that is empty or has a full stop"))
        }
        Some(name) => Ok(name.to_owned()),
        None => {
            let mut names = (1..).map(|number| format!("Signature{number}"));
            Ok(names.find(|name| !taken(name)).unwrap_or_default())
        }
    }
}

/// Writes the catalog, where something of it changes.
pub(super) fn write_catalog(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    changes: &Changes,
) -> Result<(), PdfError> {
    if changes.is_empty() {
        return Ok(());
    }
    let (root, catalog) = file.catalog()?;
    update.rewrite(root, &catalog, changes)
}

fn write(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    name: &str,
    (page, [left, bottom, right, top]): (usize, [f32; 4]),
    entries: &str,
    catalog: &mut Changes,
) -> Result<(), PdfError> {
    let (page_id, page) = tree::page(file, page)?;
    let widget = update.reserve();
    let (number, generation) = page_id;
    let text = format!(
        "<</Type/Annot/Subtype/Widget/FT/Sig/T{}{entries}\
         /Rect[{left} {bottom} {right} {top}]/P {number} {generation} R>>",
        text_string(name)
    );
    update.object((widget, 0), text.as_bytes());
    let old = file.text(&page, page.value.span.clone());
    let annotations = update.appended(old, "Annots", &format!("{widget} 0 R"))?;
    update.rewrite(page_id, &page, &[("Annots", annotations)])?;
    write_form(file, update, Some(widget), Some(page_id), catalog)
}

/// Names the field in the form, and the form in the catalog where it is new.
fn write_form(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    widget: Option<u32>,
    page: Option<ObjectId>,
    changes: &mut Changes,
) -> Result<(), PdfError> {
    let (root, catalog) = file.catalog()?;
    if Some(root) == page {
        return Err(PdfError::malformed("the catalog is a page"));
    }
    let item = widget.map(|widget| format!("{widget} 0 R"));
    let form = catalog.dictionary().and_then(|catalog| catalog.get(b"AcroForm").ok());
    let reference = form.and_then(|form| form.as_reference().ok());
    if form.is_none() {
        let item = item.unwrap_or_default();
        let form = update.reserve();
        update.object((form, 0), format!("<</Fields[{item}]/SigFlags 3>>").as_bytes());
        changes.push(("AcroForm", format!("{form} 0 R").into_bytes()));
        return Ok(());
    }
    let loaded = reference.map(|id| file.load(id)).transpose()?.flatten();
    let old = match (&loaded, reference) {
        (Some(form), _) => file.text(form, form.value.span.clone()),
        (None, Some(_)) => return Err(PdfError::malformed("the form is not there")),
        (None, None) => file.text(&catalog, catalog.value.entry(b"AcroForm").unwrap_or_default()),
    };
    // 3: signatures exist, and only appending keeps them (§12.7.2).
    let flags = super::syntax::value(old)?.object;
    let flags = flags.as_dict().and_then(|form| form.get(b"SigFlags")).and_then(Object::as_i64);
    let mut own = Changes::new();
    if !matches!(flags, Ok(3)) {
        own.push(("SigFlags", b"3".to_vec()));
    }
    if let Some(item) = item {
        own.push(("Fields", update.appended(old, "Fields", &item)?));
    }
    match (reference, &loaded) {
        _ if own.is_empty() => Ok(()),
        (Some(id), Some(form)) => update.rewrite(id, form, &own),
        _ => {
            changes.push(("AcroForm", with_entries(old, &own)?));
            Ok(())
        }
    }
}

fn numbers(list: Object) -> Option<[f32; 4]> {
    let list = list.as_array().ok()?;
    let numbers: Option<Vec<f32>> = list.iter().map(|one| one.as_float().ok()).collect();
    let [a, b, c, d]: [f32; 4] = numbers?.try_into().ok()?;
    Some([a.min(c), b.min(d), a.max(c), b.max(d)])
}
