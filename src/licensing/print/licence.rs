//! The licence, the permit, an annex to either and their duplicates as PDF.

use time::OffsetDateTime;

use super::blocks::{self, Check, Closing, Head};
use super::finish::{About, finish};
use super::sheet::{LEFT, RIGHT, Sheet};
use super::{PrintError, Printed, annex, phrase, table};
use crate::licensing::{DocumentKind, Licence};
use crate::text::Language;

/// The presentation of a licence, a permit or an annex in `language`. Equal input gives equal
/// octets. Fields too long for the first page follow as annexes on pages of their own.
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
    let (title, holder) = match (licence.document, &licence.annex_to) {
        (DocumentKind::Licence, None) => ("title-licence", "holder"),
        (DocumentKind::Licence, Some(_)) => ("title-licence-annex", "holder"),
        (DocumentKind::Permit, None) => ("title-permit", "permit-holder"),
        (DocumentKind::Permit, Some(_)) => ("title-permit-annex", "permit-holder"),
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
    if let Some(main) = &licence.annex_to {
        let words = annex::belonging(licence.document, &main.number, main.issued, language)?;
        sheet.centred("P", &words, blocks::BODY, RIGHT - LEFT);
        sheet.y += 8.0;
    }
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
    let (fields, annexes) = annex::apart(&licence.fields, language);
    table::draw(&mut sheet, &fields, language)?;
    if !licence.conditions.is_empty() {
        blocks::section(&mut sheet, phrase("conditions", language), 30.0);
        let texts: Vec<&str> = licence.conditions.iter().map(|c| c.text(language)).collect();
        blocks::numbered(&mut sheet, &texts)?;
    }
    let closing = Closing {
        label: phrase("signatory", language),
        position: licence.signatory.position.text(language),
        name: &licence.signatory.name,
        place: phrase("signature", language),
        check: Check { url: &licence.verify_url, code: &licence.code },
        notice: phrase("law", language),
    };
    blocks::closing(&mut sheet, &closing, language)?;
    annex::draw(&mut sheet, licence, &annexes, language)?;
    let named = format!("{title}  № {}", licence.number);
    let foot = format!("№ {}  ·  {}", licence.number, licence.code);
    blocks::furniture(&mut sheet, &named, &foot, language)?;
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
