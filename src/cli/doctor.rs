//! `qoltanba doctor`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::config::PaymentConfig;
use qoltanba::problem::Problem;
use qoltanba::token::Module;
use qoltanba::x509::TrustStore;
use serde_json::json;
use time::OffsetDateTime;

use super::Context;

#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    outcome: Outcome,
    detail: String,
    advice: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    Note,
    Bad,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Problem> {
    if let Ok(config) = context.load() {
        super::keys::enter(&config)?;
    }
    let findings = examine(context);
    if arguments.json {
        let rows: Vec<_> = findings
            .iter()
            .map(|f| json!({ "what": f.what, "outcome": f.outcome.word(), "detail": f.detail, "advice": f.advice }))
            .collect();
        super::print_json(&rows)?;
    } else {
        for finding in &findings {
            println!("{:<5} {:<14} {}", finding.outcome.word(), finding.what, finding.detail);
            if finding.outcome != Outcome::Good {
                println!("{:20} → {}", "", finding.advice);
            }
        }
    }
    let sound = findings.iter().all(|finding| finding.outcome != Outcome::Bad);
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn examine(context: &Context) -> Vec<Finding> {
    let config = match context.load() {
        Ok(config) => config,
        Err(problem) => {
            let advice = "mend the file named above; every key stands in README.md";
            return vec![finding("configuration", Outcome::Bad, problem.to_string(), advice)];
        }
    };
    let mut findings = vec![finding("configuration", Outcome::Good, "read".to_owned(), "")];
    findings.push(trust(&config.trust.certificates));
    findings.push(revocation(&config));
    findings.extend(config.token.modules.iter().map(|path| match Module::open(path) {
        Ok(module) => {
            let tokens =
                module.tokens().map(|tokens| tokens.iter().filter(|t| t.initialised).count());
            let detail = format!("{}: {} tokens", path.display(), tokens.unwrap_or_default());
            finding("module", Outcome::Good, detail, "")
        }
        Err(error) => {
            let advice = "install the module (for SoftHSM: apt-get install softhsm2)";
            finding("module", Outcome::Bad, error.to_string(), advice)
        }
    }));
    findings.extend(config.seal.as_ref().map(|seal| match seal.key.signer(&config.token) {
        Ok(signer) => {
            let detail = signer.certificate().holder().full_name();
            finding("seal", Outcome::Good, detail, "")
        }
        Err(error) => {
            let advice = "name key and PIN in [seal]; README.md has an example";
            finding("seal", Outcome::Bad, error.to_string(), advice)
        }
    }));
    findings.push(payments(config.payment.as_ref()));
    findings.push(database(&config.service.database));
    findings.push(clock());
    findings
}

fn trust(paths: &[std::path::PathBuf]) -> Finding {
    let advice = "name the root certificates in [trust] certificates";
    match TrustStore::load(paths) {
        Ok(store) if store.anchors().is_empty() => {
            finding("trust", Outcome::Bad, "nobody is trusted".to_owned(), advice)
        }
        Ok(store) => {
            let (anchors, others) = (store.anchors().len(), store.intermediates().len());
            let detail = format!("{anchors} anchors, {others} intermediates");
            finding("trust", Outcome::Good, detail, "")
        }
        Err(error) => finding("trust", Outcome::Bad, error.to_string(), advice),
    }
}

fn revocation(config: &qoltanba::config::Config) -> Finding {
    use qoltanba::config::RevocationSetting;
    let hosts = &config.hosts();
    let (outcome, detail) = match config.revocation.mode {
        RevocationSetting::Online if hosts.is_empty() => {
            (Outcome::Note, "online, but no host may be asked".to_owned())
        }
        RevocationSetting::Online => (Outcome::Good, format!("online: {}", hosts.join(", "))),
        RevocationSetting::Offline => (Outcome::Good, "offline".to_owned()),
        RevocationSetting::Off => (Outcome::Note, "not checked".to_owned()),
    };
    let advice = "name the responders' hosts in [revocation] allowed_hosts";
    finding("revocation", outcome, detail, advice)
}

fn payments(payment: Option<&PaymentConfig>) -> Finding {
    let found = |outcome, detail, advice| finding("payments", outcome, detail, advice);
    let Some(payment) = payment else {
        let detail = "no gateway: services with a fee cannot be paid for".to_owned();
        return found(Outcome::Note, detail, "name the payment gateway in [payment]");
    };
    if payment.unsigned {
        let detail = format!("{}: what it answers is not signed", payment.url);
        let advice = "give [payment] a key and the gateway's certificates";
        return found(Outcome::Note, detail, advice);
    }
    let now = OffsetDateTime::now_utc();
    let good = |path: &PathBuf| match super::keys::read_certificate(path) {
        Ok(one) if one.not_after() < now => Err(format!("{}: it has ended", path.display())),
        Ok(one) => Ok(one.subject().to_string()),
        Err(problem) => Err(problem.to_string()),
    };
    match payment.certificates.iter().map(good).collect::<Result<Vec<_>, _>>() {
        Ok(names) if names.is_empty() || payment.key.is_none() => {
            let advice = "give [payment] a key and the gateway's certificates";
            found(
                Outcome::Bad,
                format!("{}: neither signed nor said not to be", payment.url),
                advice,
            )
        }
        Ok(names) => {
            found(Outcome::Good, format!("{}, signed by {}", payment.url, names.join(" or ")), "")
        }
        Err(why) => found(Outcome::Bad, why, "get the gateway's certificate anew"),
    }
}

fn database(path: &std::path::Path) -> Finding {
    if !path.exists() {
        let detail = format!("{} does not exist yet", path.display());
        return finding("database", Outcome::Note, detail, "`qoltanba serve` makes it");
    }
    match qoltanba::store::Sqlite::open_read_only(path) {
        Ok(_) => finding("database", Outcome::Good, path.display().to_string(), ""),
        Err(error) => {
            let detail = format!("{}: {error}", path.display());
            finding("database", Outcome::Bad, detail, "restore it from the last backup")
        }
    }
}

fn clock() -> Finding {
    let now = OffsetDateTime::now_utc();
    let detail = now.to_string();
    if now.year() < 2026 {
        return finding("clock", Outcome::Bad, detail, "set the clock: verdicts depend on it");
    }
    finding("clock", Outcome::Good, detail, "")
}

fn finding(what: &'static str, outcome: Outcome, detail: String, advice: &'static str) -> Finding {
    Finding { what, outcome, detail, advice }
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Bad => "BAD",
        }
    }
}
