//! The audit log: every way to change the past is found.

use rusqlite::Connection;
use sha2_by_hand::hash;

use super::*;
use crate::store::audit::{AuditError, AuditHead, AuditRow, Chain, export, verify};

const ROWS: u64 = 450; // more than two pages

/// A log of [`ROWS`] rows, then changed by `sql` with every trigger gone.
fn tampered(sql: &str) -> Result<AuditHead, AuditError> {
    let (folder, store) = filled();
    let raw = Connection::open(folder.path().join("store.sqlite")).unwrap();
    for trigger in triggers(&raw) {
        raw.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    raw.execute_batch(sql).unwrap();
    store.view(|view| verify(view, &[]))
}

fn fault(sql: &str) -> (u64, &'static str) {
    match tampered(sql) {
        Err(AuditError::Fault(fault)) => (fault.seq, fault.what),
        other => panic!("{sql}: {other:?}"),
    }
}

fn filled() -> (TempDir, Sqlite) {
    let (folder, store) = temporary();
    let fill = store.change(|tx| {
        (1..=ROWS)
            .try_for_each(|row| tx.audit_append(&entry(&format!("case/{}", row % 10))).map(drop))
    });
    fill.unwrap_or_else(|error: StoreError| panic!("{error}"));
    (folder, store)
}

fn triggers(raw: &Connection) -> Vec<String> {
    let mut names = raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_untouched_log_is_whole() {
    let head = tampered("").unwrap();
    assert_eq!(head.rows, ROWS);
    let (_folder, store) = temporary();
    assert_eq!(store.view(|view| verify(view, &[])).unwrap(), AuditHead::empty());
}

#[test]
fn every_field_of_a_changed_row_is_noticed() {
    for set in [
        "at = '2026-11-21T10:00:00.000000000Z'",
        "actor = 'iin:000000000000'",
        "action = 'case.deleted'",
        "object = 'case/x'",
        "details = '{}'",
        "details = details || ' '",
        "hash = zeroblob(32)",
        "hash = x''",
        // The same octets, cut elsewhere.
        "actor = actor || substr(action, 1, 1), action = substr(action, 2)",
    ] {
        assert_eq!(
            fault(&format!("UPDATE audit SET {set} WHERE seq = 300")),
            (300, "the row was changed")
        );
    }
    let relinked = fault("UPDATE audit SET prev_hash = zeroblob(32) WHERE seq = 300");
    assert_eq!(relinked, (300, "the row does not follow the one before it"));
}

#[test]
fn rows_deleted_moved_or_cut_off_are_noticed() {
    assert_eq!(fault("DELETE FROM audit WHERE seq = 300").0, 300);
    assert_eq!(fault("DELETE FROM audit WHERE seq = 1").0, 1);
    let cut = "the row is missing: the end was cut off";
    assert_eq!(fault("DELETE FROM audit WHERE seq > 448"), (449, cut));
    assert_eq!(fault("DELETE FROM audit"), (1, cut));
    let closed =
        "DELETE FROM audit WHERE seq = 300; UPDATE audit SET seq = seq - 1 WHERE seq > 300;";
    assert_eq!(fault(closed), (300, "the row does not follow the one before it"));
    let swapped =
        "UPDATE audit SET seq = 1000 WHERE seq = 7; UPDATE audit SET seq = 7 WHERE seq = 8;
         UPDATE audit SET seq = 8 WHERE seq = 1000;";
    assert_eq!(fault(swapped).0, 7);
    let contents =
        "UPDATE audit SET object = (SELECT object FROM audit WHERE seq = 8) WHERE seq = 7";
    assert_eq!(fault(contents).0, 7);
    let doubled =
        "INSERT INTO audit SELECT 451, at, actor, action, object, details, prev_hash, hash
         FROM audit WHERE seq = 450";
    assert_eq!(fault(doubled).0, 451);
    assert_eq!(fault("UPDATE audit_head SET rows = 449").0, 450);
    assert_eq!(fault("UPDATE audit_head SET hash = zeroblob(32)").0, 450);
    assert!(matches!(
        tampered("DELETE FROM audit_head"),
        Err(AuditError::Store(StoreError::Corrupt(_)))
    ));
}

#[test]
fn a_log_written_anew_does_not_agree_with_a_head_noted_earlier() {
    let (_folder, store) = filled();
    let noted = store.view(|view| view.audit_head()).unwrap();
    change(&store, |tx| tx.put_case(&case("a"))).unwrap();
    let check = |store: &Sqlite, known: &[AuditHead]| store.view(|view| verify(view, known));
    assert_eq!(check(&store, std::slice::from_ref(&noted)).unwrap().rows, ROWS + 1);

    let (_other_folder, other) = temporary();
    let written = |object: &str| {
        let append = other.change(|tx| tx.audit_append(&entry(object)).map(drop));
        append.unwrap_or_else(|error: StoreError| panic!("{error}"));
    };
    written("another past");
    assert!(check(&other, &[]).is_ok());
    let shorter = check(&other, std::slice::from_ref(&noted)).unwrap_err();
    assert!(matches!(shorter, AuditError::Fault(fault) if fault.seq == 2));
    (1..ROWS).for_each(|_| written("another past"));
    let other_past = check(&other, &[noted]).unwrap_err();
    assert!(matches!(other_past, AuditError::Fault(fault) if fault.seq == ROWS));
}

#[test]
fn the_database_itself_refuses_to_change_the_past() {
    let (folder, store) = filled();
    let before = store.view(|view| view.audit_head()).unwrap();
    change(&store, |tx| tx.number("licence", "a")).unwrap();
    let raw = Connection::open(folder.path().join("store.sqlite")).unwrap();
    for sql in [
        "UPDATE audit SET actor = 'x' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 450",
        "REPLACE INTO audit SELECT seq, at, 'x', action, object, details, prev_hash, hash FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT 0, at, actor, action, object, details, prev_hash, hash FROM audit WHERE seq = 3",
        "UPDATE audit_head SET rows = 3",
        "DELETE FROM audit_head",
        "REPLACE INTO audit_head VALUES (1, 0, zeroblob(32))",
        "DELETE FROM numbers",
        "UPDATE numbers SET number = 9",
    ] {
        assert!(raw.execute_batch(sql).is_err(), "{sql}");
    }
    let head = store.view(|view| verify(view, &[before])).unwrap();
    assert_eq!(head.rows, ROWS + 1);
}

#[test]
fn exported_rows_are_enough_to_check_the_chain() {
    let (_folder, store) = filled();
    let mut lines = Vec::new();
    assert_eq!(store.view(|view| export(view, 0, &mut lines)).unwrap(), ROWS);
    let text = String::from_utf8(lines).unwrap();
    let mut chain = Chain::default();
    let mut previous = [0; 32];
    for line in text.lines() {
        let row: AuditRow = serde_json::from_str(line).unwrap();
        chain.push(&row).unwrap();
        previous = hash(&row, previous);
        assert_eq!(row.hash, crate::crypto::hex(&previous));
    }
    assert_eq!(*chain.head(), store.view(|view| view.audit_head()).unwrap());
    let mut rest = Vec::new();
    assert_eq!(store.view(|view| export(view, ROWS - 2, &mut rest)).unwrap(), 2);
}

/// The hash is part of the promise to third parties: this value was computed apart from this code,
/// by another language's SHA-256.
#[test]
fn the_hash_of_the_first_row_is_the_documented_one() {
    let (_folder, store) = temporary();
    let row = store.change(|tx| tx.audit_append(&entry("case/1")));
    let row = row.unwrap_or_else(|error: StoreError| panic!("{error}"));
    assert_eq!(row.at, "2026-11-21T10:00:00.123456789Z");
    assert_eq!(row.details, r#"{"a":[1,null],"з":"ә"}"#);
    assert_eq!(row.hash, "c73ef0dd89509836641d57496deea203b039fe72ddf3158e6f42adf293df2def");
}

#[test]
fn the_history_of_one_object_is_found() {
    let (_folder, store) = filled();
    let rows = store.view(|view| view.audit_of("case/3", 100)).unwrap();
    assert!(rows.iter().all(|row| row.object == "case/3"));
    assert_eq!((rows[0].seq, rows.len()), (103, 35));
}

/// The documented encoding once more, written from the document.
mod sha2_by_hand {
    use crate::store::audit::AuditRow;

    pub fn hash(row: &AuditRow, previous: [u8; 32]) -> [u8; 32] {
        let mut octets = b"qoltanba-audit-1".to_vec();
        octets.extend(previous);
        octets.extend(row.seq.to_be_bytes());
        for text in [&row.at, &row.actor, &row.action, &row.object, &row.details] {
            octets.extend(u64::try_from(text.len()).unwrap().to_be_bytes());
            octets.extend(text.bytes());
        }
        ring::digest::digest(&ring::digest::SHA256, &octets).as_ref().try_into().unwrap()
    }
}
