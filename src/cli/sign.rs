//! `qoltanba sign`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::config::Config;
use qoltanba::problem::{Kind, Problem};
use qoltanba::token::{Signer, sign_checked};
use qoltanba::validation::{DocumentFormat, Question, Verdict, Verified};
use qoltanba::xml::Covers;
use qoltanba::{cms, pdf, xml};
use time::OffsetDateTime;

use super::Context;
use super::keys::KeyArguments;
use super::sign_cms::{self, Wish};

/// The signed document is verified before it is written; what does not pass is not written.
///
/// XML is signed as XAdES-B-B (enveloped), PDF as PAdES-B-B. With `--format cms` any file is signed
/// as CAdES-B-B; a file that is a CMS message already gets one more signer.
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

    /// What the signature commits the signer to (XML only), for example
    /// http://uri.etsi.org/01903/v1.2.2#ProofOfApproval.
    #[arg(long, value_name = "URI")]
    commitment: Option<String>,

    /// What is covered (XML only): the `document` with the signatures in it, the document
    /// `without-signatures` (signers side by side), or the element with an id (`#ID`).
    #[arg(long, value_name = "WHAT", default_value = "document", value_parser = covers)]
    covers: Covers,

    /// The form of the signature [default: what the document is].
    #[arg(long, value_name = "FORM")]
    format: Option<Form>,

    /// Leave the content outside the CMS message.
    #[arg(long)]
    detached: bool,

    /// The content of the detached CMS message that gets one more signer.
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,

    /// Sign the signature at this place, counted from 1, instead of the content (XML and CMS).
    #[arg(long, value_name = "N", conflicts_with = "covers")]
    counter_sign: Option<usize>,

    /// Write the document although its verification is indeterminate, for example because nobody
    /// can be asked about revocation.
    #[arg(long)]
    allow_indeterminate: bool,

    /// The document: XML, PDF or a CMS message, or with `--format cms` any file.
    file: PathBuf,
}

/// Forms of signatures.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Inside an XML document.
    Xml,
    /// Inside a PDF.
    Pdf,
    /// A message of its own, with the content in it or beside it.
    Cms,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let config = context.load()?;
    let now = OffsetDateTime::now_utc();
    if arguments.format == Some(Form::Cms) {
        let signer = arguments.key.signer(&config)?;
        return as_cms(context, &config, arguments, signer.as_ref(), now);
    }
    let document = super::read_file(&arguments.file)?;
    let format = DocumentFormat::detect(&document);
    let wanted = arguments.format.map(|form| match form {
        Form::Xml => DocumentFormat::Xml,
        Form::Pdf => DocumentFormat::Pdf,
        Form::Cms => DocumentFormat::Cms,
    });
    if wanted.is_some() && wanted != format {
        let detail = "the document has another format; --format cms signs any";
        return Err(Problem::new(Kind::Unreadable, "unknown-format", detail));
    }
    let signer = arguments.key.signer(&config)?;
    // Other things begin like a message, too.
    if format == Some(DocumentFormat::Cms) && cms::to_der(&document).is_ok() {
        return as_cms(context, &config, arguments, signer.as_ref(), now);
    }
    let mut to_be_signed = None;
    let signed = match format {
        Some(DocumentFormat::Xml) => {
            let options = xml::SigningOptions {
                signer_role: arguments.role.clone(),
                commitment: arguments.commitment.clone(),
                covers: arguments.covers.clone(),
                ..xml::SigningOptions::new(now)
            };
            let (certificate, algorithm) = (signer.certificate(), signer.algorithm());
            let prepared = match arguments.counter_sign {
                None => xml::prepare(&document, certificate, algorithm, &options)?,
                Some(place) => xml::prepare_counter_signature(
                    &document,
                    place.saturating_sub(1),
                    certificate,
                    algorithm,
                    &options,
                )?,
            };
            let value = sign_checked(&signer, prepared.to_be_signed())?;
            to_be_signed = Some(prepared.to_be_signed().to_vec());
            prepared.complete(&value)?
        }
        Some(DocumentFormat::Pdf) => pdf::sign(&document, &signer, &pdf::SigningOptions::at(now))?,
        _ => {
            let detail = "neither XML, PDF nor CMS; --format cms signs any file";
            return Err(Problem::new(Kind::Unreadable, "unknown-format", detail));
        }
    };
    let verified = config.verifier(&[])?.verify(&Question::new(&signed, now, context.language))?;
    write(arguments, &signed, &verified, signer.as_ref(), to_be_signed.as_deref(), None)
}

/// Signs as CMS.
fn as_cms(
    context: &Context,
    config: &Config,
    arguments: &Arguments,
    signer: &dyn Signer,
    now: OffsetDateTime,
) -> Result<ExitCode, Problem> {
    let wish = Wish {
        file: &arguments.file,
        detached: arguments.detached,
        content: arguments.content.as_deref(),
        counter_sign: arguments.counter_sign,
        now,
    };
    let signed = sign_cms::sign(&wish, signer)?;
    let verifier = config.verifier(&[])?;
    let question = Question::new(&signed.message, now, context.language);
    let verified = match &signed.content {
        Some(content) => verifier.verify_over(&question, content, &*verifier.policy()?)?,
        None => verifier.verify(&question)?,
    };
    let to_be_signed = Some(signed.to_be_signed.as_slice());
    write(arguments, &signed.message, &verified, signer, to_be_signed, signed.name)
}

/// Writes what our own verifier has passed; `name` is the usual one.
fn write(
    arguments: &Arguments,
    signed: &[u8],
    verified: &Verified,
    signer: &dyn Signer,
    to_be_signed: Option<&[u8]>,
    name: Option<PathBuf>,
) -> Result<ExitCode, Problem> {
    let own = verified.found.iter().zip(&verified.judgements);
    let own = own.filter(|(found, _)| {
        found.certificate.as_ref() == Some(signer.certificate())
            && to_be_signed.is_none_or(|octets| octets == found.signed_octets)
    });
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
    let output = arguments.output.clone().or(name).unwrap_or_else(|| {
        let extension = arguments.file.extension().unwrap_or_default().to_string_lossy();
        arguments.file.with_extension(format!("signed.{extension}"))
    });
    std::fs::write(&output, signed).map_err(|error| {
        Problem::new(Kind::Internal, "write-failed", format!("{}: {error}", output.display()))
    })?;
    println!("{}  {}", judgement.verdict.as_str(), output.display());
    Ok(ExitCode::SUCCESS)
}

fn covers(text: &str) -> Result<Covers, String> {
    match (text, text.strip_prefix('#')) {
        ("document", _) => Ok(Covers::Document),
        ("without-signatures", _) => Ok(Covers::DocumentWithoutSignatures),
        (_, Some(id)) if !id.is_empty() => Ok(Covers::Element(id.to_owned())),
        _ => Err("write document, without-signatures, or #ID".to_owned()),
    }
}
