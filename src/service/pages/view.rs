//! What templates show: reports and licences as sentences of one language.

use time::{Date, OffsetDateTime};

use super::super::register::{PublicLicence, REPORT_FILE};
use super::super::seal::SealedReport;
use super::text;
use crate::licensing::almaty;
use crate::reason::ReasonCode;
use crate::store::REFUSAL_KIND;
use crate::text::Language;
use crate::validation::{
    LicenceInfo, ReasonInfo, Report, SignatureReport, TimeSource, Verdict, licence_state_key,
};

/// A report.
pub struct ReportView {
    pub class: &'static str,
    pub headline: &'static str,
    pub explanation: &'static str,
    /// Why it did not pass, each sentence once.
    pub reasons: Vec<String>,
    pub name: String,
    pub format: String,
    pub size: String,
    pub sha256: String,
    pub signatures: Vec<SignatureView>,
}

/// One signature of a report.
pub struct SignatureView {
    pub class: &'static str,
    pub headline: &'static str,
    pub reasons: Vec<String>,
    pub warnings: Vec<String>,
    pub signer: String,
    pub iin: String,
    pub bin: String,
    pub organisation: String,
    pub signed_at: String,
    pub judged_at: String,
    pub revocation: String,
    pub coverage: &'static str,
    pub issuer: String,
    /// For experts, in English: names and values.
    pub technical: Vec<(&'static str, String)>,
}

/// A licence.
pub struct LicenceView {
    pub class: String,
    pub title: &'static str,
    pub number: String,
    pub state: &'static str,
    /// The day of the state, in words.
    pub today: String,
    pub holder_label: &'static str,
    pub holder: String,
    pub kind: &'static str,
    pub valid: String,
    pub issued_label: &'static str,
    pub issued: String,
    pub matches_register: bool,
    /// How a document differs from the register.
    pub differences: Vec<&'static str>,
}

/// A sealed report.
pub struct SealedView {
    pub class: &'static str,
    pub verdict: &'static str,
    pub code: String,
    pub made_at: String,
    pub document: String,
    pub kept_until: String,
}

/// A document to download.
pub struct DownloadView {
    pub href: String,
    pub name: String,
    pub size: String,
}

impl ReportView {
    pub fn new(report: &Report, name: &str, language: Language) -> Self {
        let signatures: Vec<_> =
            report.signatures.iter().map(|one| SignatureView::new(one, language)).collect();
        let several = signatures.len() > 1;
        let (class, headline, explanation) = match report.verdict {
            Verdict::TotalPassed if several => ("passed", "passed-all", "passed-explained"),
            Verdict::TotalPassed => ("passed", "passed", "passed-explained"),
            Verdict::TotalFailed if several => ("failed", "failed-some", "failed-explained"),
            Verdict::TotalFailed => ("failed", "failed", "failed-explained"),
            Verdict::Indeterminate if several => {
                ("indeterminate", "indeterminate-some", "indeterminate-explained")
            }
            Verdict::Indeterminate => ("indeterminate", "indeterminate", "indeterminate-explained"),
        };
        Self {
            class,
            headline: text(headline, language),
            explanation: text(explanation, language),
            reasons: once(signatures.iter().flat_map(|one| one.reasons.iter().cloned())),
            name: name.to_owned(),
            format: report.document.format.clone(),
            size: size(report.document.size as u64, language),
            sha256: report.document.sha256.clone(),
            signatures,
        }
    }
}

impl SignatureView {
    fn new(signature: &SignatureReport, language: Language) -> Self {
        let (class, headline) = match signature.verdict {
            Verdict::TotalPassed => ("passed", "passed"),
            Verdict::TotalFailed => ("failed", "failed"),
            Verdict::Indeterminate => ("indeterminate", "indeterminate"),
        };
        let source = match signature.trusted_time.source {
            TimeSource::Now => "time-now",
            TimeSource::Given => "time-given",
            TimeSource::Register => "time-register",
            TimeSource::TimeStamp => "time-stamp",
        };
        let judged = moment(signature.trusted_time.time);
        let signer = &signature.signer;
        let issuer = signature.certificate.as_ref().map(|one| common_name(&one.issuer));
        let message = |reason: &ReasonInfo| reason.message.clone();
        let warning = |reason: &ReasonInfo| match reason.code {
            // As a warning it says that the certificate was revoked after the time of judgement.
            ReasonCode::Revoked => text("revoked-later", language).to_owned(),
            _ => reason.message.clone(),
        };
        Self {
            class,
            headline: text(headline, language),
            reasons: once(signature.reasons.iter().map(message)),
            warnings: once(signature.warnings.iter().map(warning)),
            signer: if signer.name.is_empty() { "—".to_owned() } else { signer.name.clone() },
            iin: signer.iin.clone().unwrap_or_default(),
            bin: signer.bin.clone().unwrap_or_default(),
            organisation: signer.organisation.clone().unwrap_or_default(),
            signed_at: signature.claimed_time.map(moment).unwrap_or_default(),
            judged_at: format!("{judged} ({})", text(source, language)),
            revocation: revocation(signature, language),
            coverage: coverage(signature, language),
            issuer: issuer.unwrap_or_default(),
            technical: technical(signature),
        }
    }
}

impl LicenceView {
    pub fn public(licence: &PublicLicence, today: Date, language: Language) -> Self {
        let refusal = licence.kind == REFUSAL_KIND;
        let (title, holder, issued) = match refusal {
            true => ("refusal", "applicant", "decided"),
            false => ("licence", "holder", "issued"),
        };
        Self {
            class: licence.state.clone(),
            title: text(title, language),
            number: licence.number.clone(),
            state: state(&licence.state, language),
            today: if refusal { String::new() } else { as_of(today, language) },
            holder_label: text(holder, language),
            holder: licence.holder.clone(),
            kind: match licence.kind.as_str() {
                "export" => text("kind-export", language),
                "import" => text("kind-import", language),
                REFUSAL_KIND => text("kind-refusal", language),
                _ => "",
            },
            valid: span(licence.valid_from.as_deref(), licence.valid_to.as_deref()),
            issued_label: text(issued, language),
            issued: moment(licence.issued_at),
            matches_register: true,
            differences: Vec::new(),
        }
    }

