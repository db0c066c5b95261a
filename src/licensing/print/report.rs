//! The report on a verified document as PDF, for people who keep paper.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::blocks::{self, Check, Closing};
use super::face::{Face, printable};
use super::finish::{About, finish};
use super::sheet::{ALARM, BLACK, BLUE, GREY, LEFT, RIGHT, Sheet, Style};
use super::{PrintError, Printed, check_printable, phrase, table};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::licensing::{Field, Wording, almaty};
use crate::text::Language;
use crate::validation::{ReasonInfo, Report, SignatureReport, Verdict, licence_state_key};

/// Digits of the report's code: 128 bits.
const CODE: usize = 32;

/// Who seals a report, and how it is found again.
#[derive(Clone, Copy, Debug)]
pub struct ReportSeal<'a> {
    /// Name of the seal's holder.
    pub name: &'a str,
    /// Its organisation; may be empty.
    pub organisation: &'a str,
    /// The report's own verification code.
    pub code: &'a str,
    /// Address behind the QR code.
    pub url: &'a str,
}

/// The printed report on `file`, verified at `made`, without a seal; it says so. Equal input gives
/// equal octets. What the faces cannot show becomes a question mark: names in a report are
/// anybody's.
///
/// # Errors
/// [`PrintError`] if the PDF cannot be written.
pub fn report_pdf(
    report: &Report,
    file: &str,
    made: OffsetDateTime,
    language: Language,
) -> Result<Vec<u8>, PrintError> {
    let code = code(report, made);
    let mut sheet = body(report, file, made, language)?;
    sheet.need(60.0);
    let strong = Style::new(Face::Bold, 10.0, BLACK);
    let small = Style::new(Face::Regular, 7.6, GREY);
    sheet.paragraph("P", &format!("{}: {code}", phrase("report-code", language)), strong);
    sheet.paragraph("P", phrase("report-code-how", language), small);
    sheet.paragraph("P", phrase("unsealed", language), small);
    whole(sheet, &code, "Qoltanba", made, language)
}

/// The same with the place of the seal, and the code and address by which it is found again.
///
/// # Errors
/// As [`report_pdf`]; [`PrintError::Address`] if the address is too long for a QR code.
pub fn sealed_report_pdf(
    report: &Report,
    file: &str,
    made: OffsetDateTime,
    seal: &ReportSeal<'_>,
    language: Language,
) -> Result<Printed, PrintError> {
    let mut sheet = body(report, file, made, language)?;
    let (organisation, name) = (shown(seal.organisation), shown(seal.name));
    let closing = Closing {
        label: phrase("sealed-by", language),
        position: &organisation,
        name: &name,
        place: phrase("seal", language),
        check: Check { url: seal.url, code: seal.code },
        notice: phrase("seal-says", language),
    };
    blocks::closing(&mut sheet, &closing, language)?;
    let stamp = sheet.stamp.ok_or(PrintError::Font)?;
    let author = if organisation.is_empty() { &name } else { &organisation };
    Ok(Printed { pdf: whole(sheet, seal.code, author, made, language)?, stamp })
}

/// Everything but how the report ends.
fn body(
    report: &Report,
    file: &str,
    made: OffsetDateTime,
    language: Language,
) -> Result<Sheet, PrintError> {
    let title = phrase("title-report", language);
    let mut sheet = Sheet::new();
    sheet.y = 54.0;
    let heading = Style { leading: 28.0, ..Style::new(Face::Bold, 20.0, BLUE).spaced(1.0) };
    sheet.centred("H1", title, heading, RIGHT - LEFT);
    let verdict = Style::new(Face::Bold, 12.0, BLACK);
    sheet.centred("P", phrase(verdict_key(report.verdict), language), verdict, RIGHT - LEFT);
    // What the register says against it must not be overlooked behind valid signatures.
    let alarm = Style::new(Face::Bold, 10.0, ALARM);
    for words in differences(report, language) {
        sheet.centred("P", words, alarm, RIGHT - LEFT);
    }
    sheet.y += 12.0;
    let format = shown(&report.document.format);
    let bytes = phrase("bytes", language);
    let document = format!("{} ({format}, {} {bytes})", shown(file), report.document.size);
    let document = document.trim_start().to_owned();
    blocks::facts(
        &mut sheet,
        &[
            (phrase("report-document", language), document, 0.46),
            (phrase("report-made", language), local(made), 0.28),
            (phrase("report-policy", language), shown(&report.policy.id), 0.26),
        ],
    );
    table::draw(&mut sheet, &about_document(report, language), language)?;
    for (index, signature) in report.signatures.iter().enumerate() {
        let name = format!("{} {}", phrase("report-signature", language), index + 1);
        blocks::section(&mut sheet, &name, 90.0);
        table::draw(&mut sheet, &about_signature(signature, language), language)?;
    }
    Ok(sheet)
}

fn whole(
    mut sheet: Sheet,
    code: &str,
    author: &str,
    made: OffsetDateTime,
    language: Language,
) -> Result<Vec<u8>, PrintError> {
    let title = phrase("title-report", language);
    blocks::furniture(&mut sheet, title, code, language)?;
    let about = About { title: format!("{title} {code}"), author, number: code, language, made };
    finish(sheet, &about)
}

