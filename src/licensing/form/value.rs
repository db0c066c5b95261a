//! One value against its part: characters, length, kind.

use time::Date;
use time::macros::format_description;

use super::{FaultCode, Kind, Part};
use crate::licensing::codes;

/// Checks `text`. A blank value is missing, which is a fault where `complete`.
pub(super) fn check(
    part: &Part,
    text: &str,
    earlier: Option<&str>,
    complete: bool,
) -> Result<(), FaultCode> {
    plain(text, part.lines)?;
    if text.chars().count() > part.max {
        return Err(FaultCode::TooLong);
    }
    if text.trim().is_empty() {
        return if part.required && complete { Err(FaultCode::Required) } else { Ok(()) };
    }
    match part.kind {
        Kind::Text => Ok(()),
        Kind::Date => follows(date(text)?, earlier),
        Kind::Country => known(codes::is_country(text), FaultCode::UnknownCountry),
        Kind::Currency => known(codes::is_currency(text), FaultCode::UnknownCurrency),
        Kind::Money => known(is_amount(text, 2), FaultCode::MoneyFormat),
        Kind::Number => known(is_amount(text, 6), FaultCode::NumberFormat),
        Kind::GoodsCode => known(text.len() == 10 && digits(text), FaultCode::GoodsCodeFormat),
        Kind::Fixed => known(part.value.as_deref() == Some(text), FaultCode::FixedValue),
    }
}

/// Refuses control characters and those that hide or reorder text, so that what is signed is what
/// is seen; line ends pass where `lines`.
pub(in crate::licensing) fn plain(text: &str, lines: bool) -> Result<(), FaultCode> {
    let bad = |c: char| (c.is_control() && !(lines && c == '\n')) || hidden(c);
    if text.chars().any(bad) { Err(FaultCode::ForbiddenCharacter) } else { Ok(()) }
}

fn hidden(c: char) -> bool {
    matches!(c,
        // Soft hyphen, zero-width characters, direction marks (Unicode Standard §23.2).
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}'
        // Line and paragraph separators, embeddings and overrides of direction, invisible operators.
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        // Interlinear annotation, tags, noncharacters.
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

fn known(sound: bool, fault: FaultCode) -> Result<(), FaultCode> {
    if sound { Ok(()) } else { Err(fault) }
}

/// A date `DD.MM.YYYY` of the calendar.
pub(super) fn date(text: &str) -> Result<Date, FaultCode> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            2 | 5 => byte == b'.',
            _ => byte.is_ascii_digit(),
        });
    if !shape {
        return Err(FaultCode::DateFormat);
    }
    Date::parse(text, format_description!("[day].[month].[year]"))
        .map_err(|_| FaultCode::NoSuchDate)
}

fn follows(day: Date, earlier: Option<&str>) -> Result<(), FaultCode> {
    match earlier.map(date) {
        Some(Ok(earlier)) if day < earlier => Err(FaultCode::PeriodReversed),
        _ => Ok(()),
    }
}

fn is_amount(text: &str, places: usize) -> bool {
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    let whole_sound =
        digits(whole) && whole.len() <= 15 && (whole == "0" || !whole.starts_with('0'));
    let part_sound = part.is_none_or(|part| digits(part) && part.len() <= places);
    whole_sound && part_sound && text.bytes().any(|b| (b'1'..=b'9').contains(&b))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
