//! The setting of the demonstration: directory, test PKI, configuration, and the three servers.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qoltanba::config::{Config, FILE_NAME};
use qoltanba::gateway::{Keys, PaymentDouble};
use qoltanba::pki::double::{Double, Settings};
use qoltanba::pki::{Algorithm, World};
use qoltanba::problem::{Kind, Problem};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::cli::{pki, pki_problem, serve};

/// Offices of the demonstration's authority: the holder in the recipe, and the role.
const OFFICES: [(&str, &str); 5] = [
    ("officer-chancery", "chancery"),
    ("officer-head-of-department", "head-of-department"),
    ("officer-expert", "expert"),
    ("officer-legal-service", "legal-service"),
    ("officer-head", "head"),
];

/// Everything the story needs to know about its surroundings.
pub struct Setting {
    /// The demonstration's directory.
    pub dir: PathBuf,
    /// The people and their keys.
    pub world: World,
    /// Address of the service.
    pub service: String,
    /// Address of the certification authority's double.
    pub authority: String,
    /// Address of the payment gateway's double.
    pub payments: String,
}

impl Setting {
    /// Makes the directory, the test PKI and the configuration, or finds those made before.
    pub fn prepare(dir: &Path, algorithm: Algorithm, port: u16) -> Result<Self, Problem> {
        let address = |offset: u16| format!("http://127.0.0.1:{}", port.saturating_add(offset));
        let (service, authority, payments) = (address(0), address(1), address(2));
        if let Ok(world) = World::open(&dir.join("pki")) {
            // Documents signed by another test PKI would no longer verify: start afresh.
            let other = world.algorithm() != algorithm || world.base_url() != authority;
            if other || world.entry("payment-gateway").is_err() {
                println!("Other kind of keys, people or port than last time: starting afresh.");
                start_over(dir)?;
            }
        }
        std::fs::create_dir_all(dir).map_err(Problem::internal)?;
        if World::open(&dir.join("pki")).is_err() {
            let place = match algorithm.uses_tokens() {
                true => "every key is made inside a SoftHSM token",
                false => "keys lie in PKCS#12 files",
            };
            println!("Making a test PKI; {place}:");
        }
        let world = pki::create(&dir.join("pki"), algorithm, &authority)?;
        let setting = Self { dir: dir.to_owned(), world, service, authority, payments };
        setting.configure()?;
        Ok(setting)
    }

    /// Starts service and doubles; they stop when the sender says so.
    pub fn start(&self, runtime: &tokio::runtime::Runtime) -> Result<watch::Sender<bool>, Problem> {
        let (stop, stopped) = watch::channel(false);
        let double = Double::open(&self.world, Settings::system()).map_err(pki_problem)?;
        let app = serve::app(Config::load(&self.dir.join(FILE_NAME))?)?;
        let signer = |id| self.world.signer(id).map(Arc::from).map_err(pki_problem);
        let payments = PaymentDouble::new(self.payments.as_str(), OffsetDateTime::now_utc);
        let payments = payments.signing(Keys {
            own: signer("payment-gateway")?,
            stranger: signer("first-head")?,
            client: self.world.certificate("seal").map_err(pki_problem)?,
        });
        let until = move |mut stopped: watch::Receiver<bool>| async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        runtime.block_on(async {
            let authority = serve::listen(host(&self.authority)).await?;
            let gateway = serve::listen(host(&self.payments)).await?;
            let service = serve::listen(host(&self.service)).await?;
            tokio::spawn(qoltanba::pki::double::serve(authority, double, until(stopped.clone())));
            let gateway = axum::serve(gateway, payments.router())
                .with_graceful_shutdown(until(stopped.clone()));
            tokio::spawn(gateway.into_future());
            tokio::spawn(serve::serve(service, app, until(stopped)));
            Ok::<_, Problem>(())
        })?;
        Ok(stop)
    }

    /// A path as the configuration names it, beside which it lies.
    fn within(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).display().to_string()
    }

    fn configure(&self) -> Result<(), Problem> {
        let path = self.dir.join(FILE_NAME);
        std::fs::write(&path, self.configuration()?).map_err(|error| {
            Problem::new(Kind::Internal, "write-failed", format!("{}: {error}", path.display()))
        })
    }

    fn configuration(&self) -> Result<String, Problem> {
        let holder = |id: &str| {
            let certificate = self.world.certificate(id).map_err(pki_problem)?;
            Ok::<_, Problem>(certificate.holder())
        };
        let head = holder("officer-head")?;
        let lacks = || Problem::internal("the recipe names an officer without number");
        let tokens = self.world.module_path().map_or_else(String::new, |module| {
            format!(
                "[token]\nmodules = [\"{}\"]\nsofthsm_conf = \"pki/softhsm2.conf\"\n\n",
                module.display()
            )
        });
        // The seal asks the payment gateway.
        let place = |path: &Path| self.within(path);
        let key = match self.world.key_path("seal").map_err(pki_problem)? {
            Some(path) => format!("p12 = \"{}\"", place(&path)),
            None => "token = \"authority-hsm\", label = \"seal\"".to_owned(),
        };
        let pin = place(&self.world.pin_path("seal").map_err(pki_problem)?);
        let mut text = format!(
            "# Written by `qoltanba demo`; every run writes it anew.\n\
             [service]\nlisten = \"{}\"\npublic_url = \"{}\"\ndatabase = \"qoltanba.db\"\n\n\
             [trust]\ncertificates = [\"pki/trust\", \"pki/certs/ca.cer\"]\n\n\
             [revocation]\nmode = \"online\"\ncrl_cache = \"crl\"\nallowed_hosts = [\"{}\"]\n\n\
             [payment]\nurl = \"{}/soap\"\n\
             certificates = [\"pki/certs/payment-gateway.cer\"]\n\
             key = {{ {key}, pin_file = \"{pin}\" }}\n\n\
             {}[authority]\nbin = \"{}\"\n",
            host(&self.service),
            self.service,
            host(&self.authority),
            self.payments,
            tokens,
            head.bin.ok_or_else(lacks)?,
        );
        let _ = write!(text, "\n[seal]\nkey = {{ {key}, pin_file = \"{pin}\" }}\n");
        for (id, role) in OFFICES {
            let officer = holder(id)?;
            let _ = write!(
                text,
                "\n[[authority.officers]]\niin = \"{}\"\nname = \"{}\"\nrole = \"{role}\"\n\
                 from = \"2026-01-01\"\nuntil = \"2030-12-31\"\n",
                officer.iin.clone().ok_or_else(lacks)?,
                officer.full_name(),
            );
        }
        Ok(text)
    }
}

/// Host and port of an address.
fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}

/// Removes what a demonstration wrote, and only that.
fn start_over(dir: &Path) -> Result<(), Problem> {
    let own =
        ["pki", "crl", "documents", FILE_NAME, "qoltanba.db", "qoltanba.db-wal", "qoltanba.db-shm"];
    for name in own {
        let path = dir.join(name);
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let detail = format!("{}: {error}", path.display());
                return Err(Problem::new(Kind::Internal, "remove-failed", detail));
            }
            _ => {}
        }
    }
    Ok(())
}
