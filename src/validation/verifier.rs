//! The verifier: format → value → time-stamps → path → revocation → policy → report.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::sync::{Arc, RwLock};

use time::OffsetDateTime;

use super::case::Case;
use super::evidence::Recorder;
use super::format;
use super::judgement::Judgement;
use super::policy::{Policy, PolicyError};
use super::report::{DocumentInfo, Report};
use super::{DocumentFormat, Evidence, TimeSource, TrustedTime, Unreadable, Verdict};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::limits;
use crate::signature::{ContentFile, FoundSignature, digest_of};
use crate::text::Language;
use crate::x509::{Certificate, RevocationSource, TrustStore};
use crate::xml;
use crate::xml::wss::{self, Message, Receiver, SoapError};

/// Judges documents and certificates. Shared by threads; the trust store can be replaced under
/// load.
pub struct Verifier {
    sources: RwLock<Sources>,
    policies: Vec<Arc<Policy>>,
    policy: Result<Arc<Policy>, PolicyError>,
}

/// Whom to believe, and who knows about revocation: replaced together, since the signers of CRLs
/// are found in the trust store.
#[derive(Clone)]
struct Sources {
    trust: Arc<TrustStore>,
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

/// A certificate alone, and how to judge it.
#[derive(Clone, Copy, Debug)]
pub struct CertificateQuestion<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// Certificates that came along.
    pub others: &'a [Certificate],
    /// The time to judge at.
    pub at: TrustedTime,
    /// The clock.
    pub now: OffsetDateTime,
    /// What it is used for.
    pub purpose: Purpose,
}

impl<'a> Question<'a> {
    /// A document that brings its own content, judged as of now.
    pub fn new(document: &'a [u8], now: OffsetDateTime, language: Language) -> Self {
        let purpose = Purpose::Document;
        Self { document, content: None, at: None, now, purpose, language }
    }
}

/// What a certificate is used for; it decides which key usage is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Signing documents: `nonRepudiation`.
    #[default]
    Document,
    /// Logging in, or sending a message from system to system: `digitalSignature`, which the
    /// national authentication certificates have too.
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
    /// What the judgements were made from, beside the signatures.
    pub evidence: Evidence,
}

impl Verifier {
    /// A verifier over a trust store, under the built-in policy; without a revocation source
    /// nothing is asked, and every report says so.
    pub fn new(trust: TrustStore, revocation: Option<Arc<dyn RevocationSource>>) -> Self {
        let sources = RwLock::new(Sources { trust: Arc::new(trust), revocation });
        Self { sources, policies: Vec::new(), policy: Policy::built_in() }
    }

    /// The same under another policy.
    #[must_use]
    pub fn under(self, policy: Arc<Policy>) -> Self {
        Self { policy: Ok(policy), ..self }
    }

    /// The same with more policies that calls may ask for.
    #[must_use]
    pub fn offering(self, policies: Vec<Arc<Policy>>) -> Self {
        Self { policies, ..self }
    }

    /// The policy a call asks for by its identifier; without one, the policy in use.
    ///
    /// # Errors
    /// [`PolicyError::Unknown`].
    pub fn policy_named(&self, id: Option<&str>) -> Result<Arc<Policy>, PolicyError> {
        let Some(id) = id else { return self.policy() };
        let mut known = self.policies.iter().chain(self.policy.as_ref().ok());
        known.find(|policy| policy.name().id == id).cloned().map_or_else(|| Policy::named(id), Ok)
    }

    /// The policy in use where a call asks for no other.
    ///
    /// # Errors
    /// None in a program whose tests passed.
    pub fn policy(&self) -> Result<Arc<Policy>, PolicyError> {
        self.policy.clone()
    }

    /// The trust store in use.
    pub fn trust(&self) -> Arc<TrustStore> {
        self.sources().trust
    }

    /// Who is asked about revocation, if anybody is.
    pub fn revocation(&self) -> Option<Arc<dyn RevocationSource>> {
        self.sources().revocation
    }

