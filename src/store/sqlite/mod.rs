//! SQLite behind the seam: one file, readable by anyone for decades.
//!
//! - One connection writes, behind a lock; others read beside it (write-ahead log). A commit
//!   returns when the disk has it (`synchronous=FULL`): it costs one flush, so the rate of changes
//!   is that of the disk (measured 220/s where the bare disk flushes 210–300/s).
//! - Documents stand in the same file: they are committed with the case that names them, there are
//!   no orphans and no half files after a crash, and one file is the whole backup. The price is
//!   that others wait while a large one is written (16 MiB: 0.2 s).
//! - Another process may read at any time. One that writes takes turns, waiting up to the busy
//!   timeout; numbers and audit rows stay in order, because a change locks before it reads.

mod change;
mod schema;
mod view;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};

use super::{Change, Store, StoreError, View};
use crate::limits;

/// A store in one SQLite file.
pub struct Sqlite {
    path: PathBuf,
    busy: Duration,
    /// `None` in a store that is open for reading only.
    writer: Option<Mutex<Connection>>,
    idle: Mutex<Vec<Connection>>,
}

impl Sqlite {
    /// Opens the store, makes it if there is none (readable by its owner alone), and brings an
    /// older schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Foreign`], [`StoreError::Schema`], [`StoreError::Busy`], or that of the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_waiting(path, Duration::from_millis(limits::STORE_BUSY_MILLISECONDS))
    }

    /// Opens an existing store for reading only, also beside a process that writes to it.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let path = path.canonicalize().map_err(StoreError::backend)?;
        let busy = Duration::from_millis(limits::STORE_BUSY_MILLISECONDS);
        let reader = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy)?;
        schema::check(&reader)?;
        Ok(Self { path, busy, writer: None, idle: Mutex::new(vec![reader]) })
    }

    fn open_waiting(path: &Path, busy: Duration) -> Result<Self, StoreError> {
        make_private(path).map_err(StoreError::backend)?;
        // A whole path: SQLite gives names such as ":memory:" a meaning of their own.
        let path = path.canonicalize().map_err(StoreError::backend)?;
        let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)?;
        schema::recognise(&writer)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "foreign_keys", true)?;
        // A burst of large documents must not keep its space in the log for ever.
        writer.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        schema::update(&mut writer)?;
        Ok(Self { path, busy, writer: Some(Mutex::new(writer)), idle: Mutex::default() })
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        match lock(&self.idle).pop() {
            Some(connection) => Ok(connection),
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY, self.busy),
        }
    }

    fn put_back(&self, reader: Connection) {
        let mut idle = lock(&self.idle);
        if idle.len() < limits::STORE_IDLE_READERS {
            idle.push(reader);
        }
    }
}

impl Store for Sqlite {
    fn write(
        &self,
        work: &mut dyn FnMut(&mut dyn Change) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut connection = lock(self.writer.as_ref().ok_or(StoreError::ReadOnly)?);
        // IMMEDIATE: the lock is taken before anything is read, so what was read stays true.
        // A transaction that is dropped, also by a panic of `work`, is rolled back.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut session = Session::new(&transaction);
        work(&mut session)?;
        session.finish()?;
        transaction.commit()?;
        Ok(())
    }

    fn read(
        &self,
        work: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let reader = self.reader()?;
        // One transaction, so that every read inside sees the same state. Its statements are kept
        // prepared: a look-up is shorter than preparing them.
        reader.prepare_cached("BEGIN")?.execute([])?;
        let result = work(&Session::new(&reader));
        // A reader that cannot end its transaction is not used again: it would show the past.
        if reader.prepare_cached("COMMIT")?.execute([]).is_ok() {
            self.put_back(reader);
        }
        result
    }
}

/// A connection inside a transaction: the view and the change of this store.
struct Session<'c> {
    connection: &'c Connection,
    failed: Cell<bool>,
    /// Something lasting was written / an audit row was.
    wrote: Cell<bool>,
    audited: Cell<bool>,
}

impl<'c> Session<'c> {
    fn new(connection: &'c Connection) -> Self {
        let no = || Cell::new(false);
        Self { connection, failed: no(), wrote: no(), audited: no() }
    }

    /// One writing call. After a failure nothing more is written: some errors of SQLite end the
    /// transaction by themselves, and what followed would be committed statement by statement.
    fn step<T>(
        &self,
        flag: Option<&Cell<bool>>,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.failed.get() || self.connection.is_autocommit() {
            return Err(StoreError::Broken);
        }
        let result = work(self);
        match &result {
            Ok(_) => flag.into_iter().for_each(|flag| flag.set(true)),
            Err(_) => self.failed.set(true),
        }
        result
    }

    /// Whether the change may be committed.
    fn finish(&self) -> Result<(), StoreError> {
        match (self.failed.get(), self.wrote.get(), self.audited.get()) {
            (true, ..) => Err(StoreError::Broken),
            (_, true, false) => Err(StoreError::Unaudited),
            _ => Ok(()),
        }
    }
}

/// A thread that panicked left nothing half done: its transaction was rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, mode: OpenFlags, busy: Duration) -> Result<Connection, StoreError> {
    use rusqlite::config::DbConfig;

    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(busy)?;
    // The file may have passed through other hands: its schema may not run anything of its own.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes an empty file that only its owner can read; SQLite gives its side files the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code);
        match (error.sqlite_error_code(), code) {
            (_, Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)) => {
                Self::Duplicate(columns(&error.to_string()))
            }
            (_, Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY)) => {
                Self::Missing("a record that another one names".into())
            }
            (Some(ErrorCode::DatabaseBusy), _) => Self::Busy,
            (Some(ErrorCode::NotADatabase), _) => Self::Foreign,
            (Some(ErrorCode::DatabaseCorrupt), _) => Self::Corrupt(error.to_string()),
            _ => Self::backend(error),
        }
    }
}

/// The columns that SQLite names: "UNIQUE constraint failed: licences.code".
fn columns(message: &str) -> String {
    message.split("failed: ").last().unwrap_or(message).to_owned()
}
