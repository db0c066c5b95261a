//! Changes: whole or not at all, also side by side.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::*;
use crate::store::audit;

#[test]
fn a_number_goes_back_when_its_change_is_not_kept() {
    let (_folder, store) = temporary();
    let take = |holder: &str| change(&store, |tx| tx.number("licence", holder)).unwrap();
    assert_eq!([take("a"), take("b"), take("a")], [1, 2, 1]);
    let lost: Result<(), StoreError> = store.change(|tx| {
        assert_eq!(tx.number("licence", "c")?, 3);
        tx.audit_append(&entry("c"))?;
        Err(StoreError::Abandoned)
    });
    assert!(lost.is_err());
    assert_eq!([take("d"), take("c")], [3, 4]);
    assert_eq!(change(&store, |tx| tx.number("incoming", "d")).unwrap(), 1);
}

#[test]
fn numbers_taken_side_by_side_have_neither_gaps_nor_doubles() {
    let (folder, store) = temporary();
    // A second store on the same file stands for a second process: it has its own locks.
    let second = Sqlite::open(&folder.path().join("store.sqlite")).unwrap();
    let mut numbers: Vec<u64> = std::thread::scope(|scope| {
        let work = |thread: usize| {
            let store = if thread.is_multiple_of(2) { &store } else { &second };
            move || -> Vec<u64> {
                let take = |i: usize| {
                    change(store, |tx| {
                        let number = tx.number("licence", &format!("{thread}-{i}"))?;
                        // Every third one is given up.
                        if i % 3 == 2 { Err(StoreError::Abandoned) } else { Ok(number) }
                    })
                };
                (0..60)
                    .filter_map(|i| match take(i) {
                        Err(StoreError::Abandoned) => None,
                        taken => Some(taken.unwrap()),
                    })
                    .collect()
            }
        };
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(work(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=320));
    assert_eq!(store.view(|view| audit::verify(view, &[])).unwrap().rows, 320);
}

#[test]
fn the_callers_own_error_comes_back_and_nothing_is_kept() {
    #[derive(Debug)]
    enum Own {
        Refused(u32),
        Store(StoreError),
    }
    impl From<StoreError> for Own {
        fn from(error: StoreError) -> Self {
            Self::Store(error)
        }
    }
    let (_folder, store) = temporary();
    let store: &dyn Store = &store;
    let result: Result<(), Own> = store.change(|tx| {
        tx.put_case(&case("a"))?;
        tx.audit_append(&entry("a"))?;
        Err(Own::Refused(7))
    });
    assert!(matches!(result, Err(Own::Refused(7))));
    let own: Result<(), Own> = store.change(|tx| Ok(tx.put_case(&case("a")).map(drop)?));
    assert!(matches!(own, Err(Own::Store(StoreError::Unaudited))));
    assert_eq!(store.view(|view| view.case("a")).unwrap(), None);
    assert_eq!(store.view(|view| view.audit_head()).unwrap().rows, 0);
}

#[test]
fn a_change_that_swallows_an_error_is_not_kept() {
    let (_folder, store) = temporary();
    change(&store, |tx| tx.put_case(&case("a"))).unwrap();
    let result = change(&store, |tx| {
        tx.put_case(&case("b"))?;
        assert!(matches!(tx.put_case(&case("a")), Err(StoreError::Conflict { .. })));
        assert!(matches!(tx.put_case(&case("c")), Err(StoreError::Broken)));
        Ok(())
    });
    assert!(matches!(result, Err(StoreError::Broken)));
    let swallowed: Result<(), StoreError> = store.change(|tx| {
        tx.audit_append(&entry("b"))?;
        let _ = tx.put_case(&case("a"));
        Ok(())
    });
    assert!(matches!(swallowed, Err(StoreError::Broken)));
    assert_eq!(store.view(|view| view.case("b")).unwrap(), None);
    assert_eq!(store.view(|view| view.audit_head()).unwrap().rows, 1);
}

#[test]
fn a_change_that_cannot_be_audited_is_not_kept() {
    let (folder, store) = temporary();
    let long = AuditEntry { actor: "a".repeat(crate::limits::AUDIT_ENTRY_BYTES), ..entry("a") };
    let result: Result<(), StoreError> = store.change(|tx| {
        tx.put_case(&case("a"))?;
        assert!(matches!(tx.audit_append(&long), Err(StoreError::TooLarge { .. })));
        Ok(())
    });
    assert!(matches!(result, Err(StoreError::Broken)));
    let raw = Connection::open(folder.path().join("store.sqlite")).unwrap();
    raw.execute_batch("DROP TABLE audit").unwrap();
    assert!(change(&store, |tx| tx.put_case(&case("a"))).is_err());
    assert_eq!(store.view(|view| view.case("a")).unwrap(), None);
}

#[test]
fn a_panic_keeps_nothing_and_the_store_goes_on() {
    let (_folder, store) = temporary();
    let panicked = std::thread::scope(|scope| {
        let work = || change(&store, |tx| tx.put_case(&case("a")).map(|_| panic!("on purpose")));
        scope.spawn(work).join().map(|result: Result<(), StoreError>| result.is_ok())
    });
    assert!(panicked.is_err());
    assert_eq!(store.view(|view| view.case("a")).unwrap(), None);
    assert_eq!(change(&store, |tx| tx.put_case(&case("a"))).unwrap(), 1);
}

#[test]
fn a_view_sees_one_state_and_a_change_sees_its_own_writes() {
    let (_folder, store) = temporary();
    store
        .view(|view| {
            assert_eq!(view.case("a")?, None);
            change(&store, |tx| {
                tx.put_case(&case("a"))?;
                assert!(tx.case("a")?.is_some());
                assert_eq!(store.view(|other| other.case("a"))?, None, "seen before its commit");
                Ok(())
            })?;
            assert_eq!(view.case("a")?, None);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert!(store.view(|view| view.case("a")).unwrap().is_some());
}

#[test]
fn a_change_waits_for_another_process_and_then_says_busy() {
    let (folder, _store) = temporary();
    let path = folder.path().join("store.sqlite");
    let hasty = Sqlite::open_waiting(&path, Duration::from_millis(100)).unwrap();
    change(&hasty, |tx| tx.put_case(&case("a"))).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let error = change(&hasty, |tx| tx.put_case(&case("b"))).unwrap_err();
    assert!(matches!(error, StoreError::Busy), "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(90));
    assert!(hasty.view(|view| view.case("a")).unwrap().is_some(), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    change(&hasty, |tx| tx.put_case(&case("b"))).unwrap();
}

#[test]
fn a_store_for_reading_sees_what_another_one_writes_and_writes_nothing() {
    let (folder, store) = temporary();
    let reader = Sqlite::open_read_only(&folder.path().join("store.sqlite")).unwrap();
    change(&store, |tx| tx.put_case(&case("a"))).unwrap();
    assert!(reader.view(|view| view.case("a")).unwrap().is_some());
    let error = change(&reader, |tx| tx.put_case(&case("b"))).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly), "{error}");
    assert!(Sqlite::open_read_only(&folder.path().join("none")).is_err());
    assert!(!folder.path().join("none").exists());
}

#[test]
fn only_a_store_of_ours_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("text"), "no database at all, but long enough to be looked at ".repeat(9))
        .unwrap();
    Connection::open(at("foreign")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    for name in ["text", "foreign"] {
        let before = std::fs::read(at(name)).unwrap();
        assert!(matches!(Sqlite::open(&at(name)), Err(StoreError::Foreign)), "{name}");
        assert_eq!(std::fs::read(at(name)).unwrap(), before, "{name} was touched");
    }
    drop(Sqlite::open(&at("newer")).unwrap());
    Connection::open(at("newer")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for opened in [Sqlite::open(&at("newer")), Sqlite::open_read_only(&at("newer"))] {
        assert!(matches!(opened, Err(StoreError::Schema { found: 99, known: 1 })));
    }
    std::fs::write(at("empty"), "").unwrap();
    let unmade = Sqlite::open_read_only(&at("empty"));
    assert!(matches!(unmade, Err(StoreError::Schema { found: 0, .. })));
    // A name that SQLite would take for a database in memory is a file like any other.
    drop(Sqlite::open(&at(":memory:")).unwrap());
    assert!(std::fs::metadata(at(":memory:")).unwrap().len() > 0);
}

#[cfg(unix)]
#[test]
fn the_files_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, store) = temporary();
    change(&store, |tx| tx.put_case(&case("a"))).unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "database, log and shared memory");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
    }
}

#[test]
fn the_disk_has_a_change_when_it_returns() {
    let (_folder, store) = temporary();
    let writer = super::super::lock(store.writer.as_ref().unwrap());
    let ask = |pragma| -> String {
        let value =
            writer.pragma_query_value(None, pragma, |row| row.get::<_, rusqlite::types::Value>(0));
        format!("{:?}", value.unwrap())
    };
    assert_eq!(ask("journal_mode"), "Text(\"wal\")");
    assert_eq!(ask("synchronous"), "Integer(2)", "2 is FULL");
    assert_eq!(ask("foreign_keys"), "Integer(1)");
}
