//! What a later revision changed, judged by rules: the one thing that may be added to a signed
//! document is another signature — its dictionary, its field, its stamp. Everything else is
//! reported. Further permitted changes (DSS, document time-stamps, form fill by DocMDP) are rules
//! to be added in [`permitted`].

use std::collections::HashSet;

use lopdf::{Dictionary, Object, StringFormat};

use super::PdfError;
use super::file::{File, Loaded};
use super::tree;
use crate::limits;
use crate::reason::{Reason, ReasonCode};

/// Faults told of one signature; more would say nothing new.
const TOLD: usize = 16;

/// What `whole` has beyond the signed `revision`; `covered` is where the last signature's octets
/// end.
pub(super) fn after(revision: &File<'_>, whole: &File<'_>, covered: usize) -> Vec<Reason> {
    let added = |detail: String| Reason::new(ReasonCode::AddedAfterSigning, detail);
    let (end, size) = (revision.octets().len(), whole.octets().len());
    if end == size {
        return Vec::new();
    }
    // A later revision without a signature is judged by the rules alone; octets that are no
    // revision are not read at all.
    if covered < size && whole.sections().first().is_none_or(|newest| newest.offset < covered) {
        return vec![added(format!("{} bytes follow the last signature", size - covered))];
    }
    match changes(revision, whole) {
        Ok(changes) => changes.into_iter().take(TOLD).map(added).collect(),
        Err(error) => vec![added(format!("what was added cannot be read: {error}"))],
    }
}

fn changes(revision: &File<'_>, whole: &File<'_>) -> Result<Vec<String>, PdfError> {
    // The later file must stand upon the signed one: the same sections, and newer ones behind.
    let (old, new) = (revision.sections(), whole.sections());
    let newer = new.len().saturating_sub(old.len());
    let (newer, kept) = new.split_at(newer);
    let same = kept.len() == old.len() && kept.iter().zip(old).all(|(a, b)| a.offset == b.offset);
    let behind = newer.iter().all(|section| section.offset >= revision.octets().len());
    if !same || !behind {
        return Ok(vec!["the cross-reference sections leave out the signed revision".to_owned()]);
    }
    let rules = Rules::new(revision, whole)?;
    let mut out = Vec::new();
    let ((old_root, _), (new_root, _)) = (revision.catalog()?, whole.catalog()?);
    if old_root != new_root {
        out.push("the document has another catalog".to_owned());
    }
    let mut numbers: Vec<u32> =
        newer.iter().flat_map(|section| section.entries.iter().map(|entry| entry.0)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        if let Some(what) = rules.change(number)? {
            out.push(format!("object {number}: {what}"));
        }
    }
    Ok(out)
}

/// The objects with a part in a further signature.
struct Rules<'f, 'a> {
    revision: &'f File<'a>,
    whole: &'f File<'a>,
    catalog: u32,
    form: Option<u32>,
    information: Option<u32>,
    pages: HashSet<u32>,
    /// Lists of fields or annotations that are objects of their own.
    lists: HashSet<u32>,
    /// Numbers that the signed revision refers to and does not have: giving them a meaning later
    /// changes what was signed.
    dangling: HashSet<u32>,
}

impl<'f, 'a> Rules<'f, 'a> {
    fn new(revision: &'f File<'a>, whole: &'f File<'a>) -> Result<Self, PdfError> {
        let ((catalog, _), loaded) = revision.catalog()?;
        let reference = |dictionary: &Dictionary, key: &[u8]| {
            dictionary.get(key).and_then(Object::as_reference).ok().map(|id| id.0)
        };
        let root = loaded.dictionary();
        let form = root.and_then(|root| reference(root, b"AcroForm"));
        let mut lists = HashSet::new();
        if let Some(form) = root.map(|root| tree::dictionary(revision, root, b"AcroForm")) {
            lists.extend(form?.and_then(|form| reference(&form, b"Fields")));
        }
        let mut pages = HashSet::new();
        for ((number, _), page) in tree::pages(revision)? {
            pages.insert(number);
            lists.extend(page.dictionary().and_then(|page| reference(page, b"Annots")));
        }
        let dangling = dangling(revision)?;
        let information = reference(revision.trailer(), b"Info");
        Ok(Self { revision, whole, catalog, form, information, pages, lists, dangling })
    }

