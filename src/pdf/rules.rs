//! The rules by which a change of a signed revision is judged, object by object, from what the
//! object is for.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Object, ObjectId};

use super::PdfError;
use super::compare::{plain, same_but, same_information};
use super::content::{self, Rect};
use super::file::{File, Loaded};
use super::permissions::Permissions;
use super::references::References;
use super::tree;

/// What is thought of one change.
pub(super) enum Finding {
    Nothing,
    Permitted(String),
    Warned(String),
    Refused(String),
}

/// What an object of the signed revision is for. An object with two roles is never permitted to
/// change: one of them would be the pretext for the other.
#[derive(Clone, PartialEq)]
enum Role {
    Catalog,
    Information,
    Metadata,
    Form,
    Fields,
    Page(usize),
    Annotations(usize),
    Annotation(usize),
    /// A form field or its widget, with the field's name.
    Field(Rc<str>),
    Appearance(Rc<str>),
    /// The document security store (EN 319 142-1 §5.4.2).
    Security,
    Several,
}

/// The signed revision with the roles of its objects, and the file as it is now.
pub(super) struct Rules<'f, 'a> {
    revision: &'f File<'a>,
    whole: &'f File<'a>,
    permissions: &'f Permissions,
    pages: Vec<(ObjectId, Rc<Loaded>)>,
    roles: HashMap<u32, Role>,
    /// The page that shows an annotation.
    shown_on: HashMap<u32, usize>,
    references: References,
}

impl<'f, 'a> Rules<'f, 'a> {
    pub(super) fn new(
        revision: &'f File<'a>,
        whole: &'f File<'a>,
        permissions: &'f Permissions,
    ) -> Result<Self, PdfError> {
        let references = References::of(revision)?;
        let pages = tree::pages(revision)?;
        let (roles, shown_on) = (HashMap::new(), HashMap::new());
        let mut rules = Self { revision, whole, permissions, pages, roles, shown_on, references };
        rules.assign()?;
        Ok(rules)
    }

    fn assign(&mut self) -> Result<(), PdfError> {
        let ((catalog, _), loaded) = self.revision.catalog()?;
        let root = loaded.dictionary().cloned().unwrap_or_default();
        self.is(Some(catalog), Role::Catalog);
        self.is(reference(self.revision.trailer(), b"Info"), Role::Information);
        self.is(reference(&root, b"Metadata"), Role::Metadata);
        self.is(reference(&root, b"AcroForm"), Role::Form);
        if let Some(form) = tree::dictionary(self.revision, &root, b"AcroForm")? {
            self.is(reference(&form, b"Fields"), Role::Fields);
        }
        self.assign_security(&root)?;
        let pages: Vec<(u32, Dictionary)> = self
            .pages
            .iter()
            .map(|(id, page)| (id.0, page.dictionary().cloned().unwrap_or_default()))
            .collect();
        let fields = tree::fields(self.revision)?;
        for field in &fields {
            for id in field.id.iter().chain(&field.widgets) {
                self.is(Some(id.0), Role::Field(Rc::clone(&field.name)));
                self.assign_appearances(*id, &field.name)?;
            }
        }
        for (index, (number, page)) in pages.iter().enumerate() {
            self.is(Some(*number), Role::Page(index));
            self.is(reference(page, b"Annots"), Role::Annotations(index));
            for item in list(&self.revision.get(page, b"Annots")?).unwrap_or_default() {
                let Ok((number, _)) = item.as_reference() else { continue };
                self.shown_on.insert(number, index);
                if !matches!(self.roles.get(&number), Some(Role::Field(_))) {
                    self.is(Some(number), Role::Annotation(index));
                }
            }
        }
        Ok(())
    }

    fn is(&mut self, number: Option<u32>, role: Role) {
        let Some(number) = number else { return };
        let known = self.roles.entry(number).or_insert_with(|| role.clone());
        if *known != role {
            *known = Role::Several;
        }
    }

    /// The store's dictionaries and lists; what they list never changes.
    fn assign_security(&mut self, root: &Dictionary) -> Result<(), PdfError> {
        self.is(reference(root, b"DSS"), Role::Security);
        let Some(store) = tree::dictionary(self.revision, root, b"DSS")? else { return Ok(()) };
        for key in [b"Certs".as_slice(), b"OCSPs", b"CRLs", b"VRI"] {
            self.is(reference(&store, key), Role::Security);
        }
        let Some(related) = tree::dictionary(self.revision, &store, b"VRI")? else { return Ok(()) };
        for (_, one) in related.iter() {
            self.is(one.as_reference().ok().map(|id| id.0), Role::Security);
        }
        Ok(())
    }

