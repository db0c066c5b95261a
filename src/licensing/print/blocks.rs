//! The building blocks of printed documents: head, facts, sections, parties, closing.

use printpdf::{Op, XObjectId, XObjectTransform};
use time::{Date, OffsetDateTime, UtcOffset};

use super::face::{Face, printable};
use super::sheet::{
    Align, BLACK, BLUE, GOLD, GREY, LEFT, RIGHT, RULE, Sheet, Style, TINT, WIDTH, fill, outline,
    rule,
};
use super::{PrintError, StampPlace, ornament, phrase, qr};
use crate::identity::Applicant;
use crate::licensing::Authority;
use crate::text::Language;

/// Legal time of Kazakhstan since 1 March 2024: one zone, UTC+5.
const LEGAL_TIME: UtcOffset = time::macros::offset!(+5);

const LABEL: Style = Style::new(Face::Regular, 7.4, GREY);
const SECTION: Style = Style::new(Face::Bold, 10.0, BLUE);
/// Body text.
pub(super) const BODY: Style = Style::new(Face::Regular, 9.2, BLACK);
const STRONG: Style = Style::new(Face::Bold, 10.2, BLACK);
const SMALL: Style = Style::new(Face::Regular, 7.6, GREY);

/// What stands at the head of the first page.
pub(super) struct Head<'a> {
    pub(super) authority: &'a Authority,
    pub(super) title: &'a str,
    pub(super) subtitle: &'a str,
    pub(super) number: &'a str,
}

/// How a third party checks the document.
pub(super) struct Check<'a> {
    pub(super) url: &'a str,
    pub(super) code: &'a str,
}

/// What stands at the end of a document.
pub(super) struct Closing<'a> {
    /// What the one who signs is.
    pub(super) label: &'a str,
    pub(super) position: &'a str,
    pub(super) name: &'a str,
    /// What the visible signature is.
    pub(super) place: &'a str,
    pub(super) check: Check<'a>,
    /// What the law, or the one who seals, says of the document.
    pub(super) notice: &'a str,
}

/// State, authority, title and number.
pub(super) fn head(
    sheet: &mut Sheet,
    head: &Head<'_>,
    language: Language,
) -> Result<(), PrintError> {
    let state = Style::new(Face::Bold, 8.6, BLUE).spaced(0.75);
    let name = Style::new(Face::Bold, 13.0, BLACK);
    sheet.y = 54.0;
    sheet.centred("P", &phrase("state", language).to_uppercase(), state, 400.0);
    sheet.y += 2.0;
    sheet.centred("P", &printable(head.authority.name.text(language))?, name, 440.0);
    let bin = format!("{} {}", phrase("bin", language), head.authority.bin);
    sheet.centred("P", &bin, SMALL, 400.0);
    sheet.y += 9.0;
    let divider = ornament::divider(sheet.y);
    sheet.artifact(divider);
    sheet.y += 8.0;
    let title = Style { leading: 32.0, ..Style::new(Face::Bold, 25.0, BLUE).spaced(1.6) };
    sheet.centred("H1", head.title, title, RIGHT - LEFT);
    let subtitle = Style::new(Face::Regular, 11.4, BLACK);
    sheet.centred("P", &printable(head.subtitle)?, subtitle, 420.0);
    sheet.y += 3.0;
    let number = Style::new(Face::Bold, 13.0, BLACK).spaced(0.2);
    sheet.centred("P", &format!("№ {}", printable(head.number)?), number, RIGHT - LEFT);
    sheet.y += 10.0;
    Ok(())
}

