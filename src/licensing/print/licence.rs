//! The licence and the permit as PDF.

use time::OffsetDateTime;

use super::blocks::{self, Check, Head};
use super::finish::{About, finish};
use super::sheet::Sheet;
use super::{PrintError, Printed, phrase, table};
use crate::licensing::{DocumentKind, Licence};
use crate::text::Language;

/// The presentation of a licence or permit in `language`. Equal input gives equal octets.
///
/// # Errors
/// [`PrintError::Character`] if a text has a character the document's faces lack,
/// [`PrintError::Address`] if the verification address is too long for a QR code.
pub fn licence_pdf(licence: &Licence, language: Language) -> Result<Printed, PrintError> {
    draw(licence, None, language)
}

/// The same as a duplicate made on a later day, and marked as such on every page.
///
/// # Errors
/// As [`licence_pdf`].
pub fn duplicate_pdf(
    licence: &Licence,
    made: OffsetDateTime,
    language: Language,
) -> Result<Printed, PrintError> {
    draw(licence, Some(made), language)
}

fn draw(
    licence: &Licence,
    duplicate: Option<OffsetDateTime>,
    language: Language,
) -> Result<Printed, PrintError> {
    let (title, holder) = match licence.document {
        DocumentKind::Licence => ("title-licence", "holder"),
        DocumentKind::Permit => ("title-permit", "permit-holder"),
    };
    let title = match duplicate {
        None => phrase(title, language).to_owned(),
        Some(_) => format!("{} ({})", phrase(title, language), phrase("duplicate", language)),
    };
    let title = title.as_str();
    let mut sheet = Sheet::new();
    let head = Head {
        authority: &licence.authority,
        title,
        subtitle: licence.kind_name.text(language),
        number: &licence.number,
    };
    blocks::head(&mut sheet, &head, language)?;
    if let Some(made) = duplicate {
        let words = format!("{} {}", phrase("duplicate-made", language), blocks::day_of(made));
        sheet.centred("P", &words, blocks::BODY, 400.0);
        sheet.y += 8.0;
    }
    let validity =
        format!("{} – {}", blocks::day(licence.valid_from), blocks::day(licence.valid_to));
    blocks::facts(
        &mut sheet,
        &[
            (phrase("issued", language), blocks::day_of(licence.issued_at), 0.24),
            (phrase("validity", language), validity, 0.40),
            (
                phrase("request", language),
                super::face::printable(&licence.origin.incoming_number)?,
                0.36,
            ),
        ],
    );
    let label = phrase(holder, language);
    blocks::party(&mut sheet, label, &licence.holder_name, &licence.holder, language)?;
    blocks::section(&mut sheet, phrase("particulars", language), 60.0);
    table::draw(&mut sheet, &licence.fields, language)?;
    if !licence.conditions.is_empty() {
        blocks::section(&mut sheet, phrase("conditions", language), 30.0);
        let texts: Vec<&str> = licence.conditions.iter().map(|c| c.text(language)).collect();
        blocks::numbered(&mut sheet, &texts)?;
    }
    let check = Check { url: &licence.verify_url, code: &licence.code };
    blocks::closing(&mut sheet, &licence.signatory, &check, language)?;
    blocks::furniture(&mut sheet, title, &licence.number, language);
    let about = About {
        title: format!("{title} № {}", licence.number),
        author: licence.authority.name.text(language),
        number: &licence.number,
        language,
        made: duplicate.unwrap_or(licence.issued_at),
    };
    let stamp = sheet.stamp.ok_or(PrintError::Font)?;
    Ok(Printed { pdf: finish(sheet, &about)?, stamp })
}
