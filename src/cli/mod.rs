//! Commands: what is asked, by whom it is done, and how the outcome becomes an exit code.

mod audit;
mod cert;
mod crl;
mod demo;
mod doctor;
mod keys;
mod ocsp;
mod pki;
mod preserve;
mod report;
mod serve;
mod sign;
mod sign_cms;
mod token;
mod told;
mod tsp;
mod verify;
mod x509;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use qoltanba::pki::PkiError;
use qoltanba::problem::{Kind, Problem};
use qoltanba::text::Language;

/// Sign and verify licence documents under Kazakhstan's PKI.
///
/// Exit codes: 0 done or passed, 1 failed or refused, 2 indeterminate or try later,
/// 3 unusable input, 4 anything else.
#[derive(Parser)]
#[command(name = "qoltanba", version, max_term_width = 100)]
struct Arguments {
    /// The configuration; without it `qoltanba.toml` in this directory, if there is one.
    #[arg(long, global = true, value_name = "FILE", env = "QOLTANBA_CONFIG")]
    config: Option<PathBuf>,

    /// The language of messages: kk, ru or en.
    #[arg(long, global = true, default_value = "en", env = "QOLTANBA_LANG")]
    language: Language,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service: API, pages, register.
    Serve(serve::Arguments),
    /// Run the main job end to end on SoftHSM with a test PKI and doubles, and tell the story.
    Demo(demo::Arguments),
    /// Sign an XML or PDF document with a key on a token or in a PKCS#12 file.
    Sign(sign::Arguments),
    /// Verify a signed XML, PDF or CMS document, or a signed SOAP message.
    Verify(verify::Arguments),
    /// Raise a signature to level T, LT or LTA, so that it can be verified later.
    Preserve(preserve::Arguments),
    /// Judge stored diagnostic reports again.
    #[command(subcommand)]
    Report(report::Command),
    /// Ask for time-stamps and verify them.
    #[command(subcommand)]
    Tsp(tsp::Command),
    /// List tokens and their keys.
    #[command(subcommand)]
    Token(token::Command),
    /// Show certificates.
    #[command(subcommand)]
    Cert(cert::Command),
    /// Validate certificates: path and revocation.
    #[command(subcommand)]
    X509(x509::Command),
    /// Read revocation lists.
    #[command(subcommand)]
    Crl(crl::Command),
    /// Ask OCSP responders.
    #[command(subcommand)]
    Ocsp(ocsp::Command),
    /// Make a test PKI and run its doubles.
    #[command(subcommand)]
    Pki(pki::Command),
    /// Check the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Check this machine and the configuration, and tell what to mend.
    Doctor(doctor::Arguments),
}

/// What a command needs beside its own arguments.
struct Context {
    config: Option<PathBuf>,
    language: Language,
}

impl Context {
    fn load(&self) -> Result<qoltanba::config::Config, Problem> {
        qoltanba::config::Config::find(self.config.as_deref()).map_err(Problem::from)
    }
}

/// Reads the command line and runs its command.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            // Not the parser's own 2, which would say "indeterminate" here.
            let code = if error.use_stderr() { Kind::BadInput.exit_code() } else { 0 };
            return ExitCode::from(code);
        }
    };
    let context = Context { config: arguments.config, language: arguments.language };
    let outcome = match arguments.command {
        Command::Serve(arguments) => serve::run(&context, &arguments),
        Command::Demo(arguments) => demo::run(&context, &arguments),
        Command::Sign(arguments) => sign::run(&context, &arguments),
        Command::Verify(arguments) => verify::run(&context, &arguments),
        Command::Preserve(arguments) => preserve::run(&context, &arguments),
        Command::Report(command) => report::run(&context, &command),
        Command::Tsp(command) => tsp::run(&context, &command),
        Command::Token(command) => token::run(&context, &command),
        Command::Cert(command) => cert::run(&context, &command),
        Command::X509(command) => x509::run(&context, &command),
        Command::Crl(command) => crl::run(&context, &command),
        Command::Ocsp(command) => ocsp::run(&context, &command),
        Command::Pki(command) => pki::run(&context, &command),
        Command::Audit(command) => audit::run(&context, &command),
        Command::Doctor(arguments) => doctor::run(&context, &arguments),
    };
    outcome.unwrap_or_else(|problem| {
        eprintln!("qoltanba: {problem}");
        for reason in &problem.reasons {
            eprintln!("  {}", reason.code.message(context.language));
        }
        ExitCode::from(problem.kind.exit_code())
    })
}

/// Writes a whole file.
fn write_file(path: &Path, octets: &[u8]) -> Result<(), Problem> {
    std::fs::write(path, octets).map_err(|error| {
        Problem::new(Kind::Internal, "write-failed", format!("{}: {error}", path.display()))
    })
}

/// Reads a whole file, up to the limit for documents.
fn read_file(path: &Path) -> Result<Vec<u8>, Problem> {
    read_up_to(path, qoltanba::limits::DOCUMENT_BYTES)
}

/// Reads a whole file once, into memory of its own size.
fn read_up_to(path: &Path, limit: usize) -> Result<Vec<u8>, Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        let detail = format!("{}: {error}", path.display());
        Problem::new(Kind::NotFound, "no-such-file", detail)
    };
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    // Devices and pipes tell no size beforehand.
    let size = file.metadata().map_or(0, |known| known.len());
    let size = usize::try_from(size).unwrap_or(limit).min(limit);
    let mut octets = Vec::with_capacity(size);
    file.take(limit as u64 + 1).read_to_end(&mut octets).map_err(|error| failed(&error))?;
    if octets.len() > limit {
        let detail = format!("{}: at most {limit} bytes", path.display());
        return Err(Problem::new(Kind::TooLarge, "document-too-large", detail));
    }
    Ok(octets)
}

/// A problem with the test PKI.
fn pki_problem(error: PkiError) -> Problem {
    Problem::new(Kind::Internal, "test-pki", error.to_string())
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(value).map_err(Problem::internal)?;
    println!("{text}");
    Ok(())
}
