//! Sahamati's fair-use table: what a consent may ask for, by its purpose.

use super::findings::Findings;
use super::rule::Rule;

/// How often data is fetched during a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchType {
    /// `ONETIME`.
    OneTime,
    /// `PERIODIC`.
    Periodic,
}

/// What part of an account's data is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsentType {
    /// `PROFILE`: who holds the account.
    Profile,
    /// `SUMMARY`: its balance and state.
    Summary,
    /// `TRANSACTIONS`: what happened on it.
    Transactions,
}

/// A unit of time in a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeriodUnit {
    /// `HOUR`.
    Hour,
    /// `DAY`.
    Day,
    /// `MONTH`.
    Month,
    /// `YEAR`.
    Year,
}

/// A number of units: a length of time, or, as a frequency, how often in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a number and its unit")]
pub struct Period {
    /// How many.
    pub value: u32,
    /// Of what, or in what.
    pub unit: PeriodUnit,
}

impl Period {
    /// So many days.
    pub const fn days(value: u32) -> Self {
        let unit = PeriodUnit::Day;
        Self { value, unit }
    }

    /// So many months.
    pub const fn months(value: u32) -> Self {
        let unit = PeriodUnit::Month;
        Self { value, unit }
    }

    /// So many years.
    pub const fn years(value: u32) -> Self {
        let unit = PeriodUnit::Year;
        Self { value, unit }
    }

    /// The shortest and the longest that it can be, in hours, for months are of different lengths.
    fn hours(self) -> (u64, u64) {
        let of = |value: u64, shortest: u64, longest: u64| {
            (
                value.saturating_mul(shortest).saturating_mul(24),
                value.saturating_mul(longest).saturating_mul(24),
            )
        };
        match (self.unit, self.in_months()) {
            (_, Some(months)) if months % 12 == 0 => of(months / 12, 365, 366),
            (_, Some(months)) => of(months, 28, 31),
            (PeriodUnit::Hour, _) => (self.value.into(), self.value.into()),
            _ => of(self.value.into(), 1, 1),
        }
    }

    fn in_months(self) -> Option<u64> {
        match self.unit {
            PeriodUnit::Month => Some(self.value.into()),
            PeriodUnit::Year => Some(u64::from(self.value).saturating_mul(12)),
            PeriodUnit::Hour | PeriodUnit::Day => None,
        }
    }

    /// Whether it is longer, whatever months it begins in.
    fn exceeds(self, bound: Self) -> bool {
        match self.in_months().zip(bound.in_months()) {
            Some((months, bound)) => months > bound,
            None => self.hours().0 > bound.hours().1,
        }
    }
}

/// The terms of a consent as an account aggregator receives them, for [`Findings::consent_terms`].
///
/// ```
/// use provider_core::lint::{ConsentTerms, ConsentType, FetchType, Findings, Lints, Period, Rule};
///
/// let terms = ConsentTerms {
///     fi_types: vec!["DEPOSIT".to_owned()],
///     consent_types: vec![ConsentType::Profile, ConsentType::Transactions],
///     data_life: Some(Period::days(1)),
///     lasts: Some(Period::months(6)),
///     range: Some(Period::months(12)),
///     ..ConsentTerms::new("103", FetchType::OneTime)
/// };
/// let lints = Lints::default();
/// let mut findings = Findings::new(&lints);
/// findings.consent_terms(&terms);
/// let rules: Vec<_> = findings.iter().map(|finding| finding.rule()).collect();
/// assert_eq!(rules, [Rule::FairUseExpiry]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "filled in by literal over `new`")]
pub struct ConsentTerms {
    /// The purpose code, `101` to `105`.
    pub purpose: String,
    /// The template of the fair-use library that the purpose's text was taken from, `CT006`: its own bounds apply. The
    /// aggregator does not receive it. `None` applies the purpose's default bounds.
    pub template: Option<String>,
    /// One-time or periodic.
    pub fetch_type: FetchType,
    /// The types of financial information, in the words of the request: `DEPOSIT`.
    pub fi_types: Vec<String>,
    /// The parts of the data.
    pub consent_types: Vec<ConsentType>,
    /// How long the data may be kept.
    pub data_life: Option<Period>,
    /// How often it is fetched: so many times in one unit.
    pub frequency: Option<Period>,
    /// The time from the consent's start to its expiry.
    pub lasts: Option<Period>,
    /// The length of the range of the data.
    pub range: Option<Period>,
}

impl ConsentTerms {
    /// Terms that name nothing but their purpose.
    pub fn new(purpose: impl Into<String>, fetch_type: FetchType) -> Self {
        Self {
            purpose: purpose.into(),
            template: None,
            fetch_type,
            fi_types: Vec::new(),
            consent_types: Vec::new(),
            data_life: None,
            frequency: None,
            lasts: None,
            range: None,
        }
    }
}

