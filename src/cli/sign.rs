//! `qoltanba sign`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::config::Config;
use qoltanba::problem::{Kind, Problem};
use qoltanba::token::{Signer, sign_checked};
use qoltanba::validation::{DocumentFormat, Purpose, Question, Verdict, Verified};
use qoltanba::xml::c14n::{Canonicalization, Method};
use qoltanba::xml::{Covers, Prepared, wss};
use qoltanba::{cms, pdf, xml};
use time::{Duration, OffsetDateTime};

use super::Context;
use super::keys::KeyArguments;
use super::sign_cms::{self, Wish};

/// The signed document is verified before it is written; what does not pass is not written.
///
/// XML is signed as XAdES-B-B (enveloped), PDF as PAdES-B-B, a SOAP message by WS-Security: its Body,
/// in the form of the state's gateway. With `--format cms` any file is signed as CAdES-B-B; a file
/// that is a CMS message already gets one more signer.
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
    counter_sign: Option<NonZeroUsize>,

    /// How octets are made of XML (XML only): `exclusive`, `1.0` or `1.1`, each also
    /// `-with-comments`, for receivers that want it so.
    #[arg(long, value_name = "METHOD", default_value = "exclusive", value_parser = canonicalization)]
    canonicalization: Canonicalization,

    /// How long the message is good, in seconds (SOAP only): a signed Timestamp says so.
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u32>,

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
    // Other things begin like a CMS message, too.
    if format == Some(DocumentFormat::Cms) && cms::to_der(&document).is_ok() {
        return as_cms(context, &config, arguments, signer.as_ref(), now);
    }
    let message = format == Some(DocumentFormat::Xml) && wss::is_message(&document);
    arguments.fits(format, message)?;
    let mut to_be_signed = None;
    let signed = match format {
        Some(DocumentFormat::Xml) => {
            let prepared = match message {
                true => arguments.prepare_message(&document, &*signer, now)?,
                false => arguments.prepare(&document, &*signer, now)?,
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
    let purpose = if message { Purpose::Login } else { Purpose::Document };
    let question = Question { purpose, ..Question::new(&signed, now, context.language) };
    let verified = config.verifier(&[])?.verify(&question)?;
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
    arguments.fits(Some(DocumentFormat::Cms), false)?;
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

impl Arguments {
    /// Options that say nothing about such a document are refused: nobody is to believe that they
    /// were heeded.
    fn fits(&self, format: Option<DocumentFormat>, message: bool) -> Result<(), Problem> {
        let of_xml = self.role.is_some()
            || self.commitment.is_some()
            || self.covers != Covers::Document
            || self.canonicalization != Canonicalization::EXCLUSIVE;
        let cms = format == Some(DocumentFormat::Cms);
        let of_xml = of_xml || (self.counter_sign.is_some() && !cms);
        if !cms && (self.detached || self.content.is_some()) {
            let detail = "only a CMS message leaves its content outside";
            return Err(Problem::new(Kind::BadInput, "option-does-not-fit", detail));
        }
        let detail = match (of_xml, self.lifetime) {
            (true, _) if cms => {
                "a CMS message takes no role, commitment, scope or canonicalization"
            }
            (true, _) if message => {
                "a SOAP message takes no role, commitment, scope or canonicalization"
            }
            (true, _) if format == Some(DocumentFormat::Pdf) => {
                "a PDF takes no role, commitment, scope or canonicalization"
            }
            (_, Some(_)) if !message => "only a SOAP message has a lifetime",
            _ => return Ok(()),
        };
        Err(Problem::new(Kind::BadInput, "option-does-not-fit", detail))
    }

    fn prepare(
        &self,
        document: &[u8],
        signer: &dyn Signer,
        now: OffsetDateTime,
    ) -> Result<Prepared, Problem> {
        let options = xml::SigningOptions {
            signer_role: self.role.clone(),
            commitment: self.commitment.clone(),
            covers: self.covers.clone(),
            canonicalization: self.canonicalization.clone(),
            ..xml::SigningOptions::new(now)
        };
        let (certificate, algorithm) = (signer.certificate(), signer.algorithm());
        Ok(match self.counter_sign {
            None => xml::prepare(document, certificate, algorithm, &options)?,
            Some(place) => {
                let index = place.get() - 1;
                xml::prepare_counter_signature(document, index, certificate, algorithm, &options)?
            }
        })
    }

    fn prepare_message(
        &self,
        message: &[u8],
        signer: &dyn Signer,
        now: OffsetDateTime,
    ) -> Result<Prepared, Problem> {
        let lifetime = self.lifetime.map(|seconds| Duration::seconds(seconds.into()));
        let options = wss::MessageOptions { lifetime, ..wss::MessageOptions::new(now) };
        let prepared = wss::prepare(message, signer.certificate(), signer.algorithm(), &options);
        prepared.map_err(|error| Problem::new(Kind::Unreadable, "bad-message", error.to_string()))
    }
}

fn covers(text: &str) -> Result<Covers, String> {
    match (text, text.strip_prefix('#')) {
        ("document", _) => Ok(Covers::Document),
        ("without-signatures", _) => Ok(Covers::DocumentWithoutSignatures),
        (_, Some(id)) if !id.is_empty() => Ok(Covers::Element(id.to_owned())),
        _ => Err("write document, without-signatures, or #ID".to_owned()),
    }
}

fn canonicalization(text: &str) -> Result<Canonicalization, String> {
    let (name, comments) = match text.strip_suffix("-with-comments") {
        Some(name) => (name, true),
        None => (text, false),
    };
    let method = match name {
        "exclusive" => Method::Exclusive,
        "1.0" => Method::Inclusive10,
        "1.1" => Method::Inclusive11,
        _ => return Err("write exclusive, 1.0 or 1.1, each also with `-with-comments`".to_owned()),
    };
    Ok(Canonicalization::new(method, comments))
}
