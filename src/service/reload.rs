//! Reload of trust store and CRL files without restart: when told to, and when the files change.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::{Config, VerifierError};
use crate::validation::Verifier;

/// Watches the files and directories of the trust store and of the CRLs.
pub struct Reload {
    config: Config,
    seen: Vec<State>,
}

/// One file as it was seen last.
type State = (PathBuf, u64, Option<SystemTime>);

impl Reload {
    /// A watch over what was loaded just now.
    pub fn new(config: Config) -> Self {
        let seen = states(&config);
        Self { config, seen }
    }

    /// Loads trust store and CRL files anew if they changed, or in any case if `forced`; the
    /// verifier takes them over whole. What it has learnt about revocation stays, since that is
    /// judged anew each time; if `forced`, the cache of CRLs is looked into again too. Whether
    /// anything was loaded is returned.
    ///
    /// # Errors
    /// [`VerifierError`]: the verifier then keeps what it has, until the files change again.
    pub fn look(&mut self, verifier: &Verifier, forced: bool) -> Result<bool, VerifierError> {
        let now = states(&self.config);
        if !forced && now == self.seen {
            return Ok(false);
        }
        self.seen = now;
        let memory = verifier.revocation().and_then(|source| source.memory());
        let loaded = self.config.verifier_remembering(&[], memory.clone())?;
        if let Some(memory) = memory.filter(|_| forced) {
            memory.look_again();
        }
        verifier.take_sources(&loaded);
        Ok(true)
    }
}

fn states(config: &Config) -> Vec<State> {
    let mut found = Vec::new();
    for path in config.trust.certificates.iter().chain(&config.revocation.crls) {
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
    use crate::config::RevocationSetting;
    use crate::x509::RevocationStatus;
    use crate::x509::testing::{Authority, NOW, params};

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

    #[test]
    fn crl_files_are_read_anew_and_what_was_learnt_stays() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::root("One");
        let (trust, lists) = (folder.path().join("one.cer"), folder.path().join("lists"));
        std::fs::write(&trust, authority.certificate.der()).unwrap();
        std::fs::create_dir(&lists).unwrap();
        let put = |name: &str, octets: &[u8]| std::fs::write(lists.join(name), octets).unwrap();
        put("one.crl", &authority.crl(NOW, &[]));
        let mut config = Config::default();
        config.trust.certificates.push(trust);
        config.revocation.mode = RevocationSetting::Offline;
        config.revocation.crls.push(lists.clone());
        let leaf = authority.issue(params("Holder")).certificate;
        let verifier = config.verifier(&[]).unwrap();
        let status = || {
            let source = verifier.revocation().unwrap();
            source.ask(&leaf, &authority.certificate, NOW, NOW).status
        };
        let mut reload = Reload::new(config);
        assert_eq!(status(), RevocationStatus::Good);
        let before = verifier.revocation().unwrap().memory().unwrap();

        put("one.crl", b"half a list");
        assert!(matches!(reload.look(&verifier, false), Err(VerifierError::Crl(_))));
        assert_eq!(status(), RevocationStatus::Good, "the old list answers");
        let revoked = (&leaf, NOW, rcgen::RevocationReason::KeyCompromise);
        put("one.crl", &authority.crl(NOW, &[revoked]));
        assert!(reload.look(&verifier, false).unwrap());
        assert!(matches!(status(), RevocationStatus::Revoked { .. }));
        assert!(verifier.revocation().unwrap().memory().unwrap().is(&before));
    }
}
