//! CRLs by address: in memory, on disk, from the network, in this order while they are fresh.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use time::{Duration, OffsetDateTime};

use super::{Crl, Large};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::limits;

/// The cache. The CRLs on disk are checked again when they are read: nobody need guard the
/// directory.
pub(crate) struct CrlCache {
    directory: Option<PathBuf>,
    refresh: Duration,
    pause: Duration,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    held: Mutex<Option<Held>>,
    /// Held by whoever fetches: when that failed last, and why.
    fetching: Mutex<Option<(OffsetDateTime, String)>>,
    /// Whether the directory was looked into.
    looked: AtomicBool,
}

#[derive(Clone)]
struct Held {
    crl: Arc<Crl>,
    fetched: OffsetDateTime,
}

impl CrlCache {
    /// A cache that asks anew when what it holds was fetched longer ago than `refresh`, and not
    /// before `pause` is over when nothing usable came.
    pub(crate) fn new(directory: Option<PathBuf>, refresh: Duration, pause: Duration) -> Self {
        Self { directory, refresh, pause, slots: Mutex::default() }
    }

    /// Has the directory looked into again.
    pub(crate) fn look_again(&self) {
        lock(&self.slots).values().for_each(|slot| slot.looked.store(false, Ordering::Release));
    }

    /// The CRL of this address. `fetch` brings its octets, `verify` says whether it may be kept.
    /// One caller fetches; others that want the same address go on with what is held while it is
    /// in force, else they wait. A fetch that fails, or brings an older CRL, leaves what is held.
    pub(crate) fn obtain(
        &self,
        url: &str,
        now: OffsetDateTime,
        fetch: &dyn Fn() -> Result<Large, String>,
        verify: &dyn Fn(&Crl) -> Result<(), String>,
    ) -> Result<Arc<Crl>, String> {
        let slot = self.slot(url);
        let recent = || slot.held().filter(|held| self.recent(held, now));
        if slot.looked.load(Ordering::Acquire)
            && let Some(held) = recent()
        {
            return Ok(held.crl);
        }
        let mut failed = match slot.fetching.try_lock() {
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
        if !slot.looked.swap(true, Ordering::AcqRel)
            && let Some(kept) = self.read(url, slot.held().as_ref(), verify)
        {
            *lock(&slot.held) = Some(kept);
        }
        // Whoever fetched before may have brought it.
        if let Some(held) = recent() {
            return Ok(held.crl);
        }
        let held = slot.held();
        let paused = |(since, _): &&(_, String)| (*since..*since + self.pause).contains(&now);
        if let Some((_, why)) = failed.as_ref().filter(paused) {
            return held.map(|held| held.crl).ok_or_else(|| why.clone());
        }
        match fetch().and_then(|octets| self.take(url, octets, held.as_ref(), verify)) {
            Ok(crl) => {
                *failed = None;
                *lock(&slot.held) = Some(Held { crl: crl.clone(), fetched: now });
                Ok(crl)
            }
            Err(why) => {
                *failed = Some((now, why.clone()));
                held.map(|held| held.crl).ok_or(why)
            }
        }
    }

    // The CRL in what was fetched, which is then on disk too; or the one held, if that is newer.
    fn take(
        &self,
        url: &str,
        octets: Large,
        held: Option<&Held>,
        verify: &dyn Fn(&Crl) -> Result<(), String>,
    ) -> Result<Arc<Crl>, String> {
        if let Some(held) = held.filter(|held| held.is(&octets)) {
            return Ok(held.crl.clone());
        }
        // Written before it is read, since a verified CRL lets its octets go.
        let part = self.write(url, &octets);
        let crl = Crl::take(octets).map_err(|error| error.to_string());
        let crl = crl.and_then(|crl| verify(&crl).map(|()| crl));
        let older = |crl: &Crl| held.filter(|held| crl.this_update() < held.crl.this_update());
        if let Some((part, file)) = part {
            let kept = match &crl {
                Ok(crl) if older(crl).is_none() => std::fs::rename(&part, &file),
                _ => std::fs::remove_file(&part),
            };
            kept.unwrap_or_else(|error| not_kept(&file, &error));
        }
        let crl = crl?;
        Ok(older(&crl).map_or_else(|| Arc::new(crl), |held| held.crl.clone()))
    }

    fn recent(&self, held: &Held, now: OffsetDateTime) -> bool {
        (held.fetched..held.fetched + self.refresh).contains(&now)
    }

    fn slot(&self, url: &str) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(url) {
            return slot.clone();
        }
        if slots.len() >= limits::CRLS_KEPT {
            slots.clear();
        }
        slots.entry(url.to_owned()).or_default().clone()
    }

    fn file(&self, url: &str) -> Option<PathBuf> {
        let name = hex(&digest(DigestAlgorithm::Sha256, url.as_bytes()));
        Some(self.directory.as_ref()?.join(format!("{name}.crl")))
    }

    // What lies on disk, unless that is what is held, or older.
    fn read(
        &self,
        url: &str,
        held: Option<&Held>,
        verify: &dyn Fn(&Crl) -> Result<(), String>,
    ) -> Option<Held> {
        let file = File::open(self.file(url)?).ok()?;
        let fetched = file.metadata().and_then(|about| about.modified());
        let octets = Large::read(file, limits::CRL_BYTES + 1).ok()?;
        if held.is_some_and(|held| held.is(&octets)) {
            return None;
        }
        let crl = Crl::take(octets).ok()?;
        if held.is_some_and(|held| crl.this_update() < held.crl.this_update()) {
            return None;
        }
        verify(&crl).ok()?;
        let fetched = fetched.map_or(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::from);
        Some(Held { crl: Arc::new(crl), fetched })
    }

    // Writes the octets beside the file they are for. A cache that cannot be written costs a
    // fetch next time, no answer.
    fn write(&self, url: &str, octets: &[u8]) -> Option<(PathBuf, PathBuf)> {
        let file = self.file(url)?;
        let part = file.with_extension(format!("{}.part", std::process::id()));
        let written = std::fs::create_dir_all(file.parent().unwrap_or(&file))
            .and_then(|()| std::fs::write(&part, octets));
        written.map_err(|error| not_kept(&file, &error)).ok()?;
        Some((part, file))
    }
}

impl Held {
    fn is(&self, octets: &[u8]) -> bool {
        self.crl.digest() == digest(DigestAlgorithm::Sha256, octets)
    }
}

fn not_kept(file: &Path, error: &std::io::Error) {
    tracing::warn!(file = %file.display(), %error, "a CRL could not be kept");
}

impl Slot {
    fn held(&self) -> Option<Held> {
        lock(&self.held).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
