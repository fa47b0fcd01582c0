//! Tables that the examples of the engines print.

use crate::spread::Spread;

/// Where the figures of a row begin.
const FIGURES: usize = 24;

/// One row: a name, and `steps/s`, `least`, `most`, `p50 ms`, `p99 ms` and more.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    figures: Vec<f64>,
}

/// The rows of a printed table.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table(Vec<Row>);

impl Table {
    /// Takes each line whose first five words behind the name are numbers; one that has a dash has none there.
    pub(super) fn parse(text: &str) -> Self {
        let row = |line: &str| {
            let (name, figures) = line.split_at_checked(FIGURES)?;
            let figures = figures.split_whitespace();
            let figures: Option<Vec<f64>> = figures
                .map(|word| match word {
                    "-" => Some(f64::NAN),
                    number => number.parse().ok(),
                })
                .collect();
            let figures = figures.filter(|figures| figures.len() >= 5)?;
            let name = name.trim().to_owned();
            Some(Row { name, figures })
        };
        Self(text.lines().filter_map(row).collect())
    }

    fn figure(&self, name: &str, column: usize) -> Option<f64> {
        let row = self.0.iter().find(|row| row.name == name)?;
        row.figures.get(column).copied()
    }

    pub(super) fn speed(&self, name: &str) -> Option<f64> {
        self.figure(name, 0)
    }

    /// The median wait, in milliseconds.
    pub(super) fn median_wait(&self, name: &str) -> Option<f64> {
        self.figure(name, 3)
    }

    /// The 99th percentile of the waits, in milliseconds.
    pub(super) fn longest_wait(&self, name: &str) -> Option<f64> {
        self.figure(name, 4)
    }

    /// Steps a second of the rows with this beginning and end, by the number between them.
    pub(super) fn speeds<'t>(
        &'t self,
        begin: &'t str,
        end: &'t str,
    ) -> impl Iterator<Item = (u32, Spread)> + 't {
        self.0.iter().filter_map(move |row| {
            let between = row.name.strip_prefix(begin)?.strip_suffix(end)?;
            let speeds = row.figures.iter().take(3).copied();
            Some((between.parse().ok()?, speeds.collect()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
2 rounds, medians; state 845, entry 318, effect 178 bytes
                           steps/s     least      most    p50 ms    p99 ms    of raw
write and sync                9000      8000     10000      0.10      0.20         -
engine, 1 at once             5000      4000      6000      0.15      0.33      0.81
engine, 64 at once           70000     60000     80000      0.80      2.00      0.90
";

    #[test]
    fn rows_are_found_by_their_name() {
        let table = Table::parse(TEXT);
        assert_eq!(table.speed("engine, 64 at once"), Some(70_000.0));
        assert_eq!(table.median_wait("write and sync"), Some(0.1));
        assert_eq!(table.longest_wait("engine, 1 at once"), Some(0.33));
        assert_eq!(table.speed("engine, 2 at once"), None);
    }

    #[test]
    fn a_series_is_what_differs_by_a_number() {
        let table = Table::parse(TEXT);
        let series: Vec<_> = table
            .speeds("engine, ", " at once")
            .map(|(number, spread)| (number, spread.least(), spread.median(), spread.most()))
            .collect();
        let expected = [
            (1, 4_000.0, 5_000.0, 6_000.0),
            (64, 60_000.0, 70_000.0, 80_000.0),
        ];
        assert_eq!(series, expected);
    }
}
