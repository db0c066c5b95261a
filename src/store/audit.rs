//! The audit log: rows chained by hashes, so that nobody changes the past unseen.
//!
//! # The hash of a row
//! Anyone can recompute it with SHA-256 and the exported rows alone:
//!
//! ```text
//! hash = SHA-256( "qoltanba-audit-1"         16 octets, ASCII
//!               ‖ prev_hash                  32 octets: the hash of row seq − 1; zeros for row 1
//!               ‖ seq                         8 octets, unsigned, big-endian
//!               ‖ field(at) ‖ field(actor) ‖ field(action) ‖ field(object) ‖ field(details) )
//! field(text)  = length of the text in octets (8 octets, unsigned, big-endian) ‖ text in UTF-8
//! ```
//!
//! `at` is RFC 3339 in UTC with nine digits of a second, and `details` a JSON object or value as
//! text: both exactly as stored and exported, never written anew.
//!
//! # What it proves
//! Rows count from 1 without gaps. A row that was changed, removed, inserted or moved breaks the
//! chain; the head (number of rows, hash of the last), written in the transaction of each row,
//! shows a tail that was cut off. Whoever can write the file can also compute a whole new chain:
//! against that, keep heads elsewhere (printed, signed, sent away) and hand them to [`verify`].

use std::io;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{StoreError, View};
use crate::crypto::{DigestAlgorithm, Digester, hex};

/// The first octets of what is hashed: the name and version of the encoding.
const ENCODING: &[u8] = b"qoltanba-audit-1";

/// What happened, before it stands in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: OffsetDateTime,
    /// Who did it.
    pub actor: String,
    /// What was done, as a stable word.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// All else that belongs to it; never a secret.
    pub details: serde_json::Value,
}

/// A row of the log, with the texts that were hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its place, from 1.
    pub seq: u64,
    /// When: RFC 3339, UTC.
    pub at: String,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// All else, JSON as text.
    pub details: String,
    /// The hash of the row before, lower-case hexadecimal.
    pub prev_hash: String,
    /// The hash of this row, lower-case hexadecimal.
    pub hash: String,
}

/// The end of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditHead {
    /// How many rows there are.
    pub rows: u64,
    /// The hash of the last one, lower-case hexadecimal; zeros for an empty log.
    pub hash: String,
}

/// Where a log is not whole, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit row {seq}: {what}")]
pub struct AuditFault {
    /// The first row that is wrong.
    pub seq: u64,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Why a log could not be shown to be whole.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log is not whole.
    #[error(transparent)]
    Fault(#[from] AuditFault),
    /// The log could not be read to its end.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A check of rows one after the other; works on exported rows as well.
#[derive(Clone, Debug)]
pub struct Chain(AuditHead);

impl AuditHead {
    /// The head of an empty log.
    pub fn empty() -> Self {
        Self { rows: 0, hash: hex(&[0; 32]) }
    }
}

impl AuditRow {
    /// The hash this row must have; see the head of this module. `None` if `prev_hash` is not one.
    pub fn expected_hash(&self) -> Option<String> {
        let mut digester = Digester::new(DigestAlgorithm::Sha256);
        digester.update(ENCODING);
        digester.update(&unhex(&self.prev_hash)?);
        digester.update(&self.seq.to_be_bytes());
        for text in [&self.at, &self.actor, &self.action, &self.object, &self.details] {
            digester.update(&(text.len() as u64).to_be_bytes());
            digester.update(text.as_bytes());
        }
        Some(hex(&digester.finish()))
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self(AuditHead::empty())
    }
}

impl Chain {
    /// Checks the next row.
    ///
    /// # Errors
    /// The fault, if the row does not follow the last one.
    pub fn push(&mut self, row: &AuditRow) -> Result<(), AuditFault> {
        let seq = self.0.rows + 1;
        let fault = |what| Err(AuditFault { seq, what });
        if row.seq != seq {
            return fault("the row is missing");
        }
        if row.prev_hash != self.0.hash {
            return fault("the row does not follow the one before it");
        }
        if row.expected_hash().as_ref() != Some(&row.hash) {
            return fault("the row was changed");
        }
        self.0 = AuditHead { rows: seq, hash: row.hash.clone() };
        Ok(())
    }

    /// Where the chain has come to.
    pub fn head(&self) -> &AuditHead {
        &self.0
    }
}

/// Checks the whole log, page by page, and returns its head. `known` are heads noted earlier:
/// each must still be on the chain.
///
/// # Errors
/// The first fault found, or that of the store.
pub fn verify(view: &dyn View, known: &[AuditHead]) -> Result<AuditHead, AuditError> {
    let mut chain = Chain::default();
    each(view, 0, |row| -> Result<(), AuditError> {
        chain.push(row)?;
        if known.iter().any(|head| head.rows == row.seq && head.hash != row.hash) {
            let what = "the row is not the one noted earlier";
            return Err(AuditFault { seq: row.seq, what }.into());
        }
        Ok(())
    })?;
    let Chain(head) = chain;
    let stored = view.audit_head()?;
    let longest = known.iter().map(|head| head.rows).max().unwrap_or(0).max(stored.rows);
    let seq = head.rows + 1;
    if longest > head.rows {
        return Err(AuditFault { seq, what: "the row is missing: the end was cut off" }.into());
    }
    if stored.rows < head.rows {
        return Err(AuditFault { seq: stored.rows + 1, what: "the row is not in the head" }.into());
    }
    if stored.hash != head.hash {
        return Err(AuditFault { seq: head.rows, what: "the head has another hash" }.into());
    }
    Ok(head)
}

/// Writes the rows after `after` as JSON lines, one [`AuditRow`] each; returns how many.
///
/// # Errors
/// That of the store or of the output.
pub fn export(view: &dyn View, after: u64, out: &mut dyn io::Write) -> Result<u64, StoreError> {
    let mut rows = 0;
    each(view, after, |row| -> Result<(), StoreError> {
        serde_json::to_writer(&mut *out, row).map_err(StoreError::backend)?;
        out.write_all(b"\n").map_err(StoreError::backend)?;
        rows += 1;
        Ok(())
    })?;
    Ok(rows)
}

/// The row that `entry` becomes at the end of the log; for the stores.
pub(super) fn append(head: &AuditHead, at: String, entry: &AuditEntry) -> AuditRow {
    let mut row = AuditRow {
        seq: head.rows + 1,
        at,
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        object: entry.object.clone(),
        details: entry.details.to_string(),
        prev_hash: head.hash.clone(),
        hash: String::new(),
    };
    row.hash = row.expected_hash().unwrap_or_default();
    row
}

/// 32 octets from lower-case hexadecimal; other spellings are none of ours.
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *octet = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(octets)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn each<E: From<StoreError>>(
    view: &dyn View,
    mut after: u64,
    mut work: impl FnMut(&AuditRow) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let page = view.audit(after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        page.iter().try_for_each(&mut work)?;
    }
}