    /// Whether judging may mean waiting for somebody on the network.
    pub fn may_wait(&self) -> bool {
        self.sources().revocation.is_some_and(|source| source.may_wait())
    }

    /// Takes over trust store and revocation source of another verifier; judgements under way
    /// keep the old ones.
    pub fn take_sources(&self, other: &Self) {
        let sources = other.sources();
        *self.sources.write().unwrap_or_else(std::sync::PoisonError::into_inner) = sources;
    }

    fn sources(&self) -> Sources {
        self.sources.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Judges every signature of a document.
    ///
    /// # Errors
    /// [`Unreadable`] if the document cannot be read or carries no signature.
    pub fn verify(&self, question: &Question<'_>) -> Result<Verified, Unreadable> {
        let policy = self.policy().map_err(Unreadable::Policy)?;
        self.verify_under(question, &policy)
    }

    /// Judges every signature of a document under this policy.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify_under(
        &self,
        question: &Question<'_>,
        policy: &Policy,
    ) -> Result<Verified, Unreadable> {
        let (format, found, sha256) = format::read_digested(question.document, question.content)?;
        let sha256 = sha256.unwrap_or_else(|| digest(DigestAlgorithm::Sha256, question.document));
        let document = DocumentInfo {
            format: format.name().to_owned(),
            size: question.document.len(),
            sha256: hex(&sha256),
        };
        Ok(self.judge(document, found, question, policy))
    }

    /// The same, where the detached content lies in a file of any size: it is digested from there.
    /// Only a CMS signature without signed attributes needs the content itself.
    ///
    /// # Errors
    /// As [`Verifier::verify`]; [`Unreadable::Content`].
    pub fn verify_over(
        &self,
        question: &Question<'_>,
        content: &ContentFile,
        policy: &Policy,
    ) -> Result<Verified, Unreadable> {
        let (format, found) = format::read_over(question.document, content)?;
        let document = DocumentInfo {
            format: format.name().to_owned(),
            size: question.document.len(),
            sha256: hex(&digest(DigestAlgorithm::Sha256, question.document)),
        };
        Ok(self.judge(document, found, question, policy))
    }

