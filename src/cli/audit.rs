//! `qoltanba audit`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::problem::{Kind, Problem};
use qoltanba::store::audit::{self, AuditError, AuditHead};
use qoltanba::store::{Sqlite, StoreExt as _};
use serde_json::json;

use super::Context;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Check that no row was changed, removed, swapped or cut off.
    Verify {
        /// The database [default: the configured one].
        #[arg(long, value_name = "FILE")]
        database: Option<PathBuf>,
        /// A head that an earlier check printed and you kept elsewhere, as ROWS:HASH; a log that
        /// was written wholly anew since does not contain it.
        #[arg(long, value_name = "ROWS:HASH", value_parser = parse_head)]
        head: Vec<AuditHead>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the log as JSON lines.
    Export {
        /// The database [default: the configured one].
        #[arg(long, value_name = "FILE")]
        database: Option<PathBuf>,
    },
}

pub fn run(context: &Context, command: &Command) -> Result<ExitCode, Problem> {
    let config = context.load()?;
    let (Command::Verify { database, .. } | Command::Export { database }) = command;
    let path = database.clone().unwrap_or(config.service.database);
    let store = Sqlite::open_read_only(&path).map_err(|error| {
        Problem::new(Kind::NotFound, "no-database", format!("{}: {error}", path.display()))
    })?;
    match command {
        Command::Verify { json, head, .. } => verify(&store, head, *json),
        Command::Export { .. } => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            store.view(|view| audit::export(view, 0, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn verify(store: &Sqlite, known: &[AuditHead], json: bool) -> Result<ExitCode, Problem> {
    let outcome = store.view(|view| audit::verify(view, known));
    match outcome {
        Ok(head) if json => {
            super::print_json(&json!({ "whole": true, "rows": head.rows, "head": head.hash }))?;
        }
        Ok(head) => {
            println!("The audit log is whole: {} rows, head {}:{}", head.rows, head.rows, head.hash)
        }
        Err(AuditError::Store(error)) => return Err(error.into()),
        Err(AuditError::Fault(fault)) => {
            if json {
                super::print_json(
                    &json!({ "whole": false, "row": fault.seq, "what": fault.what }),
                )?;
            } else {
                println!("The audit log is NOT whole: row {}: {}", fault.seq, fault.what);
            }
            return Ok(ExitCode::from(1));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_head(text: &str) -> Result<AuditHead, String> {
    let (rows, hash) = text.split_once(':').ok_or("write it as ROWS:HASH")?;
    let rows = rows.parse().map_err(|_| "the number of rows is no number")?;
    Ok(AuditHead { rows, hash: hash.to_ascii_lowercase() })
}
