//! Annexes that follow a document in the same file: fields too long for its table, as lists on
//! pages of their own. One signature covers all.

use time::Date;

use super::blocks::{self, BODY};
use super::face::{Face, printable};
use super::sheet::{BLACK, BLUE, GREY, LEFT, RIGHT, RULE, Sheet, Style, rule};
use super::{PrintError, phrase, table};
use crate::licensing::{DocumentKind, Field, Licence, almaty};
use crate::text::Language;

/// A value of more lines than this is an annex.
const LINES: usize = 12;

/// The fields as the table shows them, and those that became annexes, in order.
pub(super) fn apart(fields: &[Field], language: Language) -> (Vec<Field>, Vec<&Field>) {
    let mut annexes = Vec::new();
    let shown = fields.iter().map(|field| {
        let rows = rows(&field.value).len();
        if rows <= LINES {
            return field.clone();
        }
        annexes.push(field);
        let value = phrase("see-annex", language)
            .replace("{n}", &annexes.len().to_string())
            .replace("{rows}", &rows.to_string());
        Field { value, ..field.clone() }
    });
    (shown.collect(), annexes)
}

/// Draws the annexes, each from a new page on.
pub(super) fn draw(
    sheet: &mut Sheet,
    licence: &Licence,
    annexes: &[&Field],
    language: Language,
) -> Result<(), PrintError> {
    let issued = almaty(licence.issued_at).date();
    let title = Style { leading: 24.0, ..Style::new(Face::Bold, 16.0, BLUE).spaced(0.8) };
    for (field, n) in annexes.iter().zip(1..) {
        sheet.need(f32::INFINITY);
        let words = phrase("annex", language).replace("{n}", &n.to_string());
        sheet.centred("H1", &words, title, RIGHT - LEFT);
        let belongs = match licence.annex_to {
            None => belonging(licence.document, &licence.number, issued, language)?,
            Some(_) => filled("to-annex", &licence.number, issued, language)?,
        };
        sheet.centred("P", &belongs, BODY, RIGHT - LEFT);
        sheet.y += 10.0;
        let label = printable(field.label.text(language))?;
        sheet.paragraph("H2", &label, Style::new(Face::Bold, 9.6, BLACK));
        sheet.y += 4.0;
        let rows = rows(&field.value);
        table::list(sheet, &rows, language)?;
        sheet.need(34.0);
        let count = phrase("annex-rows", language).replace("{rows}", &rows.len().to_string());
        sheet.paragraph("P", &count, Style::new(Face::Bold, 9.2, BLACK));
        sheet.artifact(rule(LEFT, sheet.y + 3.0, RIGHT - LEFT, 0.5, RULE));
        sheet.y += 7.0;
        sheet.paragraph("P", phrase("annex-part", language), Style::new(Face::Regular, 7.6, GREY));
    }
    Ok(())
}

/// To what an annex belongs: "to licence No. … of …".
pub(super) fn belonging(
    document: DocumentKind,
    number: &str,
    issued: Date,
    language: Language,
) -> Result<String, PrintError> {
    let key = match document {
        DocumentKind::Licence => "to-licence",
        DocumentKind::Permit => "to-permit",
    };
    filled(key, number, issued, language)
}

fn filled(
    key: &'static str,
    number: &str,
    issued: Date,
    language: Language,
) -> Result<String, PrintError> {
    let words = phrase(key, language).replace("{day}", &blocks::day(issued));
    Ok(words.replace("{number}", &printable(number)?))
}

fn rows(value: &str) -> Vec<&str> {
    value.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}