/// The bounds of a purpose for some types.
struct Row {
    purpose: &'static str,
    template: Option<&'static str>,
    fetch_type: FetchType,
    fi_types: &'static [&'static [&'static str]],
    consent_types: &'static [ConsentType],
    /// In either unit.
    data_life: (Period, Period),
    /// At most so often a day, unless only the month counts; and so often a month.
    frequency: Option<(Option<u32>, u32)>,
    lasts: Period,
    range: Period,
}

/// Deposits, insurance, pensions and taxes.
const A: &[&str] = &[
    "DEPOSIT",
    "TERM_DEPOSIT",
    "RECURRING_DEPOSIT",
    "INSURANCE_POLICIES",
    "NPS",
    "GSTR1_3B",
    "LIFE_INSURANCE",
    "GENERAL_INSURANCE",
];
/// Securities.
const B: &[&str] = &[
    "SIP",
    "EQUITIES",
    "MUTUAL_FUNDS",
    "ETF",
    "IDR",
    "CIS",
    "AIF",
    "INVIT",
    "REIT",
];
const OTHER: &[&str] = &["OTHER"];
const BONDS: &[&str] = &["BONDS"];
const DEBENTURES: &[&str] = &["DEBENTURES"];
const DEPOSIT: &[&str] = &["DEPOSIT"];
const DEPOSITS: &[&str] = &["DEPOSIT", "TERM_DEPOSIT", "RECURRING_DEPOSIT"];
const GST: &[&str] = &["GSTR1_3B"];
const FUNDS: &[&str] = &["MUTUAL_FUNDS"];
const ONCE: &[&str] = &[
    "DEPOSIT",
    "GSTR1_3B",
    "INSURANCE_POLICIES",
    "LIFE_INSURANCE",
    "GENERAL_INSURANCE",
];

const PST: &[ConsentType] = &[
    ConsentType::Profile,
    ConsentType::Summary,
    ConsentType::Transactions,
];
const PS: &[ConsentType] = &[ConsentType::Profile, ConsentType::Summary];
const S: &[ConsentType] = &[ConsentType::Summary];

const MONTH: (Period, Period) = (Period::days(31), Period::months(1));

const fn only(period: Period) -> (Period, Period) {
    (period, period)
}

/// The table (`[schema: FAIR]`, January 2026).
#[rustfmt::skip]
const TABLE: &[Row] = {
    use FetchType::{OneTime, Periodic};
    const fn row(
        (purpose, template, fetch_type): (&'static str, Option<&'static str>, FetchType),
        fi_types: &'static [&'static [&'static str]],
        consent_types: &'static [ConsentType],
        data_life: (Period, Period),
        frequency: Option<(Option<u32>, u32)>,
        (lasts, range): (Period, Period),
    ) -> Row {
        Row { purpose, template, fetch_type, fi_types, consent_types, data_life, frequency, lasts, range }
    }
    &[
        row(("101", None, Periodic), &[A, OTHER], PST, MONTH, Some((Some(1), 31)), (Period::years(1), Period::months(13))),
        row(("101", None, Periodic), &[B], PST, MONTH, Some((Some(1), 31)), (Period::years(1), Period::years(20))),
        row(("102", None, Periodic), &[A, OTHER], PST, MONTH, Some((Some(1), 45)), (Period::years(1), Period::months(13))),
        row(("102", None, Periodic), &[B], PST, MONTH, Some((Some(1), 45)), (Period::years(1), Period::years(10))),
        row(("102", Some("CT019"), Periodic), &[A], PST, only(Period::days(7)), Some((Some(1), 45)), (Period::years(1), Period::months(13))),
        row(("102", Some("CT019"), Periodic), &[B, BONDS, DEBENTURES], PST, only(Period::days(7)), Some((Some(1), 45)), (Period::years(1), Period::years(10))),
        row(("103", None, OneTime), &[A, B], PST, MONTH, None, (Period::months(1), Period::months(14))),
        row(("103", Some("CT006"), OneTime), &[DEPOSITS, FUNDS, GST], PST, (Period::days(45), Period::months(1)), None, (Period::days(45), Period::months(12))),
        row(("104", None, Periodic), &[A, B], PST, MONTH, Some((None, 5)), (Period::years(5), Period::months(6))),
        row(("104", Some("CT035"), Periodic), &[DEPOSIT], S, MONTH, Some((Some(1), 31)), (Period::years(8), Period::days(1))),
        row(("104", Some("CT042"), Periodic), &[DEPOSIT, GST], PST, (Period::days(90), Period::months(3)), Some((None, 1)), (Period::years(1), Period::months(6))),
        row(("104", Some("CT043"), Periodic), &[B, DEBENTURES], PST, only(Period::days(7)), Some((None, 25)), (Period::years(1), Period::months(6))),
        row(("104", Some("CT046"), Periodic), &[DEPOSIT], PST, only(Period::days(1)), Some((None, 3)), (Period::months(18), Period::months(1))),
        row(("105", None, OneTime), &[ONCE], PS, only(Period::days(1)), None, (Period::days(1), Period::days(1))),
        row(("105", Some("CT010"), OneTime), &[DEPOSITS, B, BONDS, DEBENTURES, GST], PST, only(Period::days(7)), None, (Period::months(1), Period::months(6))),
        row(("105", Some("CT045"), OneTime), &[ONCE, FUNDS], PST, only(Period::days(1)), None, (Period::days(1), Period::months(12))),
    ]
};

impl Row {
    fn covers(&self, fi_type: &str) -> bool {
        let mut types = self.fi_types.iter().copied().flatten();
        types.any(|covered| *covered == fi_type)
    }

    fn allows_frequency(&self, frequency: Period) -> bool {
        let Some((per_day, per_month)) = self.frequency else {
            return true;
        };
        match (frequency.unit, per_day) {
            // Never allowed.
            (PeriodUnit::Hour, _) => false,
            (PeriodUnit::Day, Some(per_day)) => frequency.value <= per_day,
            // The shortest month.
            (PeriodUnit::Day, None) => frequency.value.saturating_mul(28) <= per_month,
            (PeriodUnit::Month, _) => frequency.value <= per_month,
            (PeriodUnit::Year, _) => frequency.value <= per_month.saturating_mul(12),
        }
    }
}

impl Findings<'_> {
    /// Checks a consent's terms against the fair-use table. An aggregator refuses what breaks it (HTTP 412). The fields are
    /// named as in the aggregators' consent request.
    ///
    /// A template that is not in the table is checked against its purpose's default bounds, which it may exceed with reason;
    /// several types in one consent take the longest of their ranges.
    pub fn consent_terms(&mut self, terms: &ConsentTerms) {
        let of_purpose = || TABLE.iter().filter(|row| row.purpose == terms.purpose);
        let of = |template: Option<&str>| {
            let rows = of_purpose().filter(|row| row.template == template);
            rows.collect::<Vec<_>>()
        };
        let mut rows = of(terms.template.as_deref());
        if rows.is_empty() {
            rows = of(None);
        }
        self.add_unless(!rows.is_empty(), "Purpose.code", Rule::FairUsePurpose);
        if rows.is_empty() {
            return;
        }
        let any = |holds: &dyn Fn(&Row) -> bool| rows.iter().any(|row| holds(row));
        let fetch_type = any(&|row| row.fetch_type == terms.fetch_type);
        let fi_types = terms
            .fi_types
            .iter()
            .all(|fi_type| any(&|row| row.covers(fi_type)));
        let consent_types = terms
            .consent_types
            .iter()
            .all(|consent_type| any(&|row| row.consent_types.contains(consent_type)));
        let within = |period: Option<Period>, bound: &dyn Fn(&Row) -> (Period, Period)| {
            period.is_none_or(|period| {
                any(&|row| {
                    let (one, other) = bound(row);
                    !period.exceeds(one) || !period.exceeds(other)
                })
            })
        };
        let data_life = within(terms.data_life, &|row| row.data_life);
        let frequency = terms
            .frequency
            .is_none_or(|frequency| any(&|row| row.allows_frequency(frequency)));
        let lasts = within(terms.lasts, &|row| only(row.lasts));
        // Of the types that are asked for, or of all if none is named.
        let counts = |row: &Row| {
            terms.fi_types.is_empty() || terms.fi_types.iter().any(|fi_type| row.covers(fi_type))
        };
        let range = terms.range.is_none_or(|range| {
            any(&|row| counts(row) && !range.exceeds(row.range)) || !any(&|row| counts(row))
        });
        self.add_unless(fetch_type, "fetchType", Rule::FairUseFetchType);
        self.add_unless(fi_types, "fiTypes", Rule::FairUseFiType);
        self.add_unless(consent_types, "consentTypes", Rule::FairUseConsentType);
        self.add_unless(data_life, "DataLife", Rule::FairUseDataLife);
        self.add_unless(frequency, "Frequency", Rule::FairUseFrequency);
        self.add_unless(lasts, "consentExpiry", Rule::FairUseExpiry);
        self.add_unless(range, "FIDataRange", Rule::FairUseRange);
    }
}

#[cfg(test)]
mod tests {
    use super::super::found as found_by;
    use super::*;