    pub fn of_report(licence: &LicenceInfo, today: Date, language: Language) -> Self {
        Self {
            class: licence.state.clone(),
            title: text("licence", language),
            number: licence.number.clone(),
            state: state(&licence.state, language),
            today: as_of(today, language),
            holder_label: text("holder", language),
            holder: licence.holder.clone().unwrap_or_default(),
            kind: "",
            valid: span(licence.valid_from.as_deref(), licence.valid_to.as_deref()),
            issued_label: text("issued", language),
            issued: String::new(),
            matches_register: licence.matches_register,
            differences: differences(licence, language),
        }
    }
}

impl SealedView {
    pub fn new(report: &SealedReport, language: Language) -> Self {
        let class = match report.verdict.as_str() {
            "TOTAL-PASSED" => "passed",
            "TOTAL-FAILED" => "failed",
            _ => "indeterminate",
        };
        Self {
            class,
            verdict: text(class, language),
            code: report.code.clone(),
            made_at: moment(report.made_at),
            document: report.document_sha256.clone(),
            kept_until: moment(report.kept_until),
        }
    }
}

fn differences(licence: &LicenceInfo, language: Language) -> Vec<&'static str> {
    let found =
        [(licence.attachment_matches, "attachment-differs"), (licence.pages_match, "pages-differ")];
    let found = found.into_iter().filter(|(matches, _)| *matches == Some(false));
    found.map(|(_, key)| text(key, language)).collect()
}

impl DownloadView {
    /// A file of a register's entry: `….xml` is the original, `…-kk.pdf` a presentation.
    pub fn new(code: &str, file: &str, bytes: u64, language: Language) -> Self {
        let key = match file.rsplit_once('-').map_or(file, |(_, end)| end) {
            "kk.pdf" => "file-kk",
            "ru.pdf" => "file-ru",
            "en.pdf" => "file-en",
            REPORT_FILE => "file-report",
            _ => "file-xml",
        };
        Self {
            href: format!("/api/v1/documents/{code}/{file}"),
            name: text(key, language).to_owned(),
            size: size(bytes, language),
        }
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3).
pub fn encoded(text: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    text.bytes()
        .map(|o| if plain(o) { char::from(o).to_string() } else { format!("%{o:02X}") })
        .collect()
}

fn state(state: &str, language: Language) -> &'static str {
    text(licence_state_key(state), language)
}

