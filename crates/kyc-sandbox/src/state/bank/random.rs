//! Numbers that look random and are always the same for the same person.

/// SplitMix64: good enough for small payments, and a state of one number.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Those that belong to these numbers, in this order.
    pub(super) fn of(numbers: &[u64]) -> Self {
        let mut random = Self(0);
        for number in numbers {
            random.0 ^= number;
            random.0 = random.next();
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 if the bound is not positive.
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        let bound = u64::try_from(bound).unwrap_or_default();
        let rest = self.next().checked_rem(bound);
        rest.and_then(|rest| i64::try_from(rest).ok())
            .unwrap_or_default()
    }

    pub(super) fn one_of<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let place = self.below(i64::try_from(items.len()).unwrap_or_default());
        let place = usize::try_from(place).unwrap_or_default();
        items.get(place).copied().unwrap_or_default()
    }

    /// So many decimal digits.
    pub(super) fn digits(&mut self, count: u32) -> String {
        let bound = 10_i64.saturating_pow(count.min(18));
        let width = usize::try_from(count).unwrap_or_default();
        format!("{:0width$}", self.below(bound))
    }
}
