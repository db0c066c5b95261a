//! Working-time calendar of the authority: hours, weekends, holidays, moved days, deadlines.
//!
//! Deadlines of people warn; nothing here refuses anything.

use std::collections::BTreeSet;

use serde::Deserialize;
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset, Weekday};

time::serde::format_description!(pub(super) iso_date, Date, "[year]-[month]-[day]");

const EMBEDDED: &str = include_str!("calendar.toml");

/// Time of Almaty and Astana since 1 March 2024.
pub const ALMATY: UtcOffset = match UtcOffset::from_hms(5, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};

/// A length of working time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Whole working days; the day it begins on does not count.
    WorkingDays(u16),
    /// Minutes within working hours.
    WorkingMinutes(u16),
}

/// When the authority works.
#[derive(Clone, Debug)]
pub struct Calendar {
    hours: Vec<(Time, Time)>,
    weekend: Vec<Weekday>,
    free: BTreeSet<Date>,
    working: BTreeSet<Date>,
    years: Years,
}

/// What is wrong with a calendar file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not the TOML it should be.
    #[error("calendar file: {0}")]
    Unreadable(String),
    /// Hours that do not follow one another, a weekend of seven days, an impossible day.
    #[error("calendar file: {0} is impossible")]
    Impossible(&'static str),
}

/// `moment` as clocks in Almaty show it.
pub fn almaty(moment: OffsetDateTime) -> OffsetDateTime {
    // Only moments within hours of the ends of time cannot be shifted; they stay as they are.
    moment.checked_to_offset(ALMATY).unwrap_or(moment)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hours: Vec<[String; 2]>,
    weekend: Vec<String>,
    years: Years,
    holiday: Vec<Holiday>,
    #[serde(default)]
    free: Vec<Dated>,
    #[serde(default)]
    working: Vec<Dated>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Years {
    from: i32,
    to: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    day: String,
    substitute: bool,
    #[serde(rename = "name")]
    _name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dated {
    #[serde(with = "iso_date")]
    date: Date,
    #[serde(rename = "name")]
    _name: String,
}

impl Calendar {
    /// The calendar compiled into the program.
    ///
    /// # Errors
    /// Whatever is wrong with the data; the tests hold that nothing is.
    pub fn embedded() -> Result<Self, CalendarError> {
        Self::from_source(EMBEDDED)
    }

    /// A calendar of a TOML file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn from_source(source: &str) -> Result<Self, CalendarError> {
        let file: File =
            toml::from_str(source).map_err(|e| CalendarError::Unreadable(e.to_string()))?;
        let dates = |rows: &[Dated]| rows.iter().map(|row| row.date).collect();
        let mut calendar = Self {
            hours: hours(&file.hours)?,
            weekend: weekend(&file.weekend)?,
            free: dates(&file.free),
            working: dates(&file.working),
            years: file.years,
        };
        calendar.add_holidays(&file.holiday)?;
        Ok(calendar)
    }

    /// Whether the holidays of this year are in the data; outside, only weekends are known.
    pub fn covers(&self, year: i32) -> bool {
        (self.years.from..=self.years.to).contains(&year)
    }

    /// Whether `day` is a working day.
    pub fn works_on(&self, day: Date) -> bool {
        let weekend = self.weekend.contains(&day.weekday());
        self.working.contains(&day) || !weekend && !self.free.contains(&day)
    }

    /// When `span` ends if it begins at `start`, in Almaty time: the close of the last working day,
    /// or the working minute. At the end of the calendar (year 9999) it stands still.
    pub fn due(&self, start: OffsetDateTime, span: Span) -> OffsetDateTime {
        let start = almaty(start);
        match span {
            Span::WorkingDays(days) => self.close_after(start, days),
            Span::WorkingMinutes(minutes) => self.minutes_after(start, minutes),
        }
    }

    fn close_after(&self, start: OffsetDateTime, days: u16) -> OffsetDateTime {
        let mut day = start.date();
        let mut left = days;
        while left > 0 || !self.works_on(day) {
            let Some(next) = day.next_day() else { break };
            day = next;
            if left > 0 && self.works_on(day) {
                left -= 1;
            }
        }
        let close = self.hours.last().map_or(Time::MIDNIGHT, |(_, close)| *close);
        day.with_time(close).assume_offset(ALMATY)
    }

    fn minutes_after(&self, start: OffsetDateTime, minutes: u16) -> OffsetDateTime {
        let mut left = Duration::minutes(minutes.into());
        let mut day = start.date();
        let mut from = start.time();
        loop {
            let hours = if self.works_on(day) { self.hours.as_slice() } else { &[] };
            for (open, close) in hours {
                let begin = from.max(*open);
                if begin > *close {
                    continue;
                }
                let room = *close - begin;
                if left <= room && !(left.is_zero() && begin == *close) {
                    return day.with_time(begin + left).assume_offset(ALMATY);
                }
                left -= room;
            }
            let Some(next) = day.next_day() else {
                return day.with_time(from).assume_offset(ALMATY);
            };
            (day, from) = (next, Time::MIDNIGHT);
        }
    }

    fn add_holidays(&mut self, holidays: &[Holiday]) -> Result<(), CalendarError> {
        let mut moved = Vec::new();
        for year in self.years.from..=self.years.to {
            for holiday in holidays {
                let day = day_of_year(year, &holiday.day)
                    .ok_or(CalendarError::Impossible("a holiday"))?;
                self.free.insert(day);
                if holiday.substitute && self.weekend.contains(&day.weekday()) {
                    moved.push(day);
                }
            }
        }
        // After all holidays are known, so that a substitute never falls on a holiday; in order of
        // time, so that two holidays of one weekend get two days.
        moved.sort_unstable();
        for holiday in moved {
            let mut day = holiday;
            while !self.works_on(day) {
                let Some(next) = day.next_day() else { return Ok(()) };
                day = next;
            }
            self.free.insert(day);
        }
        Ok(())
    }
}

fn day_of_year(year: i32, day: &str) -> Option<Date> {
    let (month, day) = day.split_once('-')?;
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year, month, day.parse().ok()?).ok()
}

