//! `qoltanba sign`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::problem::{Kind, Problem};
use qoltanba::token::{Signer, sign_checked};
use qoltanba::validation::{DocumentFormat, Question, Verdict};
use qoltanba::xml::Covers;
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

    /// What the signature commits the signer to (XML only), for example
    /// http://uri.etsi.org/01903/v1.2.2#ProofOfApproval.
    #[arg(long, value_name = "URI")]
    commitment: Option<String>,

    /// What is covered (XML only): the `document` with the signatures in it, the document
    /// `without-signatures` (signers side by side), or the element with an id (`#ID`).
    #[arg(long, value_name = "WHAT", default_value = "document", value_parser = covers)]
    covers: Covers,

    /// Sign the signature at this place, counted from 1, instead of the content (XML only).
    #[arg(long, value_name = "N", conflicts_with = "covers")]
    counter_sign: Option<usize>,

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
            let detail = "only XML and PDF documents can be signed";
            return Err(Problem::new(Kind::Unreadable, "unknown-format", detail));
        }
    };
    let verified = config.verifier(&[])?.verify(&Question::new(&signed, now, context.language))?;
    let own = verified.found.iter().zip(&verified.judgements);
    let own = own.filter(|(found, _)| {
        found.certificate.as_ref() == Some(signer.certificate())
            && to_be_signed.as_ref().is_none_or(|octets| *octets == found.signed_octets)
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

fn covers(text: &str) -> Result<Covers, String> {
    match (text, text.strip_prefix('#')) {
        ("document", _) => Ok(Covers::Document),
        ("without-signatures", _) => Ok(Covers::DocumentWithoutSignatures),
        (_, Some(id)) if !id.is_empty() => Ok(Covers::Element(id.to_owned())),
        _ => Err("write document, without-signatures, or #ID".to_owned()),
    }
}
