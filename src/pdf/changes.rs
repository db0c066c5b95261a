//! What a later revision changed, judged by rules: further signatures and the material to verify
//! them (DSS, document time-stamps) may be added; forms may be filled and notes be made where the
//! signer permitted it (DocMDP, FieldMDP); nothing may cover what was signed. Everything else is
//! a fault that names the object.

use super::PdfError;
use super::diagnose::places;
use super::file::File;
use super::permissions::Permissions;
use super::rules::{Finding, Rules};
use super::xref::Entry;
use crate::reason::{Reason, ReasonCode};

/// Findings told of one signature; more would say nothing new.
const TOLD: usize = 16;

/// What came after a signed revision.
#[derive(Default)]
pub(super) struct Later {
    /// What no rule permits.
    pub faults: Vec<Reason>,
    /// What a careful reader should know.
    pub warnings: Vec<Reason>,
    /// What a rule permits.
    pub permitted: Vec<String>,
}

/// What `whole` has beyond the signed `revision`; `covered` is where the last signature's octets
/// end.
pub(super) fn after(
    revision: &File<'_>,
    whole: &File<'_>,
    covered: usize,
    permissions: &Permissions,
) -> Later {
    let (end, size) = (revision.octets().len(), whole.octets().len());
    if end == size {
        return Later::default();
    }
    // A later revision without a signature is judged by the rules alone; octets that are no
    // revision are not read at all.
    if covered < size && whole.sections().first().is_none_or(|newest| newest.offset < covered) {
        return Later::fault(format!("{} bytes follow the last signature", size - covered));
    }
    match changes(revision, whole, permissions) {
        Ok(later) => later,
        Err(error) => Later::fault(format!("what was added cannot be read: {error}")),
    }
}

fn changes(
    revision: &File<'_>,
    whole: &File<'_>,
    permissions: &Permissions,
) -> Result<Later, PdfError> {
    // The later file must stand upon the signed one: the same sections, and newer ones behind.
    let (old, new) = (revision.sections(), whole.sections());
    let newer = new.len().saturating_sub(old.len());
    let (newer, kept) = new.split_at(newer);
    let same = kept.len() == old.len() && kept.iter().zip(old).all(|(a, b)| a.offset == b.offset);
    let behind = newer.iter().all(|section| section.offset >= revision.octets().len());
    if !same || !behind {
        let what = "the cross-reference sections leave out the signed revision";
        return Ok(Later::fault(what.to_owned()));
    }
    let rules = Rules::new(revision, whole, permissions)?;
    let mut later = Later::default();
    if let Some((number, at)) = unlisted(revision.octets().len(), whole) {
        let what = format!("object {number} at byte {at} stands in no cross-reference section");
        later = Later::fault(what);
    }
    let ((old_root, _), (new_root, _)) = (revision.catalog()?, whole.catalog()?);
    if old_root != new_root {
        let what = "the document has another catalog";
        later.faults.push(Reason::new(ReasonCode::AddedAfterSigning, what));
    }
    let mut numbers: Vec<u32> =
        newer.iter().flat_map(|section| section.entries.iter().map(|entry| entry.0)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        if later.faults.len() > TOLD {
            break;
        }
        let told = |what: String| format!("object {number}: {what}");
        match rules.change(number)? {
            Finding::Nothing => {}
            Finding::Permitted(what) => later.permitted.push(told(what)),
            Finding::Warned(what) => {
                later.warnings.push(Reason::new(ReasonCode::AddedAfterSigning, told(what)));
            }
            Finding::Refused(what) => {
                later.faults.push(Reason::new(ReasonCode::AddedAfterSigning, told(what)));
            }
        }
    }
    later.faults.truncate(TOLD);
    later.warnings.truncate(TOLD);
    later.permitted.truncate(TOLD);
    Ok(later)
}

/// An added object that only readers find who repair files: they would see another document.
fn unlisted(end: usize, whole: &File<'_>) -> Option<(u32, usize)> {
    let sections = whole.sections().iter();
    let mut listed: Vec<usize> = sections
        .flat_map(|section| {
            let entries = section.entries.iter().filter_map(|(_, entry)| match entry {
                Entry::At { offset, .. } => Some(*offset),
                _ => None,
            });
            entries.chain([section.offset])
        })
        .filter(|offset| *offset >= end)
        .collect();
    listed.sort_unstable();
    let added = whole.octets().get(end..).unwrap_or_default();
    let mut objects = places(added).into_iter().map(|(number, at)| (number, at + end));
    objects.find(|(_, at)| listed.binary_search(at).is_err())
}

impl Later {
    fn fault(detail: String) -> Self {
        let faults = vec![Reason::new(ReasonCode::AddedAfterSigning, detail)];
        Self { faults, ..Self::default() }
    }
}
