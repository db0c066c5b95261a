//! The reasoned refusal as PDF.

use super::blocks::{self, BODY, Check, Closing, Head};
use super::face::printable;
use super::finish::{About, finish};
use super::sheet::Sheet;
use super::{PrintError, Printed, phrase};
use crate::licensing::Refusal;
use crate::text::Language;

/// The presentation of a refusal in `language`. Equal input gives equal octets.
///
/// # Errors
/// [`PrintError::Character`] if a text has a character the document's faces lack,
/// [`PrintError::Address`] if the verification address is too long for a QR code.
pub fn refusal_pdf(refusal: &Refusal, language: Language) -> Result<Printed, PrintError> {
    let title = phrase("title-refusal", language);
    let mut sheet = Sheet::new();
    let head = Head {
        authority: &refusal.authority,
        title,
        subtitle: refusal.service_name.text(language),
        number: &refusal.number,
    };
    blocks::head(&mut sheet, &head, language)?;
    blocks::facts(
        &mut sheet,
        &[
            (phrase("decided", language), blocks::day_of(refusal.issued_at), 0.40),
            (phrase("request", language), printable(&refusal.origin.incoming_number)?, 0.60),
        ],
    );
    let label = phrase("applicant", language);
    blocks::party(&mut sheet, label, &refusal.applicant_name, &refusal.applicant, language)?;
    blocks::section(&mut sheet, phrase("grounds", language), 30.0);
    let grounds: Vec<&str> = refusal.grounds.iter().map(|g| g.text.text(language)).collect();
    blocks::numbered(&mut sheet, &grounds)?;
    blocks::section(&mut sheet, phrase("reason", language), 30.0);
    for paragraph in printable(&refusal.reason)?.split('\n') {
        sheet.paragraph("P", paragraph, BODY);
        sheet.y += 3.0;
    }
    sheet.y += 8.0;
    let closing = Closing {
        label: phrase("signatory", language),
        position: refusal.signatory.position.text(language),
        name: &refusal.signatory.name,
        place: phrase("signature", language),
        check: Check { url: &refusal.verify_url, code: &refusal.code },
        notice: phrase("law", language),
    };
    blocks::closing(&mut sheet, &closing, language)?;
    let named = format!("{title}  № {}", refusal.number);
    let foot = format!("№ {}  ·  {}", refusal.number, refusal.code);
    blocks::furniture(&mut sheet, &named, &foot, language)?;
    let about = About {
        title: format!("{title} № {}", refusal.number),
        author: refusal.authority.name.text(language),
        number: &refusal.number,
        language,
        made: refusal.issued_at,
    };
    let stamp = sheet.stamp.ok_or(PrintError::Font)?;
    Ok(Printed { pdf: finish(sheet, &about)?, stamp })
}