fn about_document(report: &Report, language: Language) -> Vec<Field> {
    let mut rows = vec![("report-digest", report.document.sha256.clone())];
    if let Some(licence) = &report.licence {
        let holder = licence.holder.as_deref().unwrap_or_default();
        let days = [&licence.valid_from, &licence.valid_to].map(|day| day.as_deref().map(turned));
        let days = days.into_iter().flatten().collect::<Vec<_>>().join(" – ");
        let agrees = [
            (licence.attachment_matches, "attachment-agrees", "attachment-differs"),
            (licence.pages_match, "pages-agree", "pages-differ"),
        ];
        let agrees = agrees.map(|(agrees, yes, no)| match agrees {
            Some(agrees) => phrase(if agrees { yes } else { no }, language),
            None => "",
        });
        let state = phrase(licence_state_key(&licence.state), language);
        let text = [licence.number.as_str(), state, holder, &days, agrees[0], agrees[1]];
        let text: Vec<&str> = text.into_iter().filter(|text| !text.is_empty()).collect();
        rows.push(("report-licence", text.join("\n")));
    }
    fields(rows, language)
}

fn about_signature(signature: &SignatureReport, language: Language) -> Vec<Field> {
    let verdict = match signature.sub_indication {
        None => signature.verdict.as_str().to_owned(),
        Some(why) => format!("{} ({})", signature.verdict.as_str(), why.as_str()),
    };
    let signer = &signature.signer;
    let numbers = [("iin", &signer.iin), ("bin", &signer.bin)];
    let numbers = numbers.into_iter().filter_map(|(key, number)| {
        Some(format!("{} {}", phrase(key, language), number.as_ref()?))
    });
    let name = std::iter::once(signer.name.clone()).chain(numbers);
    let certificate = signature.certificate.as_ref().map(|one| {
        format!(
            "{}\n{}\n{} – {}",
            one.serial,
            one.issuer,
            local(one.not_before),
            local(one.not_after)
        )
    });
    let status = phrase(signature.revocation.status_key(), language);
    let revocation = match signature.revocation.source.as_str() {
        "none" => status.to_owned(),
        source => format!("{status} ({})", source.to_uppercase()),
    };
    let told = |reasons: &[ReasonInfo]| {
        let lines = reasons.iter().map(|reason| match reason.detail.as_str() {
            "" => reason.message.clone(),
            detail => format!("{} [{detail}]", reason.message),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let format = format!("{}, {}", signature.format.as_str(), signature.algorithm);
    let rows = vec![
        ("report-verdict", verdict),
        ("report-signer", name.collect::<Vec<_>>().join("\n")),
        ("report-organisation", signer.organisation.clone().unwrap_or_default()),
        ("report-format", format),
        ("report-time", local(signature.trusted_time.time)),
        ("report-certificate", certificate.unwrap_or_default()),
        ("report-revocation", revocation),
        ("report-reasons", told(&signature.reasons)),
        ("report-warnings", told(&signature.warnings)),
        ("report-later", signature.later_changes.join("\n")),
    ];
    let rows = rows.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    fields(rows, language)
}

fn fields(rows: Vec<(&'static str, String)>, language: Language) -> Vec<Field> {
    let field = |(number, (key, value)): (u8, (&'static str, String))| {
        let label = phrase(key, language);
        Field {
            id: key.to_owned(),
            number,
            label: Wording::new(label, label, label),
            value: shown(&value),
        }
    };
    (1..).zip(rows).map(field).collect()
}

fn differences(report: &Report, language: Language) -> impl Iterator<Item = &'static str> {
    let licence = report.licence.as_ref();
    let found = [
        (licence.and_then(|licence| licence.attachment_matches), "attachment-differs"),
        (licence.and_then(|licence| licence.pages_match), "pages-differ"),
    ];
    let differs = found.into_iter().filter(|(matches, _)| *matches == Some(false));
    differs.map(move |(_, key)| phrase(key, language))
}

/// `YYYY-MM-DD` as documents print days.
fn turned(day: &str) -> String {
    let parts: Vec<&str> = day.rsplit('-').collect();
    parts.join(".")
}

fn verdict_key(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TotalPassed => "verdict-passed",
        Verdict::TotalFailed => "verdict-failed",
        Verdict::Indeterminate => "verdict-unknown",
    }
}

/// Four groups of eight digits, from what the report says.
fn code(report: &Report, made: OffsetDateTime) -> String {
    let verdicts: Vec<&str> = report.signatures.iter().map(|one| one.verdict.as_str()).collect();
    let said = format!(
        "{}\n{}\n{}\n{}",
        report.document.sha256,
        report.verdict.as_str(),
        verdicts.join(" "),
        moment(made)
    );
    let digits = hex(&digest(DigestAlgorithm::Sha256, said.as_bytes()));
    let digits = digits.get(..CODE).unwrap_or_default().as_bytes();
    let groups = digits.chunks(8).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("-")
}

/// A moment as people in Kazakhstan read it.
fn local(time: OffsetDateTime) -> String {
    let format =
        time::macros::format_description!("[day].[month].[year] [hour]:[minute]:[second] (UTC+5)");
    almaty(time).format(&format).unwrap_or_default()
}

fn moment(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_default()
}

/// The text with a question mark for whatever the faces lack.
fn shown(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| match c == '\n' || check_printable(c.encode_utf8(&mut [0; 4])).is_ok() {
            true => c,
            false => '?',
        })
        .collect();
    printable(&shown).unwrap_or_default()
}
