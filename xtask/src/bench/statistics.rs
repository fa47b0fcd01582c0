//! What is said of a figure that was measured several times.

use std::fmt;

/// The middle of several measurements, and the ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        Some(Self {
            median: at(&values, 50.0)?,
            lowest: *values.first()?,
            highest: *values.last()?,
        })
    }
}

/// The value that `percent` of a sorted list lie at or below.
pub(super) fn at(sorted: &[f64], percent: f64) -> Option<f64> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let index = (sorted.len().saturating_sub(1) as f64 * percent / 100.0).round() as usize;
    sorted.get(index).copied()
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::numbers::grouped;

        let places = |number: f64| match number.abs() {
            small if small < 100.0 => format!("{number:.1}"),
            _ => grouped(number),
        };
        let text = format!(
            "{} ({}–{})",
            places(self.median),
            places(self.lowest),
            places(self.highest)
        );
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_between_the_ends() {
        let spread = Spread::of([30.0, 1_000.25, 20.04]).unwrap();
        assert_eq!(spread.to_string(), "30.0 (20.0–1,000)");
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_percentile_is_a_value_of_the_list() {
        let values: Vec<f64> = (1..=1_001).map(f64::from).collect();
        assert_eq!(at(&values, 0.0), Some(1.0));
        assert_eq!(at(&values, 50.0), Some(501.0));
        assert_eq!(at(&values, 99.9), Some(1_000.0));
        assert_eq!(at(&[], 50.0), None);
    }
}
