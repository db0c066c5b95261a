//! The certification authority's register: what was issued, what is revoked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rasn_pkix::CrlReason;
use serde::Serialize;
use time::OffsetDateTime;

use crate::pki::{Entry, PkiError, World};

const REASONS: [(&str, CrlReason); 10] = [
    ("unspecified", CrlReason::Unspecified),
    ("keyCompromise", CrlReason::KeyCompromise),
    ("cACompromise", CrlReason::CaCompromise),
    ("affiliationChanged", CrlReason::AffiliationChanged),
    ("superseded", CrlReason::Superseded),
    ("cessationOfOperation", CrlReason::CessationOfOperation),
    ("certificateHold", CrlReason::CertificateHold),
    ("removeFromCRL", CrlReason::RemoveFromCRL),
    ("privilegeWithdrawn", CrlReason::PrivilegeWithdrawn),
    ("aACompromise", CrlReason::AaCompromise),
];

pub(super) struct Register {
    issued: Vec<Entry>,
    /// The lists as they stood when the double started: what delta CRLs are relative to.
    base: BTreeMap<String, Revoked>,
    base_at: OffsetDateTime,
    revoked: Mutex<BTreeMap<String, Revoked>>,
}

/// A revocation as lists and answers carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Revoked {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    #[serde(serialize_with = "reason_name")]
    pub reason: CrlReason,
}

impl Register {
    pub fn new(world: &World, now: OffsetDateTime) -> Self {
        let initial = world.entries().iter().filter_map(|entry| {
            let revocation = entry.revocation.as_ref()?;
            let reason = reason(&revocation.reason).unwrap_or(CrlReason::Unspecified);
            Some((entry.serial.clone(), Revoked { at: revocation.at, reason }))
        });
        let base: BTreeMap<_, _> = initial.collect();
        Self {
            issued: world.entries().to_vec(),
            revoked: Mutex::new(base.clone()),
            base,
            base_at: now,
        }
    }

    pub fn revoke(&self, which: &str, why: &str, at: OffsetDateTime) -> Result<(), PkiError> {
        let reason = reason(why)
            .ok_or_else(|| PkiError::Shape("the reason", format!("{why}: see RFC 5280 §5.3.1")))?;
        let serial = self.find(which)?.serial.clone();
        self.lock().insert(serial, Revoked { at, reason });
        Ok(())
    }

    pub fn release(&self, which: &str) -> Result<(), PkiError> {
        let serial = &self.find(which)?.serial;
        self.lock().remove(serial);
        Ok(())
    }

    /// The issued certificate with this serial number, from this issuer.
    pub fn issued(&self, serial: &str, issuer: &str) -> bool {
        self.issued.iter().any(|entry| entry.serial == serial && entry.issuer == issuer)
    }

    pub fn status(&self, serial: &str) -> Option<Revoked> {
        self.lock().get(serial).cloned()
    }

    pub fn all(&self) -> BTreeMap<String, Revoked> {
        self.lock().clone()
    }

    /// The complete list of an issuer.
    pub fn full(&self, issuer: &str) -> Vec<(String, Revoked)> {
        let ours = |(serial, _): &(String, Revoked)| self.issued(serial, issuer);
        self.all().into_iter().filter(ours).collect()
    }

    /// What changed since the base: new entries, and removals of released ones.
    pub fn delta(&self, issuer: &str, now: OffsetDateTime) -> Vec<(String, Revoked)> {
        let current = self.full(issuer);
        let released = self.base.iter().filter(|(serial, _)| {
            self.issued(serial, issuer) && !current.iter().any(|(known, _)| known == *serial)
        });
        let removed = Revoked { at: now, reason: CrlReason::RemoveFromCRL };
        let removals: Vec<_> =
            released.map(|(serial, _)| (serial.clone(), removed.clone())).collect();
        let mut changed = current;
        changed.retain(|(serial, revoked)| self.base.get(serial) != Some(revoked));
        changed.extend(removals);
        changed
    }

    pub fn base_at(&self) -> OffsetDateTime {
        self.base_at
    }

    fn find(&self, which: &str) -> Result<&Entry, PkiError> {
        let serial = which.trim_start_matches('0').to_ascii_lowercase();
        let fits = |entry: &&Entry| entry.id == which || entry.serial == serial;
        self.issued.iter().find(fits).ok_or_else(|| PkiError::NoSuchHolder(which.to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Revoked>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reason(name: &str) -> Option<CrlReason> {
    REASONS.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason)
}

fn reason_name<S: serde::Serializer>(reason: &CrlReason, serializer: S) -> Result<S::Ok, S::Error> {
    let named = REASONS.iter().find(|(_, known)| known == reason);
    serializer.serialize_str(named.map_or("unspecified", |(name, _)| name))
}
