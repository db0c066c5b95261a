//! An authority, a signer, a time-stamping authority, and what is said about revocation.

use std::sync::Mutex;

use rcgen::{KeyUsagePurpose, SigningKey as _};
use time::{Duration, OffsetDateTime};

use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, ValueForm};
use crate::signature::{
    CarriedTimestamp, FoundSignature, Level, SignatureFormat, SignedScope, Stamped, TimestampKind,
};
use crate::text::Language;
use crate::timestamp::testing::{Says, tsa};
use crate::validation::case::Case;
use crate::validation::evidence::Recorder;
use crate::validation::policy::Policy;
use crate::validation::report::DocumentInfo;
use crate::validation::verifier::Input;
use crate::validation::{Purpose, SubIndication, TimeSource, TrustedTime, Verdict, Verified};
use crate::x509::testing::{Authority, Holder, NOW, params};
use crate::x509::{Certificate, RevocationAnswer, RevocationSource, RevocationStatus, TrustStore};

/// The signer's certificate is valid for these days around [`NOW`].
pub(super) const VALID: Duration = Duration::days(30);

pub(super) struct World {
    pub root: Authority,
    pub issuing: Authority,
    pub signer: Holder,
    pub tsa: Holder,
    pub register: Register,
}

/// Who is revoked since when, as a register tells it: later revocations do not count yet.
#[derive(Default)]
pub(super) struct Register {
    pub revoked: Mutex<Vec<(Vec<u8>, OffsetDateTime)>>,
    pub silent: Mutex<Vec<(Vec<u8>, Option<OffsetDateTime>)>>,
    pub source: Mutex<Option<(&'static str, OffsetDateTime)>>,
}

impl RevocationSource for Register {
    fn ask(
        &self,
        certificate: &Certificate,
        _: &Certificate,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let fingerprint = certificate.fingerprint();
        let silent = self.silent.lock().unwrap();
        let is_silent = |since: &Option<OffsetDateTime>| since.is_none_or(|since| at > since);
        if silent.iter().any(|(one, since)| *one == fingerprint && is_silent(since)) {
            return RevocationAnswer::unknown(now, "the responder is down");
        }
        let revoked = self.revoked.lock().unwrap();
        let since = revoked.iter().find(|one| one.0 == fingerprint && one.1 <= at);
        let status = since.map_or(RevocationStatus::Good, |(_, since)| RevocationStatus::Revoked {
            at: *since,
            reason: Some("keyCompromise".to_owned()),
        });
        let (source, made) = self.source.lock().unwrap().unwrap_or(("ocsp", now));
        RevocationAnswer { status, source, at: Some(made), ..RevocationAnswer::unknown(now, "") }
    }
}

impl World {
    pub(super) fn new() -> Self {
        let root = Authority::root("Root");
        let issuing = root.below(crate::x509::testing::authority_params("Issuing"));
        let mut signer = params("Signer");
        signer.not_before = NOW - VALID;
        signer.not_after = NOW + VALID;
        signer.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        let (signer, tsa) = (issuing.issue(signer), tsa(&root));
        Self { root, issuing, signer, tsa, register: Register::default() }
    }

    pub(super) fn trust(&self) -> TrustStore {
        let intermediates = vec![self.issuing.certificate.clone()];
        TrustStore::new(vec![self.root.certificate.clone()], intermediates)
    }

    /// A signature by the signer with time-stamps at these times.
    pub(super) fn signature(&self, stamps: &[(TimestampKind, OffsetDateTime)]) -> FoundSignature {
        let signed_octets = b"signed octets".to_vec();
        let value = self.signer.key.sign(&signed_octets).unwrap();
        let stamp = |(kind, time): &(TimestampKind, OffsetDateTime)| {
            let over = match kind {
                TimestampKind::Signature | TimestampKind::Archive => value.clone(),
                TimestampKind::Content => b"content".to_vec(),
            };
            let token = Says::about(&over, *time).token(&self.tsa);
            CarriedTimestamp { kind: *kind, token, over: Stamped::Octets(over) }
        };
        FoundSignature {
            id: "signature-1".to_owned(),
            format: SignatureFormat::Cades(Level::B),
            algorithm: Ok(SignatureAlgorithm::EcdsaSha256),
            digests: vec![DigestAlgorithm::Sha256],
            value_form: ValueForm::Der,
            signed_octets,
            timestamps: stamps.iter().map(stamp).collect(),
            value,
            certificate: Some(self.signer.certificate.clone()),
            certificates: vec![self.signer.certificate.clone()],
            claimed_time: None,
            claims: Default::default(),
            scope: SignedScope { covers_whole_document: true, ..SignedScope::default() },
            faults: Vec::new(),
            warnings: Vec::new(),
            evidence: Vec::new(),
        }
    }

    pub(super) fn revoke(&self, certificate: &Certificate, since: OffsetDateTime) {
        self.register.revoked.lock().unwrap().push((certificate.fingerprint(), since));
    }

    pub(super) fn silence(&self, certificate: &Certificate) {
        self.register.silent.lock().unwrap().push((certificate.fingerprint(), None));
    }

    /// Nobody tells what holds after that time.
    pub(super) fn silence_after(&self, certificate: &Certificate, since: OffsetDateTime) {
        self.register.silent.lock().unwrap().push((certificate.fingerprint(), Some(since)));
    }

    pub(super) fn judge_under(
        &self,
        found: FoundSignature,
        now: OffsetDateTime,
        at: Option<TrustedTime>,
        policy: &Policy,
    ) -> Verified {
        let trust = self.trust();
        let recorder = Recorder::new(&self.register);
        let purpose = Purpose::Document;
        let revocation = Some(&recorder as &dyn RevocationSource);
        let document = DocumentInfo { format: "CMS".into(), size: 1, sha256: String::new() };
        let case = Case { trust: &trust, revocation, policy, purpose, now };
        let input = Input { document, language: Language::En, at, trust: &trust, case };
        let mut verified = input.judge(vec![found]);
        verified.evidence.answers = Some(recorder.into_answers());
        verified
    }

    pub(super) fn judge(&self, found: FoundSignature, now: OffsetDateTime) -> Outcome {
        let policy = Policy::built_in().unwrap();
        Outcome::of(&self.judge_under(found, now, None, &policy))
    }

    pub(super) fn registered(
        &self,
        found: FoundSignature,
        now: OffsetDateTime,
        time: OffsetDateTime,
    ) -> Outcome {
        let at = Some(TrustedTime { time, source: TimeSource::Register });
        let policy = Policy::built_in().unwrap();
        Outcome::of(&self.judge_under(found, now, at, &policy))
    }
}

/// What a test looks at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome(pub Verdict, pub Option<SubIndication>);

impl Outcome {
    pub(super) fn of(verified: &Verified) -> Self {
        let judgement = &verified.judgements[0];
        Self(judgement.verdict, judgement.sub_indication)
    }
}

pub(super) const PASSED: Outcome = Outcome(Verdict::TotalPassed, None);

pub(super) fn indeterminate(why: SubIndication) -> Outcome {
    Outcome(Verdict::Indeterminate, Some(why))
}

pub(super) fn failed(why: SubIndication) -> Outcome {
    Outcome(Verdict::TotalFailed, Some(why))
}