    /// What a newer section did to an object, unless a rule permits it.
    fn change(&self, number: u32) -> Result<Option<&'static str>, PdfError> {
        let (old, new) = (current(self.revision, number)?, current(self.whole, number)?);
        Ok(match (old, new) {
            (None, None) => None,
            (None, Some(_)) if self.dangling.contains(&number) => {
                Some("the signed document refers to it and it came later")
            }
            (None, Some(_)) => None,
            (Some(_), None) => Some("removed"),
            (Some(old), Some(new)) if self.same(&old, &new) => None,
            (Some(old), Some(new)) if self.permitted(number, &old, &new)? => None,
            (Some(_), Some(_)) => Some("changed"),
        })
    }

    fn same(&self, old: &Loaded, new: &Loaded) -> bool {
        let stream = |file: &File<'a>, loaded: &Loaded| {
            loaded.stream.clone().map(|span| file.octets().get(span).map(<[u8]>::to_vec))
        };
        plain(&old.value.object) == plain(&new.value.object)
            && stream(self.revision, old) == stream(self.whole, new)
    }

    /// The rules: what adding a signature changes in objects that exist.
    fn permitted(&self, number: u32, old: &Loaded, new: &Loaded) -> Result<bool, PdfError> {
        if old.stream.is_some() || new.stream.is_some() {
            return Ok(false);
        }
        if self.lists.contains(&number) {
            return self.grown(&old.value.object, &new.value.object);
        }
        let (Some(old), Some(new)) = (old.dictionary(), new.dictionary()) else {
            return Ok(false);
        };
        if number == self.catalog {
            // Version and extensions tell readers what to expect, they show nothing.
            let keys: [&[u8]; 4] = [b"AcroForm", b"Extensions", b"Version", b"DSS"];
            return Ok(same_but(old, new, &keys) && self.form_permitted(old, new)?);
        }
        if self.information == Some(number) {
            return Ok(same_information(old, new));
        }
        if self.form == Some(number) {
            return self.form_grown(old, new);
        }
        if self.pages.contains(&number) {
            return Ok(same_but(old, new, &[b"Annots"]) && self.list_grown(old, new, b"Annots")?);
        }
        // An empty signature field is filled.
        let empty = old.get(b"FT").and_then(Object::as_name).is_ok_and(|kind| kind == b"Sig")
            && !old.has(b"V")
            && new.has(b"V");
        Ok(empty && same_but(old, new, &[b"V", b"AP"]))
    }

    fn form_permitted(&self, old: &Dictionary, new: &Dictionary) -> Result<bool, PdfError> {
        match (old.get(b"AcroForm"), new.get(b"AcroForm")) {
            (Err(_), Err(_)) => Ok(true),
            (Ok(Object::Dictionary(old)), Ok(Object::Dictionary(new))) => self.form_grown(old, new),
            (Ok(old), Ok(new)) => Ok(old == new),
            (Err(_), Ok(new)) => match self.whole.resolve(new)? {
                Object::Dictionary(new) => self.form_grown(&Dictionary::new(), &new),
                _ => Ok(false),
            },
            (Ok(_), Err(_)) => Ok(false),
        }
    }

    fn form_grown(&self, old: &Dictionary, new: &Dictionary) -> Result<bool, PdfError> {
        Ok(same_but(old, new, &[b"Fields", b"SigFlags"]) && self.list_grown(old, new, b"Fields")?)
    }

    fn list_grown(&self, old: &Dictionary, new: &Dictionary, key: &[u8]) -> Result<bool, PdfError> {
        self.grown(&self.revision.get(old, key)?, &self.whole.get(new, key)?)
    }

    /// Whether a list of fields or annotations kept what it had and got signature fields only.
    fn grown(&self, old: &Object, new: &Object) -> Result<bool, PdfError> {
        let list = |list: &Object| match list {
            Object::Null => Some(Vec::new()),
            Object::Array(items) => Some(items.clone()),
            _ => None,
        };
        let (Some(old), Some(new)) = (list(old), list(new)) else { return Ok(false) };
        let Some((kept, added)) = new.split_at_checked(old.len()) else { return Ok(false) };
        if kept != old.as_slice() {
            return Ok(false);
        }
        for item in added {
            let field = self.whole.resolve(item)?;
            let kind = field.as_dict().and_then(|field| field.get(b"FT"));
            if !kind.and_then(Object::as_name).is_ok_and(|kind| kind == b"Sig") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn current(file: &File<'_>, number: u32) -> Result<Option<Loaded>, PdfError> {
    match file.generation(number) {
        Some(generation) => file.load((number, generation)),
        None => Ok(None),
    }
}

/// Whether two dictionaries agree but for these keys.
fn same_but(old: &Dictionary, new: &Dictionary, keys: &[&[u8]]) -> bool {
    let rest = |dictionary: &Dictionary| {
        let mut rest = dictionary.clone();
        for key in keys {
            rest.remove(key);
        }
        plain(&Object::Dictionary(rest))
    };
    rest(old) == rest(new)
}

/// The document information says the same, but for who wrote the file last and when.
fn same_information(old: &Dictionary, new: &Dictionary) -> bool {
    let texts = |dictionary: &Dictionary| -> Vec<(Vec<u8>, Object)> {
        let kept = dictionary.iter().filter(|(key, _)| {
            !["ModDate", "Producer"].map(str::as_bytes).contains(&key.as_slice())
        });
        let mut texts: Vec<(Vec<u8>, Object)> = kept
            .map(|(key, value)| match value {
                // One text may be written in two encodings.
                Object::String(..) => (key.clone(), Object::string_literal(tree::text(value))),
                value => (key.clone(), value.clone()),
            })
            .collect();
        texts.sort_by(|a, b| a.0.cmp(&b.0));
        texts
    };
    texts(old) == texts(new)
}

/// The value with every string written the same way. Values are nested at most as deep as the
/// parser allows.
fn plain(object: &Object) -> Object {
    match object {
        Object::String(octets, _) => Object::String(octets.clone(), StringFormat::Literal),
        Object::Array(items) => Object::Array(items.iter().map(plain).collect()),
        Object::Dictionary(dictionary) => {
            let mut out = Dictionary::new();
            dictionary.iter().for_each(|(key, value)| out.set(key.clone(), plain(value)));
            Object::Dictionary(out)
        }
        other => other.clone(),
    }
}

fn dangling(file: &File<'_>) -> Result<HashSet<u32>, PdfError> {
    let mut referred = HashSet::new();
    let mut work = 0usize;
    for number in file.numbers() {
        let Some(loaded) = current(file, number)? else { continue };
        let mut stack = vec![&loaded.value.object];
        while let Some(object) = stack.pop() {
            work += 1;
            if work > limits::PDF_OBJECTS.saturating_mul(16) {
                return Err(PdfError::TooMany("values"));
            }
            match object {
                Object::Reference((number, _)) => {
                    referred.insert(*number);
                }
                Object::Array(items) => stack.extend(items),
                Object::Dictionary(dictionary) => {
                    stack.extend(dictionary.iter().map(|(_, value)| value));
                }
                _ => {}
            }
        }
    }
    referred.retain(|number| file.generation(*number).is_none());
    Ok(referred)
}
