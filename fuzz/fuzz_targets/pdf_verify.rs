//! Reading and judging a PDF's signatures, with nobody to believe and nobody to ask, and adding
//! to it what the levels T, LT and LTA add.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qoltanba::pdf;
use qoltanba::signature::ValidationMaterial;
use qoltanba::text::Language;
use qoltanba::validation::{Question, Verifier};
use qoltanba::x509::TrustStore;
use time::macros::datetime;

fuzz_target!(|octets: &[u8]| {
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
        for judgement in &verified.judgements {
            assert!(!matches!(judgement.verdict, qoltanba::validation::Verdict::TotalPassed));
        }
        let material = ValidationMaterial { crls: vec![vec![0x30, 0]], ..Default::default() };
        let _ = pdf::to_be_stamped(octets, None, 0);
        let _ = pdf::with_material(octets, 0, &material).map(|pdf| pdf::read(&pdf));
        let _ = pdf::to_be_archived(octets, None, 0);
    }
    let _ = pdf::empty_fields(octets);
});
