//! Verification of signed licences of three sizes, one thread, with every library for signature
//! values that is built in, beside the bare verification of one RSA-2048 value. The licences and
//! the certificate stay in a directory for the programs of `benches/peers/`, which do the same.
//!
//! Ours is the whole: parsing, digests, value, path, acceptance, report; only revocation is not
//! asked. The peers are given the key, so they validate no path.

mod setting;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::crypto::{providers, use_provider};
use qoltanba::text::Language;
use qoltanba::token::Signer;
use qoltanba::validation::{Purpose, Question, Verdict, Verifier};
use qoltanba::x509::TrustStore;
use setting::rate;
use time::OffsetDateTime;

/// Names and sizes of the licences, in bytes.
const SIZES: [(&str, usize); 3] = [("3.5 KB", 3_500), ("100 KB", 100_000), ("5 MB", 5_000_000)];
/// Rounds over everything; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let world = setting::world();
    let signer = setting::signer(&world);
    let directory = setting::directory().join("peers");
    std::fs::create_dir_all(&directory).expect("a directory");
    let licences = SIZES.map(|(name, size)| (name, setting::sized::licence(&signer, size)));
    for (number, (_, licence)) in licences.iter().enumerate() {
        std::fs::write(directory.join(format!("{number}.xml")), licence).expect("a file");
    }
    let der = signer.certificate().der();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n",
        STANDARD.encode(der).as_bytes().chunks(64).fold(String::new(), |mut pem, line| {
            let _ = writeln!(pem, "{}", String::from_utf8_lossy(line));
            pem
        })
    );
    std::fs::write(directory.join("signer.pem"), pem).expect("a file");
    std::fs::write(directory.join("signer.der"), der).expect("a file");
    println!("directory\t{}", directory.display());
    if std::env::args().any(|argument| argument == "--write") {
        return;
    }

    let issuer = world.certificate_path("ca").expect("the issuer");
    let trust = TrustStore::load(&[world.trust_dir(), issuer]).expect("the trust store");
    let verifier = Verifier::new(trust, None);
    let message = b"what the bare verification is of".to_vec();
    let value = signer.sign(&message).expect("a signature");
    let key = &signer.certificate().public_key().octets;
    let verify = |licence: &[u8]| {
        let report = verifier.verify(&question(licence)).expect("a report").report;
        assert_eq!(report.verdict, Verdict::TotalPassed, "{report:#?}");
    };
    let mut rates: Vec<(String, Vec<f64>)> = Vec::new();
    let mut measured = |name: String, rate: f64| match rates.iter_mut().find(|one| one.0 == name) {
        Some((_, all)) => all.push(rate),
        None => rates.push((name, vec![rate])),
    };
    for _ in 0..ROUNDS {
        measured("bare ring\tRSA-2048".to_owned(), rate(|| bare_ring(key, &message, &value)));
        #[cfg(feature = "aws-lc-rs")]
        measured("bare aws-lc-rs\tRSA-2048".to_owned(), rate(|| bare_aws(key, &message, &value)));
        for provider in providers() {
            assert!(use_provider(provider.name));
            for (name, licence) in &licences {
                let ours = format!("qoltanba, {}\t{name}", provider.name);
                measured(ours, rate(|| verify(licence)));
            }
        }
    }
    for (name, mut all) in rates {
        all.sort_by(f64::total_cmp);
        println!("rate\t{name}\t{:.1}", all[all.len() / 2]);
    }
}

fn bare_ring(key: &[u8], message: &[u8], value: &[u8]) {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(message, value).expect("a good signature");
}

#[cfg(feature = "aws-lc-rs")]
fn bare_aws(key: &[u8], message: &[u8], value: &[u8]) {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(message, value).expect("a good signature");
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
