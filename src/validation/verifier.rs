//! The verifier: format → value → path → revocation → time → algorithm policy → report.

use std::sync::{Arc, RwLock};

use time::OffsetDateTime;

use super::format;
use super::report::{DocumentInfo, Report};
use super::{SubIndication, TimeSource, TrustedTime, Unreadable, Verdict};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, VerifyError, digest, hex, verify};
use crate::reason::{Reason, ReasonCode};
use crate::signature::FoundSignature;
use crate::text::Language;
use crate::x509::{
    Certificate, Path, PathRequest, RevocationAnswer, RevocationSource, RevocationStatus,
    TrustStore, validate,
};

/// Extended key usages of certificates that must never be taken for a signer's: time-stamping
/// authorities and OCSP responders carry a person's IIN too (see `certs/README.md`).
const NOT_FOR_SIGNERS: [&str; 2] = ["1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"];

/// A signature may claim a time this far ahead of the clock it is judged by, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// Judges documents and certificates. Shared by threads; the trust store can be replaced under
/// load.
pub struct Verifier {
    trust: RwLock<Arc<TrustStore>>,
    revocation: Option<Arc<dyn RevocationSource>>,
}

/// A document and how to judge it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The document.
    pub document: &'a [u8],
    /// What a detached signature was made over.
    pub content: Option<&'a [u8]>,
    /// The time to judge at; `None` means now.
    pub at: Option<TrustedTime>,
    /// The clock.
    pub now: OffsetDateTime,
    /// What the certificates are used for.
    pub purpose: Purpose,
    /// The language of the sentences.
    pub language: Language,
}

/// What a certificate is used for; it decides which key usage is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Signing documents: `nonRepudiation`.
    #[default]
    Document,
    /// Logging in: `digitalSignature`, which the national authentication certificates have too.
    Login,
}

/// The outcome: the report, and what callers need beyond it.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The report for people and programs.
    pub report: Report,
    /// The signatures as they were found; consumers read documents from their signed octets.
    pub found: Vec<FoundSignature>,
    /// The judgement on each, in the same order.
    pub judgements: Vec<Judgement>,
}

/// The judgement on one signature or certificate, with its evidence.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not TOTAL-PASSED.
    pub sub_indication: Option<SubIndication>,
    /// Every reason, the gravest first.
    pub reasons: Vec<Reason>,
    /// What is odd but no reason.
    pub warnings: Vec<Reason>,
    /// The time of judgement.
    pub time: TrustedTime,
    /// The path to the anchor, if there is one.
    pub path: Option<Path>,
    /// What was learnt about the signer's certificate, with the responder's own words.
    pub revocation: Option<RevocationAnswer>,
}

impl Verifier {
    /// A verifier over a trust store; without a revocation source nothing is asked, and every
    /// report says so.
    pub fn new(trust: TrustStore, revocation: Option<Arc<dyn RevocationSource>>) -> Self {
        Self { trust: RwLock::new(Arc::new(trust)), revocation }
    }

