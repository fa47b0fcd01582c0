//! Every row of the matrix, F1 to F104.

mod calls;
mod content;
mod exchange;
mod reaching;
mod status;
mod trust;

use super::case::{Case, Cases, Level, Row};

/// All rows.
pub(crate) fn all() -> Vec<Row> {
    [
        reaching::rows(),
        exchange::rows(),
        status::rows(),
        content::rows(),
        trust::rows(),
        calls::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn row(number: u32, fault: &'static str, cases: impl IntoIterator<Item = Case>) -> Row {
    Row {
        number,
        fault,
        cases: Cases::Some(cases.into_iter().collect()),
    }
}

/// A row that the provider's crate decides about.
fn reply_row(number: u32, fault: &'static str, cases: impl IntoIterator<Item = Case>) -> Row {
    row(
        number,
        fault,
        cases.into_iter().map(|case| case.on(Level::Reply)),
    )
}

fn not_applicable(number: u32, fault: &'static str, reason: &'static str) -> Row {
    Row {
        number,
        fault,
        cases: Cases::NotApplicable(reason),
    }
}

fn not_provoked(number: u32, fault: &'static str, reason: &'static str) -> Row {
    Row {
        number,
        fault,
        cases: Cases::NotProvoked(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_missing_or_empty() {
        let numbers: Vec<u32> = all().iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=104).collect::<Vec<_>>());
        for row in all() {
            if let Cases::Some(cases) = row.cases {
                assert!(!cases.is_empty(), "F{}", row.number);
            }
        }
    }
}
