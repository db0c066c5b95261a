//! Content that was prepared before signing so that it can be hidden, shown or replaced later
//! (shadow attacks): nothing of it breaks a signature, so each is a warning with its place.

use std::collections::HashSet;
use std::rc::Rc;

use lopdf::{Dictionary, Object};

use super::PdfError;
use super::content::{self, Rect, Shown};
use super::file::{File, Loaded};
use super::references::References;
use super::tree;
use super::xref::Entry;
use crate::reason::{Reason, ReasonCode};

/// Warnings told; more would say nothing new.
const TOLD: usize = 16;
/// Annotations of one page and layers of one document looked at.
const LOOKED_AT: usize = 2_000;
/// Hidden and not to be viewed (ISO 32000-1 table 165).
const UNSEEN: i64 = 2 | 32;

/// What a signed revision keeps ready, in words with page and object.
pub(super) fn prepared(file: &File<'_>) -> Vec<Reason> {
    let mut told = Vec::new();
    let result = layers(file, &mut told)
        .and_then(|()| pages(file, &mut told))
        .and_then(|()| unused(file, &mut told));
    if let Err(error) = result {
        told.push(format!("the pages cannot be looked at for hidden content: {error}"));
    }
    told.truncate(TOLD);
    told.into_iter().map(|what| Reason::new(ReasonCode::HiddenContent, what)).collect()
}

/// Layers that are switched off (§8.11.4.3).
fn layers(file: &File<'_>, told: &mut Vec<String>) -> Result<(), PdfError> {
    let (_, catalog) = file.catalog()?;
    let Some(catalog) = catalog.dictionary() else { return Ok(()) };
    let Some(layers) = tree::dictionary(file, catalog, b"OCProperties")? else { return Ok(()) };
    let Some(standard) = tree::dictionary(file, &layers, b"D")? else { return Ok(()) };
    let off = match file.get(&standard, b"BaseState")?.as_name() {
        Ok(b"OFF") => file.get(&layers, b"OCGs")?,
        _ => file.get(&standard, b"OFF")?,
    };
    for layer in off.as_array().map(Vec::as_slice).unwrap_or_default().iter().take(LOOKED_AT) {
        let number = layer.as_reference().map(|id| id.0).unwrap_or_default();
        let layer = file.resolve(layer)?;
        let name = layer.as_dict().map(|layer| file.get(layer, b"Name")).ok().transpose()?;
        let name = name.as_ref().map(tree::text).unwrap_or_default();
        told.push(format!("object {number}: the layer {name:?} is hidden"));
    }
    Ok(())
}

fn pages(file: &File<'_>, told: &mut Vec<String>) -> Result<(), PdfError> {
    let mut fonts = content::Fonts::new();
    for (index, (_, page)) in tree::pages(file)?.iter().enumerate() {
        let place = format!("page {}", index + 1);
        let mut shown = content::shown(file, page, fonts)?;
        fonts = std::mem::take(&mut shown.fonts);
        for what in &shown.covered {
            told.push(format!("{place}: {what} covers text"));
        }
        let Some(page) = page.dictionary() else { continue };
        let annotations = file.get(page, b"Annots")?;
        let annotations = annotations.as_array().map(Vec::as_slice).unwrap_or_default();
        for annotation in annotations.iter().take(LOOKED_AT) {
            let number = annotation.as_reference().map(|id| id.0).unwrap_or_default();
            let Some(loaded) = load(file, annotation)? else { continue };
            let Some(annotation) = loaded.dictionary() else { continue };
            if let Some(what) = annotation_of(file, annotation, &shown)? {
                told.push(format!("{place}, object {number}: {what}"));
            }
        }
        if told.len() >= TOLD {
            break;
        }
    }
    Ok(())
}

fn annotation_of(
    file: &File<'_>,
    annotation: &Dictionary,
    shown: &Shown,
) -> Result<Option<String>, PdfError> {
    let flags = file.get(annotation, b"F")?.as_i64().unwrap_or(0);
    let place = Rect::of(&file.get(annotation, b"Rect")?);
    let (Some(place), true) = (place, flags & UNSEEN == 0) else { return Ok(None) };
    let subtype = file.get(annotation, b"Subtype")?;
    let subtype = subtype.as_name().unwrap_or_default();
    let covers = || shown.has_text(&place);
    match subtype {
        b"Link" | b"Popup" | b"Text" | b"Highlight" | b"Underline" | b"Squiggly" | b"StrikeOut" => {
            Ok(None)
        }
        b"Widget" => {
            let kind = tree::inherited(file, annotation, b"FT")?;
            match kind.as_name().unwrap_or_default() {
                b"Sig" if annotation.has(b"AP") && covers() => {
                    Ok(Some("a signature's stamp covers text".to_owned()))
                }
                b"Tx" | b"Ch" => differing_text(file, annotation),
                b"Btn" => differing_state(file, annotation),
                _ => Ok(None),
            }
        }
        other if covers() => {
            let name = String::from_utf8_lossy(other).chars().take(32).collect::<String>();
            Ok(Some(format!("an annotation ({name}) covers text")))
        }
        _ => Ok(None),
    }
}

