//! The twenty scripts. Months are counted from the window's first, which is 0: where November is 0, April is 5.
//!
//! The README has the figures that follow from them where the window begins in November 2025. What no figure depends on is chosen here:
//! the days of sales, suppliers and stakes, the bills of 14, the amounts of 10, the lenders' shares in 18, and in which months the farmer
//! gets the two subsidies that do not come with a harvest. The 95 days of the thin file end with the window, so that it has three whole
//! months on every day.

use super::rules::{AccountKind, AccountScript, Archetype, Purpose, Rule, When};

use AccountKind::{Current, Savings};
use Purpose::{
    BalanceCharge, Bill, CashDeposit, CashIncome, Emi, EmiByHand, EmiReturned, FromOwn, Harvest,
    Interest, LargePartyIn, LargePartyOut, Loan, PartyIn, PartyOut, Payout, Rent, ReturnCharge,
    Salary, Sale, SecondSalary, Sip, SmsCharge, Spend, Stake, Subsidy, Supplier, ToOwn, UpiSale,
    Winnings,
};
use When::{AfterMeanBelow, ByMonth, EachDay, Every, In, InJanuary, Monthly, QuarterEnds};

const EMPLOYER: &str = "INVENTED WORKS";
const SECOND_EMPLOYER: &str = "SAMPLE MILLS";
const LENDER: &str = "INVENTED FINANCE";
const SECOND_LENDER: &str = "SAMPLE LENDING";
const FRIEND: &str = "NAMUNA TRADERS";
const GAME: &str = "TEST RUMMY GAMES";
const PLATFORM: &str = "DEMO RIDES";

/// Somebody with these accounts.
macro_rules! one {
    ($number:expr, $name:expr, $($account:expr),+ $(,)?) => {
        Archetype {
            number: $number,
            name: $name,
            joint: false,
            dirty: false,
            accounts: &[$($account),+],
        }
    };
}

