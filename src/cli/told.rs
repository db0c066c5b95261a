//! A report as a person wants to read it at a terminal.

use qoltanba::validation::{Report, SignatureReport, SubIndication};
use time::format_description::well_known::Rfc3339;

/// The report on a file, in words.
pub struct Told<'a> {
    pub report: &'a Report,
    pub file: &'a str,
}

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { report, file } = self;
        let document = &report.document;
        writeln!(
            f,
            "{}  {file} ({}, {} bytes)",
            report.verdict.as_str(),
            document.format,
            document.size
        )?;
        for signature in &report.signatures {
            tell(f, signature)?;
        }
        if let Some(licence) = &report.licence {
            let copy =
                if licence.matches_register { "" } else { ", but this file is not the register's" };
            writeln!(f, "  licence {} is {} today{copy}", licence.number, licence.state)?;
            for (what, agrees) in [
                ("attached licence", licence.attachment_matches),
                ("text of the pages", licence.pages_match),
            ] {
                let agrees = match agrees {
                    Some(true) => "agrees with the register",
                    Some(false) => "DIFFERS FROM THE REGISTER",
                    None => continue,
                };
                writeln!(f, "    the {what} {agrees}")?;
            }
        }
        Ok(())
    }
}

fn tell(f: &mut std::fmt::Formatter<'_>, signature: &SignatureReport) -> std::fmt::Result {
    let signer = &signature.signer;
    let numbers = [("IIN", &signer.iin), ("BIN", &signer.bin)];
    let numbers =
        numbers.iter().filter_map(|(name, number)| Some(format!("{name} {}", number.as_ref()?)));
    let numbers = numbers.collect::<Vec<_>>().join(", ");
    let name = if signer.name.is_empty() { "unknown signer" } else { &signer.name };
    writeln!(
        f,
        "  {}  {} by {name} ({numbers})",
        signature.verdict.as_str(),
        signature.format.as_str()
    )?;
    if let Some(organisation) = &signer.organisation {
        writeln!(f, "    for {organisation}")?;
    }
    let time = &signature.trusted_time;
    let moment = time.time.format(&Rfc3339).unwrap_or_default();
    writeln!(
        f,
        "    judged as of {moment}; certificate {} by {}",
        signature.revocation.status, signature.revocation.source
    )?;
    let covers = if signature.covers_whole_document {
        "the whole document"
    } else {
        "a part of the document"
    };
    writeln!(f, "    covers {covers}; {}", signature.algorithm)?;
    for item in &signature.signed_scope {
        writeln!(f, "      {}: {}", item.kind, item.what)?;
    }
    for role in &signature.claims.roles {
        writeln!(f, "    signs as {role} (claimed)")?;
    }
    for commitment in &signature.claims.commitments {
        writeln!(f, "    commitment {commitment}")?;
    }
    for stamp in &signature.timestamps {
        let moment = stamp.time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default();
        let stands = if stamp.valid { "stands" } else { "proves nothing" };
        writeln!(f, "    time-stamp {moment} by {}: {stands}", stamp.authority)?;
    }
    if let Some(why) = signature.sub_indication.map(SubIndication::as_str) {
        writeln!(f, "    {why}")?;
    }
    for reason in &signature.reasons {
        let detail =
            if reason.detail.is_empty() { String::new() } else { format!(" [{}]", reason.detail) };
        writeln!(f, "    - {}{detail}", reason.message)?;
    }
    for change in &signature.later_changes {
        writeln!(f, "    added later, permitted: {change}")?;
    }
    for warning in &signature.warnings {
        let detail = if warning.detail.is_empty() {
            String::new()
        } else {
            format!(" [{}]", warning.detail)
        };
        writeln!(f, "    note: {}{detail}", warning.message)?;
    }
    Ok(())
}