    fn found(terms: &ConsentTerms) -> Vec<Rule> {
        found_by(|findings| findings.consent_terms(terms))
    }

    /// The most that a row allows.
    fn most(row: &Row) -> ConsentTerms {
        ConsentTerms {
            template: row.template.map(str::to_owned),
            fi_types: row
                .fi_types
                .iter()
                .copied()
                .flatten()
                .map(|text| (*text).to_owned())
                .collect(),
            consent_types: row.consent_types.to_vec(),
            data_life: Some(row.data_life.0),
            frequency: row
                .frequency
                .map(|(_, per_month)| Period::months(per_month)),
            lasts: Some(row.lasts),
            range: Some(row.range),
            ..ConsentTerms::new(row.purpose, row.fetch_type)
        }
    }

    fn more(period: Option<Period>) -> Option<Period> {
        period.map(|Period { value, unit }| Period {
            value: value.saturating_add(1),
            unit,
        })
    }

    #[test]
    fn what_each_row_allows_is_allowed_and_a_little_more_of_each_bound_is_not() {
        for row in TABLE {
            let most = || most(row);
            assert_eq!(found(&most()), [], "{} {:?}", row.purpose, row.template);
            let other = match row.fetch_type {
                FetchType::OneTime => FetchType::Periodic,
                FetchType::Periodic => FetchType::OneTime,
            };
            let wrong = [
                (
                    ConsentTerms {
                        fetch_type: other,
                        ..most()
                    },
                    Rule::FairUseFetchType,
                ),
                (
                    ConsentTerms {
                        data_life: Some(Period::days(94)),
                        ..most()
                    },
                    Rule::FairUseDataLife,
                ),
                (
                    ConsentTerms {
                        lasts: more(most().lasts),
                        ..most()
                    },
                    Rule::FairUseExpiry,
                ),
                (
                    ConsentTerms {
                        range: more(most().range),
                        ..most()
                    },
                    Rule::FairUseRange,
                ),
            ];
            for (terms, rule) in wrong {
                assert_eq!(found(&terms), [rule], "{} {:?}", row.purpose, row.template);
            }
            if row.frequency.is_some() {
                for frequency in [
                    more(most().frequency),
                    Some(Period::days(2)),
                    Some(Period {
                        value: 1,
                        unit: PeriodUnit::Hour,
                    }),
                ] {
                    let terms = ConsentTerms {
                        frequency,
                        ..most()
                    };
                    assert_eq!(found(&terms), [Rule::FairUseFrequency], "{terms:?}");
                }
            }
        }
    }

