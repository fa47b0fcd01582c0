//! Rounds of one measurement, and how far they lie apart.

/// What the rounds gave, in any unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread(Vec<f64>);

impl Spread {
    pub(super) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_unstable_by(f64::total_cmp);
    }

    pub(super) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub(super) fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
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
}
