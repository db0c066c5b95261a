//! `kill -9` in the middle of changes, done to this test program itself as a child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;

use super::*;
use crate::store::{LicenceKey, audit};

const STORE: &str = "QOLTANBA_TEST_STORE";
const HALT: &str = "QOLTANBA_TEST_HALT";

#[test]
#[ignore = "the child process of the other tests here: it writes until it is killed"]
fn child() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = Sqlite::open(Path::new(&path)).unwrap();
    let halt = std::env::var_os(HALT);
    let begin = store.view(|view| view.audit_head()).unwrap().rows;
    for i in begin.. {
        let number = store.change(|tx| {
            let number = tx.number("licence", &format!("holder {i}"))?;
            put_licence(tx, &number.to_string())?;
            // Long enough to leave the cache and to be in the log before the commit.
            tx.put_document("image/tiff", format!("{i}").repeat(50_000).as_bytes())?;
            tx.audit_append(&entry(&format!("licence/{number}")))?;
            if let Some(mark) = &halt {
                std::fs::write(mark, "in the middle").unwrap();
                std::thread::sleep(Duration::from_secs(600));
            }
            Ok::<_, StoreError>(number)
        });
        println!("\nkept {}", number.unwrap());
    }
}

#[test]
fn what_was_promised_survives_a_kill_and_nothing_is_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut promised = 0;
    for round in 0..8 {
        let mut child = spawn(&path, None);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut told = 0;
        while told < 5 {
            let kept = next_kept(&mut out).expect("the child ended by itself");
            promised = promised.max(kept);
            told += 1;
        }
        std::thread::sleep(Duration::from_micros(700 * round));
        kill(&mut child);
        while let Some(kept) = next_kept(&mut out) {
            promised = promised.max(kept);
        }
        check(&path, promised);
    }
}

#[test]
fn a_change_that_was_killed_before_its_commit_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    drop(Sqlite::open(&path).unwrap());
    let mark = folder.path().join("mark");
    for _ in 0..2 {
        let mut child = spawn(&path, Some(&mark));
        while !mark.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::sleep(Duration::from_millis(5));
        }
        kill(&mut child);
        std::fs::remove_file(&mark).unwrap();
        assert_eq!(check(&path, 0), 0);
    }
    let store = Sqlite::open(&path).unwrap();
    assert_eq!(change(&store, |tx| tx.number("licence", "a")).unwrap(), 1, "the number went back");
}

fn spawn(path: &Path, halt: Option<&Path>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = concat!(module_path!(), "::child").split_once("::").unwrap().1;
    command.args([name, "--exact", "--ignored", "--nocapture"]).env(STORE, path);
    halt.map(|mark| command.env(HALT, mark));
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills the child with SIGKILL.
fn kill(child: &mut Child) {
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

/// The next number that the child was told was kept; a last line cut short by the kill is none.
fn next_kept(out: &mut impl BufRead) -> Option<u64> {
    loop {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let line = line.strip_suffix('\n')?;
        if let Some(kept) = line.strip_prefix("kept ") {
            return kept.parse().ok();
        }
    }
}

/// Opens the store as after a restart; returns how many licences it has.
fn check(path: &Path, promised: u64) -> u64 {
    let store = Sqlite::open(path).unwrap();
    let head = store.view(|view| audit::verify(view, &[])).unwrap();
    assert!(head.rows >= promised, "{promised} promised, {} there", head.rows);
    for number in 1..=head.rows {
        let number = number.to_string();
        let found = store.view(|view| view.licence(LicenceKey::Number(&number))).unwrap();
        let licence = found.unwrap_or_else(|| panic!("no licence {number}"));
        let case = store.view(|view| view.case(&licence.case_id)).unwrap();
        assert_eq!(case.map(|case| case.version), Some(1));
        for sha256 in licence.pdf_sha256.values().chain([&licence.xml_sha256]) {
            assert!(store.view(|view| view.document(sha256)).unwrap().is_some());
        }
    }
    let raw = Connection::open(path).unwrap();
    let count = |sql: &str| raw.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap().into();
    let counts: [u64; 5] = [
        count("SELECT count(*) FROM numbers"),
        count("SELECT coalesce(max(number), 0) FROM numbers"),
        count("SELECT count(*) FROM cases"),
        count("SELECT count(*) FROM licence_states"),
        count("SELECT count(*) / 4 FROM documents"),
    ];
    assert_eq!(counts, [head.rows; 5]);
    let sound: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    head.rows
}