    /// The trust store in use.
    pub fn trust(&self) -> Arc<TrustStore> {
        self.trust.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Replaces the trust store; judgements under way keep the old one.
    pub fn replace_trust(&self, trust: TrustStore) {
        let mut slot = self.trust.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *slot = Arc::new(trust);
    }

    /// Judges every signature of a document.
    ///
    /// # Errors
    /// [`Unreadable`] if the document cannot be read or carries no signature.
    pub fn verify(&self, question: &Question<'_>) -> Result<Verified, Unreadable> {
        let (format, found) = format::read(question.document, question.content)?;
        let time =
            question.at.unwrap_or(TrustedTime { time: question.now, source: TimeSource::Now });
        let judgements: Vec<_> = found.iter().map(|one| self.judge(one, time, question)).collect();
        let document = DocumentInfo {
            format: format.name().to_owned(),
            size: question.document.len(),
            sha256: hex(&digest(DigestAlgorithm::Sha256, question.document)),
        };
        let report = Report::new(document, &found, &judgements, question.language);
        Ok(Verified { report, found, judgements })
    }

    /// Judges a certificate alone: path, validity, usage and revocation at `time`.
    pub fn judge_certificate(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        time: TrustedTime,
        now: OffsetDateTime,
    ) -> Judgement {
        let mut judgement = Judgement::open(time);
        if let Err(unsupported) = SignatureAlgorithm::for_key(&certificate.public_key().kind) {
            let code = ReasonCode::UnsupportedAlgorithm;
            judgement.reasons.push(Reason::new(code, unsupported.name));
        }
        judgement.reasons.extend(check_usage(certificate, Purpose::Document));
        self.believe(certificate, others, None, now, &mut judgement);
        judgement.close()
    }

    fn judge(
        &self,
        found: &FoundSignature,
        time: TrustedTime,
        question: &Question<'_>,
    ) -> Judgement {
        let now = question.now;
        let mut judgement = Judgement::open(time);
        judgement.reasons.extend(found.faults.iter().cloned());
        judgement.warnings.extend(found.warnings.iter().cloned());
        if let Some(reason) = check_value(found) {
            judgement.reasons.push(reason);
        }
        if let Some(reason) = check_algorithm(found, time.time) {
            judgement.reasons.push(reason);
        }
        match &found.certificate {
            Some(certificate) => {
                if let Some(warning) = check_claimed_time(found.claimed_time, certificate, now) {
                    judgement.warnings.push(warning);
                }
                judgement.reasons.extend(check_usage(certificate, question.purpose));
                let others = &found.certificates;
                self.believe(certificate, others, found.claimed_time, now, &mut judgement);
            }
            None if !judgement.has(ReasonCode::CertificateMissing) => {
                judgement.reasons.push(ReasonCode::CertificateMissing.into());
            }
            None => {}
        }
        judgement.close()
    }

    /// Path and revocation of the certificate, into the judgement.
    fn believe(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        claimed_time: Option<OffsetDateTime>,
        now: OffsetDateTime,
        judgement: &mut Judgement,
    ) {
        let trust = self.trust();
        let at = judgement.time.time;
        match validate(&trust, &PathRequest::new(certificate, others, at)) {
            Ok(path) => judgement.path = Some(path),
            Err(failure) => {
                judgement.reasons.push(failure.reason);
                judgement.path = failure.path;
            }
        }
        let (Some(source), Some(path)) = (&self.revocation, judgement.path.clone()) else { return };
        for (index, pair) in path.certificates().windows(2).enumerate() {
            let [subject, issuer] = pair else { continue };
            let answer = source.ask(subject, issuer, at, now);
            judgement.take_revocation(subject, &answer, claimed_time, index == 0);
            if index == 0 {
                judgement.revocation = Some(answer);
            }
        }
    }
}

impl Judgement {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::TotalPassed
    }

    fn open(time: TrustedTime) -> Self {
        Self {
            verdict: Verdict::TotalPassed,
            sub_indication: None,
            reasons: Vec::new(),
            warnings: Vec::new(),
            time,
            path: None,
            revocation: None,
        }
    }

    fn has(&self, code: ReasonCode) -> bool {
        self.reasons.iter().any(|reason| reason.code == code)
    }

    fn take_revocation(
        &mut self,
        subject: &Certificate,
        answer: &RevocationAnswer,
        claimed_time: Option<OffsetDateTime>,
        is_signer: bool,
    ) {
        let who = if is_signer { String::new() } else { format!("issuer {}: ", subject.subject()) };
        let reason = match &answer.status {
            RevocationStatus::Good => return,
            RevocationStatus::Revoked { at, reason } => {
                let why = reason.as_deref().unwrap_or("no reason given");
                let detail = format!("{who}since {} ({why})", rfc3339(*at));
                if *at > self.time.time {
                    self.warnings.push(Reason::new(ReasonCode::Revoked, detail));
                    return;
                }
                // The signer's own claim to have signed after the revocation settles it
                // (EN 319 102-1 §5.3.4): there is nothing left that evidence could save.
                if is_signer && claimed_time.is_some_and(|claimed| claimed >= *at) {
                    self.verdict = Verdict::TotalFailed;
                    self.sub_indication = Some(SubIndication::Revoked);
                }
                Reason::new(ReasonCode::Revoked, detail)
            }
            RevocationStatus::OnHold { at } => {
                Reason::new(ReasonCode::OnHold, format!("{who}since {}", rfc3339(*at)))
            }
            RevocationStatus::Unknown => {
                let why = answer.why.as_deref().unwrap_or("no answer");
                Reason::new(ReasonCode::RevocationUnknown, format!("{who}{why}"))
            }
        };
        self.reasons.push(reason);
    }