    /// Judges a document that is too large for memory and lies in a file: XML of the one form that
    /// can be verified piece by piece ([`xml::read_large`]). The question's document is not looked
    /// at.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify_file(
        &self,
        file: &mut File,
        question: &Question<'_>,
        policy: &Policy,
    ) -> Result<Verified, Unreadable> {
        let unreadable = |why: std::io::Error| Unreadable::Content(why.to_string());
        let mut head = Vec::new();
        file.rewind()
            .and_then(|()| (&*file).take(1024).read_to_end(&mut head))
            .map_err(unreadable)?;
        if DocumentFormat::detect(&head) != Some(DocumentFormat::Xml) {
            return Err(Unreadable::TooLarge(limits::DOCUMENT_BYTES));
        }
        let found = format::found(DocumentFormat::Xml, xml::read_large(file))?;
        let size = file.metadata().map_err(unreadable)?.len();
        let sha256 = digest_of(file, DigestAlgorithm::Sha256).map_err(unreadable)?;
        let document = DocumentInfo {
            format: DocumentFormat::Xml.name().to_owned(),
            size: usize::try_from(size).unwrap_or(usize::MAX),
            sha256: hex(&sha256),
        };
        Ok(self.judge(document, found, question, policy))
    }

    /// Opens a signed SOAP message and judges who signed it, as the one who acts on it does: the
    /// answer's Body is all that may be used.
    ///
    /// # Errors
    /// [`SoapError`], to be answered as a fault: the message is not as it must be, or its
    /// signature did not pass.
    pub fn open_message(
        &self,
        question: &Question<'_>,
        receiver: &Receiver<'_>,
        policy: &Policy,
    ) -> Result<(Verified, Message), SoapError> {
        let message = wss::open(question.document, receiver)?;
        let document = DocumentInfo {
            format: "SOAP".to_owned(),
            size: question.document.len(),
            sha256: hex(&digest(DigestAlgorithm::Sha256, question.document)),
        };
        let verified = self.judge(document, vec![message.signature.clone()], question, policy);
        match verified.judgements.first() {
            Some(judgement) if judgement.verdict == Verdict::TotalPassed => Ok((verified, message)),
            judgement => {
                let reasons = judgement.map(|one| one.reasons.clone());
                Err(SoapError::Failed(reasons.unwrap_or_default()))
            }
        }
    }

    /// Judges signatures that were found in a document.
    pub(super) fn judge(
        &self,
        document: DocumentInfo,
        found: Vec<FoundSignature>,
        question: &Question<'_>,
        policy: &Policy,
    ) -> Verified {
        let Sources { trust, revocation } = self.sources();
        let carried: Vec<&[u8]> =
            found.iter().flat_map(|one| &one.evidence).map(Vec::as_slice).collect();
        let with_evidence = match &revocation {
            Some(source) if !carried.is_empty() => source.with_evidence(&carried),
            _ => None,
        };
        let source: Option<&dyn RevocationSource> = match &with_evidence {
            Some(source) => Some(source.as_ref()),
            None => revocation.as_deref(),
        };
        let recorder = source.map(Recorder::new);
        let input = Input {
            document,
            language: question.language,
            at: question.at,
            trust: &trust,
            case: Case {
                trust: &trust,
                revocation: recorder.as_ref().map(|one| one as &dyn RevocationSource),
                policy,
                purpose: question.purpose,
                now: question.now,
            },
        };
        let mut verified = input.judge(found);
        verified.evidence.answers = recorder.map(Recorder::into_answers);
        verified
    }

    /// Judges a certificate alone: path, validity, usage and revocation at `time`.
    pub fn judge_certificate(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        time: TrustedTime,
        now: OffsetDateTime,
    ) -> Judgement {
        let Sources { trust, revocation } = self.sources();
        let Ok(policy) = self.policy() else { return Judgement::impossible(time) };
        let purpose = Purpose::Document;
        let question = CertificateQuestion { certificate, others, at: time, now, purpose };
        question.judge(&trust, revocation.as_deref(), &policy)
    }
}

impl CertificateQuestion<'_> {
    /// Judges the certificate under a policy: path, validity, usage, algorithms, revocation.
    pub fn judge(
        &self,
        trust: &TrustStore,
        revocation: Option<&dyn RevocationSource>,
        policy: &Policy,
    ) -> Judgement {
        let case = Case { trust, revocation, policy, purpose: self.purpose, now: self.now };
        case.certificate(self.certificate, self.others, self.at)
    }
}

/// What is judged: from a document, or from a stored diagnostic.
pub(super) struct Input<'a> {
    pub document: DocumentInfo,
    pub language: Language,
    pub at: Option<TrustedTime>,
    pub trust: &'a TrustStore,
    pub case: Case<'a>,
}

impl Input<'_> {
    pub(super) fn judge(self, found: Vec<FoundSignature>) -> Verified {
        let (case, now) = (self.case, self.case.now);
        let from = self.at.unwrap_or(TrustedTime { time: now, source: TimeSource::Now });
        let judgements: Vec<_> = found.iter().map(|one| case.signature(one, from)).collect();
        let report = Report::new(self.document, &found, &judgements, case.policy, self.language);
        let evidence = Evidence {
            now,
            at: self.at,
            purpose: case.purpose,
            policy: case.policy.clone(),
            trust: self.trust.clone(),
            answers: None,
        };
        Verified { report, found, judgements, evidence }
    }
}

impl DocumentFormat {
    /// The format of this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Xml, Self::Pdf, Self::Cms].into_iter().find(|format| format.name() == name)
    }
}
