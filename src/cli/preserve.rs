//! `qoltanba preserve`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::preserve::{Preserver, Wish};
use qoltanba::problem::Problem;
use qoltanba::signature::Level;
use time::OffsetDateTime;

use super::Context;

/// Raise a signature to a level that can be verified later.
///
/// T adds a time-stamp, LT also the certificates and revocation values, LTA also an archive
/// time-stamp; on a signature that is LTA already, LTA adds another archive time-stamp before the
/// last one ages. The signature must pass before and after; what does not pass is not written.
#[derive(clap::Args)]
pub struct Arguments {
    /// The level: T, LT or LTA.
    #[arg(long, value_name = "LEVEL", default_value = "LT", ignore_case = true)]
    level: Level,

    /// Which signature, counted from 1 in the order of `verify` [default: the last].
    #[arg(long, value_name = "NUMBER")]
    signature: Option<std::num::NonZeroUsize>,

    /// What a detached signature was made over.
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,

    /// Time-stamping authorities, asked in order, instead of the configured ones.
    #[arg(long, value_name = "URL")]
    tsa: Vec<String>,

    /// Write the document here [default: `NAME.LEVEL.EXT` beside it].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The signed document: XML, PDF or CMS.
    file: PathBuf,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let config = context.load()?;
    let document = super::read_file(&arguments.file)?;
    let content = arguments.content.as_deref().map(super::read_file).transpose()?;
    let level = arguments.level;
    let verifier = config.verifier(&[])?;
    let stamps = config.timestamp_client(&arguments.tsa, None)?;
    let preserver =
        Preserver { verifier: &verifier, stamps: &stamps, clock: &OffsetDateTime::now_utc };
    let raised = preserver.raise(&Wish {
        document: &document,
        content: content.as_deref(),
        signature: arguments.signature.map(|number| number.get() - 1),
        level,
    })?;
    let output = arguments.output.clone().unwrap_or_else(|| {
        let extension = arguments.file.extension().unwrap_or_default().to_string_lossy();
        arguments.file.with_extension(format!("{}.{extension}", level.as_str()))
    });
    super::write_file(&output, &raised)?;
    println!("{}  {}", level.as_str(), output.display());
    Ok(ExitCode::SUCCESS)
}
