//! Documents signed by other programs verify here, and ours there. `make interop` sets the other
//! programs up; without them each test says what it left out.

mod xml;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder `scripts/interop.sh` has filled, or `None` with a visible line.
pub fn peers(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("QOLTANBA_INTEROP").map(PathBuf::from);
    if folder.is_none() {
        say(&format!("skipped: {what}: QOLTANBA_INTEROP names no folder (make interop does)"));
    }
    folder
}

/// Whether a peer was set up; a visible line if not.
pub fn is_there(program: &Path, what: &str) -> bool {
    let there = program.exists();
    if !there {
        say(&format!("skipped: {what}: {} is not there", program.display()));
    }
    there
}

/// Prints a line that the test runner does not swallow.
pub fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A program that must succeed; its output.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let out = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}: {text} {errors}");
    text
}

/// A program with its arguments in one line, run in a folder.
#[track_caller]
pub fn shell(folder: &Path, line: &str) -> String {
    let mut words = line.split_whitespace();
    run(Command::new(words.next().unwrap()).args(words).current_dir(folder))
}