/// A strip of labelled values; each cell is label, value and its share of the width.
pub(super) fn facts(sheet: &mut Sheet, cells: &[(&str, String, f32)]) {
    const PAD: f32 = 8.0;
    let mut x = LEFT;
    let mut laid = Vec::new();
    let mut tallest: f32 = 0.0;
    for (label, value, share) in cells {
        let width = (RIGHT - LEFT) * share;
        let labels = LABEL.wrap(label, width - 2.0 * PAD);
        let values = STRONG.wrap(value, width - 2.0 * PAD);
        tallest = tallest.max(LABEL.height(labels.len()) + STRONG.height(values.len()));
        laid.push((x, labels, values));
        x += width;
    }
    let height = tallest + 11.0;
    let y = sheet.y;
    let mut box_ = fill(LEFT, y, RIGHT - LEFT, height, TINT);
    box_.extend(rule(LEFT, y, RIGHT - LEFT, 0.9, BLUE));
    for (x, _, _) in laid.iter().skip(1) {
        box_.extend(fill(*x, y + 6.0, 0.5, height - 11.0, RULE));
    }
    sheet.artifact(box_);
    for (x, labels, values) in &laid {
        sheet.lines("P", (x + PAD, y + 5.5), labels, LABEL, Align::Left);
        let below = y + 5.5 + LABEL.height(labels.len());
        sheet.lines("P", (x + PAD, below), values, STRONG, Align::Left);
    }
    sheet.y += height + 11.0;
}

/// A section's heading; at least `below` points of its text stay with it.
pub(super) fn section(sheet: &mut Sheet, title: &str, below: f32) {
    sheet.need(SECTION.leading + 4.0 + below);
    sheet.lines("H2", (LEFT, sheet.y), &[title.to_owned()], SECTION, Align::Left);
    sheet.y += SECTION.leading + 1.0;
}

/// Who holds or asks: label, name, number.
pub(super) fn party(
    sheet: &mut Sheet,
    label: &str,
    name: &str,
    applicant: &Applicant,
    language: Language,
) -> Result<(), PrintError> {
    let style = Style::new(Face::Bold, 11.4, BLACK);
    let number = match applicant {
        Applicant::Person { iin } => format!("{} {iin}", phrase("iin", language)),
        Applicant::Organisation { bin } => format!("{} {bin}", phrase("bin", language)),
    };
    sheet.paragraph("P", label, LABEL);
    sheet.paragraph("P", &printable(name)?, style);
    sheet.paragraph("P", &number, Style::new(Face::Regular, 9.6, BLACK));
    sheet.y += 9.0;
    Ok(())
}

/// Numbered paragraphs; a single one stands without a number.
pub(super) fn numbered(sheet: &mut Sheet, texts: &[&str]) -> Result<(), PrintError> {
    const INDENT: f32 = 20.0;
    sheet.tree.open("L", None);
    for (i, words) in texts.iter().enumerate() {
        let lines = BODY.wrap(&printable(words)?, RIGHT - LEFT - INDENT);
        sheet.tree.open("LI", None);
        let mut rest = lines.as_slice();
        let mut label = texts.len() > 1;
        while !rest.is_empty() {
            sheet.need(BODY.height(rest.len().min(2)));
            if label {
                let number = [format!("{}.", i + 1)];
                sheet.lines("Lbl", (LEFT, sheet.y), &number, BODY, Align::Left);
            }
            label = false;
            let fits = ((sheet.room() / BODY.leading) as usize).clamp(1, rest.len());
            let (now, later) = rest.split_at(fits);
            let x = if texts.len() > 1 { LEFT + INDENT } else { LEFT };
            sheet.lines("LBody", (x, sheet.y), now, BODY, Align::Left);
            sheet.y += BODY.height(now.len());
            rest = later;
        }
        sheet.tree.close();
        sheet.y += 2.5;
    }
    sheet.tree.close();
    sheet.y += 6.0;
    Ok(())
}

