//! The best signature time (EN 319 102-1 §5.5): when a signature is proved to have existed, by the
//! time-stamps it carries.

use time::OffsetDateTime;

use super::case::Case;
use super::check::{Block, Ledger};
use super::policy::{CheckName, Level};
use super::{SubIndication, TimeSource, TrustedTime, Verdict};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{CarriedTimestamp, FoundSignature, TimestampKind};
use crate::timestamp::{TimestampQuestion, Token, TokenInfo, verify};
use crate::x509::Path;

/// The judgement on one time-stamp.
#[derive(Clone, Debug)]
pub struct StampJudgement {
    /// What it was made over.
    pub kind: TimestampKind,
    /// What the authority states, if the token could be read.
    pub info: Option<TokenInfo>,
    /// The authority, as its certificate names it; empty if there is none.
    pub authority: String,
    /// The authority's path, if the token stands.
    pub path: Option<Path>,
    /// Why its authority's status is only known as of the token's own time.
    pub stale: Option<Reason>,
    /// Why it proves nothing.
    pub failure: Option<(Reason, SubIndication)>,
}

/// What the time-stamps prove.
pub(super) struct Times {
    /// The signature existed then.
    pub best: TrustedTime,
    /// It was made no earlier than that.
    pub after: Option<OffsetDateTime>,
    /// Each time-stamp.
    pub stamps: Vec<StampJudgement>,
}

/// Judges the time-stamps, the newest first, beginning as of `from`, and moves the time back as far as they prove.
pub(super) fn best(
    case: &Case<'_>,
    found: &FoundSignature,
    from: TrustedTime,
    ledger: &mut Ledger<'_>,
) -> Times {
    let mut times = Times { best: from, after: None, stamps: Vec::new() };
    // §5.6.2.4: the newest archive time-stamp is judged as of now, each older time-stamp as of the
    // archive time-stamp that covers it.
    let mut reach = from;
    for carried in found.timestamps.iter().take(limits::TIMESTAMPS).rev() {
        let stamp = judge(case, found, carried, reach);
        let result = stamp.failure.as_ref().map_or(Ok(()), |(reason, _)| {
            let detail = format!("time-stamp: {reason}");
            Err(Reason::new(ReasonCode::TimestampInvalid, detail))
        });
        let passed = result.is_ok();
        if passed {
            let fresh = stamp.stale.clone().map_or(Ok(()), Err);
            ledger.ruled(Block::TimeStamps, CheckName::TimeStampFresh, fresh);
        }
        ledger.ruled(Block::TimeStamps, CheckName::TimeStamp, result);
        if let (true, Some(info)) = (passed, &stamp.info) {
            match stamp.kind {
                TimestampKind::Signature | TimestampKind::Archive => {
                    let proved = TrustedTime { time: info.time, source: TimeSource::TimeStamp };
                    if proved.time < times.best.time {
                        times.best = proved;
                    }
                    if stamp.kind == TimestampKind::Archive && proved.time < reach.time {
                        reach = proved;
                    }
                }
                TimestampKind::Content => times.after = times.after.max(Some(info.time)),
            }
        }
        times.stamps.push(stamp);
    }
    times.stamps.reverse();
    if found.timestamps.is_empty() {
        ledger.skipped(Block::TimeStamps, CheckName::TimeStamp.as_str());
    }
    // §5.5.4: content is stamped before it is signed, and the signature after that.
    if times.after.is_some_and(|after| after > times.best.time) {
        let detail = "a content time-stamp is later than a signature time-stamp";
        let reason = Reason::new(ReasonCode::TimestampInvalid, detail);
        let conclusion = (Verdict::Indeterminate, SubIndication::TimestampOrderFailure);
        ledger.fails_as(Block::TimeStamps, "time-stamp-order", reason, conclusion);
    }
    times
}

fn judge(
    case: &Case<'_>,
    found: &FoundSignature,
    carried: &CarriedTimestamp,
    from: TrustedTime,
) -> StampJudgement {
    let kind = carried.kind;
    let token = match Token::read(&carried.token) {
        Ok(token) => token,
        Err(error) => {
            let reason = Reason::new(ReasonCode::Malformed, error.to_string());
            let failure = Some((reason, SubIndication::FormatFailure));
            let authority = String::new();
            return StampJudgement {
                kind,
                info: None,
                authority,
                path: None,
                stale: None,
                failure,
            };
        }
    };
    let rules = case.policy.timestamps();
    let question = TimestampQuestion {
        data: &carried.over,
        extra: &found.certificates,
        trust: case.trust,
        revocation: case.revocation,
        at: from.time,
        now: case.now,
        skew: case.policy.revocation().freshness().skew,
        policies: &rules.policies,
        accuracy: Some(time::Duration::seconds(i64::from(rules.accuracy_seconds))),
    };
    let mut result = verify(&token, &question);
    let signer = token.signature();
    if let (Ok(_), Ok(algorithm)) = (&result, &signer.algorithm) {
        let info = token.info();
        let accepted = case.policy.accepts_algorithm(*algorithm, from.time);
        // Its time holds for the imprint: nobody finds other data for an old digest.
        let imprint =
            info.digest.as_ref().ok().map(|one| case.policy.accepts_digest(*one, info.time));
        let imprint = imprint.unwrap_or(Ok(())).map_err(|why| format!("imprint: {why}"));
        if let Err(why) = accepted.and(imprint) {
            result = Err(Reason::new(ReasonCode::UnsupportedAlgorithm, why));
        }
    }
    let (mut path, mut stale) = (None, None);
    let result = result.and_then(|stamp| {
        path = Some(stamp.path);
        let why = stamp.stale.map(|why| Reason::new(ReasonCode::RevocationUnknown, why));
        match why {
            Some(why) if case.policy.level(CheckName::TimeStampFresh) == Level::Fail => Err(why),
            why => {
                stale = why;
                Ok(())
            }
        }
    });
    let failure = result.err().map(|reason| {
        let why = match reason.code {
            // Past validation of the token would need proof that it is older than this, and only
            // an archive time-stamp could give it (§5.6.2.4).
            ReasonCode::Expired | ReasonCode::Revoked => SubIndication::NoPoe,
            ReasonCode::TimestampInvalid => SubIndication::HashFailure,
            code => Verdict::of(code).1,
        };
        (reason, why)
    });
    let authority = signer.certificate.as_ref().map(|one| one.subject().to_string());
    let info = Some(token.info().clone());
    let authority = authority.unwrap_or_default();
    StampJudgement { kind, info, authority, path, stale, failure }
}
