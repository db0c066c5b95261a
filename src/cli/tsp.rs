//! `qoltanba tsp`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::crypto::hex;
use qoltanba::problem::{Kind, Problem};
use qoltanba::reason::Reason;
use qoltanba::signature::Stamped;
use qoltanba::timestamp::{TimestampQuestion, Token, VerifiedTimestamp, read_response, verify};
use qoltanba::x509::TrustStore;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Context;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Ask time-stamping authorities in turn, verify the token and write it.
    ///
    /// Exit codes: 0 written, 2 no authority gave a token that stands, 3 unreadable.
    #[command(after_help = "Examples:\n  \
        qoltanba tsp stamp --out licence.tst licence.pdf\n  \
        qoltanba tsp stamp --url http://127.0.0.1:8123/tsp --trust root.pem --out a.tst a.pdf")]
    Stamp {
        /// Ask here; several are asked in order [default: as configured].
        #[arg(long, value_name = "URL")]
        url: Vec<String>,
        /// The authority's policy to ask for, dotted.
        #[arg(long, value_name = "OID")]
        policy: Option<String>,
        #[command(flatten)]
        judging: Judging,
        /// Where the token goes.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// What is stamped; only its SHA-256 leaves this machine.
        file: PathBuf,
    },
    /// Verify a token, or a response with one.
    ///
    /// Exit codes: 0 it stands, 1 it does not, 3 unreadable.
    #[command(after_help = "Example:\n  qoltanba tsp verify --token licence.tst licence.pdf")]
    Verify {
        #[command(flatten)]
        judging: Judging,
        /// The token or response.
        #[arg(long, value_name = "FILE")]
        token: PathBuf,
        /// What was stamped.
        file: PathBuf,
    },
}

/// Whom to believe, and how to tell.
#[derive(clap::Args)]
pub struct Judging {
    /// Trust these certificates instead of the configured ones: files, or directories of them.
    #[arg(long, value_name = "DIR|FILE")]
    trust: Vec<PathBuf>,
    /// Judge as of this time (RFC 3339) instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = super::verify::parse_time)]
    at: Option<OffsetDateTime>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(context: &Context, command: &Command) -> Result<ExitCode, Problem> {
    let mut config = context.load()?;
    let (Command::Stamp { judging, .. } | Command::Verify { judging, .. }) = command;
    if !judging.trust.is_empty() {
        config.trust.certificates.clone_from(&judging.trust);
    }
    let verifier = config.verifier(&[])?;
    let policy = verifier.policy()?;
    let (trust, revocation) = (verifier.trust(), verifier.revocation());
    let now = OffsetDateTime::now_utc();
    let rules = policy.timestamps();
    let question = |data, at: Option<OffsetDateTime>| TimestampQuestion {
        data,
        extra: &[],
        trust: trust.as_ref() as &TrustStore,
        revocation: revocation.as_deref(),
        at: at.unwrap_or(now),
        now,
        skew: policy.revocation().freshness().skew,
        policies: &rules.policies,
        accuracy: Some(time::Duration::seconds(i64::from(rules.accuracy_seconds))),
    };
    match command {
        Command::Stamp { url, policy, judging, out, file } => {
            let data = Stamped::Octets(super::read_file(file)?);
            let client = config.timestamp_client(url, policy.as_deref())?;
            let stamped = client.stamp(&question(&data, judging.at));
            let (token, stamp) = stamped.map_err(|error| {
                Problem::new(Kind::TryLater, "no-time-stamp", error.to_string())
            })?;
            std::fs::write(out, token.der()).map_err(|error| {
                let detail = format!("{}: {error}", out.display());
                Problem::new(Kind::Internal, "cannot-write", detail)
            })?;
            tell(&stamp, judging.json)?;
        }
        Command::Verify { judging, token, file } => {
            let (octets, data) =
                (super::read_file(token)?, Stamped::Octets(super::read_file(file)?));
            let token = read(&octets)?;
            let stamp = verify(&token, &question(&data, judging.at)).map_err(refused)?;
            tell(&stamp, judging.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(octets: &[u8]) -> Result<Token, Problem> {
    let token = read_response(octets).and_then(Token::read).or_else(|_| Token::read(octets));
    token.map_err(|error| Problem::new(Kind::Unreadable, "bad-time-stamp", error.to_string()))
}

fn refused(reason: Reason) -> Problem {
    let detail = reason.to_string();
    let mut problem = Problem::refused(vec![reason]);
    problem.detail = detail;
    problem
}

fn tell(stamp: &VerifiedTimestamp, json: bool) -> Result<(), Problem> {
    let info = &stamp.info;
    let authority = stamp.path.certificates().first().map(|one| one.subject().to_string());
    let authority = authority.unwrap_or_default();
    let time = info.time.format(&Rfc3339).unwrap_or_default();
    if json {
        return super::print_json(&json!({
            "time": time,
            "authority": authority,
            "policy": info.policy,
            "serial": hex(&info.serial),
            "accuracySeconds": info.accuracy.map(time::Duration::as_seconds_f64),
            "imprint": hex(&info.imprint),
        }));
    }
    println!("stands: {time} by {authority}");
    println!("  policy {}, serial {}", info.policy, hex(&info.serial));
    Ok(())
}
