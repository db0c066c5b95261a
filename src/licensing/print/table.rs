//! The table of a form's fields: wrapped text, rows over pages, the head repeated.

use super::blocks::BODY;
use super::face::{Face, printable};
use super::sheet::{Align, BLUE, GREY, LEFT, RIGHT, RULE, Sheet, Style, TINT, fill, rule};
use super::{PrintError, phrase};
use crate::licensing::Field;
use crate::text::Language;

const NUMBER: f32 = 26.0;
const LABEL: f32 = 176.0;
const PAD: f32 = 3.4;
const GAP: f32 = 6.0;
const GUTTER: f32 = 14.0;
const HEAD: Style = Style::new(Face::Bold, 8.2, BLUE);
/// Labels: smaller, on the baselines of the values.
const NAME: Style = Style { leading: BODY.leading, ..Style::new(Face::Regular, 8.4, GREY) };

/// Draws all fields, empty ones with a dash.
pub(super) fn draw(
    sheet: &mut Sheet,
    fields: &[Field],
    language: Language,
) -> Result<(), PrintError> {
    sheet.tree.open("Table", None);
    sheet.need(60.0);
    head(sheet, language, false);
    for field in fields {
        let names = NAME.wrap(&printable(field.label.text(language))?, LABEL - GUTTER);
        let value = if field.value.trim().is_empty() { "—" } else { &field.value };
        let values = BODY.wrap(&printable(value)?, RIGHT - LEFT - NUMBER - LABEL - GUTTER);
        row(sheet, (field.number, &names, &values), language);
    }
    sheet.tree.close();
    sheet.y += 11.0;
    Ok(())
}

fn head(sheet: &mut Sheet, language: Language, continued: bool) {
    let y = sheet.y;
    let height = HEAD.leading + 2.0 * PAD;
    let mut back = fill(LEFT, y, RIGHT - LEFT, height, TINT);
    back.extend(rule(LEFT, y, RIGHT - LEFT, 0.9, BLUE));
    back.extend(rule(LEFT, y + height, RIGHT - LEFT, 0.5, BLUE));
    sheet.artifact(back);
    let item = phrase("item", language);
    let item =
        if continued { format!("{item} ({})", phrase("continued", language)) } else { item.into() };
    let cells = [
        (LEFT + GAP, "№".to_owned()),
        (LEFT + NUMBER, item),
        (LEFT + NUMBER + LABEL, phrase("value", language).to_owned()),
    ];
    sheet.tree.open("TR", None);
    for (x, words) in cells {
        sheet.lines("TH", (x, y + PAD), &[words], HEAD, Align::Left);
    }
    sheet.tree.close();
    sheet.y += height;
}

/// One row, broken over pages where it is long; a short one moves to the next page whole.
fn row(sheet: &mut Sheet, (number, names, values): (u8, &[String], &[String]), language: Language) {
    const SHORT: usize = 8;
    let (mut names, mut values) = (names, values);
    let numbers = [number.to_string()];
    loop {
        let lines = names.len().max(values.len());
        let fits = ((sheet.room() - 2.0 * PAD) / BODY.leading).max(0.0) as usize;
        // Never one line alone at the foot or at the head of a page.
        let now = if lines <= fits { lines } else { fits.min(lines.saturating_sub(2)) };
        if now < lines && (lines <= SHORT || now < 2) {
            sheet.need(f32::INFINITY);
            head(sheet, language, true);
            if fits_nowhere(sheet) {
                return;
            }
            continue;
        }
        let (y, height) = (sheet.y + PAD, BODY.height(now) + 2.0 * PAD);
        let (these, later) = names.split_at(now.min(names.len()));
        let (those, after) = values.split_at(now.min(values.len()));
        sheet.tree.open("TR", None);
        sheet.lines("TD", (LEFT + GAP, y), &numbers, NAME, Align::Left);
        sheet.lines("TD", (LEFT + NUMBER, y), these, NAME, Align::Left);
        sheet.lines("TD", (LEFT + NUMBER + LABEL, y), those, BODY, Align::Left);
        sheet.tree.close();
        sheet.y += height;
        sheet.artifact(rule(LEFT, sheet.y - 0.25, RIGHT - LEFT, 0.5, RULE));
        if later.is_empty() && after.is_empty() {
            return;
        }
        (names, values) = (later, after);
        sheet.need(f32::INFINITY);
        head(sheet, language, true);
    }
}

/// A fresh page always has room for a row's first lines; this keeps a wrong constant from looping.
fn fits_nowhere(sheet: &Sheet) -> bool {
    sheet.room() < BODY.height(9) + 2.0 * PAD
}
