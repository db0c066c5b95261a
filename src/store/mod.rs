//! The store: one seam for everything that must outlive a crash, and SQLite behind it.
//!
//! A change is atomic: its cases, documents, numbers and licences are committed together with its
//! audit rows, or nothing is. Once any call inside a change has failed, the change cannot be
//! committed any more, and a change without an audit row is refused ([`StoreError::Unaudited`];
//! only tickets, which come and go, need none).
//!
//! The store knows nothing of licensing: a case is an opaque JSON body beside the columns it is
//! looked up by; services, kinds and states are the words of the rooms that use it.

pub mod audit;
mod error;
mod row;
mod sqlite;
mod timestamp;

pub use error::StoreError;
pub use row::{
    CaseFilter, CaseRow, Document, DocumentInfo, EvidenceRow, LicenceFilter, LicenceKey,
    LicenceRow, LicenceStateRow, REFUSAL_KIND, Ticket, TicketKind,
};
pub use sqlite::Sqlite;

use time::OffsetDateTime;

use audit::{AuditEntry, AuditHead, AuditRow};

/// A place that keeps cases, documents, numbers, licences and the audit log.
///
/// Calls block; from asynchronous code they belong on a blocking thread. Callers use the typed
/// [`StoreExt::change`] and [`StoreExt::view`].
pub trait Store: Send + Sync {
    /// One atomic change: all of it is durable when this returns, or nothing of it was kept.
    ///
    /// `work` is called at most once. Changes queue behind each other: a change begun inside
    /// another one of the same store would wait for itself, so never nest them.
    ///
    /// # Errors
    /// That of `work`, or the store's own.
    fn write(
        &self,
        work: &mut dyn FnMut(&mut dyn Change) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Reads one consistent state; changes that are committed meanwhile stay unseen. `work` is
    /// called at most once. Reads do not wait for changes, nor changes for reads.
    ///
    /// # Errors
    /// That of `work`, or the store's own.
    fn read(
        &self,
        work: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
}

/// What can be read. All errors are the store's own; a record that does not exist is `None`.
pub trait View {
    /// The case with this id.
    fn case(&self, id: &str) -> Result<Option<CaseRow>, StoreError>;

    /// Cases that fit the filter, in the order of their creation.
    fn cases(&self, filter: &CaseFilter) -> Result<Vec<CaseRow>, StoreError>;

    /// The document with this SHA-256 (lower-case hexadecimal); its bytes were digested again and
    /// are what was put in.
    fn document(&self, sha256: &str) -> Result<Option<Document>, StoreError>;

    /// Media type and size of a document, without loading its bytes.
    fn document_info(&self, sha256: &str) -> Result<Option<DocumentInfo>, StoreError>;

    /// The licence with this number, code or case.
    fn licence(&self, key: LicenceKey<'_>) -> Result<Option<LicenceRow>, StoreError>;

    /// Licences that fit the filter, in the order of their entry.
    fn licences(&self, filter: &LicenceFilter) -> Result<Vec<LicenceRow>, StoreError>;

    /// Every state the licence has had, the first one first.
    fn licence_states(&self, number: &str) -> Result<Vec<LicenceStateRow>, StoreError>;

    /// What was asked and answered for a case, in the order of entry.
    fn evidence(&self, case_id: &str) -> Result<Vec<EvidenceRow>, StoreError>;

    /// The ticket with this id, unless it has expired at `now`.
    fn ticket(
        &self,
        kind: TicketKind,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Ticket>, StoreError>;

    /// Up to a page of audit rows with sequence numbers above `after`, in their order.
    fn audit(&self, after: u64) -> Result<Vec<AuditRow>, StoreError>;

    /// The same for one object: the history of a case or a licence.
    fn audit_of(&self, object: &str, after: u64) -> Result<Vec<AuditRow>, StoreError>;

    /// How many audit rows were written, and the hash of the last one.
    fn audit_head(&self) -> Result<AuditHead, StoreError>;
}

/// What can be changed, beside everything that can be read (including what this change wrote).
pub trait Change: View {
    /// Writes a case over the version it was read with, `case.version`, which is 0 for a new one;
    /// returns the new version. `created_at` keeps its first value, and an incoming number, once
    /// given, cannot change.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the stored version is another one.
    fn put_case(&mut self, case: &CaseRow) -> Result<u64, StoreError>;

    /// Keeps a document and returns its SHA-256 (lower-case hexadecimal). The same bytes are kept
    /// once, under the media type they first came with.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over [`crate::limits::DOCUMENT_BYTES`].
    fn put_document(&mut self, media_type: &str, bytes: &[u8]) -> Result<String, StoreError>;

    /// The number of `holder` in `series`, 1 or higher. The same holder always gets the same one;
    /// a new holder gets the next, which goes back if the change is not committed: a series has
    /// neither gaps nor doubles.
    fn number(&mut self, series: &str, holder: &str) -> Result<u64, StoreError>;

    /// Enters a licence with its first state, dated `issued_at`. Entering the same one again
    /// changes nothing. Its case and its documents must be there already.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] if number, code or case belong to another licence,
    /// [`StoreError::Missing`] without its case or documents.
    fn put_licence(&mut self, licence: &LicenceRow) -> Result<(), StoreError>;

    /// Gives a licence its next state, from `at` on, with the act it rests on.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is no such licence.
    fn set_licence_state(
        &mut self,
        number: &str,
        state: &str,
        at: OffsetDateTime,
        act: &str,
    ) -> Result<(), StoreError>;

    /// Keeps what was asked and answered for a case.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is no such case.
    fn put_evidence(&mut self, evidence: &EvidenceRow) -> Result<(), StoreError>;

    /// Keeps a ticket until it is taken or swept.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] if its id was used already.
    fn put_ticket(&mut self, ticket: &Ticket) -> Result<(), StoreError>;

    /// Takes a ticket out: it works once, for one caller. An expired one is gone as well, but not
    /// returned.
    fn take_ticket(
        &mut self,
        kind: TicketKind,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Ticket>, StoreError>;

    /// Removes the tickets that have expired at `now`; returns how many.
    fn sweep_tickets(&mut self, now: OffsetDateTime) -> Result<usize, StoreError>;

    /// Appends a row to the audit log and returns it.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over [`crate::limits::AUDIT_ENTRY_BYTES`]. As after any error, the
    /// change cannot be committed then: what is not in the log has not happened.
    fn audit_append(&mut self, entry: &AuditEntry) -> Result<AuditRow, StoreError>;
}

/// [`Store`] with results and errors of the caller's own types.
pub trait StoreExt: Store {
    /// See [`Store::write`]: commits when `work` returns `Ok`, keeps nothing when it returns `Err`.
    ///
    /// # Errors
    /// That of `work`, or the store's own.
    fn change<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut dyn Change) -> Result<T, E>,
    ) -> Result<T, E> {
        let (mut work, mut outcome) = (Some(work), None);
        let stored = self.write(&mut |change| once(&mut work, &mut outcome, |w| w(change)));
        settle(stored, outcome)
    }

    /// See [`Store::read`].
    ///
    /// # Errors
    /// That of `work`, or the store's own.
    fn view<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, E>,
    ) -> Result<T, E> {
        let (mut work, mut outcome) = (Some(work), None);
        let stored = self.read(&mut |view| once(&mut work, &mut outcome, |w| w(view)));
        settle(stored, outcome)
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

/// Calls `work` if it was not called yet, and keeps its outcome for [`settle`].
fn once<W, T, E>(
    work: &mut Option<W>,
    outcome: &mut Option<Result<T, E>>,
    call: impl FnOnce(W) -> Result<T, E>,
) -> Result<(), StoreError> {
    let result = work.take().map(call);
    let kept = matches!(result, Some(Ok(_)));
    *outcome = result;
    if kept { Ok(()) } else { Err(StoreError::Abandoned) }
}

/// The caller's own error goes before the store's: it is the cause.
fn settle<T, E: From<StoreError>>(
    stored: Result<(), StoreError>,
    outcome: Option<Result<T, E>>,
) -> Result<T, E> {
    match (stored, outcome) {
        (_, Some(Err(error))) => Err(error),
        (Err(error), _) => Err(error.into()),
        (Ok(()), Some(Ok(value))) => Ok(value),
        (Ok(()), None) => Err(StoreError::Abandoned.into()),
    }
}
