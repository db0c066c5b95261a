//! Moments and days as text: RFC 3339 in UTC, always with nine digits of a second, so that nothing
//! is lost and the order of the texts is the order of the moments.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

use super::StoreError;

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]Z");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

pub(super) fn moment(at: OffsetDateTime) -> Result<String, StoreError> {
    at.checked_to_offset(UtcOffset::UTC)
        .filter(|at| at.year() >= 0)
        .and_then(|at| at.format(MOMENT).ok())
        .ok_or_else(|| StoreError::Corrupt("a moment outside the years 0 to 9999".into()))
}

pub(super) fn parse_moment(text: &str) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| StoreError::Corrupt(format!("not a moment: {text:?}")))
}

pub(super) fn day(day: Date) -> Result<String, StoreError> {
    day.format(DAY).map_err(StoreError::backend)
}

pub(super) fn parse_day(text: &str) -> Result<Date, StoreError> {
    Date::parse(text, DAY).map_err(|_| StoreError::Corrupt(format!("not a day: {text:?}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        let almaty = datetime!(2026-11-21 03:04:05.5 +5);
        assert_eq!(moment(almaty).unwrap(), "2026-11-20T22:04:05.500000000Z");
        assert!(moment(datetime!(9999-12-31 23:59:59 -5)).is_err());
        assert_eq!(parse_day(&day(date!(2026 - 02 - 28)).unwrap()).unwrap(), date!(2026 - 02 - 28));
        assert!(parse_day("2026-02-30").is_err() && parse_moment("yesterday").is_err());
    }

    proptest! {
        #[test]
        fn moments_come_back_and_keep_their_order(a in nanoseconds(), b in nanoseconds()) {
            let (a, b) = (at(a), at(b));
            prop_assert_eq!(parse_moment(&moment(a).unwrap()).unwrap(), a);
            prop_assert_eq!(moment(a).unwrap().cmp(&moment(b).unwrap()), a.cmp(&b));
        }
    }

    fn nanoseconds() -> impl Strategy<Value = i128> {
        // Close moments are where texts of changing length would go wrong.
        prop_oneof![
            0..3_000_000_000_i128,
            -62_000_000_000_000_000_000..250_000_000_000_000_000_000_i128
        ]
    }

    fn at(nanoseconds: i128) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap()
    }
}
