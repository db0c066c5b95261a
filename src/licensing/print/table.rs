//! Tables: the fields of a form, and lists of goods; wrapped text, rows over pages, the head repeated.

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

struct Column {
    x: f32,
    width: f32,
    style: Style,
    head: &'static str,
}

/// Draws all fields, empty ones with a dash.
pub(super) fn draw(
    sheet: &mut Sheet,
    fields: &[Field],
    language: Language,
) -> Result<(), PrintError> {
    let columns = columns(&[
        (NUMBER, NAME, "№"),
        (LABEL, NAME, phrase("item", language)),
        (f32::INFINITY, BODY, phrase("value", language)),
    ]);
    let rows = fields.iter().map(|field| {
        let value = if field.value.trim().is_empty() { "—" } else { &field.value };
        let label = printable(field.label.text(language))?;
        Ok(vec![field.number.to_string(), label, printable(value)?])
    });
    grid(sheet, &columns, rows, language)
}

/// Draws a list, one row for each item. Items that all begin with a code of goods have it in a
/// column of its own.
pub(super) fn list(
    sheet: &mut Sheet,
    items: &[&str],
    language: Language,
) -> Result<(), PrintError> {
    let coded: Option<Vec<_>> = items.iter().map(|item| coded(item)).collect();
    let number = (NUMBER + 8.0, NAME, "№");
    let (columns, cells): (_, Vec<Vec<&str>>) = match coded {
        Some(pairs) => (
            columns(&[
                number,
                (92.0, BODY, phrase("goods-code", language)),
                (f32::INFINITY, BODY, phrase("goods-description", language)),
            ]),
            pairs.into_iter().map(|(code, text)| vec![code, text]).collect(),
        ),
        None => (
            columns(&[number, (f32::INFINITY, BODY, phrase("value", language))]),
            items.iter().map(|item| vec![*item]).collect(),
        ),
    };
    let rows = cells.into_iter().zip(1_usize..).map(|(cells, place)| {
        let cells = cells.into_iter().map(printable);
        std::iter::once(Ok(place.to_string())).chain(cells).collect()
    });
    grid(sheet, &columns, rows, language)
}

/// Code and description of goods, written as `2710 19 310 0 — …`.
fn coded(item: &str) -> Option<(&str, &str)> {
    let (code, text) = [" — ", " – ", "\t"].iter().find_map(|dash| item.split_once(dash))?;
    let written = code.trim();
    let plain = written.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '.');
    (plain && (4..=16).contains(&written.len()) && !text.trim().is_empty())
        .then_some((written, text.trim()))
}

fn columns(shape: &[(f32, Style, &'static str)]) -> Vec<Column> {
    let mut x = LEFT;
    let columns = shape.iter().map(|(width, style, head)| {
        let end = (x + width).min(RIGHT);
        let inset = if x == LEFT { GAP } else { 0.0 };
        let column =
            Column { x: x + inset, width: end - x - inset - GUTTER / 2.0, style: *style, head };
        x = end;
        column
    });
    columns.collect()
}

fn grid(
    sheet: &mut Sheet,
    columns: &[Column],
    rows: impl Iterator<Item = Result<Vec<String>, PrintError>>,
    language: Language,
) -> Result<(), PrintError> {
    sheet.tree.open("Table", None);
    sheet.need(60.0);
    head(sheet, columns, None);
    for cells in rows {
        let cells = cells?;
        let wrapped = columns.iter().zip(&cells);
        let wrapped: Vec<_> =
            wrapped.map(|(column, text)| column.style.wrap(text, column.width)).collect();
        row(sheet, columns, &wrapped, language);
    }
    sheet.tree.close();
    sheet.y += 11.0;
    Ok(())
}

fn head(sheet: &mut Sheet, columns: &[Column], continued: Option<&str>) {
    let y = sheet.y;
    let height = HEAD.leading + 2.0 * PAD;
    let mut back = fill(LEFT, y, RIGHT - LEFT, height, TINT);
    back.extend(rule(LEFT, y, RIGHT - LEFT, 0.9, BLUE));
    back.extend(rule(LEFT, y + height, RIGHT - LEFT, 0.5, BLUE));
    sheet.artifact(back);
    sheet.tree.open("TR", None);
    let mut continued = continued;
    for (place, column) in columns.iter().enumerate() {
        let mut words = column.head.to_owned();
        if let Some(word) = continued.filter(|_| place > 0) {
            let both = format!("{words} ({word})");
            // In the first column that has room for it.
            if HEAD.width(&both) <= column.width {
                (words, continued) = (both, None);
            }
        }
        sheet.lines("TH", (column.x, y + PAD), &[words], HEAD, Align::Left);
    }
    sheet.tree.close();
    sheet.y += height;
}

/// One row, broken over pages where it is long; a short one moves to the next page whole.
fn row(sheet: &mut Sheet, columns: &[Column], cells: &[Vec<String>], language: Language) {
    const SHORT: usize = 8;
    let mut rest: Vec<&[String]> = cells.iter().map(Vec::as_slice).collect();
    let continued = Some(phrase("continued", language));
    loop {
        let lines = rest.iter().map(|cell| cell.len()).max().unwrap_or(0);
        let fits = ((sheet.room() - 2.0 * PAD) / BODY.leading).max(0.0) as usize;
        // Never one line alone at the foot or at the head of a page.
        let now = if lines <= fits { lines } else { fits.min(lines.saturating_sub(2)) };
        if now < lines && (lines <= SHORT || now < 2) {
            sheet.need(f32::INFINITY);
            head(sheet, columns, continued);
            if fits_nowhere(sheet) {
                return;
            }
            continue;
        }
        let (y, height) = (sheet.y + PAD, BODY.height(now) + 2.0 * PAD);
        sheet.tree.open("TR", None);
        let mut more = false;
        for (place, (column, cell)) in columns.iter().zip(&mut rest).enumerate() {
            let (these, later) = cell.split_at(now.min(cell.len()));
            sheet.lines("TD", (column.x, y), these, column.style, Align::Left);
            more |= !later.is_empty();
            // The number stands beside each part of its row.
            if place > 0 {
                *cell = later;
            }
        }
        sheet.tree.close();
        sheet.y += height;
        sheet.artifact(rule(LEFT, sheet.y - 0.25, RIGHT - LEFT, 0.5, RULE));
        if !more {
            return;
        }
        sheet.need(f32::INFINITY);
        head(sheet, columns, continued);
    }
}

/// A fresh page always has room for a row's first lines; this keeps a wrong constant from looping.
fn fits_nowhere(sheet: &Sheet) -> bool {
    sheet.room() < BODY.height(9) + 2.0 * PAD
}
