//! Rounds of one measurement, and how far they lie apart.

use std::fmt;

use crate::numbers::grouped;

/// What the rounds gave, in any unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_unstable_by(f64::total_cmp);
    }

    /// All of them, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// The value that `percent` of them lie at or below.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let index = (self.0.len().saturating_sub(1) as f64 * percent / 100.0).round() as usize;
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }

    /// Between what the median of what was sampled lies with 95 % confidence, told from ranks alone.
    pub(crate) fn interval_of_median(&self) -> (f64, f64) {
        let margin = 98.0 / (self.0.len() as f64).sqrt();
        (
            self.percentile((50.0 - margin).max(0.0)),
            self.percentile((50.0 + margin).min(100.0)),
        )
    }
}

impl FromIterator<f64> for Spread {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }
}

/// The median, and the ends in brackets.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |number: f64| match number.abs() {
            small if small < 100.0 => format!("{number:.1}"),
            _ => grouped(number),
        };
        f.pad(&format!(
            "{} ({}–{})",
            short(self.median()),
            short(self.least()),
            short(self.most())
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        let mut spread = Spread::default();
        for value in [5.0, 1.0, 3.0] {
            spread.push(value);
        }
        let found = [spread.least(), spread.median(), spread.most()];
        assert_eq!(found, [1.0, 3.0, 5.0]);
        assert!(Spread::default().median().is_nan());
    }

    #[test]
    fn it_is_told_as_the_median_between_the_ends() {
        let spread = Spread::from_iter([30.0, 1_000.25, 20.04]);
        assert_eq!(spread.to_string(), "30.0 (20.0–1,000)");
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let spread: Spread = (1..=1_001).map(f64::from).collect();
        let found = [0.0, 50.0, 99.9].map(|percent| spread.percentile(percent));
        assert_eq!(found, [1.0, 501.0, 1_000.0]);
        assert!(Spread::default().percentile(50.0).is_nan());
    }

    #[test]
    fn the_median_lies_within_its_interval() {
        let spread: Spread = (0..=100).map(f64::from).collect();
        assert_eq!(spread.interval_of_median(), (40.0, 60.0));
        assert_eq!(
            Spread::from_iter([1.0, 2.0]).interval_of_median(),
            (1.0, 2.0)
        );
    }
}
