//! Paths validated per second, cold and warm, beside raw verifications; a CRL of the size of the
//! national one.

use std::fs::File;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use qoltanba::x509::{
    Certificate, Crl, Fetch, FetchError, PathRequest, RevocationChecker, RevocationConfig,
    RevocationMethod, RevocationMode, RevocationSource as _, TrustStore, validate,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

const ENTRIES: u64 = 500_000;

type Issuer = CertifiedIssuer<'static, KeyPair>;

struct World {
    root: Certificate,
    authority: Issuer,
    between: Certificate,
    leaf: Certificate,
}

struct Nobody;

impl Fetch for Nobody {
    fn get(&self, url: &str, _: usize) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::NotAllowed(url.to_owned()))
    }

    fn post(&self, url: &str, _: &str, _: &[u8], _: usize) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::NotAllowed(url.to_owned()))
    }
}

fn params(name: &str, authority: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() - Duration::days(30);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(300);
    params.use_authority_key_identifier_extension = true;
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    }
    params
}

fn world() -> World {
    let key = || KeyPair::generate().unwrap();
    let read = |der: &[u8]| Certificate::from_der(der).unwrap();
    let root = CertifiedIssuer::self_signed(params("Root", true), key()).unwrap();
    let authority = CertifiedIssuer::signed_by(params("Authority", true), key(), &root).unwrap();
    let leaf = params("Holder", false).signed_by(&key(), &authority).unwrap();
    let (root, between, leaf) = (read(root.der()), read(authority.der()), read(leaf.der()));
    World { root, between, leaf, authority }
}

// Serial numbers as random and as long as the national ones.
fn serial(number: u64) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [&[0x41][..], &mixed.to_be_bytes(), &(!mixed).to_be_bytes(), &[1, 2, 3]].concat()
}

fn large_crl(authority: &Issuer) -> Vec<u8> {
    let now = OffsetDateTime::now_utc();
    let revoked = (0..ENTRIES).map(|number| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&serial(number)),
        revocation_time: now - Duration::days(1),
        reason_code: Some(RevocationReason::CessationOfOperation),
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: now,
        next_update: now + Duration::days(1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(authority).unwrap().der().to_vec()
}

fn crl(criterion: &mut Criterion, world: &World) {
    let der = large_crl(&world.authority);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.crl");
    std::fs::write(&file, &der).unwrap();
    let now = OffsetDateTime::now_utc();

    // From the disk to the first answer: reading, signature, index.
    let before = resident();
    let started = Instant::now();
    let crl = Crl::read(&std::fs::read(&file).unwrap()).unwrap();
    crl.verify(world.between.public_key(), now).unwrap();
    assert!(crl.find(&serial(1), crl.issuer()).is_some());
    println!(
        "crl: {} entries, {:.1} MB, from disk to the first answer {:.3} s, resident memory grew by {:.1} MB",
        crl.len(),
        der.len() as f64 / 1e6,
        started.elapsed().as_secs_f64(),
        resident().saturating_sub(before) as f64 / 1e6,
    );
    let mut group = criterion.benchmark_group("crl");
    group.sample_size(10);
    group.bench_function("load and verify 500 000 entries", |b| {
        b.iter(|| {
            let crl = Crl::read(&std::fs::read(&file).unwrap()).unwrap();
            crl.verify(world.between.public_key(), now).unwrap();
            crl.len()
        });
    });
    group.sample_size(100);
    let serials: Vec<Vec<u8>> = (0..1_024).map(|number| serial(number * 977)).collect();
    let mut turn = serials.iter().cycle();
    group.bench_function("look up", |b| {
        b.iter(|| crl.find(black_box(turn.next().unwrap()), crl.issuer()));
    });
    group.finish();
}

fn paths(criterion: &mut Criterion, world: &World) {
    let now = OffsetDateTime::now_utc();
    let trust = TrustStore::new(vec![world.root.clone()], vec![world.between.clone()]);
    let directory = tempfile::tempdir().unwrap();
    let lists: Vec<PathBuf> = [&world.authority]
        .iter()
        .map(|issuer| {
            let file = directory.path().join("authority.crl");
            let params = CertificateRevocationListParams {
                this_update: now,
                next_update: now + Duration::days(1),
                crl_number: SerialNumber::from(1),
                issuing_distribution_point: None,
                revoked_certs: Vec::new(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            std::fs::write(&file, params.signed_by(issuer).unwrap().der()).unwrap();
            file
        })
        .collect();
    let config = RevocationConfig {
        mode: RevocationMode::Offline,
        order: vec![RevocationMethod::Crl],
        crl_files: lists,
        ..RevocationConfig::default()
    };
    let warm = RevocationChecker::new(config.clone(), Arc::new(Nobody));
    let judge = |checker: &RevocationChecker, leaf: &Certificate| {
        let path = validate(&trust, &PathRequest::new(leaf, &[], now)).unwrap();
        let answer = checker.ask(leaf, path.issuer().unwrap(), now, now);
        assert_eq!(answer.status, qoltanba::x509::RevocationStatus::Good);
    };
    let mut group = criterion.benchmark_group("path of three");
    group.throughput(Throughput::Elements(1));
    group.bench_function("cold: certificate read, CRL read and verified", |b| {
        b.iter(|| {
            let leaf = Certificate::from_der(world.leaf.der()).unwrap();
            judge(&RevocationChecker::new(config.clone(), Arc::new(Nobody)), &leaf);
        });
    });
    group.bench_function("warm", |b| b.iter(|| judge(&warm, &world.leaf)));
    // What the two signatures of the path cost by themselves.
    group.bench_function("two raw verifications", |b| {
        b.iter(|| {
            for (child, issuer) in [(&world.leaf, &world.between), (&world.between, &world.root)] {
                ring::signature::UnparsedPublicKey::new(
                    &ring::signature::ECDSA_P256_SHA256_ASN1,
                    &issuer.public_key().octets,
                )
                .verify(child.tbs(), child.signature())
                .unwrap();
            }
        });
    });
    group.finish();
}

// Resident memory of this process, in bytes (proc(5)).
fn resident() -> u64 {
    let text = File::open("/proc/self/statm").and_then(std::io::read_to_string).unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let world = world();
    paths(&mut criterion, &world);
    crl(&mut criterion, &world);
    criterion.final_summary();
}
