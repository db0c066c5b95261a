//! CRLs by address: in memory, on disk, from the network, in this order while they are fresh.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use time::{Duration, OffsetDateTime};

use super::Crl;
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::limits;

/// The cache. The CRLs on disk are checked again when they are read: nobody need guard the
/// directory.
pub(crate) struct CrlCache {
    directory: Option<PathBuf>,
    refresh: Duration,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    held: Mutex<Option<Held>>,
    /// Held by whoever fetches; tells whether the directory was looked into.
    fetching: Mutex<bool>,
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
    /// One caller fetches; others that want the same address go on with what is held while it is
    /// in force, else they wait. A fetch that fails, or brings an older CRL, leaves what is held.
    pub(crate) fn obtain(
        &self,
        url: &str,
        now: OffsetDateTime,
        fetch: &dyn Fn() -> Result<Vec<u8>, String>,
        verify: &dyn Fn(&Crl) -> Result<(), String>,
    ) -> Result<Arc<Crl>, String> {
        let slot = self.slot(url);
        if let Some(held) = slot.held().filter(|held| self.recent(held, now)) {
            return Ok(held.crl);
        }
        let mut looked_on_disk = match slot.fetching.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let in_force = |held: &Held| held.crl.next_update().is_some_and(|next| now <= next);
                if let Some(held) = slot.held().filter(in_force) {
                    return Ok(held.crl);
                }
                lock(&slot.fetching)
            }
        };
        if !std::mem::replace(&mut *looked_on_disk, true) {
            *lock(&slot.held) = self.read(url).filter(|held| verify(&held.crl).is_ok());
        }
        // Whoever fetched before may have brought it.
        let held = slot.held();
        if let Some(held) = held.clone().filter(|held| self.recent(held, now)) {
            return Ok(held.crl);
        }
        let fetched = fetch().and_then(|octets| {
            let crl = Crl::read(&octets).map_err(|error| error.to_string())?;
            verify(&crl)?;
            Ok((crl, octets))
        });
        let crl = match (fetched, held) {
            (Err(_), Some(held)) => return Ok(held.crl),
            (Err(reason), None) => return Err(reason),
            (Ok((crl, _)), Some(held)) if crl.this_update() < held.crl.this_update() => {
                return Ok(held.crl);
            }
            (Ok((crl, _)), Some(held)) if crl.digest() == held.crl.digest() => held.crl,
            (Ok((crl, octets)), _) => {
                self.write(url, &octets);
                Arc::new(crl)
            }
        };
        *lock(&slot.held) = Some(Held { crl: crl.clone(), fetched: now });
        Ok(crl)
    }

    fn recent(&self, held: &Held, now: OffsetDateTime) -> bool {
        (held.fetched..held.fetched + self.refresh).contains(&now)
    }

    fn slot(&self, url: &str) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
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

impl Slot {
    fn held(&self) -> Option<Held> {
        lock(&self.held).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
