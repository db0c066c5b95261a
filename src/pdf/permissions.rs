//! What a signer allowed to be changed later: DocMDP and FieldMDP (ISO 32000-1 §12.8.2.2 and
//! §12.8.2.4) and the lock of the signature field (table 233).

use lopdf::{Dictionary, Object};

use super::PdfError;
use super::file::File;
use super::tree;

/// Names of one lock; more makes it a lock of everything.
const NAMES: usize = 1_000;

/// What may be changed after a signature.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Permissions {
    /// The level of DocMDP: 1 nothing, 2 forms and signatures, 3 annotations too. `None` where
    /// nobody certified the document.
    pub level: Option<u8>,
    /// The signature is the certification itself: later values are what it waits for. Another
    /// signer's approval is of the values that stood there.
    pub certifies: bool,
    locks: Vec<Lock>,
}

/// Which fields must stay as they are.
#[derive(Debug, PartialEq, Eq)]
enum Lock {
    All,
    Include(Vec<String>),
    Exclude(Vec<String>),
}

impl Permissions {
    /// What `revision` and the signature in it, with its field, say.
    pub(super) fn of(
        revision: &File<'_>,
        signature: &Dictionary,
        field: Option<&Dictionary>,
    ) -> Result<Self, PdfError> {
        let mut out = Self::default();
        let (_, catalog) = revision.catalog()?;
        if let Some(certification) = certification(revision, catalog.dictionary())? {
            out.take(revision, &certification, true)?;
        }
        out.take(revision, signature, false)?;
        let lock = field.map(|field| tree::dictionary(revision, field, b"Lock"));
        if let Some(lock) = lock.transpose()?.flatten() {
            out.lock(revision, &lock)?;
            if let Ok(level) = revision.get(&lock, b"P")?.as_i64() {
                out.restrict(level);
            }
        }
        Ok(out)
    }

    /// Whether a field with this full name must stay as it is.
    pub(super) fn locks(&self, name: &str) -> bool {
        let named = |names: &[String]| {
            names.iter().any(|one| {
                name.strip_prefix(one.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        self.locks.iter().any(|lock| match lock {
            Lock::All => true,
            Lock::Include(names) => named(names),
            Lock::Exclude(names) => !named(names),
        })
    }

    fn take(
        &mut self,
        revision: &File<'_>,
        signature: &Dictionary,
        certification: bool,
    ) -> Result<(), PdfError> {
        let references = revision.get(signature, b"Reference")?;
        let references = references.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut certified = false;
        for reference in references {
            let reference = revision.resolve(reference)?;
            let Ok(reference) = reference.as_dict() else { continue };
            let method = revision.get(reference, b"TransformMethod")?;
            let parameters = tree::dictionary(revision, reference, b"TransformParams")?;
            let parameters = parameters.unwrap_or_default();
            match method.as_name().unwrap_or_default() {
                b"DocMDP" => {
                    // Table 254: 2 is the default.
                    self.restrict(revision.get(&parameters, b"P")?.as_i64().unwrap_or(2));
                    certified = true;
                }
                b"FieldMDP" if !certification => self.lock(revision, &parameters)?,
                _ => {}
            }
        }
        self.certifies |= certified && !certification;
        if certification && !certified {
            self.restrict(2);
        }
        Ok(())
    }

    /// A level nobody defined allows nothing.
    fn restrict(&mut self, level: i64) {
        let level = u8::try_from(level).ok().filter(|level| (1..=3).contains(level)).unwrap_or(1);
        self.level = Some(self.level.map_or(level, |known| known.min(level)));
    }

    fn lock(&mut self, revision: &File<'_>, lock: &Dictionary) -> Result<(), PdfError> {
        let names = revision.get(lock, b"Fields")?;
        let names = names.as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Option<Vec<String>> =
            (names.len() <= NAMES).then(|| names.iter().map(tree::text).collect());
        let action = revision.get(lock, b"Action")?;
        self.locks.push(match (action.as_name().unwrap_or_default(), names) {
            (b"Include", Some(names)) => Lock::Include(names),
            (b"Exclude", Some(names)) => Lock::Exclude(names),
            _ => Lock::All,
        });
        Ok(())
    }
}

/// The certification signature of a document, if it has one.
pub(super) fn certification(
    file: &File<'_>,
    catalog: Option<&Dictionary>,
) -> Result<Option<Dictionary>, PdfError> {
    let Some(catalog) = catalog else { return Ok(None) };
    let Some(permissions) = tree::dictionary(file, catalog, b"Perms")? else { return Ok(None) };
    match file.get(&permissions, b"DocMDP")? {
        Object::Dictionary(signature) => Ok(Some(signature)),
        _ => Ok(None),
    }
}
