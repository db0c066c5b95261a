//! Levels B, T, LT and LTA over the years, with every responder down: CMS and PDF as this program
//! makes them, judged with nothing but what they carry and the CRLs a register keeps.

use std::sync::Arc;

use rcgen::{KeyUsagePurpose, RevocationReason};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use super::setting::{Outcome, PASSED};
use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::ReasonCode;
use crate::signature::{Level, SignatureFormat, Stamped, ValidationMaterial};
use crate::text::Language;
use crate::timestamp::testing::{Says as Stamp, tsa_params};
use crate::token::{Signer as _, SoftwareSigner, sign_checked};
use crate::validation::{Question, TimeSource, TrustedTime, Verdict, Verified, Verifier};
use crate::x509::testing::{Authority, Holder, NOW, Says, authority_params, params};
use crate::x509::{
    Certificate, HttpFetch, RevocationChecker, RevocationConfig, RevocationMode, RevocationSource,
    TrustStore,
};
use crate::{cms, pdf};

const CONTENT: &[u8] = b"Licence";
/// The signer's certificate has expired, the CRLs of [`World::lists`] are in force.
const LATER: OffsetDateTime = NOW.saturating_add(Duration::days(33));

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Cms,
    Pdf,
}

struct World {
    root: Authority,
    issuing: Authority,
    signer: SoftwareSigner,
    tsa: Holder,
}

impl World {
    fn new() -> Self {
        let root = Authority::root("Root");
        let issuing = root.below(authority_params("Issuing"));
        let mut own = params("Signer");
        own.not_before = NOW - Duration::days(30);
        own.not_after = NOW + Duration::days(30);
        own.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        let signer = issuing.issue(own);
        let signer = SoftwareSigner::new(&signer.key.serialize_der(), signer.certificate).unwrap();
        let tsa = root.issue(tsa_params());
        Self { root, issuing, signer, tsa }
    }

    fn signed(&self, kind: Kind) -> Vec<u8> {
        let key = &self.signer;
        match kind {
            Kind::Cms => {
                let digest = digest(DigestAlgorithm::Sha256, CONTENT);
                let options =
                    cms::SigningOptions { content: Some(CONTENT.to_vec()), ..Default::default() };
                let prepared =
                    cms::prepare(&digest, key.certificate(), key.algorithm(), options).unwrap();
                let value = sign_checked(key, prepared.to_be_signed()).unwrap();
                prepared.complete(&value).unwrap()
            }
            Kind::Pdf => pdf::sign(&page(), key, &pdf::SigningOptions::at(NOW)).unwrap(),
        }
    }

    fn stamped(&self, kind: Kind) -> Vec<u8> {
        let signed = self.signed(kind);
        let time = NOW + Duration::minutes(1);
        match kind {
            Kind::Cms => {
                let over = cms::to_be_stamped(&signed, None, 0).unwrap();
                cms::with_timestamp(&signed, 0, &token(&over, time, &self.tsa)).unwrap()
            }
            Kind::Pdf => {
                let over = pdf::to_be_stamped(&signed, None, 0).unwrap();
                pdf::with_timestamp(&signed, 0, &token(&over, time, &self.tsa)).unwrap()
            }
        }
    }

    /// Level LT with what the authorities say a minute later.
    fn lasting(&self, kind: Kind, revoked: Option<OffsetDateTime>) -> Vec<u8> {
        let material = self.material(NOW + Duration::minutes(2), revoked);
        with_material(kind, &self.stamped(kind), &material)
    }

    fn material(
        &self,
        made: OffsetDateTime,
        revoked: Option<OffsetDateTime>,
    ) -> ValidationMaterial {
        let mut says = Says::good(None);
        if let Some(since) = revoked {
            says = says.revoked(since, 1);
        }
        says.made = made;
        let (own, issuer) = (self.signer.certificate(), &self.issuing.certificate);
        let certificates = [issuer, &self.tsa.certificate, &self.root.certificate];
        ValidationMaterial {
            certificates: certificates.map(|one| one.der().to_vec()).to_vec(),
            ocsp: vec![says.to_der(own, issuer, &self.issuing.signer())],
            crls: vec![self.root.crl(made, &[])],
        }
    }

