//! Paths validated per second, cold and warm, beside raw verifications; a CRL of the size of the
//! national one.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// What the figures of the CRL may be: seconds from disk to the first answer, megabytes that stay
/// in memory, microseconds of a look-up.
const BARS: (f64, f64, f64) = (0.3, 20.0, 0.3);

/// Set for the process that only loads: the folder with the CRLs.
const LOADING: &str = "QOLTANBA_BENCH_CRLS";

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
fn serial(number: u64) -> [u8; 20] {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut serial = [0x41; 20];
    serial[1..9].copy_from_slice(&mixed.to_be_bytes());
    serial[9..17].copy_from_slice(&(!mixed).to_be_bytes());
    serial
}

fn large_crl(authority: &Issuer, now: OffsetDateTime) -> Vec<u8> {
    let revoked = (0..ENTRIES).map(|number| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&serial(number)),
        revocation_time: now - Duration::days(1),
        reason_code: (number % 16 == 0).then_some(RevocationReason::CessationOfOperation),
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
    let now = OffsetDateTime::now_utc();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    std::fs::write(file("issuer.cer"), world.between.der()).unwrap();
    for (name, age) in [("first.crl", 1), ("second.crl", 0)] {
        let made = now - Duration::days(age);
        std::fs::write(file(name), large_crl(&world.authority, made)).unwrap();
    }
    // Memory is measured in a process that does nothing else.
    let program = std::env::current_exe().unwrap();
    let loading = Command::new(program).env(LOADING, directory.path()).status().unwrap();
    assert!(loading.success());

    let mut group = criterion.benchmark_group("crl of 500 000 entries");
    group.sample_size(20);
    group.bench_function(format!("load, verify, index (bar {} s)", BARS.0), |b| {
        b.iter(|| load(&file("first.crl"), &world.between).len());
    });
    group.sample_size(100);
    let crl = load(&file("first.crl"), &world.between);
    // Every entry in turn, none near the last one, so that the processor's cache helps little.
    let mut number = 0;
    let mut next = || {
        number = (number + 196_613) % ENTRIES;
        serial(number)
    };
    group.bench_function(format!("look up what is there (bar {} µs)", BARS.2), |b| {
        b.iter(|| crl.find(black_box(&next()), crl.issuer()).unwrap());
    });
    group.bench_function(format!("look up what is not there (bar {} µs)", BARS.2), |b| {
        b.iter(|| {
            let mut serial = next();
            serial[19] = 0;
            assert!(crl.find(black_box(&serial), crl.issuer()).is_none());
        });
    });
    group.finish();
}

fn load(file: &Path, issuer: &Certificate) -> Crl {
    let crl = Crl::load(file).unwrap();
    crl.verify(issuer.public_key(), crl.this_update()).unwrap();
    crl
}

// Loads one CRL, puts another in its place, and says what that took.
fn loading(directory: &Path) {
    let issuer = std::fs::read(directory.join("issuer.cer")).unwrap();
    let issuer = Certificate::from_der(&issuer).unwrap();
    let megabytes = |since: u64, name| status(name).saturating_sub(since) as f64 / 1e6;
    let mut crl: Option<Arc<Crl>> = None;
    let before = status("VmRSS");
    for name in ["first.crl", "second.crl", "first.crl", "second.crl"] {
        let file = directory.join(name);
        let (started, busy) = (Instant::now(), processor());
        let loaded = Arc::new(load(&file, &issuer));
        assert!(loaded.find(&serial(1), loaded.issuer()).is_some());
        let (seconds, busy) = (started.elapsed().as_secs_f64(), processor() - busy);
        let what = if crl.is_some() { "in its place another" } else { "crl" };
        crl = Some(loaded);
        println!(
            "{what}: {} entries, {:.1} MB; from disk to the first answer {seconds:.3} s, \
             {busy:.3} s of it on the processor (bar {}), memory that stays {:.1} MB (bar {}), at the most {:.1} MB",
            crl.as_ref().map_or(0, |crl| crl.len()),
            std::fs::metadata(&file).unwrap().len() as f64 / 1e6,
            BARS.0,
            megabytes(before, "VmRSS"),
            BARS.1,
            megabytes(before, "VmHWM"),
        );
    }
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
    let judge = |trust: &TrustStore, checker: &RevocationChecker, leaf: &Certificate| {
        let path = validate(trust, &PathRequest::new(leaf, &[], now)).unwrap();
        let answer = checker.ask(leaf, path.issuer().unwrap(), now, now);
        assert_eq!(answer.status, qoltanba::x509::RevocationStatus::Good);
    };
    let mut group = criterion.benchmark_group("path of three");
    group.throughput(Throughput::Elements(1));
    group.bench_function("cold: certificate read, CRL read and verified", |b| {
        b.iter(|| {
            let leaf = Certificate::from_der(world.leaf.der()).unwrap();
            // A trust store of its own, since one remembers the signatures it saw.
            let trust = TrustStore::new(trust.anchors().to_vec(), trust.intermediates().to_vec());
            judge(&trust, &RevocationChecker::new(config.clone(), Arc::new(Nobody)), &leaf);
        });
    });
    group.bench_function("warm", |b| b.iter(|| judge(&trust, &warm, &world.leaf)));
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

// A figure of this process (proc(5), `status`), in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

// How long this thread ran on a processor, in seconds: what a load by others does not lengthen.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn main() {
    if let Some(directory) = std::env::var_os(LOADING) {
        return loading(Path::new(&directory));
    }
    let mut criterion = Criterion::default().configure_from_args();
    let world = world();
    crl(&mut criterion, &world);
    paths(&mut criterion, &world);
    criterion.final_summary();
}
