//! `qoltanba serve` as a child process, with its configuration in a scratch directory and a
//! payment gateway's double beside it.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use qoltanba::gateway::{Keys, PaymentDouble};
use time::OffsetDateTime;

use super::world;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_qoltanba");

/// The authority's officers: the holder in the recipe, and the office.
pub const OFFICES: [(&str, &str); 5] = [
    ("officer-chancery", "chancery"),
    ("officer-head-of-department", "head-of-department"),
    ("officer-expert", "expert"),
    ("officer-legal-service", "legal-service"),
    ("officer-head", "head"),
];

/// Address of the payment gateway's double of this test process.
pub static PAYMENTS: LazyLock<String> = LazyLock::new(payments);
static NEXT_PORT: AtomicU16 = AtomicU16::new(21_000);

/// A running service. It is killed when dropped, and must not have panicked by then.
pub struct Service {
    dir: PathBuf,
    address: String,
    child: Mutex<Option<Child>>,
}

/// How a service is set up.
pub struct Setup {
    /// Lines of `[revocation]`. By default every answer is asked for anew.
    pub revocation: String,
    /// Officers and their offices.
    pub offices: Vec<(&'static str, &'static str)>,
    /// Directory of the trust store; the test PKI's without it.
    pub trust: Option<PathBuf>,
    /// Whether the payment gateway is asked in signed messages: each service then logs in to a
    /// token.
    pub signed_payments: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let host = host(world().base_url());
        Self {
            revocation: format!(
                "mode = \"online\"\nallowed_hosts = [\"{host}\"]\ncrl_refresh_seconds = 0\n\
                 pause_after_failure_seconds = 0\n"
            ),
            offices: OFFICES.to_vec(),
            trust: None,
            signed_payments: false,
        }
    }
}

impl Service {
    /// Starts one for the test with this name.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, &Setup::default())
    }

    /// Starts one with this set-up.
    pub fn start_with(name: &str, setup: &Setup) -> Self {
        super::double();
        let dir = super::scratch(&format!("service-{name}"));
        let address = format!("127.0.0.1:{}", free_port());
        fs::write(dir.join("qoltanba.toml"), configuration(&address, setup)).unwrap();
        let service = Self { dir, address, child: Mutex::default() };
        service.run();
        service
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its database, behind its back.
    pub fn database(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.dir.join("qoltanba.db")).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        database
    }

    /// SIGKILL.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        let child = self.child.lock().unwrap();
        let process = child.as_ref().expect("it runs").id().to_string();
        super::run("sh", &["-c", "kill -HUP \"$1\"", "sh", &process]);
    }

    /// Starts it again where it was killed.
    pub fn run(&self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let mut child = Command::new(PROGRAM)
            .arg("serve")
            .current_dir(&self.dir)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = fs::read_to_string(self.log()).unwrap();
        assert!(line.contains(&self.address), "the service did not start: {line}{said}");
        *self.child.lock().unwrap() = Some(child);
    }

    /// Kills and starts it again: what it held in memory is gone.
    pub fn restart(&self) {
        self.kill();
        self.run();
    }

    /// A command of the program in the service's directory.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(PROGRAM).args(arguments).current_dir(&self.dir).output().unwrap()
    }

    fn log(&self) -> PathBuf {
        self.dir.join("service.log")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        if !std::thread::panicking() {
            assert!(!log.contains("panicked"), "the service panicked: {log}");
        }
    }
}

fn configuration(address: &str, setup: &Setup) -> String {
    let world = world();
    let certificates = match &setup.trust {
        Some(trust) => format!("\"{}\"", trust.display()),
        None => format!(
            "\"{}\", \"{}\"",
            world.trust_dir().display(),
            world.certificate_path("ca").unwrap().display()
        ),
    };
    let tokens = world.module_path().map_or_else(String::new, |module| {
        let conf = world.dir().join("softhsm2.conf");
        let (module, conf) = (module.display(), conf.display());
        format!("[token]\nmodules = [\"{module}\"]\nsofthsm_conf = \"{conf}\"\n\n")
    });
    let seal = match world.key_path("seal").unwrap() {
        Some(path) => format!("p12 = \"{}\"", path.display()),
        None => "token = \"authority-hsm\", label = \"seal\"".to_owned(),
    };
    let payment = match setup.signed_payments {
        true => format!(
            "url = \"{}/soap\"\ncertificates = [\"{}\"]\nkey = {{ {seal}, pin_file = \"{}\" }}",
            *PAYMENTS,
            world.certificate_path("payment-gateway").unwrap().display(),
            world.pin_path("seal").unwrap().display(),
        ),
        false => format!("url = \"{}\"\nunsigned = true", *PAYMENTS),
    };
    let mut text = format!(
        "[service]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n\
         database = \"qoltanba.db\"\n\n[trust]\ncertificates = [{certificates}]\n\n\
         [revocation]\n{}\n[payment]\n{payment}\n\n{tokens}[authority]\nbin = \"{}\"\n",
        setup.revocation,
        world.certificate("officer-head").unwrap().holder().bin.unwrap(),
    );
    for (id, role) in &setup.offices {
        let officer = world.certificate(id).unwrap().holder();
        let _ = write!(
            text,
            "\n[[authority.officers]]\niin = \"{}\"\nname = \"{}\"\nrole = \"{role}\"\n\
             from = \"2026-01-01\"\nuntil = \"2099-12-31\"\n",
            officer.iin.clone().unwrap(),
            officer.full_name(),
        );
    }
    text
}

/// Host and port of an address.
pub fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}

/// A port nobody listens at.
pub fn free_port() -> u16 {
    loop {
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn payments() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let signer = |id| Arc::from(world().signer(id).unwrap());
    let double = PaymentDouble::new(address.as_str(), OffsetDateTime::now_utc).signing(Keys {
        own: signer("payment-gateway"),
        stranger: signer("first-head"),
        client: world().certificate("seal").unwrap(),
    });
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, double.router()).await.unwrap();
        });
    });
    address
}
