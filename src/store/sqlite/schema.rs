//! The schema and its numbered steps.

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

/// Step n (from 1) brings a file from schema n − 1 to schema n. Steps are never changed, only added.
const STEPS: &[&str] = &[include_str!("0001.sql")];

/// Marks the file as ours (`PRAGMA application_id`): "Qolt".
const APPLICATION: u32 = 0x516f_6c74;

/// Refuses a database of another program; an empty file is welcome.
pub(super) fn recognise(connection: &Connection) -> Result<(), StoreError> {
    let empty = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    match number(connection, "application_id")? {
        APPLICATION => Ok(()),
        0 if connection.query_row(empty, [], |row| row.get(0))? => Ok(()),
        _ => Err(StoreError::Foreign),
    }
}

/// Refuses everything but the schema of this program.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    recognise(connection)?;
    match number(connection, "user_version")? {
        found if found as usize == STEPS.len() => Ok(()),
        found => Err(StoreError::Schema { found, known: STEPS.len() as u32 }),
    }
}

/// Takes the steps that are missing, each with its number in one transaction.
pub(super) fn update(connection: &mut Connection) -> Result<(), StoreError> {
    for (step, before) in STEPS.iter().zip(0_u32..) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Asked inside the lock: another process may be updating as well.
        if number(&transaction, "user_version")? == before {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", before + 1)?;
            transaction.commit()?;
        }
    }
    check(connection)
}

fn number(connection: &Connection, pragma: &str) -> Result<u32, StoreError> {
    Ok(connection.pragma_query_value(None, pragma, |row| row.get(0))?)
}
