//! What a set of CRLs says about one certificate (RFC 5280 §6.3).

use std::cell::LazyCell;
use std::sync::Arc;

use time::OffsetDateTime;

use super::crl::{Crl, CrlEntry, IssuingPoint};
use super::revocation::{Freshness, REMOVE_FROM_CRL, RevocationStatus};
use super::{Certificate, DistributionPoint, GeneralName};

/// A CRL and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub crl: Arc<Crl>,
    pub place: Arc<str>,
}

/// The question.
pub(crate) struct CrlCheck<'a> {
    pub certificate: &'a Certificate,
    pub at: OffsetDateTime,
    pub now: OffsetDateTime,
    pub freshness: Freshness,
    /// Whether the CRL is signed by somebody who may (RFC 5280 §6.3.3 f, g).
    pub signed: &'a dyn Fn(&Crl) -> Result<(), String>,
}

/// A status, and the CRL that told it.
pub(crate) struct CrlAnswer {
    pub status: RevocationStatus,
    pub located: Located,
    pub note: Option<String>,
}

/// Every reason but `unused` (RFC 5280 §4.2.1.13, `ReasonFlags`).
const ALL_REASONS: u16 = 0x1fe;

impl CrlCheck<'_> {
    /// Finds the status. An error says why no CRL could tell.
    pub(crate) fn run(&self, crls: &[Located]) -> Result<CrlAnswer, String> {
        let bases = || crls.iter().filter(|located| located.crl.delta_base().is_none());
        // RFC 5280 §6.3.3: the certificate's own points, then a point that is the issuer itself.
        let itself = LazyCell::new(|| DistributionPoint {
            names: vec![GeneralName::Directory(self.certificate.issuer().clone())],
            ..DistributionPoint::default()
        });
        let points = self.certificate.crl_points().iter().map(Some).chain([None]);
        let mut covered = 0;
        let mut told: Option<CrlAnswer> = None;
        let mut why: Option<String> = None;
        for point in points {
            let point = point.unwrap_or_else(|| &itself);
            for located in bases() {
                let crl = &*located.crl;
                let reasons = match self.covers(point, crl) {
                    Ok(reasons) if reasons & !covered != 0 => reasons,
                    Ok(_) => continue,
                    Err(reason) => {
                        why = why.or_else(|| reason.map(str::to_owned));
                        continue;
                    }
                };
                match self.consult(located, crls) {
                    Ok(answer) if answer.status != RevocationStatus::Good => return Ok(answer),
                    Ok(answer) => {
                        covered |= reasons;
                        told = Some(answer);
                    }
                    Err(reason) => why = Some(reason),
                }
                if covered == ALL_REASONS
                    && let Some(answer) = told
                {
                    return Ok(answer);
                }
            }
        }
        Err(match (told, why) {
            (_, Some(why)) => why,
            (Some(_), None) => "the CRLs at hand do not cover every reason".to_owned(),
            (None, None) => "no CRL of this issuer is at hand".to_owned(),
        })
    }

    // §6.3.3 (b), (d): whether the CRL speaks about the certificate, and for which reasons. An
    // error without words is a CRL that has nothing to do with it.
    fn covers(&self, point: &DistributionPoint, crl: &Crl) -> Result<u16, Option<&'static str>> {
        let everything = IssuingPoint::default();
        let scope = crl.issuing_point().unwrap_or(&everything);
        let issuer = || GeneralName::Directory(crl.issuer().clone());
        if point.crl_issuer.is_empty() {
            if !crl.issuer().matches(self.certificate.issuer()) {
                return Err(None);
            }
        } else if !scope.indirect || !point.crl_issuer.iter().any(|name| name.matches(&issuer())) {
            return Err(None);
        }
        if crl.has_unknown_critical() {
            return Err(Some("the CRL holds a critical extension that is not understood"));
        }
        // §5.2.3: every conforming CRL has one, and without it deltas cannot be matched.
        if crl.number().is_none() {
            return Err(Some("the CRL has no number"));
        }
        if !scope.names.is_empty() && !point.is_named(&scope.names, crl.issuer()) {
            return Err(Some("the CRL is of another distribution point"));
        }
        let authority = self.certificate.basic_constraints().is_some_and(|known| known.ca);
        if scope.attribute_certificates
            || scope.user_certificates && authority
            || scope.authority_certificates && !authority
        {
            return Err(Some("the CRL is about certificates of another kind"));
        }
        let reasons = point.reasons.unwrap_or(ALL_REASONS) & scope.reasons.unwrap_or(ALL_REASONS);
        Ok(reasons & ALL_REASONS)
    }

    fn consult(&self, located: &Located, all: &[Located]) -> Result<CrlAnswer, String> {
        let base = &*located.crl;
        (self.signed)(base)?;
        let fresh = self.fresh(base);
        let mut failed = None;
        let mut deltas = all.iter().filter(|one| one.crl.delta_base().is_some());
        let delta = deltas.find(|delta| {
            let usable = self.delta_fits(&delta.crl, base);
            let usable = usable.and_then(|()| self.fresh(&delta.crl));
            let usable = usable.and_then(|()| (self.signed)(&delta.crl));
            usable.map_err(|reason| failed = Some(reason)).is_ok()
        });
        if delta.is_none() {
            let left_out = |why| match &failed {
                Some(reason) => format!("{why}; a delta CRL was left out: {reason}"),
                None => why,
            };
            fresh.map_err(left_out)?;
        }
        let find = |crl: &Crl| crl.find(self.certificate.serial(), self.certificate.issuer());
        let changed = delta.and_then(|delta| find(&delta.crl));
        let located = match (&changed, delta) {
            (Some(_), Some(delta)) => delta.clone(),
            _ => located.clone(),
        };
        let entry = changed.or_else(|| find(base));
        let entry = entry.filter(|entry| entry.reason != Some(REMOVE_FROM_CRL));
        self.answer(entry, located, failed)
    }

    fn answer(
        &self,
        entry: Option<CrlEntry>,
        located: Located,
        failed: Option<String>,
    ) -> Result<CrlAnswer, String> {
        let note = failed.map(|reason| format!("a delta CRL was left out: {reason}"));
        let Some(entry) = entry else {
            // RFC 5280 §3.3: expired certificates are dropped from CRLs, unless the CRL says how
            // far back it remembers.
            let end = self.certificate.not_after();
            let forgotten = end < located.crl.this_update()
                && located.crl.expired_from().is_none_or(|from| end < from);
            if forgotten {
                return Err("the CRL was made after the certificate had expired".to_owned());
            }
            return Ok(CrlAnswer { status: RevocationStatus::Good, located, note });
        };
        let status = RevocationStatus::revoked(self.at, entry.since, entry.reason);
        let later = (entry.since > self.at).then(|| format!("revoked later, on {}", entry.since));
        Ok(CrlAnswer { status, located, note: later.or(note) })
    }

    fn fresh(&self, crl: &Crl) -> Result<(), String> {
        let period = (crl.this_update(), crl.next_update());
        let checked = self.freshness.check(period, self.freshness.crl_age, self.at, self.now);
        checked.map_err(|reason| format!("the CRL is {reason}"))
    }

    // §6.3.3 (c). That the delta's own number is above the base's is not asked for: the national
    // authority's are not.
    fn delta_fits(&self, delta: &Crl, base: &Crl) -> Result<(), String> {
        let number = |number: Option<&[u8]>| number.map(|octets| (octets.len(), octets.to_vec()));
        let scope = |crl: &Crl| crl.issuing_point().cloned().unwrap_or_default();
        let what = if !delta.issuer().matches(base.issuer())
            || delta.authority_key_id() != base.authority_key_id()
            || scope(delta) != scope(base)
        {
            "it belongs to another CRL"
        } else if delta.has_unknown_critical() {
            "it holds a critical extension that is not understood"
        } else if base.number().is_none() || number(base.number()) < number(delta.delta_base()) {
            "it needs a newer base CRL"
        } else {
            return Ok(());
        };
        Err(what.to_owned())
    }
}
