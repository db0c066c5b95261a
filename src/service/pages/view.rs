//! What templates show: reports and licences as sentences of one language.

use time::OffsetDateTime;

use super::super::register::{PublicLicence, REFUSAL_KIND};
use super::text;
use crate::licensing::almaty;
use crate::text::Language;
use crate::validation::{LicenceInfo, ReasonInfo, Report, SignatureReport, TimeSource, Verdict};

/// A report.
pub struct ReportView {
    pub class: &'static str,
    pub headline: &'static str,
    pub explanation: &'static str,
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
    pub reasons: Vec<ReasonInfo>,
    pub warnings: Vec<ReasonInfo>,
    pub signer: String,
    pub iin: String,
    pub bin: String,
    pub organisation: String,
    pub claimed_time: String,
    pub judged_at: String,
    pub revocation: String,
    pub coverage: &'static str,
    pub format: &'static str,
    pub algorithm: String,
    pub issuer: String,
}

/// A licence.
pub struct LicenceView {
    pub class: String,
    pub title: &'static str,
    pub number: String,
    pub state: &'static str,
    pub holder: String,
    pub kind: &'static str,
    pub valid: String,
    pub issued: String,
    pub matches_register: bool,
}

/// A document to download.
pub struct DownloadView {
    pub href: String,
    pub name: String,
    pub size: String,
}

impl ReportView {
    pub fn new(report: &Report, name: &str, language: Language) -> Self {
        let (class, headline, explanation) = match report.verdict {
            Verdict::TotalPassed => ("passed", "passed", "passed-explained"),
            Verdict::TotalFailed => ("failed", "failed", "failed-explained"),
            Verdict::Indeterminate => ("indeterminate", "indeterminate", "indeterminate-explained"),
        };
        Self {
            class,
            headline: text(headline, language),
            explanation: text(explanation, language),
            name: name.to_owned(),
            format: report.document.format.clone(),
            size: size(report.document.size as u64),
            sha256: report.document.sha256.clone(),
            signatures: report.signatures.iter().map(|s| SignatureView::new(s, language)).collect(),
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
        let status = match signature.revocation.status.as_str() {
            "good" => "revocation-good",
            "revoked" => "revocation-revoked",
            "on-hold" => "revocation-on-hold",
            "not-checked" => "revocation-not-checked",
            _ => "revocation-unknown",
        };
        let answered = signature
            .revocation
            .at
            .map(|at| format!(" ({}, {})", signature.revocation.source.to_uppercase(), moment(at)));
        let whole = signature.covers_whole_document;
        let signer = &signature.signer;
        Self {
            class,
            headline: text(headline, language),
            reasons: signature.reasons.clone(),
            warnings: signature.warnings.clone(),
            signer: if signer.name.is_empty() { "—".to_owned() } else { signer.name.clone() },
            iin: signer.iin.clone().unwrap_or_default(),
            bin: signer.bin.clone().unwrap_or_default(),
            organisation: signer.organisation.clone().unwrap_or_default(),
            claimed_time: signature.claimed_time.map(moment).unwrap_or_default(),
            judged_at: format!(
                "{} ({})",
                moment(signature.trusted_time.time),
                text(source, language)
            ),
            revocation: format!("{}{}", text(status, language), answered.unwrap_or_default()),
            coverage: text(if whole { "covers-whole" } else { "covers-part" }, language),
            format: signature.format.as_str(),
            algorithm: signature.algorithm.clone(),
            issuer: signature.certificate.as_ref().map(|c| c.issuer.clone()).unwrap_or_default(),
        }
    }
}

impl LicenceView {
    pub fn public(licence: &PublicLicence, language: Language) -> Self {
        Self {
            class: licence.state.clone(),
            title: text(if licence.kind == REFUSAL_KIND { "refusal" } else { "licence" }, language),
            number: licence.number.clone(),
            state: state(&licence.state, language),
            holder: licence.holder.clone(),
            kind: match licence.kind.as_str() {
                "export" => text("kind-export", language),
                "import" => text("kind-import", language),
                REFUSAL_KIND => text("kind-refusal", language),
                _ => "",
            },
            valid: span(licence.valid_from.as_deref(), licence.valid_to.as_deref()),
            issued: moment(licence.issued_at),
            matches_register: true,
        }
    }

    pub fn of_report(licence: &LicenceInfo, language: Language) -> Self {
        Self {
            class: licence.state.clone(),
            title: text("licence", language),
            number: licence.number.clone(),
            state: state(&licence.state, language),
            holder: licence.holder.clone().unwrap_or_default(),
            kind: "",
            valid: span(licence.valid_from.as_deref(), licence.valid_to.as_deref()),
            issued: String::new(),
            matches_register: licence.matches_register,
        }
    }
}

impl DownloadView {
    pub fn new(code: &str, name: &str, bytes: u64) -> Self {
        Self {
            href: format!("/api/v1/documents/{code}/{name}"),
            name: name.to_owned(),
            size: size(bytes),
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
    let key = match state {
        "active" => "state-active",
        "suspended" => "state-suspended",
        "reissued" => "state-reissued",
        "refused" => "state-refused",
        "terminated" => "state-terminated",
        "not-begun" => "state-not-begun",
        "expired" => "state-expired",
        _ => "state-unknown",
    };
    text(key, language)
}

/// Day and time in Almaty, as forms there are filled in.
fn moment(time: OffsetDateTime) -> String {
    let format = time::macros::format_description!("[day].[month].[year] [hour]:[minute] (UTC+5)");
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

fn size(bytes: u64) -> String {
    if bytes < 10_000 { format!("{bytes} B") } else { format!("{} KB", bytes.div_ceil(1000)) }
}
