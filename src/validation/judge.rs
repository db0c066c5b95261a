//! The judgement itself: a pure function of what was found, whom to believe, what is known of
//! revocation, the policy and the times. A stored diagnostic is judged again by the same function.

use time::OffsetDateTime;

use super::case::Case;
use super::check::{Block, Ledger};
use super::judgement::Judgement;
use super::policy::CheckName;
use super::{SubIndication, TimeSource, TrustedTime, Verdict, identity, rules, times};
use crate::reason::{Reason, ReasonCode};
use crate::signature::FoundSignature;
use crate::x509::{Certificate, PathRequest, RevocationAnswer, RevocationStatus, validate};

/// Checks that most judgements make.
const CHECKS: usize = 24;

/// When a signature was made, as far as is known.
#[derive(Clone, Copy)]
struct Moment {
    /// It existed then.
    best: TrustedTime,
    /// It is proved to have been made no earlier.
    after: Option<OffsetDateTime>,
    /// The signer says so.
    claimed: Option<OffsetDateTime>,
}

impl Case<'_> {
    /// Judges a signature; `from` is the time of judgement, which its time-stamps may move back.
    pub(super) fn signature(&self, found: &FoundSignature, from: TrustedTime) -> Judgement {
        let mut ledger = Ledger { policy: self.policy, checks: Vec::with_capacity(CHECKS) };
        rules::format(found, &mut ledger);
        rules::value(found, &mut ledger);
        let times = times::best(self, found, from, &mut ledger);
        let moment = Moment { best: times.best, after: times.after, claimed: found.claimed_time };
        rules::algorithm(found, times.best.time, &mut ledger);
        let mut judgement = Judgement::open(times.best);
        judgement.timestamps = times.stamps;
        if let Some(certificate) = &found.certificate {
            rules::claimed_time(found.claimed_time, certificate, self.now, &mut ledger);
            self.believe(certificate, &found.certificates, moment, &mut judgement, &mut ledger);
        }
        judgement.close(ledger.checks)
    }

    /// Judges a certificate alone.
    pub(super) fn certificate(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        at: TrustedTime,
    ) -> Judgement {
        let mut ledger = Ledger { policy: self.policy, checks: Vec::with_capacity(CHECKS) };
        let mut judgement = Judgement::open(at);
        let moment = Moment { best: at, after: None, claimed: None };
        rules::key(certificate, &mut ledger);
        self.believe(certificate, others, moment, &mut judgement, &mut ledger);
        judgement.close(ledger.checks)
    }

    fn believe(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        moment: Moment,
        judgement: &mut Judgement,
        ledger: &mut Ledger<'_>,
    ) {
        rules::usage(certificate, self.purpose, ledger);
        judgement.identity = identity::check(self.policy.identity(), certificate);
        let at = moment.best.time;
        let failure = match validate(self.trust, &PathRequest::new(certificate, others, at)) {
            Ok(path) => {
                rules::path_algorithms(&path, at, ledger);
                judgement.path = Some(path);
                None
            }
            Err(failure) => {
                judgement.path = failure.path;
                Some(failure.reason)
            }
        };
        let mut answers = Vec::new();
        if let (Some(source), Some(path)) = (self.revocation, &judgement.path) {
            answers.extend(path.links().map(|(subject, issuer)| {
                (subject.clone(), source.ask(subject, issuer, at, self.now))
            }));
        }
        let signer = answers.first().map(|(_, answer)| &answer.status);
        let known_good = signer == Some(&RevocationStatus::Good);
        match failure {
            None => ledger.fixed(Block::CertificatePath, "path", Ok(())),
            Some(reason) => {
                let conclusion = validity(&reason, certificate, moment, known_good);
                ledger.fails_as(Block::CertificatePath, "path", reason, conclusion);
            }
        }
        if answers.is_empty() {
            ledger.skipped(Block::Revocation, "revocation");
        }
        for (index, (subject, answer)) in answers.iter().enumerate() {
            self.revocation_of(subject, answer, moment, index == 0, ledger);
        }
        judgement.revocation = answers.into_iter().next().map(|(_, answer)| answer);
    }

    fn revocation_of(
        &self,
        subject: &Certificate,
        answer: &RevocationAnswer,
        moment: Moment,
        is_signer: bool,
        ledger: &mut Ledger<'_>,
    ) {
        const BLOCK: Block = Block::Revocation;
        let at = moment.best.time;
        let who = || match is_signer {
            true => String::new(),
            false => format!("issuer {}: ", subject.subject()),
        };
        let known =
            if is_signer { CheckName::RevocationAnswer } else { CheckName::IssuerRevocation };
        match &answer.status {
            RevocationStatus::Good => ledger.fixed(BLOCK, "revocation", Ok(())),
            RevocationStatus::Revoked { at: since, reason } => {
                let why = reason.as_deref().unwrap_or("no reason given");
                let detail = format!("{}since {} ({why})", who(), rules::rfc3339(*since));
                let reason = Reason::new(ReasonCode::Revoked, detail);
                if *since > at {
                    ledger.note(BLOCK, "revocation", reason);
                } else {
                    ledger.fails_as(
                        BLOCK,
                        "revocation",
                        reason,
                        revoked(*since, moment, is_signer),
                    );
                }
            }
            RevocationStatus::OnHold { at: since } => {
                let detail = format!("{}since {}", who(), rules::rfc3339(*since));
                let reason = Reason::new(ReasonCode::OnHold, detail);
                ledger.fixed(BLOCK, "revocation", Err(reason));
            }
            RevocationStatus::Unknown => {
                let why = answer.why.as_deref().unwrap_or("no answer");
                let reason = Reason::new(ReasonCode::RevocationUnknown, format!("{}{why}", who()));
                ledger.ruled(BLOCK, known, Err(reason));
                return;
            }
        }
        let fresh = self
            .policy
            .accepts_answer(answer, at, self.now)
            .map_err(|why| Reason::new(ReasonCode::RevocationUnknown, format!("{}{why}", who())));
        ledger.ruled(BLOCK, CheckName::RevocationFresh, fresh);
    }
}

