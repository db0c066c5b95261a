//! `qoltanba x509`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use qoltanba::problem::{Kind, Problem};
use qoltanba::reason::{Reason, ReasonCode};
use qoltanba::validation::{CertificateQuestion, Policy, TimeSource, TrustedTime, Verdict};
use qoltanba::x509::{
    Certificate, HttpFetch, Path, PathRequest, Purpose, RevocationAnswer, RevocationChecker,
    RevocationConfig, RevocationMode, RevocationSource, RevocationStatus, TrustStore,
    read_certificates, validate,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Context;
use super::keys::read_certificate;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Validate a certificate's path (RFC 5280 §6.1) and ask whether each certificate is revoked.
    ///
    /// Exit codes: 0 valid, 1 invalid, 2 indeterminate, 3 unreadable.
    ///
    /// Revocation is asked of the evidence given by --ocsp and --crl alone, nobody on the network
    /// is asked unless --online is given. Without any of them revocation is not judged.
    ///
    /// With --policy the certificate is judged as a signer's under that policy: algorithms, kinds
    /// and sizes of keys, key usage, certificate policies, order and freshness of revocation, each
    /// as grave as the policy says. Without it the rules of RFC 5280 and the program's own table of
    /// algorithms hold.
    #[command(after_help = "Examples:\n  \
        qoltanba x509 verify --trust root.pem --intermediate nca.pem person.pem\n  \
        qoltanba x509 verify --trust root.pem --intermediate nca.pem --crl nca.crl \
        --at 2026-03-01T00:00:00Z --json person.pem\n  \
        qoltanba x509 verify --trust root.pem --intermediate nca.pem --online person.pem\n  \
        qoltanba x509 verify --trust root.pem --intermediate nca.pem --policy strict.toml \
        --crl nca.crl --json person.pem")]
    Verify(Arguments),
}

#[derive(clap::Args)]
pub struct Arguments {
    /// Trust anchors: every certificate in these files, PEM or DER.
    #[arg(long, value_name = "FILE", required = true)]
    trust: Vec<PathBuf>,

    /// Certificates that may stand between the leaf and an anchor.
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<PathBuf>,

    /// Revocation lists, full or delta.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,

    /// OCSP responses, DER.
    #[arg(long, value_name = "FILE")]
    ocsp: Vec<PathBuf>,

    /// Ask the responders and lists the certificates name, on the configured hosts.
    #[arg(long)]
    online: bool,

    /// Judge as of this time instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = super::verify::parse_time)]
    at: Option<OffsetDateTime>,

    /// Judge under this policy: a file, or the identifier of a built-in one (kz-2026).
    #[arg(long, value_name = "FILE|ID")]
    policy: Option<String>,

    /// What the certificate is to be used for; a policy says that by itself.
    #[arg(long, value_name = "WHAT", default_value = "any", conflicts_with = "policy")]
    purpose: For,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// The certificate, PEM or DER.
    leaf: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum For {
    /// Nothing is asked of the key usage.
    Any,
    /// Signing documents (nonRepudiation).
    Documents,
    /// Answering OCSP requests.
    Ocsp,
    /// Time-stamping.
    TimeStamping,
}

/// The outcome, with the answer about each certificate below the anchor.
struct Outcome {
    verdict: &'static str,
    reasons: Vec<Reason>,
    warnings: Vec<Reason>,
    path: Option<Path>,
    answers: Vec<(Certificate, RevocationAnswer)>,
    policy: Option<Arc<Policy>>,
}

/// What was learnt already.
struct Learnt<'a>(&'a [(Certificate, RevocationAnswer)]);

pub fn run(context: &Context, command: &Command) -> Result<ExitCode, Problem> {
    let Command::Verify(arguments) = command;
    let leaf = read_certificate(&arguments.leaf)?;
    let outcome = judge(context, arguments, &leaf)?;
    if arguments.json {
        super::print_json(&outcome.json(context))?;
    } else {
        outcome.tell(context, &leaf);
    }
    Ok(ExitCode::from(match outcome.verdict {
        "valid" => 0,
        "invalid" => 1,
        _ => 2,
    }))
}

