//! `qoltanba sign`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::problem::{Kind, Problem};
use qoltanba::token::Signer;
use qoltanba::validation::{DocumentFormat, Question, Verdict};
use qoltanba::{pdf, xml};
use time::OffsetDateTime;

use super::Context;
use super::keys::KeyArguments;

/// The signed document is verified before it is written; what does not pass is not written.
///
/// XML is signed as XAdES-B-B (enveloped), PDF as PAdES-B-B.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    key: KeyArguments,

    /// Write the signed document here [default: `NAME.signed.EXT` beside the document].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The role in which is signed, as the signature claims it (XML only).
    #[arg(long)]
    role: Option<String>,

    /// Write the document although its verification is indeterminate, for example because nobody
    /// can be asked about revocation.
    #[arg(long)]
    allow_indeterminate: bool,

    /// The document, XML or PDF.
    file: PathBuf,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let config = context.load()?;
    let document = super::read_file(&arguments.file)?;
    let format = DocumentFormat::detect(&document);
    let signer = arguments.key.signer(&config)?;
    let now = OffsetDateTime::now_utc();
    let signed = match format {
        Some(DocumentFormat::Xml) => {
            let options = xml::SigningOptions {
                signer_role: arguments.role.clone(),
                ..xml::SigningOptions::new(now)
            };
            xml::sign(&document, &signer, &options)?
        }
        Some(DocumentFormat::Pdf) => pdf::sign(&document, &signer, &pdf::SigningOptions::at(now))?,
        _ => {
            let detail = "only XML and PDF documents can be signed";
            return Err(Problem::new(Kind::Unreadable, "unknown-format", detail));
        }
    };
    let verified = config.verifier(&[])?.verify(&Question {
        document: &signed,
        content: None,
        at: None,
        now,
        purpose: Default::default(),
        language: context.language,
    })?;
    let own = verified.found.iter().zip(&verified.judgements);
    let own = own.filter(|(found, _)| found.certificate.as_ref() == Some(signer.certificate()));
    let judgement = own.map(|(_, judgement)| judgement).next_back().ok_or_else(|| {
        Problem::new(Kind::Internal, "self-check", "the new signature was not found again")
    })?;
    let acceptable = match judgement.verdict {
        Verdict::TotalPassed => true,
        Verdict::Indeterminate => arguments.allow_indeterminate,
        Verdict::TotalFailed => false,
    };
    if !acceptable {
        return Err(Problem::refused(judgement.reasons.clone()));
    }
    let output = arguments.output.clone().unwrap_or_else(|| {
        let extension = arguments.file.extension().unwrap_or_default().to_string_lossy();
        arguments.file.with_extension(format!("signed.{extension}"))
    });
    std::fs::write(&output, signed).map_err(|error| {
        Problem::new(Kind::Internal, "write-failed", format!("{}: {error}", output.display()))
    })?;
    println!("{}  {}", judgement.verdict.as_str(), output.display());
    Ok(ExitCode::SUCCESS)
}
