//! `qoltanba ocsp`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::crypto::{DigestAlgorithm, Random as _, SystemRandom};
use qoltanba::limits;
use qoltanba::problem::{Kind, Problem};
use qoltanba::x509::ocsp::{OcspCheck, OcspRequest, OcspResponse, REQUEST_TYPE};
use qoltanba::x509::{Fetch as _, Freshness, HttpFetch, RevocationStatus};
use serde_json::json;
use time::OffsetDateTime;

use super::Context;
use super::keys::read_certificate;
use super::x509::{status, written};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Ask a responder about a certificate and check its answer (RFC 6960).
    ///
    /// Exit codes: 0 good, 1 revoked, 2 on hold, unknown, or no answer that can be believed,
    /// 3 unreadable.
    #[command(after_help = "Examples:\n  \
        qoltanba ocsp ask --issuer nca.pem person.pem\n  \
        qoltanba ocsp ask --issuer nca.pem --url http://127.0.0.1:8123/ocsp --out answer.der \
        person.pem")]
    Ask(Arguments),
}

#[derive(clap::Args)]
pub struct Arguments {
    /// The certificate of the issuer.
    #[arg(long, value_name = "FILE")]
    issuer: PathBuf,

    /// Ask here instead of the address the certificate names.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Name the certificate by SHA-1 hashes, as old responders want it, instead of SHA-256.
    #[arg(long)]
    sha1: bool,

    /// Send no nonce, so that the responder may answer from a cache.
    #[arg(long)]
    no_nonce: bool,

    /// Keep the answer in this file, DER; `qoltanba x509 verify --ocsp` takes it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// The certificate asked about, PEM or DER.
    certificate: PathBuf,
}

pub fn run(_: &Context, command: &Command) -> Result<ExitCode, Problem> {
    let Command::Ask(arguments) = command;
    let certificate = read_certificate(&arguments.certificate)?;
    let issuer = read_certificate(&arguments.issuer)?;
    let url = arguments.url.as_ref().or(certificate.ocsp_urls().first()).ok_or_else(|| {
        let detail = "the certificate names no responder; give one with --url";
        Problem::new(Kind::BadInput, "no-responder", detail)
    })?;
    let hash = if arguments.sha1 { DigestAlgorithm::Sha1 } else { DigestAlgorithm::Sha256 };
    let mut nonce = vec![0; 16];
    if !SystemRandom.fill(&mut nonce) {
        return Err(Problem::new(Kind::Internal, "no-randomness", "no randomness for the nonce"));
    }
    let nonce = Some(nonce).filter(|_| !arguments.no_nonce);
    let request = OcspRequest::new(&certificate, &issuer, hash, nonce.clone());

    // Whoever types the command allows the host.
    let failed = |error: &dyn std::fmt::Display| {
        Problem::new(Kind::TryLater, "no-answer", format!("{url}: {error}"))
    };
    let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let fetch = HttpFetch::new(&[host.to_owned()]);
    let der = fetch
        .post(url, REQUEST_TYPE, &request.to_der(), limits::OCSP_BYTES)
        .map_err(|error| failed(&error))?;
    if let Some(out) = &arguments.out {
        std::fs::write(out, &der).map_err(Problem::internal)?;
    }
    let now = OffsetDateTime::now_utc();
    let answer = OcspResponse::read(&der)
        .and_then(|response| {
            response.check(&OcspCheck {
                certificate: &certificate,
                issuer: &issuer,
                nonce: nonce.as_deref(),
                at: now,
                now,
                freshness: Freshness::default(),
            })
        })
        .map_err(|error| failed(&error))?;

    let (since, reason) = match &answer.status {
        RevocationStatus::Revoked { at, reason } => (Some(written(*at)), reason.clone()),
        RevocationStatus::OnHold { at } => (Some(written(*at)), None),
        RevocationStatus::Good | RevocationStatus::Unknown => (None, None),
    };
    let responder = answer.responder.as_ref().unwrap_or(&issuer).subject().to_string();
    if arguments.json {
        super::print_json(&json!({
            "serial": certificate.serial_hex(),
            "status": status(&answer.status),
            "since": since,
            "reason": reason,
            "thisUpdate": written(answer.this_update),
            "nextUpdate": answer.next_update.map(written),
            "producedAt": written(answer.produced_at),
            "responder": responder,
            "url": url,
            "note": answer.note,
        }))?;
    } else {
        println!("{}  {}", status(&answer.status), certificate.subject());
        if let Some(since) = since {
            println!("  since {since}, {}", reason.as_deref().unwrap_or("no reason given"));
        }
        println!("  known on {}, said by {responder} at {url}", written(answer.this_update));
        if let Some(note) = &answer.note {
            println!("  note: {note}");
        }
    }
    Ok(ExitCode::from(match answer.status {
        RevocationStatus::Good => 0,
        RevocationStatus::Revoked { .. } => 1,
        RevocationStatus::OnHold { .. } | RevocationStatus::Unknown => 2,
    }))
}
