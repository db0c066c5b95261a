//! The operator's configuration: one TOML file, read once, checked whole, with paths relative to
//! the file. Unknown keys are errors, so that a misspelt one never passes in silence.

mod key;
mod payment;
mod seal;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use time::{Date, Duration, OffsetDateTime};

use crate::crypto::SystemRandom;
use crate::identity::{Bin, Iin};
use crate::licensing::{OfficerRole, almaty};
use crate::signature::Level;
use crate::timestamp::TimestampClient;
use crate::token::{GostMechanism, TokenOptions};
use crate::validation::{Policy, PolicyError, Preset, Verifier};
use crate::x509::{
    self, HttpFetch, RevocationChecker, RevocationMemory, RevocationMode, TrustError, TrustStore,
};

pub use key::{KeyConfig, KeyError};
pub use payment::PaymentConfig;
pub use seal::SealConfig;

/// The name of the configuration file that commands look for.
pub const FILE_NAME: &str = "qoltanba.toml";

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The service itself.
    #[serde(default)]
    pub service: ServiceConfig,
    /// Whom to believe.
    #[serde(default)]
    pub trust: TrustConfig,
    /// How to ask about revocation.
    #[serde(default)]
    pub revocation: RevocationConfig,
    /// How signatures are judged.
    #[serde(default)]
    pub validation: ValidationConfig,
    /// Who is asked for time-stamps.
    #[serde(default, rename = "time-stamps")]
    pub timestamps: TimestampConfig,
    /// The licensing authority and its officers; needed by `serve`.
    pub authority: Option<AuthorityConfig>,
    /// The payment gateway; needed by services that cost a fee.
    pub payment: Option<PaymentConfig>,
    /// PKCS#11 modules.
    #[serde(default)]
    pub token: TokenConfig,
    /// The key with which the service seals its reports; without it they are not sealed.
    pub seal: Option<SealConfig>,
}

/// `[service]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConfig {
    /// Address to listen at.
    pub listen: String,
    /// Address that people and QR codes use.
    pub public_url: String,
    /// The SQLite database.
    pub database: PathBuf,
    /// File with the key that seals the tickets of deferred signatures, where several services
    /// take each other's tickets or tickets are to outlive a restart; 32 random octets.
    pub ticket_key: Option<PathBuf>,
}

/// `[trust]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// Files and directories of certificates: self-signed ones are anchors, others intermediates.
    pub certificates: Vec<PathBuf>,
}

/// `[revocation]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RevocationConfig {
    /// `online`, `offline` or `off`.
    pub mode: RevocationSetting,
    /// CRLs given as files, or in directories; read anew like the trust store.
    pub crls: Vec<PathBuf>,
    /// Directory of CRLs that were fetched and verified.
    pub crl_cache: Option<PathBuf>,
    /// Hosts (`name` or `name:port`) that may be asked; nothing else ever is.
    pub allowed_hosts: Vec<String>,
    /// `kz-production` or `kz-test`: their hosts may be asked too.
    pub preset: Option<String>,
    /// How long a fetched CRL is used before it is asked for again, in seconds; 600 without it.
    pub crl_refresh_seconds: Option<u32>,
    /// Largest age of a CRL, whatever it says itself, in hours. The policy's `crl-age-hours` holds
    /// as well: the smaller of both counts.
    pub crl_age_hours: Option<u32>,
    /// How long an OCSP answer is used again, in seconds; 0 asks every time. Without it an answer
    /// is used until its own `nextUpdate`, an hour at most.
    pub ocsp_reuse_seconds: Option<u32>,
    /// How long an address that failed, or a responder that gave no usable answer about a
    /// certificate, is left alone, in seconds; 10 without it.
    pub pause_after_failure_seconds: Option<u32>,
}

/// `[validation]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationConfig {
    /// Policies beside the built-in one, as files; calls choose by identifier.
    pub policies: Vec<PathBuf>,
    /// Identifier of the policy in use where a call chooses none; the built-in one without it.
    pub policy: Option<String>,
}

/// `[time-stamps]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimestampConfig {
    /// Addresses of authorities, asked in this order; their hosts may be asked.
    pub authorities: Vec<String>,
    /// The policy to ask for, dotted.
    pub policy: Option<String>,
    /// The level to which `serve` raises requests and results before they are registered. Above B
    /// it needs an authority that answers.
    pub level: Level,
}

/// No time-stamping authority is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name a time-stamping authority: [time-stamps] authorities, or a preset")]
pub struct NoAuthority;

