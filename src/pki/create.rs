//! Making the test PKI: tokens or key files, keys, certificates, PINs, index.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::{Duration, OffsetDateTime};

use super::key::Key;
use super::profile::Certifier;
use super::recipe::{Algorithm, Authority, Holder, Profile, Recipe};
use super::world::{INDEX, Index};
use super::{Addresses, Entry, Kind, PkiError, Revocation, World, softhsm};
use crate::crypto::{GostCurve, GostPrivateKey, Random};
use crate::token::{KeyChoice, Module, Pin, Pkcs12, SoftwareKey, Token, TokenChoice};
use crate::x509::Certificate;

/// The token of the authorities' and services' keys, or the name of their PIN.
const AUTHORITY_TOKEN: &str = "test-ca";
/// What a run writes into its directory, and removes from it before starting over.
const OWN: [&str; 6] = ["tokens", "keys", "certs", "trust", "pins", INDEX];

/// How a test PKI is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The algorithm of every key.
    pub algorithm: Algorithm,
    /// Address of the double that will serve CRLs, OCSP and time-stamps.
    pub base_url: String,
    /// SoftHSM's PKCS#11 module; not needed where keys lie in files.
    pub module: Option<PathBuf>,
    /// The day the certificates are made.
    pub now: OffsetDateTime,
}

struct Maker<'a> {
    dir: &'a Path,
    options: &'a Options,
    addresses: Addresses,
    /// `None` where keys lie in files.
    module: Option<Arc<Module>>,
    random: &'a dyn Random,
    tokens: BTreeMap<String, Arc<Token>>,
    entries: Vec<Entry>,
    progress: &'a mut dyn FnMut(&str),
}

/// Makes the test PKI in `dir`, or reads the one made there before with the same algorithm,
/// address and module. One that was left half made, or whose certificates end within a day, is
/// made anew. For keys in tokens the process must have been started with the directory's SoftHSM
/// configuration ([`softhsm::configure`], then [`softhsm::enter`]).
///
/// # Errors
/// [`PkiError`]; [`PkiError::OtherOptions`] if `dir` holds one made with other options.
pub fn create(
    dir: &Path,
    options: &Options,
    random: &dyn Random,
    progress: &mut dyn FnMut(&str),
) -> Result<World, PkiError> {
    let tokens = options.algorithm.uses_tokens();
    if tokens {
        softhsm::configure(dir)?;
        if !softhsm::configured(dir) {
            return Err(PkiError::NotConfigured(softhsm::configuration(dir)));
        }
    }
    if let Some(world) = made_before(dir, options)? {
        return Ok(world);
    }
    let module = options.module.as_deref().filter(|_| tokens);
    if module.is_some_and(Module::is_open) {
        return Err(PkiError::ModuleInUse);
    }
    start_over(dir)?;
    if tokens {
        softhsm::configure(dir)?;
    }
    let mut maker = Maker {
        dir,
        options,
        addresses: Addresses::new(&options.base_url, options.algorithm),
        module: module.map(Module::open).transpose()?,
        random,
        tokens: BTreeMap::new(),
        entries: Vec::new(),
        progress,
    };
    let good_until = maker.make(&Recipe::embedded()?)?;
    let index = Index {
        algorithm: options.algorithm,
        base_url: options.base_url.clone(),
        module: options.module.clone(),
        made_at: options.now,
        good_until,
        entries: maker.entries,
    };
    // Written last and in one step: a directory without it is half made.
    let text = serde_json::to_vec_pretty(&index)
        .map_err(|error| PkiError::Shape(INDEX, error.to_string()))?;
    let unfinished = dir.join("index.json.new");
    fs::write(&unfinished, text).map_err(PkiError::file(&unfinished))?;
    fs::rename(&unfinished, dir.join(INDEX)).map_err(PkiError::file(&unfinished))?;
    Ok(World::new(dir, index))
}

fn made_before(dir: &Path, options: &Options) -> Result<Option<World>, PkiError> {
    let Ok(world) = World::open(dir) else { return Ok(None) };
    let index = world.index();
    if index.good_until < options.now + Duration::DAY {
        return Ok(None);
    }
    let same = index.algorithm == options.algorithm
        && index.base_url == options.base_url
        && (index.module == options.module || !index.algorithm.uses_tokens());
    if same { Ok(Some(world)) } else { Err(PkiError::OtherOptions(dir.to_owned())) }
}

fn start_over(dir: &Path) -> Result<(), PkiError> {
    for own in OWN {
        let path = dir.join(own);
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(PkiError::file(&path)(error));
            }
            _ => {}
        }
    }
    for own in ["certs", "keys", "trust", "pins"] {
        let path = dir.join(own);
        fs::create_dir_all(&path).map_err(PkiError::file(&path))?;
    }
    Ok(())
}

