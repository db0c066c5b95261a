//! `qoltanba report`, and how reports are printed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use qoltanba::limits;
use qoltanba::problem::{Kind, Problem};
use qoltanba::text::Language;
use qoltanba::validation::{Diagnostic, Policy, Verdict, Verified, Verifier, to_xml};

use super::Context;
use super::told::Told;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Judge a stored diagnostic report again, offline.
    ///
    /// Under the policy it was made under the verdict is the same. Exit codes as `verify`.
    Replay {
        /// Judge under this policy instead: a file, or the identifier of a built-in one.
        #[arg(long, value_name = "FILE|ID")]
        policy: Option<String>,
        #[command(flatten)]
        output: Output,
        /// The diagnostic report: the JSON of `verify --report diagnostic`.
        diagnostic: PathBuf,
    },
}

/// How a report is printed.
#[derive(clap::Args)]
pub struct Output {
    /// How deep the report goes; the deeper ones are JSON, or XML.
    #[arg(long, value_name = "DEPTH", default_value = "simple")]
    report: Depth,

    /// Print the report as JSON.
    #[arg(long, conflicts_with = "xml")]
    json: bool,

    /// Print the report as XML.
    #[arg(long)]
    xml: bool,
}

/// How deep a report goes.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Depth {
    /// For people.
    Simple,
    /// Every check of every building block.
    Detailed,
    /// Every input, to be judged again.
    Diagnostic,
}

pub fn run(context: &Context, command: &Command) -> Result<ExitCode, Problem> {
    let Command::Replay { policy, output, diagnostic } = command;
    let stored = Diagnostic::read(&read_diagnostic(diagnostic)?)?;
    let policy = policy.as_deref().map(|named| named_policy(named, Policy::named)).transpose()?;
    let verified = stored.replay(policy.as_deref(), context.language)?;
    output.tell(&verified, &diagnostic.display().to_string(), context.language)
}

/// A policy by its file, or by its identifier.
pub fn policy(named: &str, verifier: &Verifier) -> Result<Arc<Policy>, Problem> {
    named_policy(named, |id| verifier.policy_named(Some(id)))
}

/// A policy by its file, or by its identifier among the `known`.
pub fn named_policy(
    named: &str,
    known: impl Fn(&str) -> Result<Arc<Policy>, qoltanba::validation::PolicyError>,
) -> Result<Arc<Policy>, Problem> {
    let path = Path::new(named);
    if !path.exists() {
        return Ok(known(named)?);
    }
    let octets = super::read_file(path)?;
    let text = String::from_utf8(octets)
        .map_err(|error| Problem::new(Kind::BadInput, "bad-policy", error.to_string()))?;
    Ok(Arc::new(Policy::parse(&text)?))
}

fn read_diagnostic(path: &Path) -> Result<Vec<u8>, Problem> {
    let failed = |error: std::io::Error| {
        Problem::new(Kind::NotFound, "no-such-file", format!("{}: {error}", path.display()))
    };
    // Larger than a document may be; the reader names its own limit.
    if std::fs::metadata(path).map_err(failed)?.len() > limits::DIAGNOSTIC_BYTES as u64 {
        return Err(qoltanba::validation::ReplayError::TooLarge.into());
    }
    std::fs::read(path).map_err(failed)
}

impl Output {
    /// Prints the report; the exit code tells the verdict.
    pub fn tell(
        &self,
        verified: &Verified,
        file: &str,
        language: Language,
    ) -> Result<ExitCode, Problem> {
        let report = &verified.report;
        match self.report {
            Depth::Simple if self.json || self.xml => self.print(report, "report")?,
            Depth::Simple => print!("{}", Told { report, file }),
            Depth::Detailed => self.print(&verified.detailed(language), "detailedReport")?,
            Depth::Diagnostic => self.print(&verified.diagnostic(), "diagnosticReport")?,
        }
        Ok(ExitCode::from(match report.verdict {
            Verdict::TotalPassed => 0,
            Verdict::TotalFailed => 1,
            Verdict::Indeterminate => 2,
        }))
    }

    fn print(&self, report: &impl serde::Serialize, root: &str) -> Result<(), Problem> {
        if self.xml {
            print!("{}", to_xml(report, root).map_err(Problem::internal)?);
            return Ok(());
        }
        super::print_json(report)
    }
}