/// How revocation is looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum RevocationSetting {
    /// OCSP first, then CRL, from the allowed hosts; then what is stored.
    #[default]
    Online,
    /// Only from given files and the CRL cache.
    Offline,
    /// Not at all; the report says so.
    Off,
}

/// `[authority]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityConfig {
    /// The authority's number: its officers' certificates must carry it.
    pub bin: Bin,
    /// Who does what, from when to when.
    #[serde(default)]
    pub officers: Vec<OfficerConfig>,
}

/// `[[authority.officers]]`: a dated authority to act.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerConfig {
    /// The officer's number.
    pub iin: Iin,
    /// Name for the tasks of others ("assign to …").
    pub name: String,
    /// The office held.
    pub role: OfficerRole,
    /// Services the officer may act in; empty means all.
    #[serde(default)]
    pub services: Vec<String>,
    /// First day, `YYYY-MM-DD`.
    #[serde(deserialize_with = "date")]
    pub from: Date,
    /// Last day, `YYYY-MM-DD`.
    #[serde(deserialize_with = "date")]
    pub until: Date,
}

/// `[token]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenConfig {
    /// PKCS#11 modules that may be loaded; no other library ever is.
    pub modules: Vec<PathBuf>,
    /// SoftHSM's own configuration file, where SoftHSM is used.
    pub softhsm_conf: Option<PathBuf>,
    /// `[[token.gost]]`: how modules sign with GOST keys, once for each kind of key.
    pub gost: Vec<GostMechanism>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not valid TOML, or a key is unknown, missing or of the wrong kind.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
}

