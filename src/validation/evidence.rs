//! What a judgement was made from: kept while it is made, so that a diagnostic can hold it and the
//! same judgement can be made again without asking anybody.

use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use super::policy::Policy;
use super::{Purpose, TrustedTime};
use crate::signature::FoundSignature;
use crate::timestamp::Token;
use crate::x509::{
    Certificate, RevocationAnswer, RevocationSource, RevocationStatus, TrustStore, bears_out,
};

/// Everything beside the signatures themselves.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The clock.
    pub now: OffsetDateTime,
    /// The time to judge at, where the caller named one.
    pub at: Option<TrustedTime>,
    /// What the certificates are used for.
    pub purpose: Purpose,
    /// The policy.
    pub policy: Policy,
    /// The trust store.
    pub trust: TrustStore,
    /// What was learnt about revocation; `None` if nobody was asked.
    pub answers: Option<Vec<Answered>>,
}

/// One answer about revocation, with its question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// SHA-256 of the certificate.
    pub certificate: [u8; 32],
    /// SHA-256 of its issuer's certificate.
    pub issuer: [u8; 32],
    /// The time it was asked about.
    pub at: OffsetDateTime,
    /// The answer.
    pub answer: RevocationAnswer,
}

/// Passes questions on, and keeps each with its answer. The same question is asked once.
pub(super) struct Recorder<'a> {
    source: &'a dyn RevocationSource,
    answers: Mutex<Vec<Answered>>,
}

/// Answers from what was kept. Those whose evidence was kept too are believed as far as that bears
/// them out; the others are believed as they are.
pub(super) struct Recorded<'a> {
    pub answers: &'a [Answered],
    pub trust: &'a TrustStore,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(source: &'a dyn RevocationSource) -> Self {
        Self { source, answers: Mutex::default() }
    }

    pub(super) fn into_answers(self) -> Vec<Answered> {
        self.answers.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RevocationSource for Recorder<'_> {
    fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let (subject, by) = (*certificate.digest(), *issuer.digest());
        let same = |one: &&Answered| one.certificate == subject && one.issuer == by && one.at == at;
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.iter().find(same) {
            return known.answer.clone();
        }
        drop(known);
        let answer = self.source.ask(certificate, issuer, at, now);
        let one = Answered { certificate: subject, issuer: by, at, answer: answer.clone() };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        answer
    }
}

impl RevocationSource for Recorded<'_> {
    fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let (subject, by) = (*certificate.digest(), *issuer.digest());
        let about =
            self.answers.iter().filter(|one| one.certificate == subject && one.issuer == by);
        // Another policy may judge as of another time. What held later tells of earlier times;
        // what held earlier tells nothing of later ones.
        let Some(one) = about.filter(|one| one.at >= at).min_by_key(|one| one.at) else {
            return RevocationAnswer::unknown(now, "the stored diagnostic holds no answer");
        };
        if let Err(why) = bears_out(&one.answer, (certificate, issuer), one.at, self.trust) {
            return RevocationAnswer::unknown(now, why);
        }
        let mut answer = one.answer.clone();
        let later = match &answer.status {
            RevocationStatus::Revoked { at: since, .. }
            | RevocationStatus::OnHold { at: since } => *since > at && at < one.at,
            RevocationStatus::Good | RevocationStatus::Unknown => false,
        };
        if later {
            answer.status = RevocationStatus::Good;
        }
        answer
    }
}

/// The anchors and intermediates that a path from these signatures, or from their time-stamps, can
/// touch: found by the names of issuers.
pub(super) fn trusted_of(trust: &TrustStore, found: &[FoundSignature]) -> TrustStore {
    let mut names: Vec<Certificate> = Vec::new();
    for signature in found {
        names.extend(signature.certificates.iter().chain(&signature.certificate).cloned());
        for stamp in &signature.timestamps {
            if let Ok(token) = Token::read(&stamp.token) {
                names.extend(token.signature().certificates.iter().cloned());
            }
        }
    }
    let (mut anchors, mut intermediates): (Vec<Certificate>, Vec<Certificate>) = Default::default();
    // Each certificate of the store is taken once, so this ends.
    while let Some(one) = names.pop() {
        let issuers = trust.named(one.issuer()).chain(trust.named(one.subject()));
        for issuer in issuers {
            let list = if trust.is_anchor(issuer) { &mut anchors } else { &mut intermediates };
            if !list.contains(issuer) {
                list.push(issuer.clone());
                names.push(issuer.clone());
            }
        }
    }
    // The order of the store, so that the same input gives the same diagnostic.
    let place = |all: &[Certificate], one: &Certificate| all.iter().position(|other| other == one);
    anchors.sort_by_key(|one| place(trust.anchors(), one));
    intermediates.sort_by_key(|one| place(trust.intermediates(), one));
    TrustStore::new(anchors, intermediates)
}
