//! CRLs by address: in memory, on disk, from the network, in this order while they are fresh.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use super::Crl;
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::limits;

/// The cache. The CRLs on disk are checked again when they are read: nobody need guard the
/// directory.
pub(crate) struct CrlCache {
    directory: Option<PathBuf>,
    refresh: Duration,
    slots: Mutex<HashMap<String, Arc<Mutex<Slot>>>>,
}

#[derive(Default)]
struct Slot {
    held: Option<Held>,
    looked_on_disk: bool,
}

#[derive(Clone)]
struct Held {
    crl: Arc<Crl>,
    fetched: OffsetDateTime,
}

impl CrlCache {
    /// A cache that asks anew when what it holds was fetched longer ago than `refresh`.
    pub(crate) fn new(directory: Option<PathBuf>, refresh: Duration) -> Self {
        Self { directory, refresh, slots: Mutex::default() }
    }

    /// The CRL of this address. `fetch` brings its octets, `verify` says whether it may be kept.
    /// One caller fetches; others that want the same address wait for it. A fetch that fails, or
    /// brings an older CRL, leaves what is held.
    pub(crate) fn obtain(
        &self,
        url: &str,
        now: OffsetDateTime,
        fetch: &dyn Fn() -> Result<Vec<u8>, String>,
        verify: &dyn Fn(&Crl) -> Result<(), String>,
    ) -> Result<Arc<Crl>, String> {
        let slot = self.slot(url);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut slot.looked_on_disk, true) {
            slot.held = self.read(url).filter(|held| verify(&held.crl).is_ok());
        }
        let recent = |held: &&Held| (held.fetched..held.fetched + self.refresh).contains(&now);
        if let Some(held) = slot.held.as_ref().filter(recent) {
            return Ok(held.crl.clone());
        }
        let fetched = fetch().and_then(|octets| {
            let crl = Crl::read(&octets).map_err(|error| error.to_string())?;
            verify(&crl)?;
            Ok((crl, octets))
        });
        match (fetched, &mut slot.held) {
            (Err(_), Some(held)) => Ok(held.crl.clone()),
            (Err(reason), None) => Err(reason),
            (Ok((crl, _)), Some(held)) if crl.this_update() < held.crl.this_update() => {
                Ok(held.crl.clone())
            }
            (Ok((crl, _)), Some(held)) if crl.digest() == held.crl.digest() => {
                held.fetched = now;
                Ok(held.crl.clone())
            }
            (Ok((crl, octets)), held) => {
                let crl = Arc::new(crl);
                *held = Some(Held { crl: crl.clone(), fetched: now });
                self.write(url, &octets);
                Ok(crl)
            }
        }
    }

    fn slot(&self, url: &str) -> Arc<Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= limits::CRLS_KEPT && !slots.contains_key(url) {
            slots.clear();
        }
        slots.entry(url.to_owned()).or_default().clone()
    }

    fn file(&self, url: &str) -> Option<PathBuf> {
        let name = hex(&digest(DigestAlgorithm::Sha256, url.as_bytes()));
        Some(self.directory.as_ref()?.join(format!("{name}.crl")))
    }

    fn read(&self, url: &str) -> Option<Held> {
        let file = self.file(url)?;
        let about = std::fs::metadata(&file).ok()?;
        if about.len() > limits::CRL_BYTES as u64 {
            return None;
        }
        let crl = Crl::read(&std::fs::read(&file).ok()?).ok()?;
        let fetched = about.modified().ok().map(OffsetDateTime::from);
        Some(Held { crl: Arc::new(crl), fetched: fetched.unwrap_or(OffsetDateTime::UNIX_EPOCH) })
    }

    // A cache that cannot be written costs a fetch next time, no answer.
    fn write(&self, url: &str, octets: &[u8]) {
        let Some(file) = self.file(url) else { return };
        let part = file.with_extension(format!("{}.part", std::process::id()));
        let written = std::fs::create_dir_all(file.parent().unwrap_or(&file))
            .and_then(|()| std::fs::write(&part, octets))
            .and_then(|()| std::fs::rename(&part, &file));
        if let Err(error) = written {
            tracing::warn!(file = %file.display(), %error, "a CRL could not be kept");
        }
    }
}
