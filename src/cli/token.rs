//! `qoltanba token`

use std::process::ExitCode;

use qoltanba::crypto::hex;
use qoltanba::problem::Problem;
use qoltanba::token::{KeyInfo, PinState, SignError, Token, TokenInfo};
use serde_json::json;

use super::Context;
use super::keys::TokenArguments;

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the tokens that are present.
    List {
        #[command(flatten)]
        token: TokenArguments,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the certificates on a token; no PIN is needed.
    Keys {
        #[command(flatten)]
        token: TokenArguments,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub fn run(context: &Context, command: &Command) -> Result<ExitCode, Problem> {
    let config = context.load()?;
    match command {
        Command::List { token, json } => {
            let mut tokens = Vec::new();
            for module in token.modules(&config)? {
                tokens.extend(module.tokens().map_err(SignError::from)?);
            }
            tokens.retain(|token| token.initialised);
            if *json {
                super::print_json(&tokens)?;
            } else {
                list(&tokens);
            }
        }
        Command::Keys { token, json } => {
            let (module, choice) = token.choose(&config)?;
            let keys = Token::open(&module, &choice, None)?.keys()?;
            if *json {
                super::print_json(&keys.iter().map(key_json).collect::<Vec<_>>())?;
            } else {
                keys.iter().for_each(show);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(tokens: &[TokenInfo]) {
    if tokens.is_empty() {
        println!("No token is present. Plug one in, or set one up with `qoltanba pki create`.");
    }
    for token in tokens {
        let pin = match token.pin_state {
            PinState::Unset => "no PIN set",
            PinState::Good => "PIN ready",
            PinState::FewTries => "a wrong PIN was entered: few tries are left",
            PinState::OneTry => "one try is left before it is locked",
            PinState::Locked => "locked",
        };
        println!(
            "{:<24} serial {}  {} {}  {pin}",
            token.label, token.serial, token.manufacturer, token.model
        );
    }
}

fn show(key: &KeyInfo) {
    println!("{:<24} {}  id {}", key.label, key.kind, hex(&key.id));
    if let Some(certificate) = &key.certificate {
        println!("  {}", certificate.subject());
        println!("  № {}, until {}", certificate.serial_hex(), certificate.not_after().date());
    }
}

fn key_json(key: &KeyInfo) -> serde_json::Value {
    let certificate = key.certificate.as_ref().map(super::cert::certificate_json);
    json!({ "id": hex(&key.id), "label": key.label, "kind": key.kind.to_string(), "certificate": certificate })
}
