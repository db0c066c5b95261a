//! Trust store reload without restart: when told to, and when the files change.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::{Config, VerifierError};
use crate::validation::Verifier;

/// Watches the files and directories of the trust store.
pub struct Reload {
    config: Config,
    seen: Vec<State>,
}

/// One file as it was seen last.
type State = (PathBuf, u64, Option<SystemTime>);

impl Reload {
    /// A watch over what was loaded just now.
    pub fn new(config: Config) -> Self {
        let seen = states(&config.trust.certificates);
        Self { config, seen }
    }

    /// Loads the trust store anew if its files changed, or in any case if `forced`; the verifier
    /// takes it over whole. Whether it did so is returned.
    ///
    /// # Errors
    /// [`VerifierError`]: the verifier then keeps what it has, until the files change again.
    pub fn look(&mut self, verifier: &Verifier, forced: bool) -> Result<bool, VerifierError> {
        let now = states(&self.config.trust.certificates);
        if !forced && now == self.seen {
            return Ok(false);
        }
        self.seen = now;
        verifier.take_sources(&self.config.verifier(&[])?);
        Ok(true)
    }
}

fn states(paths: &[PathBuf]) -> Vec<State> {
    let mut found = Vec::new();
    for path in paths {
        found.push(state(path));
        // What cannot be listed has no files; loading it will say why.
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            found.push(state(&entry.path()));
        }
    }
    found.sort();
    found
}

fn state(path: &Path) -> State {
    let known = std::fs::metadata(path).ok();
    let size = known.as_ref().map_or(0, std::fs::Metadata::len);
    (path.to_owned(), size, known.and_then(|known| known.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::testing::Authority;

    #[test]
    fn certificates_that_come_and_go_are_seen_and_broken_ones_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, octets: &[u8]| {
            std::fs::write(folder.path().join(name), octets).unwrap();
        };
        put("one.cer", Authority::root("One").certificate.der());
        let mut config = Config::default();
        config.trust.certificates.push(folder.path().to_owned());
        let verifier = config.verifier(&[]).unwrap();
        let anchors = || verifier.trust().anchors().len();
        let mut reload = Reload::new(config);
        assert!(!reload.look(&verifier, false).unwrap());
        assert!(reload.look(&verifier, true).unwrap(), "told to");
        assert_eq!(anchors(), 1);

        put("two.cer", Authority::root("Two").certificate.der());
        assert!(reload.look(&verifier, false).unwrap());
        assert_eq!(anchors(), 2);

        put("broken.cer", b"no certificate");
        assert!(reload.look(&verifier, false).is_err());
        assert_eq!(anchors(), 2);
        assert!(!reload.look(&verifier, false).unwrap(), "told once");

        std::fs::remove_file(folder.path().join("broken.cer")).unwrap();
        std::fs::remove_file(folder.path().join("one.cer")).unwrap();
        assert!(reload.look(&verifier, false).unwrap());
        assert_eq!(anchors(), 1);
    }
}