/// What a revocation at or before the best time means (§5.3.4, §5.5.4): it fails for good only
/// where the signature was made after it.
fn revoked(since: OffsetDateTime, moment: Moment, is_signer: bool) -> (Verdict, SubIndication) {
    // The signer's own word counts against the signer.
    let made_after = |time: Option<OffsetDateTime>| time.is_some_and(|time| time >= since);
    if !is_signer {
        (Verdict::Indeterminate, SubIndication::RevokedCaNoPoe)
    } else if made_after(moment.after) || made_after(moment.claimed) {
        (Verdict::TotalFailed, SubIndication::Revoked)
    } else {
        (Verdict::Indeterminate, SubIndication::RevokedNoPoe)
    }
}

/// What a failed path means, where the validity of the signer's certificate is the failure.
fn validity(
    reason: &Reason,
    certificate: &Certificate,
    moment: Moment,
    known_good: bool,
) -> (Verdict, SubIndication) {
    use SubIndication as S;
    let best = moment.best;
    let proved = matches!(best.source, TimeSource::TimeStamp | TimeSource::Register);
    let made_late = moment.after.is_some_and(|after| after > certificate.not_after());
    match reason.code {
        // Proved to exist before there was a certificate for it.
        ReasonCode::NotYetValid if proved && best.time < certificate.not_before() => {
            (Verdict::TotalFailed, S::NotYetValid)
        }
        ReasonCode::Expired if made_late => (Verdict::TotalFailed, S::Expired),
        ReasonCode::Expired if known_good => (Verdict::Indeterminate, S::OutOfBoundsNotRevoked),
        code => Verdict::of(code),
    }
}