/// All of them, in the order of their numbers.
pub(crate) const ARCHETYPES: &[Archetype] = &[
    one!(0, "steady", STEADY),
    one!(
        1,
        "paid late",
        savings(
            30_000,
            &[
                Rule {
                    purpose: Salary(EMPLOYER),
                    rupees: &[75_000],
                    when: ByMonth([1, 4, 1, 9, 2, 1, 7, 1, 3, 11, 1, 5]),
                },
                monthly(Rent, &[20_000], &[12]),
                monthly(Emi(LENDER), &[15_000], &[14]),
                daily(&[1_100]),
            ],
        ),
    ),
    one!(
        2,
        "changed jobs",
        savings(
            60_000,
            &[
                on(Salary(EMPLOYER), &[60_000], &[0, 1, 2, 3, 4, 5, 6], 1),
                on(Salary(SECOND_EMPLOYER), &[80_000], &[9, 10, 11], 1),
                monthly(Emi(LENDER), &[12_000], &[7]),
                daily(&[1_300]),
            ],
        ),
    ),
    one!(
        3,
        "instalments bounce",
        savings(
            20_000,
            &[
                monthly(Salary(EMPLOYER), &[40_000], &[10]),
                on(Emi(LENDER), &[9_000], &[0, 1, 3, 4, 7, 8, 9, 11], 5),
                monthly(Emi(SECOND_LENDER), &[6_500], &[15]),
                daily(&[790]),
                // Lent out, so that the instalment is not covered; in month 6 only a tenth comes back.
                on(PartyOut(FRIEND), &[10_000], &[2, 5, 6, 10], 2),
                on(PartyIn(FRIEND), &[10_000], &[2, 5, 10], 20),
                on(PartyIn(FRIEND), &[1_000], &[6], 20),
                on(EmiReturned(LENDER), &[9_000], &[2, 5, 6, 10], 5),
                on(ReturnCharge, &[590], &[2, 5, 6, 10], 7),
                on(EmiReturned(LENDER), &[9_000], &[5], 8),
                on(ReturnCharge, &[590], &[5], 10),
                on(EmiByHand(LENDER), &[9_000], &[2, 10], 11),
                on(EmiByHand(LENDER), &[9_000], &[5], 13),
            ],
        ),
    ),
    one!(
        4,
        "gambler",
        savings(
            20_000,
            &[
                monthly(Salary(EMPLOYER), &[50_000], &[1]),
                monthly(Rent, &[12_000], &[5]),
                monthly(
                    Stake(GAME),
                    &[1_000],
                    &[2, 4, 7, 9, 12, 14, 17, 19, 22, 24, 26, 28],
                ),
                monthly(Winnings(GAME), &[2_000], &[8, 20]),
                daily(&[700]),
            ],
        ),
    ),
    one!(
        5,
        "circular",
        current(
            60_000,
            &[
                monthly(
                    Sale,
                    &[10_000],
                    &[1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 28],
                ),
                monthly(Supplier, &[14_000], &[2, 5, 8, 11, 14, 17, 20, 23, 26, 28],),
                monthly(PartyIn(FRIEND), &[100_000], &[4, 12, 21]),
                monthly(PartyOut(FRIEND), &[100_000], &[6, 14, 23]),
            ],
        ),
    ),
    one!(6, "cash shop", current(80_000, &[CASH, UPI, SUPPLIERS])),
    one!(
        7,
        "structurer",
        current(
            80_000,
            &[
                CASH,
                UPI,
                SUPPLIERS,
                // Just below 10 lakh, on three days of five; the banks are closed on 26 January.
                Rule {
                    purpose: CashDeposit,
                    rupees: &[980_000],
                    when: InJanuary(&[24, 26, 28]),
                },
            ],
        ),
    ),
    one!(
        8,
        "three banks",
        savings(
            5_000,
            &[
                monthly(Salary(EMPLOYER), &[75_000], &[1]),
                monthly(ToOwn(1), &[60_000], &[2]),
                monthly(ToOwn(2), &[10_000], &[20]),
            ],
        ),
        AccountScript {
            bank: 1,
            ..savings(
                10_000,
                &[
                    monthly(FromOwn(0), &[60_000], &[2]),
                    monthly(Rent, &[20_000], &[5]),
                    monthly(Emi(LENDER), &[15_000], &[7]),
                    daily(&[650]),
                ],
            )
        },
        AccountScript {
            bank: 2,
            ..savings(0, &[monthly(FromOwn(0), &[10_000], &[20])])
        },
    ),
    one!(
        9,
        "below minimum",
        savings(
            5_500,
            &[
                monthly(Salary(EMPLOYER), &[18_000], &[1]),
                monthly(Rent, &[6_000], &[3]),
                daily(&[395]),
                on(PartyOut(FRIEND), &[4_000], &[3, 4, 8, 9], 4),
                on(PartyIn(FRIEND), &[4_000], &[3, 4, 8, 9], 27),
                Rule {
                    purpose: BalanceCharge,
                    rupees: &[590],
                    when: AfterMeanBelow(10_000, 2),
                },
            ],
        ),
    ),
    one!(
        10,
        "dormant",
        AccountScript {
            is_active: false,
            ..savings(
                40_000,
                &[
                    Rule {
                        purpose: Interest,
                        rupees: &[270],
                        when: QuarterEnds,
                    },
                    Rule {
                        purpose: SmsCharge,
                        rupees: &[15],
                        when: QuarterEnds,
                    },
                ],
            )
        },
    ),
    one!(
        11,
        "gig",
        savings(
            8_000,
            &[
                Rule {
                    purpose: Payout(PLATFORM),
                    rupees: &[6_200, 7_400, 5_100, 8_300, 4_200, 9_100],
                    when: Every { first: 2, step: 7 },
                },
                // Three days after each odd week's, half of the one two ahead.
                Rule {
                    purpose: Payout(PLATFORM),
                    rupees: &[2_550, 2_100, 3_100],
                    when: Every { first: 5, step: 14 },
                },
                monthly(Emi(LENDER), &[6_000], &[7]),
                daily(&[900]),
            ],
        ),
    ),
    one!(
        12,
        "farmer",
        savings(
            25_000,
            &[
                on(Harvest("TESTPUR MANDI"), &[180_000], &[0], 10),
                on(Harvest("TESTPUR MANDI"), &[240_000], &[5], 10),
                // Three a year, of which the first comes in the month of a harvest.
                on(Subsidy, &[2_000], &[0, 3, 7], 18),
                on(Emi(LENDER), &[90_000], &[2, 7], 15),
                daily(&[600]),
            ],
        ),
    ),
    one!(
        13,
        "thin file",
        AccountScript {
            // Three whole months, whichever they are, and a few days.
            age_days: Some(95),
            ..savings(0, &[monthly(Salary(EMPLOYER), &[32_000], &[1])])
        },
    ),
    one!(
        14,
        "paid in cash",
        savings(
            15_000,
            &[
                monthly(CashIncome, &[30_000], &[2]),
                monthly(Rent, &[12_000], &[5]),
                monthly(Bill("TESTPUR POWER"), &[1_500], &[12]),
                daily(&[450]),
            ],
        ),
    ),
    one!(
        15,
        "overdraft",
        AccountScript {
            limit: 500_000,
            ..current(
                -200_000,
                &[
                    monthly(Sale, &[60_000], &[3, 8, 14, 21, 27]),
                    monthly(Supplier, &[75_000], &[1, 10, 18, 25]),
                ],
            )
        },
    ),
    Archetype {
        joint: true,
        ..one!(
            16,
            "joint",
            savings(
                40_000,
                &[
                    monthly(Salary(EMPLOYER), &[55_000], &[1]),
                    monthly(SecondSalary(SECOND_EMPLOYER), &[48_000], &[3]),
                    monthly(Emi(LENDER), &[25_000], &[7]),
                    daily(&[1_900]),
                ],
            ),
        )
    },
    one!(
        17,
        "window-dresser",
        savings(
            5_000,
            &[
                monthly(Salary(EMPLOYER), &[30_000], &[1]),
                monthly(Rent, &[10_000], &[5]),
                daily(&[640]),
                monthly(LargePartyIn(FRIEND), &[200_000], &[31]),
                on(
                    LargePartyOut(FRIEND),
                    &[200_000],
                    &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
                    2,
                ),
            ],
        ),
    ),
    one!(
        18,
        "stacker",
        savings(
            15_000,
            &[
                monthly(Salary(EMPLOYER), &[35_000], &[1]),
                daily(&[700]),
                on(Loan("INVENTED FINANCE"), &[30_000], &[10], 3),
                on(Loan("SAMPLE LENDING"), &[25_000], &[10], 11),
                on(Loan("TEST CREDIT"), &[20_000], &[10], 19),
                on(Loan("DEMO CAPITAL"), &[15_000], &[10], 27),
                on(PartyOut(FRIEND), &[60_000], &[10], 29),
                on(Emi("INVENTED FINANCE"), &[6_500], &[11], 5),
                on(Emi("SAMPLE LENDING"), &[5_000], &[11], 7),
                on(Emi("TEST CREDIT"), &[4_500], &[11], 9),
                on(Emi("DEMO CAPITAL"), &[3_000], &[11], 11),
            ],
        ),
    ),
    Archetype {
        dirty: true,
        ..one!(19, "dirty", STEADY)
    },
];