    #[test]
    fn a_purpose_a_type_and_a_part_that_are_not_in_the_table_are_found() {
        for purpose in ["", "100", "106", "0103"] {
            let terms = ConsentTerms::new(purpose, FetchType::OneTime);
            assert_eq!(found(&terms), [Rule::FairUsePurpose], "{purpose}");
        }
        let terms = ConsentTerms {
            fi_types: vec!["DEPOSIT".to_owned(), "NPS".to_owned()],
            consent_types: vec![ConsentType::Transactions],
            ..ConsentTerms::new("105", FetchType::OneTime)
        };
        assert_eq!(
            found(&terms),
            [Rule::FairUseFiType, Rule::FairUseConsentType]
        );
    }

    #[test]
    fn several_types_take_the_longest_range_and_an_unknown_template_its_purposes() {
        let of = |fi_types: &[&str]| ConsentTerms {
            template: Some("CT999".to_owned()),
            fi_types: fi_types.iter().map(|text| (*text).to_owned()).collect(),
            range: Some(Period::years(15)),
            ..ConsentTerms::new("101", FetchType::Periodic)
        };
        assert_eq!(found(&of(&["DEPOSIT"])), [Rule::FairUseRange]);
        assert_eq!(found(&of(&["DEPOSIT", "EQUITIES"])), []);
    }

    #[test]
    fn periods_of_different_units_are_compared_without_a_guess_about_the_month() {
        let exceeds = |period: Period, bound| period.exceeds(bound);
        assert!(!exceeds(Period::days(31), Period::months(1)));
        assert!(exceeds(Period::days(32), Period::months(1)));
        assert!(!exceeds(Period::days(366), Period::years(1)));
        assert!(exceeds(Period::days(367), Period::years(1)));
        assert!(exceeds(Period::months(13), Period::years(1)));
        assert!(!exceeds(Period::months(1), Period::days(28)));
        assert!(exceeds(Period::months(1), Period::days(27)));
    }
}
