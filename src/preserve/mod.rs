//! Raises signatures to the levels T, LT and LTA (EN 319 132-1 §6, EN 319 122-1 §6,
//! EN 319 142-1 §6): asks for the time-stamps, collects what later verification needs, and has
//! the outcome verified before it leaves.

mod form;

use time::OffsetDateTime;

use self::form::Form;
use crate::limits;
use crate::reason::Reason;
use crate::signature::{Level, SignatureFormat, Stamped};
use crate::text::Language;
use crate::timestamp::{StampError, TimestampClient, TimestampQuestion};
use crate::validation::{
    MaterialError, PolicyError, Purpose, Question, Unreadable, Verified, Verifier,
};
use crate::x509::Certificate;

/// Raises signatures. Holds no state of its own.
#[derive(Clone, Copy)]
pub struct Preserver<'a> {
    /// Judges the signature before, between and after.
    pub verifier: &'a Verifier,
    /// Whom to ask for time-stamps.
    pub stamps: &'a TimestampClient,
    /// The clock.
    pub clock: &'a dyn Fn() -> OffsetDateTime,
}

/// What is to be raised, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The signed document.
    pub document: &'a [u8],
    /// What a detached signature was made over.
    pub content: Option<&'a [u8]>,
    /// Which signature, in the order of the report; `None` takes the last.
    pub signature: Option<usize>,
    /// The level wanted. LTA on a signature that has it adds another archive time-stamp.
    pub level: Level,
}

/// Why a signature was not raised. The document is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreserveError {
    /// The document cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// There is no such signature.
    #[error("the document has no signature number {0}")]
    NoSuchSignature(usize),
    /// The signature's format knows no levels.
    #[error("{} knows no levels", .0.as_str())]
    NoLevels(SignatureFormat),
    /// The signature does not pass, before or after, so it is not worth keeping.
    #[error("the signature does not pass: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotPassed(Vec<Reason>),
    /// No authority gave a time-stamp.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// Something is missing for later verification.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// The format cannot take it.
    #[error("{0}")]
    Format(String),
}

impl Preserver<'_> {
    /// The document with the signature at the level wanted.
    ///
    /// # Errors
    /// [`PreserveError`].
    pub fn raise(&self, wish: &Wish<'_>) -> Result<Vec<u8>, PreserveError> {
        let verified = self.judge(wish.document, wish)?;
        let last = verified.found.len().saturating_sub(1);
        let index = wish.signature.unwrap_or(last);
        let found = verified.found.get(index).ok_or(PreserveError::NoSuchSignature(index + 1))?;
        let (mut has, form) = Form::of(found.format)?;
        let mut document = wish.document.to_vec();
        if has < Level::T && wish.level >= Level::T {
            let over = form.to_be_stamped(&document, wish.content, index)?;
            let token = self.stamp(&over, &found.certificates)?;
            document = form.with_timestamp(&document, index, &token)?;
            has = Level::T;
        }
        if has < Level::Lt && wish.level >= Level::Lt {
            let material = self.passed(&document, wish, index)?.material(index)?;
            document = form.with_material(&document, index, &material)?;
        }
        if wish.level == Level::Lta {
            let (over, draft) = form.to_be_archived(&document, wish.content, index)?;
            let token = self.stamp(&over, &found.certificates)?;
            document = draft.finish(&token)?;
        }
        if document.len() > limits::DOCUMENT_BYTES {
            return Err(Unreadable::TooLarge(limits::DOCUMENT_BYTES).into());
        }
        // Nothing leaves that the own verifier has not passed at the level it claims.
        let verified = self.passed(&document, wish, index)?;
        match verified.found.get(index).map(|found| Form::of(found.format)) {
            Some(Ok((level, _))) if level >= wish.level => Ok(document),
            _ => Err(PreserveError::Format("the outcome does not have the level".to_owned())),
        }
    }

    fn judge(&self, document: &[u8], wish: &Wish<'_>) -> Result<Verified, PreserveError> {
        Ok(self.verifier.verify(&Question {
            document,
            content: wish.content,
            at: None,
            now: (self.clock)(),
            purpose: Purpose::Document,
            language: Language::En,
        })?)
    }

    fn passed(
        &self,
        document: &[u8],
        wish: &Wish<'_>,
        index: usize,
    ) -> Result<Verified, PreserveError> {
        let verified = self.judge(document, wish)?;
        let judgement =
            verified.judgements.get(index).ok_or(PreserveError::NoSuchSignature(index + 1))?;
        match judgement.passed() {
            true => Ok(verified),
            false => Err(PreserveError::NotPassed(judgement.reasons.clone())),
        }
    }

    fn stamp(&self, over: &Stamped, extra: &[Certificate]) -> Result<Vec<u8>, PreserveError> {
        let policy = self.verifier.policy()?;
        let (trust, revocation) = (self.verifier.trust(), self.verifier.revocation());
        let now = (self.clock)();
        let rules = policy.timestamps();
        let question = TimestampQuestion {
            data: over,
            extra,
            trust: &trust,
            revocation: revocation.as_deref(),
            at: now,
            now,
            skew: policy.revocation().freshness().skew,
            policies: &rules.policies,
            accuracy: Some(time::Duration::seconds(i64::from(rules.accuracy_seconds))),
        };
        let (token, _) = self.stamps.stamp(&question)?;
        Ok(token.der().to_vec())
    }
}