const STEADY: AccountScript = savings(
    30_000,
    &[
        monthly(Salary(EMPLOYER), &[75_000], &[1]),
        monthly(Rent, &[20_000], &[5]),
        monthly(Emi(LENDER), &[15_000], &[7]),
        monthly(Sip, &[5_000], &[10]),
        daily(&[1_000]),
    ],
);

const CASH: Rule = monthly(CashIncome, &[25_000], &[1, 4, 8, 11, 15, 18, 22, 25]);
const UPI: Rule = monthly(
    UpiSale,
    &[4_000],
    &[
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    ],
);
const SUPPLIERS: Rule = monthly(Supplier, &[55_000], &[3, 9, 15, 21, 27]);

const fn savings(opening: i64, rules: &'static [Rule]) -> AccountScript {
    AccountScript {
        bank: 0,
        kind: Savings,
        opening,
        limit: 0,
        age_days: None,
        is_active: true,
        rules,
    }
}

const fn current(opening: i64, rules: &'static [Rule]) -> AccountScript {
    AccountScript {
        kind: Current,
        ..savings(opening, rules)
    }
}

const fn monthly(purpose: Purpose, rupees: &'static [i64], days: &'static [u8]) -> Rule {
    Rule {
        purpose,
        rupees,
        when: Monthly(days),
    }
}

/// On a day of some months.
const fn on(purpose: Purpose, rupees: &'static [i64], months: &'static [u8], day: u8) -> Rule {
    Rule {
        purpose,
        rupees,
        when: In(months, day),
    }
}

const fn daily(rupees: &'static [i64]) -> Rule {
    Rule {
        purpose: Spend,
        rupees,
        when: EachDay,
    }
}
