//! What one operation costs, in process; beside them the bare operations of the cryptographic
//! library, so that ratios can be read. `load` prints all of it as one table.

mod setting;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use qoltanba::limits;
use qoltanba::pki::World;
use qoltanba::text::Language;
use qoltanba::token::{KeyChoice, NewKey, Signer as _};
use qoltanba::validation::{Purpose, Question, Verdict, Verifier};
use qoltanba::x509::{
    Certificate, HttpFetch, PathRequest, RevocationChecker, RevocationConfig, RevocationMethod,
    RevocationMode, TrustStore, validate,
};
use qoltanba::xml::c14n::{Canonicalization, Subset};
use qoltanba::xml::{Document, SigningOptions, sign};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use time::OffsetDateTime;

fn main() {
    let world = setting::world();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    setting::serve_authority(&world, &runtime);
    let signer = setting::signer(&world);
    let documents = setting::documents(&signer);
    let crls = setting::crl_files(&world);
    let trust_in = |world: &World| {
        let issuer = world.certificate_path("ca").expect("the issuer");
        TrustStore::load(&[world.trust_dir(), issuer]).expect("the trust store")
    };
    let trust = || trust_in(&world);
    let gost_world = setting::gost_world();
    let gost_signer = setting::signer(&gost_world);
    let gost_documents = setting::documents(&gost_signer);

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(30)
        .configure_from_args();
    let mut group = criterion.benchmark_group("in-process");

    // The bare operations.
    let message = signer.certificate().tbs().to_vec();
    let value = signer.sign(&message).expect("a signature");
    let key = signer.certificate().public_key().octets.clone();
    group.bench_function("bare: RSA-2048 verification", |b| {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key);
        b.iter(|| key.verify(black_box(&message), &value).expect("a good signature"));
    });
    group.bench_function("bare: SHA-256 of the licence XML", |b| {
        b.iter(|| ring::digest::digest(&ring::digest::SHA256, black_box(&documents.xml)));
    });
    group.bench_function("bare: SHA-256 of the licence PDF", |b| {
        b.iter(|| ring::digest::digest(&ring::digest::SHA256, black_box(&documents.pdf)));
    });

    // The parts.
    group.bench_function("parse the licence XML", |b| {
        b.iter(|| Document::parse(black_box(&documents.xml)).expect("a document"));
    });
    let document = Document::parse(&documents.xml).expect("a document");
    group.bench_function("canonicalize the licence XML", |b| {
        let limit = limits::XML_CANONICAL_BYTES;
        b.iter(|| {
            Canonicalization::INCLUSIVE.octets(black_box(&document), Subset::DOCUMENT, limit)
        });
    });
    group.bench_function("read a certificate", |b| {
        let der = signer.certificate().der();
        b.iter(|| Certificate::from_der(black_box(der)).expect("a certificate"));
    });
    let anchors = trust();
    group.bench_function("validate a path of three certificates", |b| {
        let now = OffsetDateTime::now_utc();
        b.iter(|| {
            let request = PathRequest::new(black_box(signer.certificate()), &[], now);
            validate(&anchors, &request).expect("a path")
        });
    });

    // The whole.
    let checker = RevocationChecker::new(
        RevocationConfig {
            mode: RevocationMode::Offline,
            order: vec![RevocationMethod::Crl],
            crl_files: crls,
            trust: Some(Arc::new(trust())),
            ..RevocationConfig::default()
        },
        Arc::new(HttpFetch::new(&[])),
    );
    let verifiers = [
        ("without revocation", Verifier::new(trust(), None), &documents),
        ("with CRLs in memory", Verifier::new(trust(), Some(Arc::new(checker))), &documents),
        // Three signatures of 512 bits: the document's, and two of the path.
        ("GOST, without revocation", Verifier::new(trust_in(&gost_world), None), &gost_documents),
    ];
    for (how, verifier, documents) in &verifiers {
        for (what, document) in [("XML", &documents.xml), ("PDF", &documents.pdf)] {
            let verify = || verifier.verify(&question(document)).expect("a report").report;
            let report = verify();
            assert_eq!(report.verdict, Verdict::TotalPassed, "{report:#?}");
            group.bench_function(format!("verify the licence {what}, {how}"), |b| b.iter(verify));
        }
    }

    // Signing, with the key in the token.
    group.bench_function("sign with SoftHSM, RSA-2048", |b| {
        b.iter(|| signer.sign(black_box(&message)).expect("a signature"));
    });
    let token = world.token("officer-head").expect("the head's token");
    let choice = KeyChoice::Id(b"bench-p256".to_vec());
    if token.key(&choice).is_err() {
        token.generate(NewKey::P256, "bench-p256", b"bench-p256").expect("a P-256 key");
    }
    let p256 = token.key(&choice).expect("the P-256 key");
    group.bench_function("sign with SoftHSM, P-256, checked", |b| {
        b.iter(|| p256.sign_checked(black_box(&message)).expect("a signature"));
    });
    let unsigned = b"<licence xmlns='urn:bench'>".to_vec();
    let unsigned = [unsigned, vec![b'x'; 8_000], b"</licence>".to_vec()].concat();
    group.bench_function("sign XML of 8 KB with SoftHSM, RSA-2048", |b| {
        let options = || SigningOptions::new(OffsetDateTime::now_utc());
        b.iter_batched(
            options,
            |options| sign(black_box(&unsigned), &signer, &options).expect("signed XML"),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("sign XML of 8 KB with a PKCS#12 file, GOST", |b| {
        let options = || SigningOptions::new(OffsetDateTime::now_utc());
        b.iter_batched(
            options,
            |options| sign(black_box(&unsigned), &gost_signer, &options).expect("signed XML"),
            BatchSize::SmallInput,
        );
    });
    group.finish();
    criterion.final_summary();
    println!("{} bytes of XML, {} of PDF", documents.xml.len(), documents.pdf.len());
}

fn question(document: &[u8]) -> Question<'_> {
    Question {
        document,
        content: None,
        at: None,
        now: OffsetDateTime::now_utc(),
        purpose: Purpose::Document,
        language: Language::En,
    }
}
