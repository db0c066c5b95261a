//! Revocation answers from evidence that a document carries with it, or that was kept.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::answers::Answer;
use super::checker::RevocationChecker;
use super::crl_status::Located;
use super::ocsp::{OcspCheck, OcspResponse};
use super::revocation::{
    Freshness, REMOVE_FROM_CRL, RevocationAnswer, RevocationSource, RevocationStatus,
};
use super::{Certificate, Crl, TrustStore};
use crate::limits;

/// Where such an answer came from.
const PLACE: &str = "the document";

/// A [`RevocationChecker`] with evidence at hand; see [`RevocationChecker::with_evidence`].
pub struct WithEvidence<'a> {
    checker: &'a RevocationChecker,
    responses: Vec<Answer>,
    crls: Vec<Located>,
}

impl RevocationChecker {
    /// Looks first at evidence from inside a document: OCSP responses (whole, or as the
    /// `BasicOCSPResponse` of CMS) and CRLs, DER. It is judged like any other; what does not read
    /// is left out. Where it tells nothing, this checker is asked.
    pub fn with_evidence<'a>(&'a self, evidence: &[&[u8]]) -> WithEvidence<'a> {
        WithEvidence::new(self, evidence)
    }
}

impl<'a> WithEvidence<'a> {
    fn new(checker: &'a RevocationChecker, evidence: &[&[u8]]) -> Self {
        let mut this = Self { checker, responses: Vec::new(), crls: Vec::new() };
        for octets in evidence.iter().take(limits::CERTIFICATES) {
            let response = OcspResponse::read(octets).or_else(|_| OcspResponse::read_basic(octets));
            if let Ok(response) = response {
                let (der, url) = (Arc::from(*octets), PLACE.to_owned());
                let received = OffsetDateTime::UNIX_EPOCH;
                this.responses.push(Answer { response, der, url, received, next_update: None });
            } else if let Ok(crl) = Crl::read(octets) {
                this.crls.push(Located { crl: Arc::new(crl), place: PLACE.into() });
            }
        }
        this
    }

    // The newest answer the evidence gives.
    fn told(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        times: (OffsetDateTime, OffsetDateTime),
    ) -> Option<RevocationAnswer> {
        let (at, now) = times;
        let freshness = self.checker.freshness();
        let check = OcspCheck { certificate, issuer, nonce: None, at, now, freshness };
        let responses =
            self.responses.iter().filter_map(|held| self.checker.believed(held, &check).ok());
        let crls = if self.crls.is_empty() {
            None
        } else {
            let both = (certificate, issuer);
            self.checker.judge_crls(&self.crls, Vec::new(), both, times, 0).ok()
        };
        let known = |answer: &RevocationAnswer| answer.status != RevocationStatus::Unknown;
        responses.chain(crls).filter(known).max_by_key(|answer| answer.at)
    }
}

impl RevocationSource for WithEvidence<'_> {
    fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let ask = || self.checker.ask(certificate, issuer, at, now);
        match self.told(certificate, issuer, (at, now)) {
            None => ask(),
            Some(told) if told.at.is_some_and(|made| made >= at) => told,
            // What was made before that time may not know yet what happened until then.
            Some(told) => {
                let asked = ask();
                let better = asked.status != RevocationStatus::Unknown && asked.at > told.at;
                if better { asked } else { told }
            }
        }
    }
}

/// Whether an answer that was kept is what its evidence says: signed by the issuer or by somebody
/// it authorised (a CRL: by one of those known under its issuer's name), about this certificate, with
/// this status at `at`. How old evidence may be is the policy's affair and not looked at. Evidence
/// that was too large to be kept, or never was there, says nothing against the answer.
pub(crate) fn bears_out(
    answer: &RevocationAnswer,
    (certificate, issuer): (&Certificate, &Certificate),
    at: OffsetDateTime,
    trust: &TrustStore,
) -> Result<(), &'static str> {
    let octets = &*answer.evidence;
    let status = match answer.source {
        "ocsp" if !octets.is_empty() => {
            let response = OcspResponse::read(octets).or_else(|_| OcspResponse::read_basic(octets));
            let age = Duration::days(366 * 200);
            let freshness = Freshness { skew: age, without_next_update: age, crl_age: None };
            let now = answer.asked_at;
            let check = OcspCheck { certificate, issuer, nonce: None, at, now, freshness };
            let answer = response.and_then(|response| response.check(&check));
            answer.map_err(|_| "the stored OCSP response is not the responder's")?.status
        }
        "crl" if octets.first() == Some(&0x30) && octets.len() > DIGEST => {
            let crl = Crl::read(octets).map_err(|_| "the stored CRL does not read")?;
            // An indirect CRL's signer need not be among the certificates that were kept.
            let named = |signer: &&Certificate| signer.subject().matches(crl.issuer());
            let known = [issuer].into_iter().chain(trust.named(crl.issuer())).filter(named);
            let verified = known.map(|signer| crl.verify(signer.public_key(), at));
            if verified.reduce(Result::or).is_some_and(|outcome| outcome.is_err()) {
                return Err("the stored CRL is not the issuer's");
            }
            let entry = crl.find(certificate.serial(), certificate.issuer());
            entry
                .filter(|entry| entry.reason != Some(REMOVE_FROM_CRL))
                .map_or(RevocationStatus::Good, |entry| {
                    RevocationStatus::revoked(at, entry.since, entry.reason)
                })
        }
        _ => return Ok(()),
    };
    match status == answer.status {
        true => Ok(()),
        false => Err("the stored evidence says something else"),
    }
}

/// Octets of the digest that stands for a large CRL.
const DIGEST: usize = 32;
