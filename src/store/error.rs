//! What can go wrong in a store.

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody changed the record since it was read: read it again and decide anew.
    #[error("{what} {id} was changed meanwhile")]
    Conflict {
        /// The kind of record.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A value that must be unique is in use already.
    #[error("already in use: {0}")]
    Duplicate(String),
    /// A record that another one leans on is not there.
    #[error("missing: {0}")]
    Missing(String),
    /// A value over its limit (`limits.rs`).
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A change without an audit row: it was not kept.
    #[error("a change must append to the audit log")]
    Unaudited,
    /// An earlier call inside this change failed, so nothing of it can be kept.
    #[error("an earlier step of this change failed")]
    Broken,
    /// The work inside the change gave up for a reason of its own.
    #[error("the change was abandoned")]
    Abandoned,
    /// Another process kept the store locked for longer than the busy timeout: try again.
    #[error("the store is busy")]
    Busy,
    /// The store was opened for reading only.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// The file is a database of another program.
    #[error("the file is not a store of this program")]
    Foreign,
    /// The file's schema is not the one this program knows: a newer program wrote it, or an older
    /// one did and it is open for reading only, so that it cannot be brought up to date.
    #[error("the store has schema {found}, this program knows {known}")]
    Schema {
        /// The schema number in the file.
        found: u32,
        /// The schema number of this program.
        known: u32,
    },
    /// What is stored cannot be what was put in.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The database or the disk failed.
    #[error("the store failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A failure of the program behind the seam.
    pub fn backend(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }
}