    fn assign_appearances(&mut self, widget: ObjectId, name: &Rc<str>) -> Result<(), PdfError> {
        let Some(widget) = self.revision.load(widget)? else { return Ok(()) };
        let Some(widget) = widget.dictionary() else { return Ok(()) };
        self.is(reference(widget, b"AP"), Role::Appearance(Rc::clone(name)));
        let Some(appearances) = tree::dictionary(self.revision, widget, b"AP")? else {
            return Ok(());
        };
        for (_, one) in appearances.iter() {
            match one {
                Object::Reference((number, _)) => {
                    self.is(Some(*number), Role::Appearance(Rc::clone(name)));
                }
                Object::Dictionary(states) => {
                    for (_, state) in states.iter() {
                        let number = state.as_reference().ok().map(|id| id.0);
                        self.is(number, Role::Appearance(Rc::clone(name)));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What a newer section did to an object.
    pub(super) fn change(&self, number: u32) -> Result<Finding, PdfError> {
        let (old, new) = (current(self.revision, number)?, current(self.whole, number)?);
        let refused = |what: &str| Ok(Finding::Refused(what.to_owned()));
        match (old, new) {
            (None, None) => Ok(Finding::Nothing),
            // Giving a meaning to what was referred to changes what was signed.
            (None, Some(_)) if self.references.holders(number).next().is_some() => {
                refused("the signed document refers to it and it came later")
            }
            (None, Some(_)) => Ok(Finding::Nothing),
            (Some(_), None) => refused("removed"),
            (Some(old), Some(new)) if self.same(&old, &new) => Ok(Finding::Nothing),
            (Some(old), Some(new)) => self.permitted(number, &old, &new),
        }
    }

    fn same(&self, old: &Loaded, new: &Loaded) -> bool {
        let stream = |file: &File<'a>, loaded: &Loaded| {
            loaded.stream.clone().map(|span| file.octets().get(span))
        };
        stream(self.revision, old) == stream(self.whole, new)
            && plain(&old.value.object) == plain(&new.value.object)
    }

    /// Whether a rule permits that an object with a role changes so.
    fn permitted(&self, number: u32, old: &Loaded, new: &Loaded) -> Result<Finding, PdfError> {
        let changed = |what: &str| Ok(Finding::Refused(format!("{what} was changed")));
        let role = self.roles.get(&number);
        let streams = (old.stream.is_some(), new.stream.is_some());
        match (role, streams) {
            (Some(Role::Metadata), (true, true)) => {
                let kept = new.dictionary().is_some_and(|new| new.has_type(b"Metadata"));
                return match kept && self.held_by(number, |holder| *holder == Role::Catalog) {
                    true => Ok(Finding::Warned("the metadata were rewritten".to_owned())),
                    false => changed("the metadata"),
                };
            }
            (Some(Role::Appearance(name)), (true, true)) => {
                let own = |holder: &Role| matches!(holder, Role::Field(other) | Role::Appearance(other) if other == name);
                return match self.held_by(number, own) {
                    true => Ok(self.filled(name, false)),
                    false => changed("an appearance that is used elsewhere"),
                };
            }
            (None, (true, true)) => return changed(&self.kind_of_stream(number, old)),
            (_, (false, false)) => {}
            _ => return changed("a stream"),
        }
        let (old_value, new_value) = (&old.value.object, &new.value.object);
        match role {
            Some(Role::Annotations(page)) => {
                let page = *page;
                let own = |holder: &Role| *holder == Role::Page(page);
                match self.held_by(number, own) {
                    true => self.annotations(page, old_value, new_value),
                    false => changed("a list that is used elsewhere"),
                }
            }
            Some(Role::Fields) => {
                match self.held_by(number, |one| matches!(one, Role::Form | Role::Catalog)) {
                    true => self.fields(old_value, new_value),
                    false => changed("a list that is used elsewhere"),
                }
            }
            Some(Role::Security) => {
                let own = |one: &Role| matches!(one, Role::Security | Role::Catalog);
                match self.held_by(number, own) {
                    true => Ok(Finding::Permitted("validation data (DSS)".to_owned())),
                    false => changed("validation data that are used elsewhere"),
                }
            }
            _ => match (old.dictionary(), new.dictionary()) {
                (Some(old), Some(new)) => self.dictionary(number, role, old, new),
                _ => changed("an object"),
            },
        }
    }

    fn dictionary(
        &self,
        number: u32,
        role: Option<&Role>,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<Finding, PdfError> {
        let changed = |what: &str| Ok(Finding::Refused(format!("{what} was changed")));
        match role {
            Some(Role::Catalog) => {
                // Version and extensions tell readers what to expect, they show nothing.
                let mut keys: Vec<&[u8]> = vec![b"AcroForm", b"Extensions", b"Version", b"DSS"];
                if !old.has(b"Metadata") {
                    keys.push(b"Metadata");
                }
                if !same_but(old, new, &keys) {
                    return changed("the catalog");
                }
                let form = self.form(old, new)?;
                let had = !old.has(b"DSS") && new.has(b"DSS");
                Ok(match form {
                    Finding::Nothing if had => Finding::Permitted("validation data (DSS)".into()),
                    form => form,
                })
            }
            Some(Role::Information) if same_information(old, new) => Ok(Finding::Nothing),
            Some(Role::Information) => changed("the document information"),
            Some(Role::Form) => self.form_grown(old, new),
            Some(Role::Page(page)) => {
                if !same_but(old, new, &[b"Annots"]) {
                    return Ok(Finding::Refused(format!("page {} was changed", page + 1)));
                }
                let old = self.revision.get(old, b"Annots")?;
                self.annotations(*page, &old, &self.whole.get(new, b"Annots")?)
            }
            Some(Role::Field(name)) => self.field(number, name, old, new),
            Some(Role::Annotation(page)) if self.permissions.level == Some(3) => {
                if old.get(b"Subtype").ok() != new.get(b"Subtype").ok() {
                    return changed("the kind of an annotation");
                }
                self.placed(*page, new, Some(number), "an annotation")
            }
            Some(Role::Annotation(page)) => changed(&format!("an annotation on page {}", page + 1)),
            Some(Role::Several) => changed("an object with several uses"),
            Some(Role::Appearance(_)) => changed("an appearance"),
            _ => changed(&kind_of(old)),
        }
    }

    /// A field that is filled, or its widget.
    fn field(
        &self,
        number: u32,
        name: &Rc<str>,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<Finding, PdfError> {
        let kind = tree::inherited(self.revision, old, b"FT")?;
        let is_signature = kind.as_name().is_ok_and(|kind| kind == b"Sig");
        let empty = |value: Object| match value {
            Object::Null => true,
            Object::String(text, _) => text.is_empty(),
            Object::Name(name) => name == b"Off",
            _ => false,
        };
        let was_empty = empty(tree::inherited(self.revision, old, b"V")?);
        let keys: &[&[u8]] =
            if is_signature { &[b"V", b"AP", b"M"] } else { &[b"V", b"AP", b"AS", b"I", b"M"] };
        if !same_but(old, new, keys) {
            return Ok(Finding::Refused(format!("the field {name:?} was changed")));
        }
        if is_signature && !was_empty {
            return Ok(Finding::Refused(format!("the signature field {name:?} was changed")));
        }
        let shows = plain_entry(old, b"AP") != plain_entry(new, b"AP");
        if let (Some(page), true) = (self.shown_on.get(&number), shows)
            && let refused @ Finding::Refused(_) =
                self.placed(*page, new, Some(number), &format!("the field {name:?}"))?
        {
            return Ok(refused);
        }
        if is_signature {
            return Ok(match self.permissions.level {
                Some(1) if !self.is_time_stamp(new)? => {
                    Finding::Refused("the certification permits no further signature".to_owned())
                }
                _ => Finding::Permitted(format!("signature in the field {name:?}")),
            });
        }
        Ok(self.filled(name, was_empty))
    }

    /// Whether a field of the form may be filled.
    fn filled(&self, name: &str, was_empty: bool) -> Finding {
        let what = format!("the form field {name:?} was filled");
        if self.permissions.locks(name) {
            return Finding::Refused(format!("{what}, and the signature locks it"));
        }
        match (self.permissions.level, was_empty) {
            (Some(2 | 3), empty) if empty || self.permissions.certifies => Finding::Permitted(what),
            (Some(1), _) => Finding::Refused(format!("{what}, and the certification forbids it")),
            (_, true) => Finding::Warned(format!("{what} after signing")),
            (_, false) => Finding::Refused(format!("the form field {name:?} was changed")),
        }
    }

    fn form(&self, old: &Dictionary, new: &Dictionary) -> Result<Finding, PdfError> {
        let gone = || Ok(Finding::Refused("the form was replaced".to_owned()));
        match (old.get(b"AcroForm"), new.get(b"AcroForm")) {
            (Err(_), Err(_)) => Ok(Finding::Nothing),
            (Ok(Object::Dictionary(old)), Ok(Object::Dictionary(new))) => self.form_grown(old, new),
            (Ok(old), Ok(new)) if old == new => Ok(Finding::Nothing),
            (Err(_), Ok(new)) => match self.whole.resolve(new)? {
                Object::Dictionary(new) => self.form_grown(&Dictionary::new(), &new),
                _ => gone(),
            },
            _ => gone(),
        }
    }

    fn form_grown(&self, old: &Dictionary, new: &Dictionary) -> Result<Finding, PdfError> {
        let mut keys: Vec<&[u8]> = vec![b"Fields", b"SigFlags"];
        if self.permissions.level.is_some_and(|level| level > 1) {
            keys.push(b"NeedAppearances");
        }
        // A form that is new may say how its fields are to be drawn: it has none but signatures.
        if old.is_empty() {
            keys.extend([b"DA".as_slice(), b"DR"]);
        }
        if !same_but(old, new, &keys) {
            return Ok(Finding::Refused("the form was changed".to_owned()));
        }
        self.fields(&self.revision.get(old, b"Fields")?, &self.whole.get(new, b"Fields")?)
    }

    /// Whether a list of fields kept what it had and got signature fields only.
    fn fields(&self, old: &Object, new: &Object) -> Result<Finding, PdfError> {
        let Some(added) = appended(old, new) else {
            return Ok(Finding::Refused("the list of fields was changed".to_owned()));
        };
        let mut stamps = true;
        for item in &added {
            let field = self.whole.resolve(item)?;
            let Ok(field) = field.as_dict() else {
                return Ok(Finding::Refused("a field was added that is none".to_owned()));
            };
            if let refused @ Finding::Refused(_) = self.new_field(field)? {
                return Ok(refused);
            }
            stamps &= self.is_time_stamp(field)?;
        }
        Ok(match (added.is_empty(), stamps) {
            (true, _) => Finding::Nothing,
            (_, true) => Finding::Permitted("a document time-stamp was added".to_owned()),
            _ => Finding::Permitted("a signature field was added".to_owned()),
        })
    }

    /// A field that was added: only for a signature, and only where the signer permits it.
    fn new_field(&self, field: &Dictionary) -> Result<Finding, PdfError> {
        let kind = tree::inherited(self.whole, field, b"FT")?;
        if !kind.as_name().is_ok_and(|kind| kind == b"Sig") {
            return Ok(Finding::Refused("a form field was added that is no signature".to_owned()));
        }
        let visible = Rect::of(&self.whole.get(field, b"Rect")?).is_some();
        let what = match self.permissions.level {
            Some(1) if !self.is_time_stamp(field)? => {
                "a signature field was added, and the certification permits no further signature"
            }
            // The sneaky signature attack: a stamp drawn over a certified text.
            Some(_) if visible => "a visible signature field was added to a certified document",
            _ if visible && !field.has(b"V") => "a visible field without a signature was added",
            _ => return Ok(Finding::Nothing),
        };
        Ok(Finding::Refused(what.to_owned()))
    }

    fn is_time_stamp(&self, field: &Dictionary) -> Result<bool, PdfError> {
        let value = tree::dictionary(self.whole, field, b"V")?;
        Ok(value.is_some_and(|value| value.has_type(b"DocTimeStamp")))
    }

    /// Whether a page's annotations kept what they were and got permitted ones only.
    fn annotations(&self, page: usize, old: &Object, new: &Object) -> Result<Finding, PdfError> {
        let Some(added) = appended(old, new) else {
            let what = format!("the list of annotations of page {} was changed", page + 1);
            return Ok(Finding::Refused(what));
        };
        let mut out = Finding::Nothing;
        for item in &added {
            let annotation = self.whole.resolve(item)?;
            let Ok(annotation) = annotation.as_dict() else {
                return Ok(Finding::Refused("an annotation was added that is none".to_owned()));
            };
            let subtype = self.whole.get(annotation, b"Subtype")?;
            let is_widget = subtype.as_name().is_ok_and(|subtype| subtype == b"Widget");
            let what = match (is_widget, self.permissions.level) {
                (true, _) => match self.new_field(annotation)? {
                    refused @ Finding::Refused(_) => return Ok(refused),
                    _ => "a signature field",
                },
                (false, Some(3)) => "an annotation",
                (false, _) => {
                    let what = format!("an annotation was added to page {}", page + 1);
                    return Ok(Finding::Refused(what));
                }
            };
            match self.placed(page, annotation, None, what)? {
                refused @ Finding::Refused(_) => return Ok(refused),
                finding => out = finding,
            }
        }
        Ok(out)
    }

    /// Whether a visible annotation leaves what was signed uncovered.
    fn placed(
        &self,
        page: usize,
        annotation: &Dictionary,
        itself: Option<u32>,
        what: &str,
    ) -> Result<Finding, PdfError> {
        let permitted = || Ok(Finding::Permitted(format!("{what} on page {}", page + 1)));
        let Some(place) = Rect::of(&self.whole.get(annotation, b"Rect")?) else {
            return permitted();
        };
        let Some((_, signed)) = self.pages.get(page) else { return permitted() };
        let covers = |what: &str, thing: &str| {
            Ok(Finding::Refused(format!("{what} covers {thing} of page {}", page + 1)))
        };
        match content::shown(self.revision, signed, content::Fonts::new()) {
            Ok(shown) if shown.has_text(&place) => {
                return covers(what, "signed text");
            }
            Ok(_) => {}
            Err(error) => return covers(what, &format!("unreadable content ({error})")),
        }
        let page_dictionary = signed.dictionary().cloned().unwrap_or_default();
        let others = list(&self.revision.get(&page_dictionary, b"Annots")?).unwrap_or_default();
        for other in others {
            if other.as_reference().ok().map(|id| id.0) == itself {
                continue;
            }
            let other = self.revision.resolve(&other)?;
            let Ok(other) = other.as_dict() else { continue };
            let there = Rect::of(&self.revision.get(other, b"Rect")?);
            if other.has(b"AP") && there.is_some_and(|there| there.meets(&place)) {
                return covers(what, "a signed annotation");
            }
        }
        permitted()
    }

    /// Whether everything that refers to an object has one of these roles.
    fn held_by(&self, number: u32, wanted: impl Fn(&Role) -> bool) -> bool {
        self.references.holders(number).all(|holder| self.roles.get(&holder).is_some_and(&wanted))
    }

    fn kind_of_stream(&self, number: u32, stream: &Loaded) -> String {
        let is_content = |page: &Loaded| {
            let contents = page.dictionary().and_then(|page| page.get(b"Contents").ok());
            let contents =
                contents.and_then(|one| self.revision.resolve(one).ok().map(|all| (one, all)));
            contents.is_some_and(|(one, all)| {
                one.as_reference().is_ok_and(|id| id.0 == number)
                    || list(&all)
                        .unwrap_or_default()
                        .iter()
                        .any(|part| part.as_reference().is_ok_and(|id| id.0 == number))
            })
        };
        if self.pages.iter().any(|(_, page)| is_content(page)) {
            return "the content of a page".to_owned();
        }
        stream.dictionary().map_or_else(|| "a stream".to_owned(), kind_of)
    }
}

/// What a dictionary is, in words.
fn kind_of(dictionary: &Dictionary) -> String {
    let name = |key: &[u8]| dictionary.get(key).and_then(Object::as_name).unwrap_or_default();
    let known = match (name(b"Type"), name(b"Subtype")) {
        (b"Catalog", _) => "the catalog",
        (b"Pages", _) => "the page tree",
        (b"Page", _) => "a page",
        (b"Font" | b"FontDescriptor", _) => "a font",
        (b"Sig" | b"DocTimeStamp", _) => "a signature",
        (_, b"Image") => "an image",
        (_, b"Form") => "a form XObject",
        (b"OCG" | b"OCMD", _) => "a layer",
        (b"Metadata", _) => "the metadata",
        (b"EmbeddedFile" | b"Filespec", _) => "an attached file",
        _ if dictionary.has(b"Length1") => "a font program",
        (b"", _) => "an object",
        (other, _) => {
            let kind: String = String::from_utf8_lossy(other).chars().take(32).collect();
            return format!("an object of type {kind}");
        }
    };
    known.to_owned()
}

fn reference(dictionary: &Dictionary, key: &[u8]) -> Option<u32> {
    dictionary.get(key).and_then(Object::as_reference).ok().map(|id| id.0)
}

fn list(object: &Object) -> Option<Vec<Object>> {
    match object {
        Object::Null => Some(Vec::new()),
        Object::Array(items) => Some(items.clone()),
        _ => None,
    }
}

/// What a list got behind what it had; `None` where it did not keep that.
fn appended(old: &Object, new: &Object) -> Option<Vec<Object>> {
    let (old, new) = (list(old)?, list(new)?);
    let (kept, added) = new.split_at_checked(old.len())?;
    (kept == old.as_slice()).then(|| added.to_vec())
}

fn plain_entry(dictionary: &Dictionary, key: &[u8]) -> Option<Object> {
    dictionary.get(key).ok().map(plain)
}

fn current(file: &File<'_>, number: u32) -> Result<Option<Rc<Loaded>>, PdfError> {
    match file.generation(number) {
        Some(generation) => file.load((number, generation)),
        None => Ok(None),
    }
}
