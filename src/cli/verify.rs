//! `qoltanba verify`

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use qoltanba::config::{Config, RevocationSetting};
use qoltanba::licensing::print::report_pdf;
use qoltanba::limits;
use qoltanba::problem::{Kind, Problem};
use qoltanba::service::licence_of;
use qoltanba::signature::ContentFile;
use qoltanba::store::Sqlite;
use qoltanba::text::Language;
use qoltanba::validation::{DocumentFormat, Purpose, Question, Report, TimeSource, TrustedTime};
use qoltanba::xml::wss::is_message;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Context;
use super::report::Output;

/// Exit codes: 0 passed, 1 failed, 2 indeterminate, 3 not a signed document or unreadable.
#[derive(clap::Args)]
pub struct Arguments {
    /// Judge as of this time (RFC 3339) instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    at: Option<OffsetDateTime>,

    /// Trust these certificates instead of the configured ones: files, or directories of them.
    #[arg(long, value_name = "DIR|FILE")]
    trust: Vec<PathBuf>,

    /// How to find out whether certificates are revoked [default: as configured, else online]
    #[arg(long, value_name = "HOW")]
    revocation: Option<RevocationSetting>,

    /// Use these revocation lists too.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,

    /// What a detached signature was made over, of any size.
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,

    /// Judge under this policy: a file, or the identifier of a known one.
    #[arg(long, value_name = "FILE|ID")]
    policy: Option<String>,

    /// Write the report as a PDF for people, too.
    #[arg(long, value_name = "FILE")]
    report_pdf: Option<PathBuf>,

    /// Seal that PDF with the configured [seal] and keep it in the register, where it is found by
    /// the code printed on it.
    #[arg(long, requires = "report_pdf")]
    seal: bool,

    #[command(flatten)]
    output: Output,

    /// The document. One larger than 32 MiB must be XML with one enveloped signature, the last
    /// child of its root.
    file: PathBuf,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let mut config = context.load()?;
    if arguments.seal {
        super::keys::enter(&config)?;
    }
    if !arguments.trust.is_empty() {
        config.trust.certificates.clone_from(&arguments.trust);
    }
    if let Some(mode) = arguments.revocation {
        config.revocation.mode = mode;
    }
    let now = OffsetDateTime::now_utc();
    let mut verifier = config.verifier(&arguments.crl)?;
    if let Some(named) = &arguments.policy {
        let policy = super::report::policy(named, &verifier)?;
        verifier = config.verifier_for(&arguments.crl, policy)?;
    }
    let policy = verifier.policy()?;
    let mut question = Question {
        document: &[],
        content: None,
        at: arguments.at.map(|time| TrustedTime { time, source: TimeSource::Given }),
        now,
        purpose: Default::default(),
        language: context.language,
    };
    let verified = if let Some(mut large) = large(&arguments.file) {
        // No document of the register is that large.
        verifier.verify_file(&mut large, &question, &policy)?
    } else {
        let document = super::read_up_to(&arguments.file, limits::PDF_BYTES)?;
        question.document = &document;
        if is_message(&document) {
            question.purpose = Purpose::Login;
        }
        let mut verified = match &arguments.content {
            Some(path) => verifier.verify_over(&question, &content(path)?, &policy)?,
            None => verifier.verify_under(&question, &policy)?,
        };
        verified.report.licence = register(&config)?
            .and_then(|store| licence_of(&store, &document, &verified.found, now).transpose())
            .transpose()?;
        verified
    };
    let file = arguments.file.display().to_string();
    if let Some(path) = &arguments.report_pdf {
        let name = arguments.file.file_name().unwrap_or_default().to_string_lossy();
        let printed = match arguments.seal {
            true => sealed(config, &verified.report, &name, context.language)?,
            false => report_pdf(&verified.report, &name, now, context.language)?,
        };
        std::fs::write(path, printed).map_err(|error| {
            Problem::new(Kind::BadInput, "cannot-write", format!("{}: {error}", path.display()))
        })?;
    }
    arguments.output.tell(&verified, &file, context.language)
}

/// The report as the service seals and keeps it.
fn sealed(
    config: Config,
    report: &Report,
    name: &str,
    language: Language,
) -> Result<Vec<u8>, Problem> {
    let sealed = super::serve::app(config)?.seal_report(report, name, language)?;
    sealed.ok_or_else(|| {
        let detail = "name a PKCS#12 file or a token in [seal] of qoltanba.toml";
        Problem::new(Kind::BadInput, "no-seal", detail)
    })
}

/// The file, if it is larger than what is read into memory. A PDF is read where it lies.
fn large(path: &Path) -> Option<File> {
    let mut file = File::open(path).ok()?;
    let known = file.metadata().ok()?;
    if !known.is_file() || known.len() <= limits::DOCUMENT_BYTES as u64 {
        return None;
    }
    let mut head = [0; 1024];
    file.read_exact(&mut head).ok()?;
    file.rewind().ok()?;
    (DocumentFormat::detect(&head) != Some(DocumentFormat::Pdf)).then_some(file)
}

fn content(path: &Path) -> Result<ContentFile, Problem> {
    ContentFile::open(path).map_err(|error| {
        let detail = format!("{}: {error}", path.display());
        Problem::new(Kind::NotFound, "no-such-file", detail)
    })
}

/// The register, where the configuration names one that exists.
fn register(config: &Config) -> Result<Option<Sqlite>, Problem> {
    if !config.service.database.exists() {
        return Ok(None);
    }
    Ok(Some(Sqlite::open_read_only(&config.service.database)?))
}

pub fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|error| format!("{error}; write it like 2026-11-21T12:00:00Z"))
}