/// Why there is no verifier.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// The trust store cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A policy cannot be read, or the one named is unknown.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A configured CRL cannot be read.
    #[error("{0}")]
    Crl(String),
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] with the place of the fault.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let source = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&source).map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        let kinds = config.token.gost.iter().map(|one| one.key);
        if kinds.clone().collect::<std::collections::HashSet<_>>().len() != kinds.len() {
            let message = "token.gost names a kind of key twice".to_owned();
            return Err(ConfigError::Invalid { path: path.to_owned(), message });
        }
        if let Some(preset) = &config.revocation.preset
            && Preset::named(preset).is_none()
        {
            let names = Preset::names().join(", ");
            let message = format!("revocation.preset is one of {names}, not {preset:?}");
            return Err(ConfigError::Invalid { path: path.to_owned(), message });
        }
        Ok(config)
    }

    /// Finds the configuration: the one named, else `qoltanba.toml` in this directory, else the
    /// defaults, which trust nobody.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn find(named: Option<&Path>) -> Result<Self, ConfigError> {
        let here = Path::new(FILE_NAME);
        match named {
            Some(path) => Self::load(path),
            None if here.exists() => Self::load(here),
            None => Ok(Self::default()),
        }
    }

    /// The verifier this configuration asks for, with more CRLs from files.
    ///
    /// # Errors
    /// [`VerifierError`] if a certificate of the trust store or a policy cannot be read.
    pub fn verifier(&self, crls: &[PathBuf]) -> Result<Verifier, VerifierError> {
        self.verifier_remembering(crls, None)
    }

    /// As [`Config::verifier`], going on with what another one of this configuration has learnt
    /// about revocation.
    ///
    /// # Errors
    /// As [`Config::verifier`].
    pub fn verifier_remembering(
        &self,
        crls: &[PathBuf],
        memory: Option<RevocationMemory>,
    ) -> Result<Verifier, VerifierError> {
        let policies = self.policies()?;
        let bare = Verifier::new(TrustStore::default(), None).offering(policies.clone());
        let policy = bare.policy_named(self.validation.policy.as_deref())?;
        let verifier = self.verifier_under(crls, &policy, memory)?;
        Ok(verifier.offering(policies).under(policy))
    }

    /// As [`Config::verifier`], under another policy than the configured one.
    ///
    /// # Errors
    /// As [`Config::verifier`].
    pub fn verifier_for(
        &self,
        crls: &[PathBuf],
        policy: Arc<Policy>,
    ) -> Result<Verifier, VerifierError> {
        Ok(self.verifier_under(crls, &policy, None)?.under(policy))
    }

    /// The client of the time-stamping authorities: those `named`, else the configured ones, else
    /// those of the preset. `policy` is asked for instead of the configured one.
    ///
    /// # Errors
    /// [`NoAuthority`].
    pub fn timestamp_client(
        &self,
        named: &[String],
        policy: Option<&str>,
    ) -> Result<TimestampClient, NoAuthority> {
        let preset = self.revocation.preset.as_deref().and_then(Preset::named);
        let configured = &self.timestamps;
        let (authorities, usual) = match (named, configured.authorities.as_slice(), preset) {
            ([_, ..], ..) => (named.to_vec(), None),
            ([], [_, ..], _) => (configured.authorities.clone(), configured.policy.clone()),
            ([], [], Some(preset)) => {
                (preset.time_stamps.clone(), Some(preset.time_stamp_policy.clone()))
            }
            ([], [], None) => return Err(NoAuthority),
        };
        // The operator named them, so their hosts may be asked.
        let host = |url: &String| Some(url.split('/').nth(2)?.to_owned());
        let hosts: Vec<String> = authorities.iter().filter_map(host).collect();
        let policy = policy.map(str::to_owned).or(usual);
        let fetch = Arc::new(HttpFetch::new(&hosts));
        Ok(TimestampClient::new(authorities, policy, fetch, Arc::new(SystemRandom)))
    }

    /// The hosts that may be asked: those named, and those of the preset.
    pub fn hosts(&self) -> Vec<String> {
        let preset = self.revocation.preset.as_deref().and_then(Preset::named);
        let hosts = self.revocation.allowed_hosts.iter().cloned();
        hosts.chain(preset.map(Preset::hosts).unwrap_or_default()).collect()
    }

    fn policies(&self) -> Result<Vec<Arc<Policy>>, PolicyError> {
        let read = |path: &PathBuf| {
            let source = std::fs::read_to_string(path)
                .map_err(|error| PolicyError::Malformed(format!("{}: {error}", path.display())))?;
            Policy::parse(&source).map(Arc::new)
        };
        self.validation.policies.iter().map(read).collect()
    }

    fn verifier_under(
        &self,
        crls: &[PathBuf],
        policy: &Policy,
        memory: Option<RevocationMemory>,
    ) -> Result<Verifier, VerifierError> {
        let trust = TrustStore::load(&self.trust.certificates)?;
        let hosts = self.hosts();
        let mode = match self.revocation.mode {
            RevocationSetting::Online => RevocationMode::Online,
            RevocationSetting::Offline => RevocationMode::Offline,
            RevocationSetting::Off => return Ok(Verifier::new(trust, None)),
        };
        let (own, defaults) = (&self.revocation, x509::RevocationConfig::default());
        let seconds = |set: Option<u32>| set.map(|seconds| Duration::seconds(seconds.into()));
        let mut freshness = policy.revocation().freshness();
        let age = own.crl_age_hours.map(|hours| Duration::hours(hours.into()));
        freshness.crl_age = freshness.crl_age.into_iter().chain(age).min();
        let given = files(&own.crls);
        let checker = RevocationChecker::new(
            x509::RevocationConfig {
                mode,
                crl_files: given.iter().chain(crls).cloned().collect(),
                cache_dir: own.crl_cache.clone(),
                allowed_hosts: hosts.clone(),
                order: policy.revocation().methods(),
                freshness,
                trust: Some(Arc::new(trust.clone())),
                crl_refresh: seconds(own.crl_refresh_seconds).unwrap_or(defaults.crl_refresh),
                ocsp_reuse: seconds(own.ocsp_reuse_seconds).or(defaults.ocsp_reuse),
                pause_after_failure: seconds(own.pause_after_failure_seconds)
                    .unwrap_or(defaults.pause_after_failure),
                ..defaults
            },
            Arc::new(HttpFetch::new(&hosts)),
        );
        if !given.is_empty() && !checker.problems().is_empty() {
            return Err(VerifierError::Crl(checker.problems().join("; ")));
        }
        let checker = match memory {
            Some(memory) => checker.remembering(memory),
            None => checker,
        };
        Ok(Verifier::new(trust, Some(Arc::new(checker))))
    }

    fn resolve(&mut self, base: &Path) {
        let paths = self
            .trust
            .certificates
            .iter_mut()
            .chain(&mut self.revocation.crls)
            .chain(&mut self.revocation.crl_cache)
            .chain(&mut self.validation.policies)
            .chain(&mut self.token.softhsm_conf)
            .chain(&mut self.service.ticket_key)
            .chain(self.payment.iter_mut().flat_map(PaymentConfig::paths))
            .chain([&mut self.service.database])
            .chain(self.seal.iter_mut().flat_map(|seal| seal.key.paths()));
        for path in paths {
            *path = base.join(&*path);
        }
    }
}

impl TokenConfig {
    /// How tokens are opened.
    pub fn options(&self) -> TokenOptions {
        let mut gost = [None; 3];
        for (place, mechanism) in gost.iter_mut().zip(&self.gost) {
            *place = Some(*mechanism);
        }
        TokenOptions { gost, ..TokenOptions::default() }
    }
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8480".to_owned(),
            public_url: "http://127.0.0.1:8480".to_owned(),
            database: PathBuf::from("qoltanba.db"),
            ticket_key: None,
        }
    }
}