/// A text field that shows something else than its value.
fn differing_text(file: &File<'_>, widget: &Dictionary) -> Result<Option<String>, PdfError> {
    let value = tree::inherited(file, widget, b"V")?;
    let value = tree::text(&value);
    let Some(states) = tree::dictionary(file, widget, b"AP")? else { return Ok(None) };
    let Some(appearance) = load(file, &states.get(b"N").cloned().unwrap_or(Object::Null))? else {
        return Ok(None);
    };
    if appearance.stream.is_none() {
        return Ok(None);
    }
    let octets = file.decoded_up_to(&appearance, crate::limits::PDF_CONTENT_BYTES)?;
    let drawn = content::strings(&octets).concat();
    // Letters by two octets are numbers of glyphs: then only how many there are can be compared.
    let wide = appearance.dictionary().map(|form| has_wide_font(file, form)).transpose()?;
    let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let differs = match wide.unwrap_or(false) {
        true => {
            let glyphs = drawn.len() / 2;
            let letters = value.chars().count();
            glyphs < visible(&value).chars().count() || glyphs > letters
        }
        false => {
            let drawn: String = drawn.iter().map(|octet| char::from(*octet)).collect();
            let is_plain = value.is_ascii() && drawn.is_ascii();
            is_plain && visible(&drawn) != visible(&value)
        }
    };
    Ok(differs.then(|| {
        let value: String = value.chars().take(64).collect();
        format!("a form field shows something else than its value {value:?}")
    }))
}

/// A button that shows another state than its value.
fn differing_state(file: &File<'_>, widget: &Dictionary) -> Result<Option<String>, PdfError> {
    let value = tree::inherited(file, widget, b"V")?;
    let state = file.get(widget, b"AS")?;
    let (Ok(value), Ok(state)) = (value.as_name(), state.as_name()) else { return Ok(None) };
    let differs = state != b"Off" && state != value;
    Ok(differs.then(|| "a form field shows something else than its value".to_owned()))
}

fn has_wide_font(file: &File<'_>, form: &Dictionary) -> Result<bool, PdfError> {
    let Some(resources) = tree::dictionary(file, form, b"Resources")? else { return Ok(false) };
    let Some(fonts) = tree::dictionary(file, &resources, b"Font")? else { return Ok(false) };
    for (_, font) in fonts.iter() {
        let font = file.resolve(font)?;
        if font.as_dict().is_ok_and(|font| has_subtype(font, b"Type0")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Objects that nobody refers to and that look like something a page shows, and objects that no
/// cross-reference section knows.
fn unused(file: &File<'_>, told: &mut Vec<String>) -> Result<(), PdfError> {
    let references = References::of(file)?;
    let trailer = file.trailer();
    let held = |key: &[u8]| trailer.get(key).and_then(Object::as_reference).map(|id| id.0).ok();
    let held: HashSet<u32> = [b"Root".as_slice(), b"Info"].into_iter().filter_map(held).collect();
    for number in file.numbers() {
        if held.contains(&number) || references.holders(number).next().is_some() {
            continue;
        }
        let Some(generation) = file.generation(number) else { continue };
        let Some(loaded) = file.load((number, generation))? else { continue };
        if let Some(what) = looks_like(file, &loaded) {
            told.push(format!("object {number}: {what} that no page uses"));
        }
    }
    unlisted(file, &references, told);
    Ok(())
}

fn looks_like(file: &File<'_>, loaded: &Loaded) -> Option<&'static str> {
    let dictionary = loaded.dictionary()?;
    let kind = dictionary.get(b"Type").and_then(Object::as_name).unwrap_or_default();
    match kind {
        b"Page" => return Some("a page"),
        b"Pages" => return Some("a page tree"),
        b"Catalog" => return Some("a catalog"),
        b"Font" => return Some("a font"),
        b"Sig" => return Some("a signature"),
        b"Annot" => return Some("an annotation"),
        b"XRef" | b"ObjStm" | b"Metadata" | b"EmbeddedFile" => return None,
        _ => {}
    }
    if has_subtype(dictionary, b"Image") {
        return Some("an image");
    }
    if has_subtype(dictionary, b"Form") {
        return Some("a form XObject");
    }
    loaded.stream.as_ref()?;
    let octets = file.decoded_up_to(loaded, crate::limits::PDF_CONTENT_BYTES).ok()?;
    let draws = [b" Tj".as_slice(), b" TJ", b")Tj", b"]TJ", b">Tj", b" Do"];
    let draws = draws.iter().any(|word| octets.windows(word.len()).any(|window| window == *word));
    draws.then_some("content")
}

/// Whether something that no section lists stands behind a listed object.
fn unlisted(file: &File<'_>, references: &References, told: &mut Vec<String>) {
    let sections = file.sections();
    let mut starts: Vec<usize> = sections.iter().map(|section| section.offset).collect();
    let entries = sections.iter().flat_map(|section| &section.entries);
    starts.extend(entries.filter_map(|(_, entry)| match entry {
        Entry::At { offset, .. } => Some(*offset),
        _ => None,
    }));
    starts.sort_unstable();
    let objects = memchr::memmem::Finder::new(b"endobj");
    for (number, end) in &references.ends {
        let next = starts.partition_point(|start| start < end);
        let next = starts.get(next).copied().unwrap_or(file.octets().len());
        let between = file.octets().get(*end..next).unwrap_or_default();
        if objects.find_iter(between).take(2).count() > 1 {
            told.push(format!("behind object {number}: an object that no section lists"));
        }
    }
}

fn load(file: &File<'_>, object: &Object) -> Result<Option<Rc<Loaded>>, PdfError> {
    match object.as_reference() {
        Ok(id) => file.load(id),
        Err(_) => Ok(None),
    }
}

fn has_subtype(dictionary: &Dictionary, subtype: &[u8]) -> bool {
    dictionary.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == subtype)
}
