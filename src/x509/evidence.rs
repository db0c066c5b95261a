//! Revocation answers from evidence that a document carries with it.

use std::sync::Arc;

use time::OffsetDateTime;

use super::checker::{Answer, RevocationChecker};
use super::crl_status::Located;
use super::ocsp::{OcspCheck, OcspResponse};
use super::revocation::{RevocationAnswer, RevocationSource, RevocationStatus};
use super::{Certificate, Crl};
use crate::limits;

/// Where such an answer came from.
const PLACE: &str = "the document";

/// A [`RevocationChecker`] with evidence at hand; see [`RevocationChecker::with_evidence`].
pub struct WithEvidence<'a> {
    checker: &'a RevocationChecker,
    responses: Vec<Answer>,
    crls: Vec<Located>,
}

impl<'a> WithEvidence<'a> {
    pub(super) fn new(checker: &'a RevocationChecker, evidence: &[&[u8]]) -> Self {
        let mut this = Self { checker, responses: Vec::new(), crls: Vec::new() };
        for octets in evidence.iter().take(limits::CERTIFICATES) {
            let response = OcspResponse::read(octets).or_else(|_| OcspResponse::read_basic(octets));
            if let Ok(response) = response {
                let (der, url) = (octets.to_vec(), PLACE.to_owned());
                let received = OffsetDateTime::UNIX_EPOCH;
                this.responses.push(Answer { response, der, url, received, next_update: None });
            } else if let Ok(crl) = Crl::read(octets) {
                this.crls.push(Located { crl: Arc::new(crl), place: PLACE.to_owned() });
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
