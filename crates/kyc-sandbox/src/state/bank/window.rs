//! The twelve whole months before a day.

use jiff::ToSpan;
use jiff::civil::Date;

/// How long a window is, in months.
const MONTHS: i32 = 12;

/// The twelve whole months before the one of a given day, so that nothing in them is in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: Date,
    pub(super) last: Date,
}

/// A day of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    pub(super) date: Date,
    /// How many days after the window's first.
    pub(super) index: usize,
    /// Which month of the window, from 0 to 11.
    pub(super) month: u8,
    /// Which day of the month, from 1.
    pub(super) day: u8,
    /// The last day of the month.
    pub(super) last: u8,
}

impl Window {
    pub(super) fn before(today: Date) -> Self {
        let this_month = today.first_of_month();
        Self {
            first: this_month.saturating_sub(MONTHS.months()),
            last: this_month.saturating_sub(1.day()),
        }
    }

    pub(super) fn days(self) -> impl Iterator<Item = Day> {
        let months = self.first.series(1.month()).zip(0..);
        let months = months.take_while(move |(first, _)| *first <= self.last);
        let dates = months.flat_map(|(first, month)| {
            let last = u8::try_from(first.days_in_month()).unwrap_or_default();
            let dates = first.series(1.day()).zip(1..=last);
            dates.map(move |(date, day)| (date, month, day, last))
        });
        let days = dates.enumerate();
        days.map(|(index, (date, month, day, last))| Day {
            date,
            index,
            month,
            day,
            last,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_window_is_twelve_whole_months_and_ends_before_the_month_of_its_day() {
        for (today, first, last, days) in [
            (
                date(2026, 11, 1),
                date(2025, 11, 1),
                date(2026, 10, 31),
                365,
            ),
            (
                date(2026, 11, 30),
                date(2025, 11, 1),
                date(2026, 10, 31),
                365,
            ),
            (date(2028, 2, 29), date(2027, 2, 1), date(2028, 1, 31), 365),
            (date(2028, 3, 1), date(2027, 3, 1), date(2028, 2, 29), 366),
            (date(2027, 1, 31), date(2026, 1, 1), date(2026, 12, 31), 365),
        ] {
            let window = Window::before(today);
            assert_eq!(window, Window { first, last });
            let all: Vec<Day> = window.days().collect();
            assert_eq!(
                (all.len(), all.last().map(|day| day.month)),
                (days, Some(11))
            );
            assert!(window.last < today);
        }
    }
}