fn hours(rows: &[[String; 2]]) -> Result<Vec<(Time, Time)>, CalendarError> {
    let clock = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        Time::from_hms(hour.parse().ok()?, minute.parse().ok()?, 0).ok()
    };
    let hours: Option<Vec<_>> =
        rows.iter().map(|[open, close]| Some((clock(open)?, clock(close)?))).collect();
    let hours = hours.ok_or(CalendarError::Impossible("an hour"))?;
    let times: Vec<Time> = hours.iter().flat_map(|(open, close)| [*open, *close]).collect();
    if times.is_empty() || !times.is_sorted_by(|a, b| a < b) {
        return Err(CalendarError::Impossible("the order of hours"));
    }
    Ok(hours)
}

fn weekend(names: &[String]) -> Result<Vec<Weekday>, CalendarError> {
    let mut days = Vec::with_capacity(names.len());
    for name in names {
        let mut capital = name.clone();
        if let Some(first) = capital.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let day: Weekday = capital.parse().map_err(|_| CalendarError::Impossible("a weekday"))?;
        days.push(day);
    }
    if days.len() >= 7 {
        return Err(CalendarError::Impossible("a week without working days"));
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    use super::*;

    fn calendar() -> Calendar {
        Calendar::embedded().unwrap()
    }

    #[test]
    fn holidays_of_2026_and_2027_are_free_and_a_weekend_holiday_moves() {
        let calendar = calendar();
        let free = [
            date!(2026 - 01 - 01),
            date!(2026 - 01 - 07),
            date!(2026 - 03 - 09), // for Sunday 8 March
            date!(2026 - 03 - 23),
            date!(2026 - 03 - 24), // for Saturday 21 March
            date!(2026 - 03 - 25), // for Sunday 22 March
            date!(2026 - 05 - 11), // for Saturday 9 May
            date!(2026 - 05 - 27),
            date!(2026 - 08 - 31),
            date!(2026 - 10 - 26),
            date!(2026 - 12 - 16),
            date!(2027 - 01 - 04), // for Saturday 2 January
            date!(2027 - 05 - 03),
            date!(2027 - 05 - 10),
        ];
        for day in free {
            assert!(!calendar.works_on(day), "{day}");
        }
        for day in [date!(2026 - 01 - 05), date!(2026 - 03 - 26), date!(2027 - 01 - 05)] {
            assert!(calendar.works_on(day), "{day}");
        }
    }

    #[test]
    fn the_day_of_registration_does_not_count() {
        let due = |start, days| calendar().due(start, Span::WorkingDays(days));
        // Friday morning: one working day is Monday's close.
        let friday = datetime!(2026-11-20 09:00 +5);
        assert_eq!(due(friday, 1), datetime!(2026-11-23 18:30 +5));
        assert_eq!(due(friday, 0), datetime!(2026-11-20 18:30 +5));
        // 20:30 UTC on Thursday is already Friday in Almaty.
        assert_eq!(due(datetime!(2026-11-19 20:30 UTC), 1), datetime!(2026-11-23 18:30 +5));
        // Over Nauryz: Friday 20 March, then 21–25 March are free.
        assert_eq!(due(datetime!(2026-03-20 15:00 +5), 1), datetime!(2026-03-26 18:30 +5));
    }

    #[test]
    fn minutes_run_only_in_working_hours() {
        let due = |start, minutes| calendar().due(start, Span::WorkingMinutes(minutes));
        assert_eq!(due(datetime!(2026-11-20 10:00 +5), 15), datetime!(2026-11-20 10:15 +5));
        // 18:25 on Friday: five minutes then, ten on Monday.
        assert_eq!(due(datetime!(2026-11-20 18:25 +5), 15), datetime!(2026-11-23 09:10 +5));
        assert_eq!(due(datetime!(2026-11-20 12:50 +5), 15), datetime!(2026-11-20 14:35 +5));
        assert_eq!(due(datetime!(2026-11-21 12:00 +5), 15), datetime!(2026-11-23 09:15 +5));
        assert_eq!(due(datetime!(2026-11-20 09:00 +5), 480), datetime!(2026-11-20 18:30 +5));
        assert_eq!(due(datetime!(2026-11-20 20:00 +5), 0), datetime!(2026-11-23 09:00 +5));
    }

    #[test]
    fn a_moved_working_saturday_works() {
        let more = "\n[[working]]\ndate = \"2026-11-21\"\nname = \"moved\"\n";
        let calendar = Calendar::from_source(&format!("{EMBEDDED}{more}")).unwrap();
        let due = calendar.due(datetime!(2026-11-20 10:00 +5), Span::WorkingDays(1));
        assert_eq!(due, datetime!(2026-11-21 18:30 +5));
    }

    #[test]
    fn impossible_calendars_are_refused() {
        for (from, to) in [
            ("\"13:00\"", "\"08:00\""),
            ("\"09:00\"", "\"25:00\""),
            ("\"sunday\"", "\"someday\""),
            ("day = \"01-01\"", "day = \"02-30\""),
            ("hours = [[\"09:00\", \"13:00\"], [\"14:30\", \"18:30\"]]", "hours = []"),
        ] {
            let broken = EMBEDDED.replacen(from, to, 1);
            assert_ne!(broken, EMBEDDED);
            assert!(Calendar::from_source(&broken).is_err(), "{to}");
        }
    }

    proptest! {
        #[test]
        fn a_deadline_ends_in_working_time_and_grows_with_its_span(
            second in 1_700_000_000_i64..2_500_000_000, span in 1_u16..400,
        ) {
            let calendar = calendar();
            let start = OffsetDateTime::from_unix_timestamp(second).unwrap();
            for (one, more) in [
                (Span::WorkingDays(span), Span::WorkingDays(span + 1)),
                (Span::WorkingMinutes(span), Span::WorkingMinutes(span + 1)),
            ] {
                let due = calendar.due(start, one);
                prop_assert!(due > start);
                prop_assert!(calendar.works_on(due.date()));
                let in_hours = calendar.hours.iter().any(|(a, b)| (*a..=*b).contains(&due.time()));
                prop_assert!(in_hours);
                prop_assert!(calendar.due(start, more) > due);
            }
        }

        #[test]
        fn the_ends_of_time_do_not_panic(second in prop::sample::select(vec![
            -377_705_116_800_i64, 253_402_300_799, 253_402_290_000,
        ]), span: u16) {
            let start = OffsetDateTime::from_unix_timestamp(second).unwrap();
            calendar().due(start, Span::WorkingDays(span));
            calendar().due(start, Span::WorkingMinutes(span));
        }
    }
}
