//! Choosing a key: which module, which token or PKCS#12 file, which key, and the PIN or password.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qoltanba::config::Config;
use qoltanba::problem::{Kind, Problem};
use qoltanba::token::{KeyChoice, Module, Pin, Pkcs12, Signer, Token, TokenChoice};
use qoltanba::x509::Certificate;

/// Options of every command that uses a token.
#[derive(clap::Args)]
pub struct TokenArguments {
    /// The PKCS#11 module [default: the configured ones].
    #[arg(long, value_name = "LIBRARY")]
    module: Option<PathBuf>,

    /// The token, by its label or serial number; needed where there are several.
    #[arg(long, value_name = "LABEL|SERIAL")]
    token: Option<String>,
}

/// Options of every command that signs.
#[derive(clap::Args)]
pub struct KeyArguments {
    #[command(flatten)]
    pub token: TokenArguments,

    /// Sign with the key in this PKCS#12 file (`.p12`, `.pfx`) instead of a token's; its password
    /// stands for the PIN.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["module", "token"])]
    p12: Option<PathBuf>,

    /// The key, by its label; needed where several sign documents.
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,

    /// The certificate, where it is not on the token or in the PKCS#12 file.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,

    /// Take the PIN or password from this environment variable instead of asking for it.
    #[arg(long, value_name = "NAME", conflicts_with = "pin_file")]
    pin_env: Option<String>,

    /// Take the PIN or password from this file instead of asking for it.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

impl TokenArguments {
    /// The modules named, or the configured ones.
    pub fn modules(&self, config: &Config) -> Result<Vec<Arc<Module>>, Problem> {
        let named = self.module.as_ref().map(std::slice::from_ref);
        let paths = named.unwrap_or(&config.token.modules);
        if paths.is_empty() {
            let detail = "name a PKCS#11 module with --module, or in [token] of qoltanba.toml";
            return Err(Problem::new(Kind::BadInput, "no-module", detail));
        }
        enter(config)?;
        paths.iter().map(|path| open(path)).collect()
    }

    /// The module and the choice of the token.
    pub fn choose(&self, config: &Config) -> Result<(Arc<Module>, TokenChoice), Problem> {
        let modules = self.modules(config)?;
        let Some(name) = &self.token else {
            let [module] = modules.as_slice() else {
                let detail = "several modules are configured: choose a token with --token";
                return Err(Problem::new(Kind::BadInput, "which-token", detail));
            };
            return Ok((module.clone(), TokenChoice::Only));
        };
        for module in modules {
            let tokens = module.tokens().map_err(qoltanba::token::SignError::from)?;
            if tokens.iter().any(|token| token.label == *name) {
                return Ok((module, TokenChoice::Label(name.clone())));
            }
            if tokens.iter().any(|token| token.serial == *name) {
                return Ok((module, TokenChoice::Serial(name.clone())));
            }
        }
        Err(Problem::new(Kind::NotFound, "no-such-token", format!("there is no token {name:?}")))
    }
}

impl KeyArguments {
    /// Logs in and gives the signer. The PIN is asked for once.
    pub fn signer(&self, config: &Config) -> Result<Box<dyn Signer>, Problem> {
        let key = self.key.clone().map_or(KeyChoice::Only, KeyChoice::Label);
        let certificate = self.certificate.as_deref().map(read_certificate).transpose()?;
        if let Some(path) = &self.p12 {
            let octets = super::read_file(path)?;
            let file = Pkcs12::read(&octets, &self.pin("Password: ")?)?;
            return Ok(Box::new(match certificate {
                Some(certificate) => file.signer_with(&key, certificate)?,
                None => file.signer(&key)?,
            }));
        }
        let (module, choice) = self.token.choose(config)?;
        let token =
            Token::open_with(&module, &choice, Some(&self.pin("PIN: ")?), config.token.options())?;
        Ok(Box::new(match certificate {
            Some(certificate) => token.signer_with(&key, certificate)?,
            None => token.signer(&key)?,
        }))
    }

    fn pin(&self, prompt: &str) -> Result<Pin, Problem> {
        let pin = match (&self.pin_env, &self.pin_file) {
            (Some(name), _) => Pin::from_env(name),
            (_, Some(path)) => Pin::from_file(path),
            _ => Pin::prompt(prompt),
        };
        pin.map_err(|error| Problem::new(Kind::BadInput, "no-pin", error.to_string()))
    }
}

/// SoftHSM reads its own configuration from the environment when it is loaded: starts this program
/// anew with the configured one, unless one is set already. Nothing may have been done before.
pub fn enter(config: &Config) -> Result<(), Problem> {
    let Some(path) = &config.token.softhsm_conf else { return Ok(()) };
    qoltanba::pki::softhsm::enter_configuration(path).map_err(super::pki_problem)
}

/// Reads a certificate file, PEM or DER.
pub fn read_certificate(path: &Path) -> Result<Certificate, Problem> {
    let octets = super::read_file(path)?;
    Certificate::from_der_or_pem(&octets).map_err(|error| {
        let detail = format!("{}: {error}", path.display());
        Problem::new(Kind::Unreadable, "bad-certificate", detail)
    })
}

fn open(path: &Path) -> Result<Arc<Module>, Problem> {
    Module::open(path)
        .map_err(|error| Problem::new(Kind::TryLater, "module-failed", error.to_string()))
}