impl Maker<'_> {
    /// Makes everyone; gives the end of the shortest validity meant to be good.
    fn make(&mut self, recipe: &Recipe) -> Result<OffsetDateTime, PkiError> {
        let now = self.options.now;
        let mut certifiers: BTreeMap<&str, Certifier> = BTreeMap::new();
        for authority in &recipe.authorities {
            let key = self.key(AUTHORITY_TOKEN, &authority.id)?;
            let issuer = authority.issuer.as_ref().map(|id| known(&certifiers, id)).transpose()?;
            let (certifier, certificate) =
                Certifier::root_or_issuing(authority, key, issuer, &self.addresses, now)?;
            self.keep_authority(authority, certifier.key(), &certificate)?;
            certifiers.insert(&authority.id, certifier);
        }
        let mut good_until = now + Duration::days(365);
        for holder in &recipe.holders {
            let key = self.key(&holder.token, &holder.id)?;
            let certificate = known(&certifiers, &holder.issuer)?.holder(
                holder,
                recipe.organisation(holder)?,
                key.public_key(),
                &self.addresses,
                now,
            )?;
            if certificate.not_before() <= now && certificate.not_after() > now {
                good_until = good_until.min(certificate.not_after());
            }
            self.keep_holder(holder, &key, &certificate)?;
        }
        Ok(good_until)
    }

    fn keep_authority(
        &mut self,
        authority: &Authority,
        key: &Key,
        certificate: &Certificate,
    ) -> Result<(), PkiError> {
        let issuer = authority.issuer.clone().unwrap_or_else(|| authority.id.clone());
        if authority.id == "root" {
            let path = self.dir.join("trust/root.pem");
            fs::write(&path, pem(certificate)).map_err(PkiError::file(&path))?;
        }
        self.keep(
            Entry {
                id: authority.id.clone(),
                kind: Kind::Authority,
                token: AUTHORITY_TOKEN.to_owned(),
                issuer,
                serial: certificate.serial_hex(),
                name: certificate.subject().common_name(),
                revocation: None,
            },
            key,
            certificate,
        )
    }

    fn keep_holder(
        &mut self,
        holder: &Holder,
        key: &Key,
        certificate: &Certificate,
    ) -> Result<(), PkiError> {
        let kind = match holder.profile {
            Profile::Sign | Profile::Auth => Kind::Holder,
            Profile::Ocsp | Profile::Tsa => Kind::Service,
        };
        let revocation = holder.revoked.clone().map(|reason| Revocation {
            // The certificate is a day old then, so the revocation lies within its validity.
            at: self.options.now - Duration::HOUR,
            reason,
        });
        self.keep(
            Entry {
                id: holder.id.clone(),
                kind,
                token: holder.token.clone(),
                issuer: holder.issuer.clone(),
                serial: certificate.serial_hex(),
                name: certificate.subject().common_name(),
                revocation,
            },
            key,
            certificate,
        )
    }

    fn keep(&mut self, entry: Entry, key: &Key, certificate: &Certificate) -> Result<(), PkiError> {
        let id = entry.id.as_str();
        for (suffix, octets) in
            [("cer", certificate.der().to_vec()), ("pem", pem(certificate).into_bytes())]
        {
            let path = self.dir.join("certs").join(format!("{id}.{suffix}"));
            fs::write(&path, octets).map_err(PkiError::file(&path))?;
        }
        match key {
            Key::Token(_) => {
                self.token(&entry.token)?.store_certificate(certificate, id, id.as_bytes())?;
            }
            Key::Software(key) => {
                let pin = self.pin(&entry.token)?;
                let file = Pkcs12::write(key, &[certificate], id, &pin, self.random)?;
                write_secret(&self.dir.join("keys").join(format!("{id}.p12")), &file)?;
            }
        }
        (self.progress)(&format!("{id}: {} (№ {})", entry.name, entry.serial));
        self.entries.push(entry);
        Ok(())
    }

    /// Makes a key; one in a token never exists anywhere else.
    fn key(&mut self, token: &str, id: &str) -> Result<Key, PkiError> {
        let Some(kind) = self.options.algorithm.on_token() else {
            let key = GostPrivateKey::generate(GostCurve::Tc26A512, self.random);
            return Ok(Key::Software(SoftwareKey::gost(key.ok_or(PkiError::Random)?)));
        };
        let token = self.token(token)?;
        token.generate(kind, id, id.as_bytes())?;
        Ok(Key::Token(token.key(&KeyChoice::Id(id.as_bytes().to_vec()))?))
    }

    /// The token with this label, made with a random PIN when it is first needed.
    fn token(&mut self, label: &str) -> Result<Arc<Token>, PkiError> {
        if let Some(token) = self.tokens.get(label) {
            return Ok(Arc::clone(token));
        }
        let module = self.module.clone().ok_or(PkiError::NoModule)?;
        let (pin, so_pin) = (self.pin(label)?, self.pin(&format!("{label}.so"))?);
        module.initialise_token(label, &so_pin, &pin)?;
        let choice = TokenChoice::Label(label.to_owned());
        let token = Token::open(&module, &choice, Some(&pin))?;
        self.tokens.insert(label.to_owned(), Arc::clone(&token));
        Ok(token)
    }

    /// The PIN with this name, random, made when it is first needed.
    fn pin(&self, name: &str) -> Result<Pin, PkiError> {
        let path = self.dir.join("pins").join(format!("{name}.pin"));
        if !path.exists() {
            let mut line = self.digits()?;
            line.push('\n');
            write_secret(&path, line.as_bytes())?;
        }
        Ok(Pin::from_file(&path)?)
    }

    /// Eight random digits; bytes above 249 are left out, so that all digits are equally likely.
    fn digits(&self) -> Result<zeroize::Zeroizing<String>, PkiError> {
        let mut digits = zeroize::Zeroizing::new(String::with_capacity(9));
        while digits.len() < 8 {
            let mut octet = [0];
            if !self.random.fill(&mut octet) {
                return Err(PkiError::Random);
            }
            if octet[0] < 250 {
                digits.push(char::from(b'0' + octet[0] % 10));
            }
        }
        Ok(digits)
    }
}

fn known<'a>(
    certifiers: &'a BTreeMap<&str, Certifier>,
    id: &str,
) -> Result<&'a Certifier, PkiError> {
    let missing = || PkiError::Shape("recipe.toml", format!("no authority {id} stands before"));
    certifiers.get(id).ok_or_else(missing)
}

fn write_secret(path: &Path, secret: &[u8]) -> Result<(), PkiError> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(secret));
    written.map_err(PkiError::file(path))
}

/// The textual form of RFC 7468.
fn pem(certificate: &Certificate) -> String {
    let text = STANDARD.encode(certificate.der());
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
