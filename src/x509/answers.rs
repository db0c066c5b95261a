//! OCSP answers by question: the good ones for as long as they hold, the useless ones for a
//! moment, and one question under way at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use super::ocsp::OcspResponse;
use super::revocation::{RevocationAnswer, RevocationStatus};
use crate::limits;

/// An answer is not used longer than this, whatever the responder says.
const LONGEST_REUSE: Duration = Duration::HOUR;

/// Issuer's key and serial number.
pub(super) type Question = (Vec<u8>, Vec<u8>);

/// What was answered to which question.
#[derive(Default)]
pub(super) struct Answers(Mutex<HashMap<Question, Arc<Slot>>>);

/// A response that was believed when it came.
#[derive(Clone)]
pub(super) struct Answer {
    pub response: OcspResponse,
    pub der: Arc<[u8]>,
    pub url: String,
    pub received: OffsetDateTime,
    pub next_update: Option<OffsetDateTime>,
}

/// When it is asked, and how long answers are used again.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// The time of judgement.
    pub at: OffsetDateTime,
    pub now: OffsetDateTime,
    /// As in the configuration: of a good answer.
    pub reuse: Option<Duration>,
    /// Of a useless one.
    pub pause: Duration,
}

/// What is known of one question. Whoever asks holds the lock; the count tells those who waited
/// for it that an outcome came meanwhile.
#[derive(Default)]
struct Slot {
    known: Mutex<Known>,
    count: AtomicU64,
}

#[derive(Default)]
struct Known {
    answer: Option<Answer>,
    useless: Option<Useless>,
}

/// Why nobody gave a usable answer.
pub(super) struct NoAnswer {
    pub why: String,
    /// Whether it is the same for every time of judgement.
    pub always: bool,
}

/// That nobody gave a usable answer, the last time somebody asked.
struct Useless {
    since: OffsetDateTime,
    /// For which times of judgement: from this one on.
    from: OffsetDateTime,
    why: String,
}

impl Answers {
    /// The answer held, if `judge` still believes it, or the one that `ask` brings. An error says
    /// why there is none; so does an answer that the status is unknown.
    pub(super) fn obtain(
        &self,
        question: Question,
        terms: Terms,
        judge: &dyn Fn(&Answer) -> Result<RevocationAnswer, String>,
        ask: &dyn Fn() -> Result<(Answer, RevocationAnswer), NoAnswer>,
    ) -> Result<RevocationAnswer, String> {
        let slot = self.slot(question);
        let before = slot.count.load(Ordering::Acquire);
        // Whoever asks the same at the same time waits for the outcome under way, and takes it.
        let mut known = slot.known.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = slot.count.load(Ordering::Acquire) != before;
        let just_came = waited && known.useless.is_none();
        let held = known.answer.as_ref().filter(|one| {
            one.received <= terms.now && (just_came || terms.now < one.until(terms.reuse))
        });
        if let Some(judged) = held.and_then(|held| judge(held).ok()) {
            return Ok(judged);
        }
        let useless = known.useless.as_ref().filter(|one| one.from <= terms.at);
        if let Some(one) = useless.filter(|one| waited || one.lasts(terms)) {
            return Err(one.why.clone());
        }
        let outcome = ask().and_then(|(answer, judged)| match judged.status {
            RevocationStatus::Unknown => Err(judged.why.unwrap_or_default().into()),
            _ => Ok((answer, judged)),
        });
        slot.count.fetch_add(1, Ordering::Release);
        match outcome {
            Ok((answer, judged)) => {
                *known = Known { answer: Some(answer), useless: None };
                Ok(judged)
            }
            Err(NoAnswer { why, always }) => {
                // What is too old for one time may do for an earlier one.
                let from = if always { OffsetDateTime::UNIX_EPOCH } else { terms.at };
                known.useless = Some(Useless { since: terms.now, from, why: why.clone() });
                Err(why)
            }
        }
    }

    fn slot(&self, question: Question) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= limits::OCSP_ANSWERS_KEPT && !slots.contains_key(&question) {
            // Questions under way stay, so that nobody asks them a second time.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(question).or_default().clone()
    }
}

impl Answer {
    fn until(&self, reuse: Option<Duration>) -> OffsetDateTime {
        match (reuse, self.next_update) {
            (Some(reuse), _) => self.received + reuse,
            (None, Some(next)) => next.min(self.received + LONGEST_REUSE),
            (None, None) => self.received,
        }
    }
}

impl From<String> for NoAnswer {
    fn from(why: String) -> Self {
        Self { why, always: true }
    }
}

impl Useless {
    fn lasts(&self, terms: Terms) -> bool {
        (self.since..self.since + terms.pause).contains(&terms.now)
    }
}