    /// Sorts the reasons and takes the gravest one's verdict.
    fn close(mut self) -> Self {
        self.reasons.sort_by_key(|reason| std::cmp::Reverse(Verdict::of(reason.code).0));
        if self.verdict == Verdict::TotalFailed {
            return self;
        }
        let Some(first) = self.reasons.first() else { return self };
        let (verdict, mut why) = Verdict::of(first.code);
        let known_good =
            self.revocation.as_ref().is_some_and(|answer| answer.status == RevocationStatus::Good);
        if first.code == ReasonCode::Expired && known_good {
            why = SubIndication::OutOfBoundsNotRevoked;
        }
        self.verdict = verdict;
        self.sub_indication = Some(why);
        self
    }
}

fn check_value(found: &FoundSignature) -> Option<Reason> {
    let certificate = found.certificate.as_ref()?;
    let algorithm = match &found.algorithm {
        Ok(algorithm) => *algorithm,
        Err(unsupported) => {
            let code = ReasonCode::UnsupportedAlgorithm;
            return Some(Reason::new(code, unsupported.name.clone()));
        }
    };
    let key = certificate.public_key();
    match verify(algorithm, found.value_form, key, &found.signed_octets, &found.value) {
        Ok(()) => None,
        Err(VerifyError::Unsupported(unsupported)) => {
            Some(Reason::new(ReasonCode::UnsupportedAlgorithm, unsupported.name))
        }
        Err(error) => Some(Reason::new(ReasonCode::BadSignature, error.to_string())),
    }
}

fn check_algorithm(found: &FoundSignature, at: OffsetDateTime) -> Option<Reason> {
    let algorithm: SignatureAlgorithm = *found.algorithm.as_ref().ok()?;
    let row = algorithm.row();
    let until = row.accepted_until.filter(|until| at > *until)?;
    let detail = format!("{} is accepted until {} only", row.name, until.date());
    Some(Reason::new(ReasonCode::UnsupportedAlgorithm, detail))
}

fn check_usage(certificate: &Certificate, purpose: Purpose) -> Option<Reason> {
    let wrong = |detail: &str| Some(Reason::new(ReasonCode::WrongKeyUsage, detail));
    if NOT_FOR_SIGNERS.iter().any(|oid| certificate.has_extended_key_usage(oid)) {
        return wrong("the certificate is one of a time-stamping authority or OCSP responder");
    }
    if certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
        return wrong("the certificate is one of a certification authority");
    }
    match (certificate.key_usage(), purpose) {
        (Some(usage), Purpose::Document) if !usage.non_repudiation() => {
            wrong("the key usage lacks nonRepudiation (contentCommitment)")
        }
        (Some(usage), Purpose::Login) if !usage.digital_signature() => {
            wrong("the key usage lacks digitalSignature")
        }
        _ => None,
    }
}

fn check_claimed_time(
    claimed: Option<OffsetDateTime>,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> Option<Reason> {
    let claimed = claimed?;
    let detail = if claimed > now + time::Duration::seconds(CLOCK_SKEW_SECONDS) {
        "the claimed signing time lies in the future"
    } else if claimed < certificate.not_before() || claimed > certificate.not_after() {
        "the claimed signing time lies outside the certificate's validity"
    } else {
        return None;
    };
    Some(Reason::new(ReasonCode::ClaimedTimeImplausible, detail))
}

fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
