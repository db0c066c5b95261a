//! Reading a CMS signature with its attributes, time-stamps, counter-signatures and archive index,
//! judging it with nobody to believe, and raising its level; a time-stamp token is one too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qoltanba::cms;
use qoltanba::signature::ValidationMaterial;
use qoltanba::text::Language;
use qoltanba::timestamp::Token;
use qoltanba::validation::{Question, Verifier};
use qoltanba::x509::TrustStore;
use time::macros::datetime;

fuzz_target!(|octets: &[u8]| {
    let _ = cms::read(octets, None);
    let _ = cms::read(octets, Some(b"content"));
    let _ = Token::read(octets);
    let material = ValidationMaterial { crls: vec![vec![0x30, 0]], ..Default::default() };
    let _ = cms::to_be_stamped(octets, None, 0);
    let _ = cms::with_material(octets, 0, &material).map(|cms| cms::read(&cms, None));
    let _ = cms::to_be_archived(octets, None, 0);
    let verifier = Verifier::new(TrustStore::new(Vec::new(), Vec::new()), None);
    let question = Question {
        document: octets,
        content: None,
        at: None,
        now: datetime!(2026-11-21 12:00 UTC),
        purpose: Default::default(),
        language: Language::En,
    };
    if let Ok(verified) = verifier.verify(&question) {
        let passed = qoltanba::validation::Verdict::TotalPassed;
        assert!(verified.judgements.iter().all(|one| one.verdict != passed));
    }
});
