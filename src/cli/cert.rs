//! `qoltanba cert`

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::crypto::hex;
use qoltanba::problem::Problem;
use qoltanba::x509::Certificate;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::Context;
use super::keys::read_certificate;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Show a certificate as people in Kazakhstan read it: IIN, BIN, organisation, roles.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// The certificate, PEM or DER.
        file: PathBuf,
    },
}

pub fn run(_: &Context, command: &Command) -> Result<ExitCode, Problem> {
    let Command::Show { json, file } = command;
    let certificate = read_certificate(file)?;
    if *json {
        super::print_json(&certificate_json(&certificate))?;
    } else {
        show(&certificate);
    }
    Ok(ExitCode::SUCCESS)
}

/// A certificate as JSON.
pub fn certificate_json(certificate: &Certificate) -> serde_json::Value {
    let holder = certificate.holder();
    json!({
        "serial": certificate.serial_hex(),
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "name": holder.full_name(),
        "iin": holder.iin,
        "bin": holder.bin,
        "organisation": holder.organisation,
        "roles": holder.roles,
        "use": usage(certificate),
        "key": certificate.public_key().kind.to_string(),
        "notBefore": certificate.not_before().format(&Rfc3339).unwrap_or_default(),
        "notAfter": certificate.not_after().format(&Rfc3339).unwrap_or_default(),
        "sha256": hex(&certificate.fingerprint()),
    })
}

fn show(certificate: &Certificate) {
    let holder = certificate.holder();
    let warn = |sound: bool| if sound { "" } else { "  (check digit or date part is unusual)" };
    let roles: Vec<_> = holder.roles.iter().map(|role| role.as_str()).collect();
    let mut rows = vec![("holder", holder.full_name())];
    if let Some(iin) = &holder.iin {
        rows.push(("IIN", format!("{iin}{}", warn(iin.plausible().is_ok()))));
    }
    rows.extend(holder.organisation.clone().map(|name| ("organisation", name)));
    if let Some(bin) = &holder.bin {
        rows.push(("BIN", format!("{bin}{}", warn(bin.plausible().is_ok()))));
    }
    rows.push(("roles", if roles.is_empty() { "none".to_owned() } else { roles.join(", ") }));
    rows.push(("use", usage(certificate).to_owned()));
    let moment = |time: time::OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    let (from, until) = (certificate.not_before(), certificate.not_after());
    rows.push(("valid", format!("{} – {}", moment(from), moment(until))));
    rows.push(("key", certificate.public_key().kind.to_string()));
    rows.push(("serial", certificate.serial_hex()));
    rows.push(("issuer", certificate.issuer().to_string()));
    rows.push(("SHA-256", hex(&certificate.fingerprint())));
    for (name, value) in rows {
        println!("{name:<13} {value}");
    }
}

fn usage(certificate: &Certificate) -> &'static str {
    if certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
        return "issuing certificates";
    }
    if certificate.has_extended_key_usage("1.3.6.1.5.5.7.3.8") {
        return "time-stamping";
    }
    if certificate.has_extended_key_usage("1.3.6.1.5.5.7.3.9") {
        return "answering OCSP requests";
    }
    match certificate.key_usage() {
        Some(usage) if usage.non_repudiation() => "signing documents",
        Some(usage) if usage.digital_signature() => "authentication",
        Some(_) => "neither signing nor authentication",
        None => "not limited",
    }
}