/// What is known of the certificate's revocation, and when it was true.
fn revocation(signature: &SignatureReport, language: Language) -> String {
    let status = text(signature.revocation.status_key(), language);
    match signature.revocation.at {
        Some(at) => format!("{status} ({})", text("as-of", language).replace("{}", &moment(at))),
        None => status.to_owned(),
    }
}

/// How much of the document is signed; nothing where the content was changed, because then what
/// was signed is not this document.
fn coverage(signature: &SignatureReport, language: Language) -> &'static str {
    let telling = |reason: &ReasonInfo| {
        !matches!(reason.code, ReasonCode::ContentChanged | ReasonCode::ContentMissing)
    };
    match signature.covers_whole_document {
        true => text("covers-whole", language),
        false if signature.reasons.iter().all(telling) => text("covers-part", language),
        false => "",
    }
}

fn technical(signature: &SignatureReport) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("Format", signature.format.as_str().to_owned()),
        ("Algorithm", signature.algorithm.clone()),
    ];
    let mut verdict = signature.verdict.as_str().to_owned();
    if let Some(why) = signature.sub_indication {
        verdict = format!("{verdict}, {}", why.as_str());
    }
    lines.push(("Verdict (EN 319 102-1)", verdict));
    for (name, reasons) in [("Reason", &signature.reasons), ("Warning", &signature.warnings)] {
        lines.extend(reasons.iter().map(|reason| {
            let detail = &reason.detail;
            let line = if detail.is_empty() { String::new() } else { format!(": {detail}") };
            (name, format!("{}{line}", reason.code))
        }));
    }
    let source = signature.revocation.source.as_str();
    if source != "none" {
        lines.push(("Revocation source", source.to_uppercase()));
    }
    if let Some(certificate) = &signature.certificate {
        let (from, to) = (moment(certificate.not_before), moment(certificate.not_after));
        lines.push(("Certificate serial", certificate.serial.clone()));
        lines.push(("Certificate issuer", certificate.issuer.clone()));
        lines.push(("Certificate validity", format!("{from} – {to}")));
    }
    lines
}

/// Each sentence once, in order.
fn once(sentences: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for sentence in sentences {
        if !seen.contains(&sentence) {
            seen.push(sentence);
        }
    }
    seen
}

/// The common name in a distinguished name (RFC 4514); the whole where there is none.
fn common_name(name: &str) -> String {
    let mut value = String::new();
    let Some(start) = name.find("CN=") else { return name.to_owned() };
    let mut letters = name.get(start + 3..).unwrap_or_default().chars();
    while let Some(letter) = letters.next() {
        match letter {
            ',' | '+' => break,
            '\\' => value.extend(letters.next()),
            letter => value.push(letter),
        }
    }
    value
}

fn as_of(day: Date, language: Language) -> String {
    let format = time::macros::format_description!("[day].[month].[year]");
    text("as-of", language).replace("{}", &day.format(&format).unwrap_or_default())
}

/// Day and time in Almaty, as forms there are filled in; the foot of every page names the zone.
fn moment(time: OffsetDateTime) -> String {
    let format = time::macros::format_description!("[day].[month].[year], [hour]:[minute]");
    almaty(time).format(&format).unwrap_or_default()
}

fn span(from: Option<&str>, to: Option<&str>) -> String {
    let day = |text: &str| text.split('-').rev().collect::<Vec<_>>().join(".");
    match (from.map(day), to.map(day)) {
        (Some(from), Some(to)) => format!("{from} – {to}"),
        (Some(from), None) => format!("{from} –"),
        (None, Some(to)) => format!("– {to}"),
        (None, None) => String::new(),
    }
}

fn size(bytes: u64, language: Language) -> String {
    format!("{} {}", bytes.div_ceil(1000), text("kilobytes", language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_is_read_out_of_a_distinguished_name() {
        assert_eq!(common_name("CN=A\\, B (TEST),C=KZ"), "A, B (TEST)");
        assert_eq!(common_name("C=KZ,CN=Last"), "Last");
        assert_eq!(common_name("O=No name"), "O=No name");
    }
}
