//! What the integration tests share: one test PKI on SoftHSM, made once and reused, and a PKCS#11
//! module that fails on request.
//!
//! `kit::world()` gives the PKI. SoftHSM wants its environment variable before it is loaded, so
//! the first call in a test process starts that process anew with the variable set; tests that
//! ran already run again, so call it before anything with an effect. `ALG=p256` and
//! `ALG=gost` choose the algorithm of every key (`rsa` without it).
#![allow(dead_code)]

pub mod client;
pub mod service;
pub mod walk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use qoltanba::crypto::{DigestAlgorithm, SystemRandom, digest, hex};
use qoltanba::pki::double::{self, Double, Settings};
use qoltanba::pki::{Algorithm, Options, World, create, softhsm};
use qoltanba::token::Module;
use time::OffsetDateTime;

static WORLD: LazyLock<World> = LazyLock::new(make);
static DOUBLE: LazyLock<Arc<Double>> = LazyLock::new(serve);

/// The test PKI of this test process.
pub fn world() -> &'static World {
    &WORLD
}

/// The running double of the test PKI's services, under the addresses in its certificates.
pub fn double() -> &'static Arc<Double> {
    &DOUBLE
}

/// The algorithm of every key in it.
pub fn algorithm() -> Algorithm {
    std::env::var("ALG")
        .map_or(Algorithm::Rsa, |text| text.parse().expect("ALG is rsa, p256 or gost"))
}

/// A directory for files of the test with this name, empty.
pub fn scratch(name: &str) -> PathBuf {
    let dir = temporary().join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a directory for the test");
    dir
}

/// Runs a program that must be there and must succeed; gives what it printed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = output(program, arguments);
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?} failed:\n{out}{err}");
    out + &err
}

/// Runs a program that must be there.
pub fn output(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program} must be installed: {error}"))
}

/// SoftHSM behind a module that fails on request; the faults of one test are its own.
pub struct Faulty {
    /// The module; log in through it like through any other.
    pub module: Arc<Module>,
    control: PathBuf,
}

impl Faulty {
    /// Compiles and opens one for the test with this name.
    pub fn new(name: &str) -> Self {
        let dir = scratch(&format!("faulty-{name}"));
        let library = dir.join("faulty.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kit/faulty.c");
        let define = |name, path: &Path| format!("-D{name}=\"{}\"", path.display());
        run(
            "cc",
            &[
                "-shared",
                "-fPIC",
                "-O1",
                "-o",
                library.to_str().unwrap(),
                &define("REAL", world().module_path().unwrap()),
                &define("CONTROL", &dir),
                source.to_str().unwrap(),
                "-ldl",
            ],
        );
        Self { module: Module::open(&library).unwrap(), control: dir }
    }

    /// Makes the next `count` calls of a function answer `code` after a pause; code 0 only pauses.
    /// For `C_GetTokenInfo` the code is added to the token's flags.
    pub fn fail(&self, function: &str, code: u64, count: u32, milliseconds: u64) {
        fs::write(self.control.join(function), format!("{code} {count} {milliseconds}")).unwrap();
    }

    /// How many of the faults of a function are still to come.
    pub fn left(&self, function: &str) -> u32 {
        let text = fs::read_to_string(self.control.join(function)).unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

fn make() -> World {
    let dir = world_dir();
    if algorithm().uses_tokens() {
        softhsm::enter(&dir).expect("the test process starts anew with SOFTHSM2_CONF");
    }
    // Another test process may be at it: an exclusive transaction is a lock that dies with us.
    let lock = rusqlite::Connection::open(temporary().join("world.lock")).expect("a lock file");
    lock.busy_timeout(std::time::Duration::from_secs(120)).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    let options = Options {
        algorithm: algorithm(),
        base_url: format!("http://127.0.0.1:{}", port()),
        module: softhsm::module(),
        now: OffsetDateTime::now_utc(),
    };
    create(&dir, &options, &SystemRandom, &mut |_| {}).expect("the test PKI")
}

fn serve() -> Arc<Double> {
    let settings = Settings { slow: std::time::Duration::from_secs(3), ..Settings::system() };
    let double = Double::open(world(), settings).expect("the double");
    // The last test process may just be leaving the address.
    let listener = (0..100).find_map(|_| {
        let bound = std::net::TcpListener::bind(("127.0.0.1", port()));
        bound.map_err(|_| std::thread::sleep(std::time::Duration::from_millis(100))).ok()
    });
    let listener = listener.expect("the double's address is taken by another process");
    listener.set_nonblocking(true).unwrap();
    let served = Arc::clone(&double);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            double::serve(listener, served, std::future::pending()).await.unwrap();
        });
    });
    double
}

/// One for each state of the code that makes it, so that an old one is never taken for a new one.
fn world_dir() -> PathBuf {
    let made_of = concat!(
        include_str!("../../certs/recipe.toml"),
        include_str!("../../src/pki/profile.rs"),
        include_str!("../../src/pki/create.rs"),
        include_str!("../../src/pki/world.rs"),
        include_str!("../../softhsm/softhsm2.conf"),
    );
    let state = hex(&digest(DigestAlgorithm::Sha256, made_of.as_bytes())[..4]);
    temporary().join(format!("world-{}-{state}", algorithm().as_str()))
}

/// The same in every test process of one target directory, other ones in others.
fn port() -> u16 {
    let place = digest(DigestAlgorithm::Sha256, temporary().to_str().unwrap().as_bytes());
    let offset = u16::from_be_bytes([place[0], place[1]]) % 5_000;
    match algorithm() {
        Algorithm::Rsa => 20_000 + 2 * offset,
        Algorithm::P256 => 20_001 + 2 * offset,
        Algorithm::Gost => 12_000 + offset,
    }
}

fn temporary() -> &'static Path {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(dir).expect("the target's directory for tests");
    dir
}