    /// CRLs as a register keeps them, in force at [`LATER`].
    fn lists(&self, revoked: Option<OffsetDateTime>) -> Vec<Vec<u8>> {
        let made = NOW + Duration::days(29);
        let own: Vec<(&Certificate, OffsetDateTime, RevocationReason)> = revoked
            .iter()
            .map(|since| (self.signer.certificate(), *since, RevocationReason::KeyCompromise))
            .collect();
        vec![self.issuing.crl(made, &own), self.root.crl(made, &[])]
    }

    /// The judgement with nobody to ask.
    fn judged(
        &self,
        document: &[u8],
        now: OffsetDateTime,
        registered: Option<OffsetDateTime>,
        lists: &[Vec<u8>],
    ) -> Verified {
        let folder = TempDir::new().unwrap();
        let mut crl_files = Vec::new();
        for (index, list) in lists.iter().enumerate() {
            let path = folder.path().join(format!("{index}.crl"));
            std::fs::write(&path, list).unwrap();
            crl_files.push(path);
        }
        let mode = RevocationMode::Offline;
        let config = RevocationConfig { mode, crl_files, ..RevocationConfig::default() };
        let checker = RevocationChecker::new(config, Arc::new(HttpFetch::new(&[])));
        let source: Arc<dyn RevocationSource> = Arc::new(checker);
        let issuers = vec![self.issuing.certificate.clone()];
        let trust = TrustStore::new(vec![self.root.certificate.clone()], issuers);
        let at = registered.map(|time| TrustedTime { time, source: TimeSource::Register });
        let (content, language) = (None, Language::En);
        let purpose = Default::default();
        let question = Question { document, content, at, now, purpose, language };
        Verifier::new(trust, Some(source)).verify(&question).unwrap()
    }
}

fn with_material(kind: Kind, document: &[u8], material: &ValidationMaterial) -> Vec<u8> {
    match kind {
        Kind::Cms => cms::with_material(document, 0, material).unwrap(),
        Kind::Pdf => pdf::with_material(document, 0, material).unwrap(),
    }
}

fn archived(kind: Kind, document: &[u8], time: OffsetDateTime, tsa: &Holder) -> Vec<u8> {
    match kind {
        Kind::Cms => {
            let (over, draft) = cms::to_be_archived(document, None, 0).unwrap();
            draft.finish(&token(&over, time, tsa)).unwrap()
        }
        Kind::Pdf => {
            let (over, draft) = pdf::to_be_archived(document, None, 0).unwrap();
            draft.finish(&token(&over, time, tsa)).unwrap()
        }
    }
}

fn token(over: &Stamped, time: OffsetDateTime, tsa: &Holder) -> Vec<u8> {
    let imprint = over.digest(DigestAlgorithm::Sha256).unwrap();
    Stamp { imprint, ..Stamp::about(b"", time) }.token(tsa)
}

/// A PDF with one empty page.
fn page() -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
    ];
    let (mut text, mut table) = (String::from("%PDF-1.7\n"), String::new());
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", text.len()));
        text.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = text.len();
    text.push_str(&format!(
        "xref\n0 4\n0000000000 65535 f \n{table}trailer\n<</Size 4/Root 1 0 R>>\n\
         startxref\n{start}\n%%EOF\n"
    ));
    text.into_bytes()
}

fn level(verified: &Verified) -> Option<Level> {
    match verified.found.first()?.format {
        SignatureFormat::Cades(level) | SignatureFormat::Pades(level) => Some(level),
        _ => None,
    }
}

/// Not accepted, and because of the revocation.
fn refused_as_revoked(verified: &Verified) -> bool {
    let judgement = &verified.judgements[0];
    judgement.verdict != Verdict::TotalPassed
        && judgement.reasons.iter().any(|reason| reason.code == ReasonCode::Revoked)
}