/// Signatory, place of the visible signature, QR code, notice of law; never broken over pages.
pub(super) fn closing(
    sheet: &mut Sheet,
    closing: &Closing<'_>,
    language: Language,
) -> Result<(), PrintError> {
    const STAMP: (f32, f32) = (236.0, 76.0);
    const SIDE: f32 = 104.0;
    let position = BODY.wrap(&printable(closing.position)?, 232.0);
    let name = Style::new(Face::Bold, 11.0, BLACK);
    let names = name.wrap(&printable(closing.name)?, 232.0);
    let left = LABEL.leading + BODY.height(position.len()) + 4.0 + name.height(names.len());
    let signed = (LABEL.leading + 3.0 + STAMP.1).max(left);
    sheet.y += 4.0;
    sheet.need(signed + 14.0 + SIDE);

    let top = sheet.y;
    sheet.lines("P", (LEFT, top), &[closing.label.to_owned()], LABEL, Align::Left);
    sheet.lines("P", (LEFT, top + LABEL.leading + 2.0), &position, BODY, Align::Left);
    let below = top + LABEL.leading + 6.0 + BODY.height(position.len());
    sheet.lines("P", (LEFT, below), &names, name, Align::Left);

    let (x, y) = (RIGHT - STAMP.0, top + LABEL.leading + 3.0);
    sheet.lines("P", (x, top), &[closing.place.to_owned()], LABEL, Align::Left);
    let mut place = fill(x, y, STAMP.0, STAMP.1, (0.985, 0.99, 0.992));
    place.extend(outline(x, y, STAMP, 0.6, RULE));
    sheet.artifact(place);
    sheet.stamp = Some(StampPlace::from_top(sheet.page(), x, y, STAMP));
    sheet.y = top + signed + 14.0;

    let (y, text) = (sheet.y, LEFT + SIDE + 14.0);
    sheet.artifact(rule(LEFT, y - 5.0, RIGHT - LEFT, 0.6, GOLD));
    let check = &closing.check;
    let code = qr::code(LEFT, y, SIDE, check.url)?;
    sheet.figure(check.url.to_owned(), code);
    let width = RIGHT - text;
    let mut at = y + 5.0;
    let heading = Style::new(Face::Bold, 9.0, BLUE);
    let line = Style::new(Face::Regular, 8.2, BLACK);
    let code = Style::new(Face::Bold, 10.0, BLACK).spaced(0.3);
    for (words, style) in [
        (phrase("check", language).to_owned(), heading),
        (phrase("check-how", language).to_owned(), line),
        (printable(check.url)?, Style::new(Face::Bold, 8.2, BLUE)),
        (format!("{}: {}", phrase("code", language), printable(check.code)?), code),
        (closing.notice.to_owned(), Style::new(Face::Regular, 7.2, GREY)),
    ] {
        let lines = style.wrap(&words, width);
        sheet.lines("P", (text, at), &lines, style, Align::Left);
        at += style.height(lines.len()) + 2.0;
    }
    sheet.y = at.max(y + SIDE);
    Ok(())
}

/// Running head and foot of every page.
pub(super) fn furniture(
    sheet: &mut Sheet,
    head: &str,
    foot: &str,
    language: Language,
) -> Result<(), PrintError> {
    use super::sheet::{artifact, text};
    let (head, foot) = ([printable(head)?], [printable(foot)?]);
    let pages = sheet.pages.len();
    for (i, page) in sheet.pages.iter_mut().enumerate() {
        let transform = XObjectTransform { no_auto_scale: true, ..XObjectTransform::default() };
        let mut ops = vec![Op::UseXobject { id: XObjectId(ornament::FRAME.into()), transform }];
        let count = phrase("page", language)
            .replace("{page}", &(i + 1).to_string())
            .replace("{pages}", &pages.to_string());
        let y = super::sheet::BOTTOM + 11.0;
        ops.extend(text(LEFT, y, &foot, SMALL, Align::Left));
        ops.extend(text(RIGHT, y, &[count], SMALL, Align::Right));
        if i > 0 {
            let style = Style::new(Face::Bold, 8.4, BLUE);
            ops.extend(text(WIDTH / 2.0, 54.0, &head, style, Align::Centre));
            ops.extend(rule(LEFT, 70.0, RIGHT - LEFT, 0.6, GOLD));
        }
        let content = std::mem::take(&mut page.ops);
        artifact(page, ops);
        page.ops.extend(content);
    }
    Ok(())
}

/// A day as documents print it: DD.MM.YYYY.
pub(super) fn day(date: Date) -> String {
    format!("{:02}.{:02}.{:04}", date.day(), u8::from(date.month()), date.year())
}

/// The day of a moment in Kazakhstan.
pub(super) fn day_of(moment: OffsetDateTime) -> String {
    day(moment.to_offset(LEGAL_TIME).date())
}