fn judge(context: &Context, arguments: &Arguments, leaf: &Certificate) -> Result<Outcome, Problem> {
    let trust = TrustStore::new(read_all(&arguments.trust)?, read_all(&arguments.intermediate)?);
    let trust = Arc::new(trust);
    let named = |id: &String| super::report::named_policy(id, Policy::named);
    let policy = arguments.policy.as_ref().map(named).transpose()?;
    let now = OffsetDateTime::now_utc();
    let at = arguments.at.unwrap_or(now);
    let purpose = match arguments.purpose {
        For::Any => Purpose::Any,
        For::Documents => Purpose::Documents,
        For::Ocsp => Purpose::OcspResponder,
        For::TimeStamping => Purpose::TimeStamping,
    };
    let request = PathRequest { purpose, ..PathRequest::new(leaf, &[], at) };
    let (path, mut reasons) = match validate(&trust, &request) {
        Ok(path) => (Some(path), Vec::new()),
        Err(failure) => (failure.path, vec![failure.reason]),
    };
    let mut answers = Vec::new();
    let evidence = !arguments.crl.is_empty() || !arguments.ocsp.is_empty();
    if let Some(path) = path.as_ref().filter(|_| evidence || arguments.online) {
        let mut config = RevocationConfig {
            mode: RevocationMode::Offline,
            crl_files: arguments.crl.clone(),
            trust: Some(trust.clone()),
            ..RevocationConfig::default()
        };
        if let Some(policy) = &policy {
            config.order = policy.revocation().methods();
            config.freshness = policy.revocation().freshness();
        }
        if arguments.online {
            config.mode = RevocationMode::Online;
            config.allowed_hosts = context.load()?.revocation.allowed_hosts;
        }
        let fetch = Arc::new(HttpFetch::new(&config.allowed_hosts));
        let checker = RevocationChecker::new(config, fetch);
        if let Some(fault) = checker.problems().first() {
            return Err(Problem::new(Kind::Unreadable, "bad-crl", fault.clone()));
        }
        let responses = arguments.ocsp.iter().map(|path| super::read_file(path));
        let responses = responses.collect::<Result<Vec<_>, _>>()?;
        let responses: Vec<&[u8]> = responses.iter().map(Vec::as_slice).collect();
        let source = checker.with_evidence(&responses);
        for (certificate, issuer) in path.links() {
            let answer = source.ask(certificate, issuer, at, now);
            reasons.extend(reason(certificate, &answer));
            answers.push((certificate.clone(), answer));
        }
    }
    if let Some(policy) = policy {
        let question = CertificateQuestion {
            certificate: leaf,
            others: &[],
            at: TrustedTime { time: at, source: TimeSource::Given },
            now,
            purpose: Default::default(),
        };
        let learnt = Learnt(&answers);
        let source = (!answers.is_empty()).then_some(&learnt as &dyn RevocationSource);
        let judgement = question.judge(&trust, source, &policy);
        let verdict = match judgement.verdict {
            Verdict::TotalPassed => "valid",
            Verdict::TotalFailed => "invalid",
            Verdict::Indeterminate => "indeterminate",
        };
        let (reasons, warnings) = (judgement.reasons, judgement.warnings);
        return Ok(Outcome { verdict, reasons, warnings, path, answers, policy: Some(policy) });
    }
    let open = |reason: &Reason| {
        use ReasonCode as R;
        let codes = [R::UntrustedIssuer, R::UnsupportedAlgorithm, R::OnHold, R::RevocationUnknown];
        codes.contains(&reason.code)
    };
    let verdict = match reasons.is_empty() {
        true => "valid",
        false if reasons.iter().all(open) => "indeterminate",
        false => "invalid",
    };
    Ok(Outcome { verdict, reasons, warnings: Vec::new(), path, answers, policy: None })
}