#[test]
fn every_level_stands_after_the_certificate_expired_and_after_it_was_revoked() {
    let world = World::new();
    for kind in [Kind::Cms, Kind::Pdf] {
        for revoked in [None, Some(NOW + Duration::days(10))] {
            let lists = world.lists(revoked);
            let passes = |document: &[u8], registered, lists: &[Vec<u8>], wanted| {
                let verified = world.judged(document, LATER, registered, lists);
                let reasons = &verified.judgements[0].reasons;
                assert_eq!(Outcome::of(&verified), PASSED, "{kind:?} {wanted:?} {reasons:?}");
                assert_eq!(level(&verified), Some(wanted), "{kind:?}");
                assert_eq!(verified.found.len(), 1);
            };
            // B has no time but the register's; T needs what a register keeps.
            passes(&world.signed(kind), Some(NOW), &lists, Level::B);
            passes(&world.stamped(kind), None, &lists, Level::T);
            // From here on the document is enough, and a later list changes nothing.
            let lt = world.lasting(kind, None);
            let lta = archived(kind, &lt, NOW + Duration::minutes(10), &world.tsa);
            for (document, wanted) in [(&lt, Level::Lt), (&lta, Level::Lta)] {
                passes(document, None, &[], wanted);
                passes(document, None, &lists, wanted);
            }
        }
    }
}

#[test]
fn nothing_stands_that_was_revoked_before_its_time_stamp() {
    let world = World::new();
    let before = Some(NOW - Duration::hours(1));
    let lists = world.lists(before);
    for kind in [Kind::Cms, Kind::Pdf] {
        let judged = |document: &[u8], registered, lists: &[Vec<u8>]| {
            world.judged(document, LATER, registered, lists)
        };
        assert!(refused_as_revoked(&judged(&world.signed(kind), Some(NOW), &lists)));
        assert!(refused_as_revoked(&judged(&world.stamped(kind), None, &lists)));
        let lt = world.lasting(kind, before);
        let lta = archived(kind, &lt, NOW + Duration::minutes(10), &world.tsa);
        assert!(refused_as_revoked(&judged(&lt, None, &[])), "{kind:?}");
        assert!(refused_as_revoked(&judged(&lta, None, &[])), "{kind:?}");
    }
}

#[test]
fn without_a_time_stamp_or_an_answer_nothing_is_proved() {
    let world = World::new();
    for kind in [Kind::Cms, Kind::Pdf] {
        let verdict = |document: &[u8], lists: &[Vec<u8>]| {
            world.judged(document, LATER, None, lists).judgements[0].verdict
        };
        assert_eq!(verdict(&world.signed(kind), &world.lists(None)), Verdict::Indeterminate);
        assert_eq!(verdict(&world.stamped(kind), &[]), Verdict::Indeterminate);
    }
}

#[test]
fn archived_again_in_time_it_outlives_the_first_time_stamping_authority() {
    let mut world = World::new();
    let mut brief = tsa_params();
    brief.not_after = NOW + Duration::days(50);
    world.tsa = world.root.issue(brief);
    let next = world.root.issue(tsa_params());
    let now = NOW + Duration::days(100);
    for kind in [Kind::Cms, Kind::Pdf] {
        let lt = world.lasting(kind, None);
        let lta = archived(kind, &lt, NOW + Duration::minutes(10), &world.tsa);
        let once = world.judged(&lta, now, None, &[]);
        assert_ne!(once.judgements[0].verdict, Verdict::TotalPassed, "{kind:?}");
        let mut fresh = world.material(NOW + Duration::days(45), None);
        fresh.certificates.push(next.certificate.der().to_vec());
        fresh.ocsp.clear();
        let renewed = with_material(kind, &lta, &fresh);
        let renewed = archived(kind, &renewed, NOW + Duration::days(45), &next);
        let again = world.judged(&renewed, now, None, &[]);
        assert_eq!(Outcome::of(&again), PASSED, "{kind:?} {:?}", again.judgements[0].reasons);
        assert_eq!(again.found[0].timestamps.len(), 3);
    }
}
