//! What the tests of several rooms share.

use std::io::Write as _;
use std::path::PathBuf;

/// A folder of the public test data (`QOLTANBA_CORPORA`), or `None` with a visible line where it
/// is not there.
pub(crate) fn corpora(what: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora");
    let root = std::env::var_os("QOLTANBA_CORPORA").unwrap_or_else(|| beside.into());
    let folder = PathBuf::from(root);
    if folder.is_dir() {
        return Some(folder);
    }
    say(&format!("skipped: {what}: QOLTANBA_CORPORA names no folder"));
    None
}

/// Prints a line that the test runner does not swallow.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