fn reason(certificate: &Certificate, answer: &RevocationAnswer) -> Option<Reason> {
    let (code, what) = match &answer.status {
        RevocationStatus::Good => return None,
        RevocationStatus::Revoked { at, reason } => {
            let reason = reason.as_deref().unwrap_or("no reason given");
            (ReasonCode::Revoked, format!("on {}, {reason}", written(*at)))
        }
        RevocationStatus::OnHold { at } => (ReasonCode::OnHold, format!("since {}", written(*at))),
        RevocationStatus::Unknown => {
            (ReasonCode::RevocationUnknown, answer.why.clone().unwrap_or_default())
        }
    };
    Some(Reason::new(code, format!("{}: {what}", certificate.subject())))
}

impl RevocationSource for Learnt<'_> {
    fn ask(
        &self,
        certificate: &Certificate,
        _: &Certificate,
        _: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let known = self.0.iter().find(|(one, _)| one == certificate);
        let unknown = || RevocationAnswer::unknown(now, "nobody was asked");
        known.map_or_else(unknown, |(_, answer)| answer.clone())
    }
}

impl Outcome {
    fn json(&self, context: &Context) -> Value {
        let path = self.path.iter().flat_map(Path::certificates);
        let told = |reason: &Reason| {
            json!({
                "code": reason.code,
                "message": reason.code.message(context.language),
                "detail": reason.detail,
            })
        };
        let answers = self.answers.iter().map(|(certificate, answer)| {
            json!({
                "serial": certificate.serial_hex(),
                "status": status(&answer.status),
                "source": answer.source,
                "place": answer.url.as_deref(),
                "thisUpdate": answer.at.map(written),
                "nextUpdate": answer.next_update.map(written),
                "note": answer.why,
            })
        });
        json!({
            "verdict": self.verdict,
            "policy": self.policy.as_ref().map(|policy| policy.name()),
            "reasons": self.reasons.iter().map(told).collect::<Vec<_>>(),
            "warnings": self.warnings.iter().map(told).collect::<Vec<_>>(),
            "path": path.map(super::cert::certificate_json).collect::<Vec<_>>(),
            "revocation": answers.collect::<Vec<_>>(),
        })
    }

    fn tell(&self, context: &Context, leaf: &Certificate) {
        println!("{}  {}", self.verdict.to_uppercase(), leaf.subject());
        for (mark, reasons) in [("-", &self.reasons), ("!", &self.warnings)] {
            for reason in reasons {
                println!("  {mark} {} [{}]", reason.code.message(context.language), reason.detail);
            }
        }
        if let Some(name) = self.policy.as_ref().map(|policy| policy.name()) {
            println!("  policy {} version {}, SHA-256 {}", name.id, name.version, name.sha256);
        }
        for (depth, certificate) in self.path.iter().flat_map(Path::certificates).enumerate() {
            println!("  {depth}  {} ({})", certificate.subject(), certificate.serial_hex());
            if let Some((_, answer)) = self.answers.iter().find(|(one, _)| one == certificate) {
                let place = answer.url.as_deref().unwrap_or("nobody");
                println!("     {} by {} of {place}", status(&answer.status), answer.source);
            }
        }
        if self.answers.is_empty() {
            println!("  revocation was not asked; give --crl, --ocsp or --online");
        }
    }
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Certificate>, Problem> {
    let mut found = Vec::new();
    for path in paths {
        let unreadable = |error: &dyn std::fmt::Display| {
            let detail = format!("{}: {error}", path.display());
            Problem::new(Kind::Unreadable, "bad-certificate", detail)
        };
        let some = read_certificates(&super::read_file(path)?).map_err(|e| unreadable(&e))?;
        if some.is_empty() {
            return Err(unreadable(&"no certificate in it"));
        }
        found.extend(some);
    }
    Ok(found)
}

/// The word for a status.
pub fn status(status: &RevocationStatus) -> &'static str {
    match status {
        RevocationStatus::Good => "good",
        RevocationStatus::Revoked { .. } => "revoked",
        RevocationStatus::OnHold { .. } => "on-hold",
        RevocationStatus::Unknown => "unknown",
    }
}

/// A moment as RFC 3339 writes it.
pub fn written(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}
