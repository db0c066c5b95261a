//! What a licence as PDF costs, one thread, in processor time, each beside its limit in the same
//! run: verifying beside the SHA-256 of the file and the one RSA value that must be verified anew,
//! making and signing beside the bare signature of the token.
//!
//! `--write` leaves the licence and its certificates for `benches/peers/`, `--rate` prints the
//! rate of verifying alone, `--verify N` and `--sign N` do only that so often (for a profiler).

mod setting;

use std::hint::black_box;

use qoltanba::licensing::print::licence_pdf;
use qoltanba::text::Language;
use qoltanba::validation::{Question, Verdict, Verifier};
use qoltanba::x509::TrustStore;
use ring::digest::{SHA256, digest};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use setting::rate;
use time::OffsetDateTime;

/// Rounds over everything; the median counts.
const ROUNDS: usize = 5;

fn main() {
    let world = setting::world();
    let signer = setting::signer(&world);
    let documents = setting::documents(&signer);
    let issuer = world.certificate_path("ca").expect("the issuer");
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--write") {
        let directory = setting::directory().join("peers");
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join("licence.pdf"), &documents.pdf).expect("a file");
        println!("document\t{}", directory.join("licence.pdf").display());
        println!("trust\t{}", world.trust_dir().display());
        println!("issuer\t{}", issuer.display());
        return;
    }

    let trust = TrustStore::load(&[world.trust_dir(), issuer]).expect("the trust store");
    let verifier = Verifier::new(trust, None);
    let verify = |document: &[u8]| {
        let question = Question::new(document, OffsetDateTime::now_utc(), Language::En);
        let report = verifier.verify(&question).expect("a report").report;
        assert_eq!(report.verdict, Verdict::TotalPassed, "{report:#?}");
    };
    let times = |wanted: &str| {
        let at = arguments.iter().position(|argument| argument == wanted)?;
        Some(arguments.get(at + 1).and_then(|times| times.parse().ok()).unwrap_or(1_000))
    };
    if let Some(times) = times("--verify") {
        (0..times).for_each(|_| verify(black_box(&documents.pdf)));
        return;
    }
    if arguments.iter().any(|argument| argument == "--rate") {
        println!("rate\tqoltanba\tlicence PDF\t{:.1}", rate(|| verify(&documents.pdf)));
        return;
    }

    let message = signer.certificate().tbs().to_vec();
    let value = signer.sign(&message).expect("a signature");
    let key = signer.certificate().public_key().octets.clone();
    let bare = || {
        black_box(digest(&SHA256, black_box(&documents.pdf)));
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key);
        key.verify(&message, &value).expect("a good signature");
    };
    let licence = setting::licence();
    let printed = licence_pdf(&licence, Language::Kk).expect("a print");
    let sign = || {
        setting::signed_pdf(&printed, &documents.xml, signer.as_ref(), OffsetDateTime::now_utc())
    };
    if let Some(times) = times("--sign") {
        (0..times).for_each(|_| drop(black_box(sign())));
        return;
    }
    let rows: [(&str, &dyn Fn()); 7] = [
        ("bare: SHA-256 of the file, one RSA-2048 value", &bare),
        ("verify the licence PDF", &|| verify(black_box(&documents.pdf))),
        ("bare: sign with SoftHSM, RSA-2048", &|| {
            black_box(signer.sign(black_box(&message)).expect("a signature"));
        }),
        ("attach, stamp and sign the licence PDF with SoftHSM", &|| {
            black_box(sign());
        }),
        ("the same, and verify it", &|| verify(&sign())),
        ("print the licence", &|| {
            black_box(licence_pdf(black_box(&licence), Language::Kk).expect("a print"));
        }),
        ("print, sign and verify it", &|| {
            let printed = licence_pdf(black_box(&licence), Language::Kk).expect("a print");
            let now = OffsetDateTime::now_utc();
            verify(&setting::signed_pdf(&printed, &documents.xml, signer.as_ref(), now));
        }),
    ];
    let mut rates = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, work), rates) in rows.iter().zip(&mut rates) {
            rates.push(rate(work));
        }
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let medians: Vec<f64> = rates.iter_mut().map(median).collect();
    for (at, (name, _)) in rows.iter().enumerate() {
        let limit = match at {
            1 => Some(0),
            3 | 4 => Some(2),
            _ => None,
        };
        let share = limit.map(|limit| format!("{:6.1} %", 100.0 * medians[at] / medians[limit]));
        println!("{name:<55}{:>10.1} µs {}", 1e6 / medians[at], share.unwrap_or_default());
    }
    println!("{} bytes printed, {} signed", printed.pdf.len(), documents.pdf.len());
}
