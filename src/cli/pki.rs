//! `qoltanba pki`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use qoltanba::crypto::SystemRandom;
use qoltanba::pki::double::{Double, Settings};
use qoltanba::pki::{Algorithm, Options, World, softhsm};
use qoltanba::problem::{Kind, Problem};
use time::OffsetDateTime;

use super::{Context, pki_problem, serve};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a test PKI: keys and certificates of invented people, in SoftHSM tokens (rsa, p256) or
    /// in PKCS#12 files (gost).
    Create {
        /// Where.
        #[arg(long, value_name = "DIR", default_value = "var/pki")]
        dir: PathBuf,
        /// The kind of every key: rsa, p256 or gost.
        #[arg(long, default_value = "rsa")]
        algorithm: Algorithm,
        /// Where `qoltanba pki serve` will answer; certificates carry this address.
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8481")]
        base_url: String,
    },
    /// List who is in a test PKI.
    List {
        /// Where it is.
        #[arg(long, value_name = "DIR", default_value = "var/pki")]
        dir: PathBuf,
    },
    /// Serve certificates, CRLs, OCSP and time-stamps of a test PKI.
    ///
    /// `POST /control/revoke` {"id":"person"} revokes, `/control/hold` suspends,
    /// `/control/release` takes back; `POST /control/misbehave`
    /// {"service":"ocsp","how":"down"} makes a service down, closed, slow, stale, garbage,
    /// unknown, or answer with a wrong-signature, wrong-nonce or wrong-cert-id.
    Serve {
        /// Where it is.
        #[arg(long, value_name = "DIR", default_value = "var/pki")]
        dir: PathBuf,
    },
}

pub fn run(_: &Context, command: &Command) -> Result<ExitCode, Problem> {
    match command {
        Command::Create { dir, algorithm, base_url } => {
            let world = create(dir, *algorithm, base_url)?;
            println!("{} certificates in {}", world.entries().len(), dir.display());
            println!("Serve it with: qoltanba pki serve --dir {}", dir.display());
        }
        Command::List { dir } => {
            let world = World::open(dir).map_err(pki_problem)?;
            for entry in world.entries() {
                println!("{:<28} {:<28} № {}", entry.id, entry.name, entry.serial);
            }
        }
        Command::Serve { dir } => {
            let world = World::open(dir).map_err(pki_problem)?;
            if world.algorithm().uses_tokens() {
                softhsm::enter(dir).map_err(pki_problem)?;
            }
            serve::log();
            let address = address(world.base_url())?;
            let double = Double::open(&world, Settings::system()).map_err(pki_problem)?;
            serve::runtime()?.block_on(async {
                let listener = serve::listen(&address).await?;
                println!("The test PKI answers at {}", world.base_url());
                qoltanba::pki::double::serve(listener, double, serve::stopped())
                    .await
                    .map_err(Problem::internal)
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a test PKI, or finds the one made before. Starts the program anew if SoftHSM's
/// configuration is not in its environment yet, so call it first.
pub fn create(dir: &Path, algorithm: Algorithm, base_url: &str) -> Result<World, Problem> {
    std::fs::create_dir_all(dir).map_err(Problem::internal)?;
    let mut module = None;
    if algorithm.uses_tokens() {
        module = Some(softhsm::module().ok_or_else(|| {
            let detail = "SoftHSM is not installed; install it with: apt-get install softhsm2";
            Problem::new(Kind::NotFound, "no-softhsm", detail)
        })?);
        softhsm::configure(dir).map_err(pki_problem)?;
        softhsm::enter(dir).map_err(pki_problem)?;
    }
    let now = OffsetDateTime::now_utc();
    let options = Options { algorithm, base_url: base_url.to_owned(), module, now };
    let mut told = |line: &str| println!("  {line}");
    qoltanba::pki::create(dir, &options, &SystemRandom, &mut told).map_err(pki_problem)
}

fn address(url: &str) -> Result<String, Problem> {
    let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/').to_owned());
    address.filter(|address| !address.contains('/')).ok_or_else(|| {
        Problem::new(Kind::BadInput, "bad-address", format!("{url} is not http://HOST:PORT"))
    })
}
