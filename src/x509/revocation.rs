//! What is asked about revocation, and what is answered, with the evidence.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Certificate, RevocationMemory};

/// Whether a certificate was revoked at the time of judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationStatus {
    /// It was not revoked.
    Good,
    /// It was revoked.
    Revoked {
        /// Since when.
        at: OffsetDateTime,
        /// The reason by its name in RFC 5280 §5.3.1, for example `keyCompromise`.
        reason: Option<String>,
    },
    /// It was suspended (`certificateHold`).
    OnHold {
        /// Since when.
        at: OffsetDateTime,
    },
    /// Nobody could say.
    Unknown,
}

/// An answer about one certificate, with who gave it and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationAnswer {
    /// The status at the time of judgement.
    pub status: RevocationStatus,
    /// `ocsp`, `crl` or `none`.
    pub source: &'static str,
    /// Where it came from: an address or a file.
    pub url: Option<Arc<str>>,
    /// When the answer was made (`thisUpdate`).
    pub at: Option<OffsetDateTime>,
    /// When a newer one is due (`nextUpdate`).
    pub next_update: Option<OffsetDateTime>,
    /// When it was asked.
    pub asked_at: OffsetDateTime,
    /// Why the status is unknown, or what else a person should know.
    pub why: Option<String>,
    /// DER of the OCSP response or CRL; for a large CRL its SHA-256; empty if there is none.
    pub evidence: Arc<[u8]>,
}

/// Somebody who can say whether certificates are revoked.
pub trait RevocationSource: Send + Sync {
    /// Asks about `certificate`, issued by `issuer`: what held at `at` (the time of judgement), as
    /// far as can be known at `now`. Failures are answers with [`RevocationStatus::Unknown`].
    fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer;

    /// Whether asking may mean waiting for somebody on the network.
    fn may_wait(&self) -> bool {
        true
    }

    /// What this source has learnt, for one that takes its place to go on with.
    fn memory(&self) -> Option<RevocationMemory> {
        None
    }

    /// The same source with evidence from inside a document at hand: OCSP responses and CRLs, DER.
    /// `None` where it takes none.
    fn with_evidence<'a>(&'a self, _evidence: &[&[u8]]) -> Option<Box<dyn RevocationSource + 'a>> {
        None
    }
}

impl RevocationAnswer {
    /// The answer that nobody could say, with the reason.
    pub fn unknown(now: OffsetDateTime, why: impl Into<String>) -> Self {
        Self {
            status: RevocationStatus::Unknown,
            source: "none",
            url: None,
            at: None,
            next_update: None,
            asked_at: now,
            why: Some(why.into()),
            evidence: Arc::default(),
        }
    }
}

impl RevocationStatus {
    /// The status at `at` of a certificate revoked on `since` for the reason with this code
    /// (RFC 5280 §5.3.1). A later revocation does not count yet.
    pub(crate) fn revoked(at: OffsetDateTime, since: OffsetDateTime, code: Option<u8>) -> Self {
        if since > at {
            return Self::Good;
        }
        match code {
            Some(CERTIFICATE_HOLD) => Self::OnHold { at: since },
            _ => Self::Revoked { at: since, reason: code.and_then(reason).map(str::to_owned) },
        }
    }
}

/// `certificateHold`.
pub(crate) const CERTIFICATE_HOLD: u8 = 6;
/// `removeFromCRL`.
pub(crate) const REMOVE_FROM_CRL: u8 = 8;

/// The name of a reason code.
pub(crate) fn reason(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        CERTIFICATE_HOLD => "certificateHold",
        REMOVE_FROM_CRL => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => return None,
    })
}

/// How old evidence may be.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// How far clocks may differ.
    pub skew: time::Duration,
    /// Life of an answer that does not say when a newer one is due: the national responder's
    /// never do.
    pub without_next_update: time::Duration,
    /// Largest age of a CRL whatever it says itself; `None` trusts its `nextUpdate`. National
    /// CRLs are valid for half a year and made anew every day.
    pub crl_age: Option<time::Duration>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            skew: time::Duration::minutes(5),
            without_next_update: time::Duration::hours(1),
            crl_age: None,
        }
    }
}

impl Freshness {
    /// Whether evidence of this period can speak about `at`: it was made after that time, or was
    /// in force then. `age` bounds what came before.
    pub(crate) fn check(
        &self,
        period: (OffsetDateTime, Option<OffsetDateTime>),
        age: Option<time::Duration>,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), String> {
        let (this, next) = period;
        // Some lists are due again at the end of time (99991231235959Z).
        let later = |time: OffsetDateTime, by| time.saturating_add(by);
        if this > later(now, self.skew) {
            return Err(format!("made in the future, at {this}"));
        }
        if this >= at {
            return Ok(());
        }
        let end = next.unwrap_or(later(this, self.without_next_update));
        let end = age.map_or(end, |age| end.min(later(this, age)));
        if later(end, self.skew) < at {
            return Err(format!("stale: made at {this}, due again at {end}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_due_again_at_the_end_of_time_is_fresh() {
        let now = time::macros::datetime!(2026-11-21 12:00 UTC);
        let period =
            (now - time::Duration::days(1), Some(time::macros::datetime!(9999-12-31 23:59:59 UTC)));
        assert_eq!(Freshness::default().check(period, None, now, now), Ok(()));
    }
}
