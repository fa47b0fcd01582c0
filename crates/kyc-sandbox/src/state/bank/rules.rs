//! What a script is made of: accounts, and rules that say which money moves on which day.

use super::window::Day;

/// A person's bank accounts over twelve months.
#[derive(Debug)]
pub(crate) struct Archetype {
    /// Two digits in a mobile number.
    pub(crate) number: u8,
    /// Who it is, in a few words.
    pub(crate) name: &'static str,
    /// Whether the accounts have two holders.
    pub(super) joint: bool,
    /// Whether what is served of them needs cleaning.
    pub(super) dirty: bool,
    pub(super) accounts: &'static [AccountScript],
}

/// An account at one of the [`BANKS`](super::BANKS).
#[derive(Debug)]
pub(super) struct AccountScript {
    pub(super) bank: usize,
    pub(super) kind: AccountKind,
    /// The balance before the first day, in rupees.
    pub(super) opening: i64,
    /// The sanctioned limit of an overdraft, in rupees; 0 for none.
    pub(super) limit: i64,
    /// How many days before the end of the window it was opened; `None` for years ago.
    pub(super) age_days: Option<i32>,
    pub(super) is_active: bool,
    pub(super) rules: &'static [Rule],
}

/// The kind of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountKind {
    Savings,
    Current,
}

/// A movement of money, again and again.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) purpose: Purpose,
    /// Rupees, in turn. [`Purpose::is_credit`] says which way they go.
    pub(super) rupees: &'static [i64],
    pub(super) when: When,
}

/// The days of a rule. A day that a month does not have is its last one; the first month of the window is 0.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    EachDay,
    /// On these days of every month.
    Monthly(&'static [u8]),
    /// On this day of these months.
    In(&'static [u8], u8),
    /// On a day of its own in every month.
    ByMonth([u8; 12]),
    /// This many days after the first day, and then after every so many.
    Every {
        first: usize,
        step: usize,
    },
    /// On the last day of March, June, September and December.
    QuarterEnds,
    /// On these days of January, whichever month of the window that is.
    InJanuary(&'static [u8]),
    /// On this day, if the mean closing balance of the month before was below so many rupees.
    AfterMeanBelow(i64, u8),
}

/// What a movement of money is for. Texts are the other party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// From an employer of the first holder.
    Salary(&'static str),
    /// From an employer of the second holder.
    SecondSalary(&'static str),
    /// What a platform pays for work.
    Payout(&'static str),
    /// A harvest, sold.
    Harvest(&'static str),
    /// From the state.
    Subsidy,
    /// A sale by a transfer.
    Sale,
    /// A sale by UPI.
    UpiSale,
    /// A sale, or income without an employer, in cash.
    CashIncome,
    /// Cash that is no income by the script.
    CashDeposit,
    /// Won from a game.
    Winnings(&'static str),
    /// From somebody who gets it back, or gives it back.
    PartyIn(&'static str),
    /// To somebody of whom it came, or who gives it back.
    PartyOut(&'static str),
    /// The same by RTGS.
    LargePartyIn(&'static str),
    /// The same by RTGS.
    LargePartyOut(&'static str),
    /// A loan, paid out.
    Loan(&'static str),
    /// From the person's account at another of the banks.
    FromOwn(usize),
    /// To the person's account at another of the banks.
    ToOwn(usize),
    Interest,
    Rent,
    /// An instalment by mandate.
    Emi(&'static str),
    /// An instalment by mandate that is returned on the same day: two rows and no change.
    EmiReturned(&'static str),
    /// An instalment that was returned, paid by hand.
    EmiByHand(&'static str),
    ReturnCharge,
    BalanceCharge,
    SmsCharge,
    /// An investment by mandate.
    Sip,
    /// A stake in a game.
    Stake(&'static str),
    Supplier,
    Bill(&'static str),
    /// The spending of a day, in several payments.
    Spend,
    /// A payment that failed and came back on the same day: two rows and no change.
    Reversed,
}

impl Purpose {
    /// Whether money comes in. What leaves and comes back on the same day does neither.
    pub(super) fn is_credit(self) -> bool {
        self.is_income()
            || matches!(
                self,
                Self::CashDeposit
                    | Self::Winnings(_)
                    | Self::PartyIn(_)
                    | Self::LargePartyIn(_)
                    | Self::Loan(_)
                    | Self::FromOwn(_)
                    | Self::Interest
            )
    }

    pub(super) fn is_returned(self) -> bool {
        matches!(self, Self::EmiReturned(_) | Self::Reversed)
    }

    /// Whether it is income: earned, and neither borrowed, won, moved nor given back.
    pub(super) fn is_income(self) -> bool {
        self.is_salary()
            || matches!(
                self,
                Self::Payout(_)
                    | Self::Harvest(_)
                    | Self::Subsidy
                    | Self::Sale
                    | Self::UpiSale
                    | Self::CashIncome
            )
    }

    pub(super) fn is_salary(self) -> bool {
        matches!(self, Self::Salary(_) | Self::SecondSalary(_))
    }

    /// Whether it is an instalment that was paid.
    pub(super) fn is_obligation(self) -> bool {
        matches!(self, Self::Emi(_) | Self::EmiByHand(_))
    }

    pub(super) fn is_returned_instalment(self) -> bool {
        matches!(self, Self::EmiReturned(_))
    }

    /// Whether the bank asks for it because something went wrong.
    pub(super) fn is_penalty(self) -> bool {
        matches!(self, Self::ReturnCharge | Self::BalanceCharge)
    }

    /// The place within a day: what comes in is there before anything is spent, and a mandate is presented at the end.
    pub(super) fn place(self) -> u8 {
        match self {
            Self::EmiReturned(_) => 3,
            Self::Emi(_) | Self::Sip => 2,
            _ if self.is_credit() => 0,
            _ => 1,
        }
    }
}

impl Rule {
    /// How many rupees it moves on a day, unsigned. `mean` is the mean balance of the month before, in paise.
    pub(super) fn on(&self, day: &Day, mean: Option<i64>) -> Option<i64> {
        let monthly = |asked: u8| asked.min(day.last) == day.day;
        let turn = match self.when {
            When::EachDay => Some(day.index),
            When::Monthly(days) => days
                .iter()
                .any(|day| monthly(*day))
                .then_some(usize::from(day.month)),
            When::In(months, asked) => (monthly(asked))
                .then(|| months.iter().position(|month| *month == day.month))
                .flatten(),
            When::ByMonth(days) => days
                .get(usize::from(day.month))
                .is_some_and(|day| monthly(*day))
                .then_some(usize::from(day.month)),
            When::Every { first, step } => {
                let since = day.index.checked_sub(first);
                let whole = since.filter(|since| since.checked_rem(step) == Some(0));
                whole.and_then(|since| since.checked_div(step))
            }
            When::QuarterEnds => {
                (day.date.month() % 3 == 0 && monthly(31)).then_some(usize::from(day.month))
            }
            When::InJanuary(days) => (day.date.month() == 1)
                .then(|| days.iter().position(|day| monthly(*day)))
                .flatten(),
            When::AfterMeanBelow(rupees, asked) => {
                let is_below = mean.is_some_and(|mean| mean < rupees.saturating_mul(100));
                (is_below && monthly(asked)).then_some(0)
            }
        }?;
        let place = turn.checked_rem(self.rupees.len())?;
        self.rupees.get(place).copied()
    }
}
