//! `qoltanba crl`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use qoltanba::crypto::{VerifyError, hex};
use qoltanba::problem::{Kind, Problem};
use qoltanba::x509::{Certificate, Crl, CrlEntry, GeneralName};
use serde_json::json;

use super::Context;
use super::keys::read_certificate;
use super::x509::written;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Show what a revocation list says of itself, and check its signature.
    ///
    /// Exit codes: 0 read (and the signature is right, where --issuer is given), 1 the signature
    /// is wrong, 2 its algorithm is not supported, 3 unreadable.
    Info {
        /// Check the signature with this certificate's key.
        #[arg(long, value_name = "FILE")]
        issuer: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// The list, DER or PEM.
        file: PathBuf,
    },
    /// Look a serial number up in a revocation list.
    ///
    /// Exit codes: 0 it is not on the list, 1 it is, 3 unreadable. This only reads the list;
    /// whether the list may be believed is what `qoltanba x509 verify --crl` finds out.
    Lookup {
        /// The serial number in hexadecimal.
        #[arg(long, value_name = "HEX", required_unless_present = "certificate")]
        serial: Option<String>,
        /// A certificate whose serial number is looked up.
        #[arg(long, value_name = "FILE", conflicts_with = "serial")]
        certificate: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// The list, DER or PEM.
        file: PathBuf,
    },
}

pub fn run(_: &Context, command: &Command) -> Result<ExitCode, Problem> {
    match command {
        Command::Info { issuer, json, file } => {
            let crl = read(file)?;
            let issuer = issuer.as_deref().map(read_certificate).transpose()?;
            info(&crl, issuer.as_ref(), *json)
        }
        Command::Lookup { serial, certificate, json, file } => {
            let crl = read(file)?;
            let serial = match (serial, certificate) {
                (Some(serial), _) => number(serial)?,
                (None, Some(path)) => read_certificate(path)?.serial().to_vec(),
                (None, None) => Vec::new(),
            };
            lookup(&crl, &serial, *json)
        }
    }
}

fn info(crl: &Crl, issuer: Option<&Certificate>, json: bool) -> Result<ExitCode, Problem> {
    let (word, code) = match issuer.map(|one| crl.verify(one.public_key(), crl.this_update())) {
        None => ("not checked".to_owned(), 0),
        Some(Ok(())) => ("right".to_owned(), 0),
        Some(Err(VerifyError::Unsupported(error))) => (error.to_string(), 2),
        Some(Err(error)) => (error.to_string(), 1),
    };
    let moment = |at: Option<time::OffsetDateTime>| at.map(written);
    if json {
        super::print_json(&json!({
            "issuer": crl.issuer().to_string(),
            "thisUpdate": written(crl.this_update()),
            "nextUpdate": moment(crl.next_update()),
            "number": crl.number().map(hex),
            "deltaOf": crl.delta_base().map(hex),
            "authorityKeyId": crl.authority_key_id().map(hex),
            "deltaAddresses": crl.delta_urls().iter().map(|url| &**url).collect::<Vec<_>>(),
            "entries": crl.len(),
            "sha256": hex(crl.digest()),
            "signature": word,
        }))?;
        return Ok(ExitCode::from(code));
    }
    let absent = || "none".to_owned();
    let kind = match crl.delta_base() {
        Some(base) => format!("delta of {}", hex(base)),
        None => "full".to_owned(),
    };
    for (name, value) in [
        ("issuer", crl.issuer().to_string()),
        ("made", written(crl.this_update())),
        ("next due", moment(crl.next_update()).unwrap_or_else(absent)),
        ("number", crl.number().map_or_else(absent, hex)),
        ("kind", kind),
        ("entries", crl.len().to_string()),
        ("signature", word),
        ("SHA-256", hex(crl.digest())),
    ] {
        println!("{name:<10} {value}");
    }
    Ok(ExitCode::from(code))
}

fn lookup(crl: &Crl, serial: &[u8], json: bool) -> Result<ExitCode, Problem> {
    let found: Vec<(String, CrlEntry)> =
        crl.entries_of(serial).map(|(issuers, entry)| (named(issuers), entry)).collect();
    if json {
        let entries = found.iter().map(|(issuer, entry)| {
            json!({
                "issuer": issuer,
                "since": written(entry.since),
                "reason": entry.reason_name(),
            })
        });
        let entries: Vec<_> = entries.collect();
        super::print_json(&json!({ "serial": hex(serial), "entries": entries }))?;
    } else if found.is_empty() {
        println!("{} is not on the list of {}", hex(serial), written(crl.this_update()));
    }
    for (issuer, entry) in found.iter().filter(|_| !json) {
        let reason = entry.reason_name().unwrap_or("no reason given");
        println!("{} of {issuer}: since {}, {reason}", hex(serial), written(entry.since));
    }
    Ok(ExitCode::from(u8::from(!found.is_empty())))
}

fn named(issuers: &[GeneralName]) -> String {
    let name = issuers.iter().find_map(|name| match name {
        GeneralName::Directory(name) => Some(name.to_string()),
        _ => None,
    });
    name.unwrap_or_else(|| "an issuer without directory name".to_owned())
}

fn read(path: &Path) -> Result<Crl, Problem> {
    Crl::read(&super::read_file(path)?).map_err(|error| {
        Problem::new(Kind::Unreadable, "bad-crl", format!("{}: {error}", path.display()))
    })
}

// The content octets of the DER INTEGER: without leading zeros, save the one that keeps it
// positive.
fn number(text: &str) -> Result<Vec<u8>, Problem> {
    let bad = || {
        let detail = format!("{text:?} is no hexadecimal number");
        Problem::new(Kind::BadInput, "bad-serial", detail)
    };
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits };
    if digits.is_empty() || !digits.is_ascii() {
        return Err(bad());
    }
    let octets = (0..digits.len()).step_by(2);
    let octets = octets.map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
    let octets: Vec<u8> = octets.collect::<Result<_, _>>().map_err(|_| bad())?;
    let mut octets: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
    if octets.first().is_none_or(|first| *first >= 0x80) {
        octets.insert(0, 0);
    }
    Ok(octets)
}
