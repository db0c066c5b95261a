//! SoftHSM's set-up: its configuration in the run's directory, and the environment it needs.
//!
//! The library reads `SOFTHSM2_CONF` when it is loaded. A process must not change its own
//! environment once threads may run, so [`enter`] starts the same program anew in its place with
//! the variable set. `main` calls it first thing, before any thread and before any work.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PkiError;

const VARIABLE: &str = "SOFTHSM2_CONF";
const TEMPLATE: &str = include_str!("../../softhsm/softhsm2.conf");
const MODULES: [&str; 6] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// SoftHSM's PKCS#11 module, where it is usually installed.
pub fn module() -> Option<PathBuf> {
    MODULES.iter().map(PathBuf::from).find(|path| path.exists())
}

/// The configuration file of the tokens under `dir`.
pub fn configuration(dir: &Path) -> PathBuf {
    dir.join("softhsm2.conf")
}

/// Writes the configuration for tokens under `dir` and makes their directory, for the owner's
/// eyes only.
///
/// # Errors
/// [`PkiError::File`].
pub fn configure(dir: &Path) -> Result<(), PkiError> {
    let dir = absolute(dir)?;
    let tokens = dir.join("tokens");
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(&tokens).map_err(PkiError::file(&tokens))?;
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o700))
        .map_err(PkiError::file(&tokens))?;
    let path = configuration(&dir);
    let text = TEMPLATE.replace("@TOKENS@", &tokens.display().to_string());
    fs::write(&path, text).map_err(PkiError::file(&path))
}

/// Whether this process was started with the configuration of the tokens under `dir`.
pub fn configured(dir: &Path) -> bool {
    let wanted = absolute(dir).map(|dir| configuration(&dir));
    wanted.is_ok_and(|wanted| std::env::var_os(VARIABLE).is_some_and(|set| wanted == set))
}

/// Makes sure that this process was started with the configuration of the tokens under `dir`:
/// returns if so, otherwise starts the same program with the same arguments anew in its place.
/// Whatever was not saved is lost then, so call it first.
///
/// # Errors
/// [`PkiError::File`] if the program cannot be started.
pub fn enter(dir: &Path) -> Result<(), PkiError> {
    if configured(dir) {
        return Ok(());
    }
    match restart(&configuration(&absolute(dir)?)) {
        Ok(never) => match never {},
        Err(error) => Err(error),
    }
}

/// As [`enter`] with a configuration file by its path, for programs that were told of one; a
/// configuration that stands in the environment already is left alone.
///
/// # Errors
/// [`PkiError::File`] if the program cannot be started.
pub fn enter_configuration(path: &Path) -> Result<(), PkiError> {
    if std::env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    match restart(&absolute(path)?) {
        Ok(never) => match never {},
        Err(error) => Err(error),
    }
}

fn restart(configuration: &Path) -> Result<Infallible, PkiError> {
    let program = std::env::current_exe().map_err(PkiError::file(Path::new("this program")))?;
    let error = Command::new(&program)
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, configuration)
        .exec();
    Err(PkiError::file(&program)(error))
}

/// The path from the root, whether or not it exists yet; the same in every process.
fn absolute(dir: &Path) -> Result<PathBuf, PkiError> {
    std::path::absolute(dir).map_err(PkiError::file(dir))
}
