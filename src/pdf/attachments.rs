//! Files embedded in a PDF (ISO 32000-1 §7.11.4, ISO 32000-2 §14.13): the signed XML inside the
//! licence.

use lopdf::Object;

use super::file::{File, with_entries};
use super::update::{Update, name as pdf_name, text_string};
use super::{PdfError, tree};
use crate::limits;

/// A file embedded in a PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its file name; from the document, so never a path to write to.
    pub name: String,
    /// Its media type, empty where the document does not tell.
    pub media_type: String,
    /// Its octets.
    pub data: Vec<u8>,
}

/// What an attached file is to the document (ISO 32000-2 table 43).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// The original the document was made from.
    Source,
    /// Another presentation of the same.
    Alternative,
}

/// Embeds a file by incremental update. Do it before the first signature.
///
/// # Errors
/// [`PdfError`] for a broken or encrypted file, [`PdfError::Unsupported`] where the embedded files
/// stand in a tree of several levels.
pub fn attach(
    pdf: &[u8],
    name: &str,
    media_type: &str,
    relationship: Relationship,
    data: &[u8],
) -> Result<Vec<u8>, PdfError> {
    let file = File::open(pdf)?;
    let mut update = Update::new(&file);
    let [stream, specification] = std::array::from_fn(|_| update.reserve());
    let entries = format!(
        "/Type/EmbeddedFile/Subtype{}/Params<</Size {}>>",
        pdf_name(media_type),
        data.len()
    );
    update.stream(stream, &entries, data);
    let relationship = match relationship {
        Relationship::Source => "Source",
        Relationship::Alternative => "Alternative",
    };
    let title = text_string(name);
    let text = format!(
        "<</Type/Filespec/F{title}/UF{title}/AFRelationship/{relationship}\
         /EF<</F {stream} 0 R/UF {stream} 0 R>>>>"
    );
    update.object((specification, 0), text.as_bytes());
    let (root, catalog) = file.catalog()?;
    let item = format!("{specification} 0 R");
    let old = file.text(&catalog, catalog.value.span.clone());
    let associated = update.appended(old, "AF", &item)?;
    let names = names(&file, &catalog, &title, name, &item)?;
    update.rewrite(root, &catalog, &[("AF", associated), ("Names", names)])?;
    Ok(update.finish())
}

/// The files embedded in a PDF, decoded under [`limits::PDF_STREAM_BYTES`] in all.
///
/// # Errors
/// [`PdfError`] for a broken or encrypted file, or more than the limits allow.
pub fn attachments(pdf: &[u8]) -> Result<Vec<Attached>, PdfError> {
    let file = File::open(pdf)?;
    let (_, catalog) = file.catalog()?;
    let Some(catalog) = catalog.dictionary() else { return Ok(Vec::new()) };
    let Some(names) = tree::dictionary(&file, catalog, b"Names")? else { return Ok(Vec::new()) };
    let Ok(root) = names.get(b"EmbeddedFiles") else { return Ok(Vec::new()) };
    let (mut out, mut total) = (Vec::new(), 0usize);
    for (key, specification) in tree::names(&file, root.clone())? {
        if out.len() >= limits::ATTACHMENTS {
            return Err(PdfError::TooMany("attachments"));
        }
        let specification = file.resolve(&specification)?;
        let Ok(specification) = specification.as_dict() else { continue };
        let Some(streams) = tree::dictionary(&file, specification, b"EF")? else { continue };
        let stream = streams.get(b"UF").or_else(|_| streams.get(b"F"));
        let Ok(id) = stream.and_then(Object::as_reference) else { continue };
        let Some(stream) = file.load(id)? else { continue };
        let data = file.decoded(&stream)?;
        total += data.len();
        if total > limits::PDF_STREAM_BYTES {
            return Err(PdfError::TooMany("bytes in the attachments"));
        }
        let subtype = stream.dictionary().and_then(|stream| stream.get(b"Subtype").ok());
        let media_type = subtype.and_then(|subtype| subtype.as_name().ok()).unwrap_or_default();
        let titles = [file.get(specification, b"UF")?, file.get(specification, b"F")?];
        let name = titles.iter().map(tree::text).find(|title| !title.is_empty());
        out.push(Attached {
            name: name.unwrap_or_else(|| String::from_utf8_lossy(&key).into_owned()),
            media_type: String::from_utf8_lossy(media_type).into_owned(),
            data,
        });
    }
    Ok(out)
}

/// The catalog's `/Names` with one more embedded file.
fn names(
    file: &File<'_>,
    catalog: &super::file::Loaded,
    title: &str,
    name: &str,
    item: &str,
) -> Result<Vec<u8>, PdfError> {
    let several = PdfError::Unsupported("embedded files in a tree of several levels");
    let Some(span) = catalog.value.entry(b"Names") else {
        return Ok(format!("<</EmbeddedFiles<</Names[{title} {item}]>>>>").into_bytes());
    };
    let outer = flat(file, file.text(catalog, span).to_vec())?;
    let inner = super::syntax::value(&outer)?.entry(b"EmbeddedFiles");
    let leaf = match inner {
        None => format!("<</Names[{title} {item}]>>").into_bytes(),
        Some(span) => {
            let leaf = flat(file, outer.get(span).unwrap_or_default().to_vec())?;
            let parsed = super::syntax::value(&leaf)?;
            if parsed.entry(b"Kids").is_some() {
                return Err(several);
            }
            let list = parsed.entry(b"Names").unwrap_or_default();
            let list = flat(file, leaf.get(list).unwrap_or_default().to_vec())?;
            let list = inserted(&list, title, name, item)?;
            with_entries(&leaf, &[("Names", list)])?
        }
    };
    with_entries(&outer, &[("EmbeddedFiles", leaf)])
}

/// The list of a name tree's leaf with one more pair, in the order of the names (§7.9.6).
fn inserted(list: &[u8], title: &str, name: &str, item: &str) -> Result<Vec<u8>, PdfError> {
    let parsed = super::syntax::value(if list.is_empty() { b"[]" } else { list })?;
    let Ok(items) = parsed.object.as_array() else {
        return Err(PdfError::malformed("a list is expected"));
    };
    let key = super::syntax::value(title.as_bytes())?.object;
    let key = key.as_str().unwrap_or_default().to_vec();
    let mut pairs: Vec<(Vec<u8>, String)> = Vec::new();
    for pair in items.chunks_exact(2) {
        let [Object::String(known, _), Object::Reference((number, generation))] = pair else {
            return Err(PdfError::Unsupported("embedded files without objects of their own"));
        };
        if tree::text(&pair[0]) == name {
            return Err(PdfError::Unsupported("a second attachment of the same name"));
        }
        pairs.push((known.clone(), format!("{number} {generation} R")));
    }
    pairs.push((key, item.to_owned()));
    pairs.sort();
    let pairs = pairs.iter().map(|(key, item)| format!("<{}> {item} ", crate::crypto::hex(key)));
    Ok(format!("[{}]", pairs.collect::<String>()).into_bytes())
}

/// The text of a value, a reference followed.
fn flat(file: &File<'_>, text: Vec<u8>) -> Result<Vec<u8>, PdfError> {
    if text.is_empty() {
        return Ok(text);
    }
    match super::syntax::value(&text)?.object.as_reference() {
        Ok(id) => {
            let loaded = file.load(id)?;
            let loaded = loaded.ok_or_else(|| PdfError::malformed("the names are not there"))?;
            Ok(file.text(&loaded, loaded.value.span.clone()).to_vec())
        }
        Err(_) => Ok(text),
    }
}