impl OfficerConfig {
    /// Whether the authority to act holds at this moment, by the day in Almaty.
    pub fn acts_at(&self, now: OffsetDateTime) -> bool {
        (self.from..=self.until).contains(&almaty(now).date())
    }
}

// Files as they are, and those of directories by their names; what cannot be listed is a file
// whose reading will say why.
fn files(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        let Ok(folder) = std::fs::read_dir(path) else {
            files.push(path.clone());
            continue;
        };
        let mut found: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.is_file());
        found.sort();
        files.extend(found);
    }
    files
}

fn date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(&text, &format).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(source: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        std::fs::write(&path, source).unwrap();
        Config::load(&path)
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = load("[revocation]\nallowed_host = ['a']\n").unwrap_err().to_string();
        assert!(error.contains("allowed_host"), "{error}");
    }

    #[test]
    fn a_mechanism_stands_for_one_kind_of_key() {
        let one = "[[token.gost]]\nkey = 'gost-512'\nmechanism = 0xd4321006\n";
        let options = load(one).unwrap().token.options();
        let set = options.gost.iter().flatten().map(|one| (one.key, one.mechanism));
        let expected = (crate::crypto::GostCurve::Tc26A512, 0xd432_1006);
        assert_eq!(set.collect::<Vec<_>>(), [expected]);
        assert!(load(&one.repeat(2)).unwrap_err().to_string().contains("twice"));
        assert!(load(&one.replace("512", "1024")).is_err());
    }

    #[test]
    fn a_preset_adds_its_hosts_and_an_unknown_one_is_refused() {
        let config = load("[revocation]\nallowed_hosts = ['a']\npreset = 'kz-test'\n").unwrap();
        assert_eq!(config.hosts(), ["a", "test.pki.gov.kz"]);
        assert!(load("").unwrap().hosts().is_empty());
        let error = load("[revocation]\npreset = 'kz'\n").unwrap_err().to_string();
        assert!(error.contains("kz-production"), "{error}");
    }

    #[test]
    fn policies_are_chosen_by_their_identifier() {
        let folder = tempfile::tempdir().unwrap();
        let own = Policy::built_in().unwrap().source().replace("\"kz-2026\"", "\"own\"");
        let path = folder.path().join("own.toml");
        std::fs::write(&path, own).unwrap();
        let mut config = Config::default();
        config.validation.policies.push(path);
        let id =
            |config: &Config| config.verifier(&[]).map(|v| v.policy().unwrap().name().id.clone());
        assert_eq!(id(&config).unwrap(), "kz-2026");
        let named = config.verifier(&[]).unwrap().policy_named(Some("own")).unwrap();
        assert_eq!(named.name().id, "own");
        config.validation.policy = Some("own".to_owned());
        assert_eq!(id(&config).unwrap(), "own");
        config.validation.policy = Some("none".to_owned());
        assert!(matches!(id(&config), Err(VerifierError::Policy(PolicyError::Unknown(_)))));
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = load("[trust]\ncertificates = ['trust']\n").unwrap();
        assert!(config.trust.certificates[0].is_absolute());
        assert!(config.service.database.is_absolute());
    }

    #[test]
    fn an_officers_authority_ends_with_its_last_day_in_almaty() {
        let config = load(
            "[authority]\nbin = '940140000385'\n[[authority.officers]]\niin = '871008401427'\n\
             name = 'A'\nrole = 'head'\nfrom = '2026-01-01'\nuntil = '2026-11-30'\n",
        )
        .unwrap();
        let officer = &config.authority.unwrap().officers[0];
        // 30 November 23:59 and 1 December 00:00 in Almaty (UTC+5).
        assert!(officer.acts_at(time::macros::datetime!(2026-11-30 18:59 UTC)));
        assert!(!officer.acts_at(time::macros::datetime!(2026-11-30 19:00 UTC)));
    }

    #[test]
    fn the_operator_sets_how_long_answers_are_used_and_a_broken_list_is_named() {
        let text = "[revocation]\ncrls = ['lists']\ncrl_age_hours = 24\nocsp_reuse_seconds = 0\n";
        let config = load(text).unwrap().revocation;
        assert!(config.crls[0].is_absolute());
        assert_eq!((config.crl_age_hours, config.ocsp_reuse_seconds), (Some(24), Some(0)));
        let error = load(text).unwrap().verifier(&[]).err().unwrap().to_string();
        assert!(error.contains("lists"), "{error}");
    }
}
