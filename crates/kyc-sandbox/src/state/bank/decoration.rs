//! What a script does not say: names, shops, times, small payments, and payments that fail and come back on the same day. None of
//! it changes the balance at the end of a day.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use super::holder::Holder;
use super::random::Random;
use super::rules::Purpose;
use super::{BANKS, Mode, Transaction};

const SHOPS: [&str; 12] = [
    "TEST GROCERY",
    "NAMUNA STORES",
    "SAMPLE PHARMACY",
    "DEMO TEA STALL",
    "TESTPUR METRO",
    "INVENTED CABS",
    "SAMPLE MOBILE RECHARGE",
    "NAMUNA VEGETABLES",
    "DEMO CINEMA",
    "TEST FUEL STATION",
    "SAMPLE BAKERY",
    "INVENTED BOOKS",
];
const CUSTOMERS: [&str; 6] = [
    "DEMO ENTERPRISES",
    "SAMPLE RETAIL",
    "TEST AND SONS",
    "MISALIYA AGENCIES",
    "UDAHARAN STORES",
    "INVENTED EXPORTS",
];
const SUPPLIERS: [&str; 4] = [
    "SAMPLE WHOLESALE",
    "TESTPUR DISTRIBUTORS",
    "DEMO PACKAGING",
    "NAMUNA LOGISTICS",
];

/// A day's first row is not before 06:00, and its last one before 21:50.
const FIRST_SECOND: i64 = 6 * 3600;
const SECONDS: i64 = 57_000;
/// A withdrawal from a cash machine, in paise.
const WITHDRAWAL: i64 = 50_000;

/// What decorates one account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoration<'h> {
    seed: u64,
    person: u64,
    account: u64,
    holders: &'h [Holder],
}

/// A row before it has its time and balance.
struct Line {
    purpose: Purpose,
    paise: i64,
    mode: Mode,
    narration: String,
    reference: String,
}

impl<'h> Decoration<'h> {
    pub(super) fn new([seed, person, account]: [u64; 3], holders: &'h [Holder]) -> Self {
        Self {
            seed,
            person,
            account,
            holders,
        }
    }

    /// The account's masked number.
    pub(super) fn number(&self) -> String {
        format!("XXXXXXXX{}", self.always(&[1]).digits(4))
    }

    /// When the account was opened, years before a day.
    pub(super) fn opened(&self, day: Date) -> Date {
        let days = self.always(&[2]).below(9 * 365).saturating_add(2 * 365);
        day.saturating_sub(i32::try_from(days).unwrap_or_default().days())
    }

    /// Numbers that do not depend on the day.
    fn always(&self, of: &[u64]) -> Random {
        Random::of(&[&[self.seed, self.person, self.account], of].concat())
    }

    /// The rows of a day on which these amounts move, unsigned; what comes in is first. A lively account has failed payments.
    pub(super) fn day(
        &self,
        date: Date,
        moved: &[(Purpose, i64)],
        before: i64,
        is_lively: bool,
    ) -> Vec<Transaction> {
        let number = |part: i64| part.unsigned_abs();
        let day = [
            number(date.year().into()),
            number(date.month().into()),
            number(date.day().into()),
        ];
        let mut random = self.always(&[&[3], day.as_slice()].concat());
        let mut lines: Vec<Line> = Vec::new();
        for (purpose, paise) in moved {
            self.lines(*purpose, *paise, day, &mut random, &mut lines);
        }
        if is_lively && random.below(4) == 0 {
            let credits = lines.iter().take_while(|line| line.paise > 0);
            let in_hand = credits.fold(before, |sum, line| sum.saturating_add(line.paise));
            let paise = random.below(45_000).saturating_add(5_000);
            // It must not look like an overdraft, however little is left on the day.
            let out = lines.iter().filter(|line| line.paise < 0);
            let left = out.fold(in_hand, |sum, line| sum.saturating_add(line.paise));
            if left > paise {
                let place = lines.iter().take_while(|line| line.paise > 0).count();
                let mut failed = Vec::new();
                self.lines(Purpose::Reversed, paise, day, &mut random, &mut failed);
                lines.splice(place..place, failed);
            }
        }
        self.uncovered(before, day, &mut random, &mut lines);
        self.dated(date, lines, before, &mut random)
    }

    /// A mandate is returned because it is not covered. Where the months of a window leave enough for it, a payment that failed is
    /// away at that time, and comes back later.
    fn uncovered(&self, before: i64, day: [u64; 3], random: &mut Random, lines: &mut Vec<Line>) {
        let is_returned = |line: &Line| line.purpose.is_returned_instalment();
        let Some(place) = lines.iter().position(is_returned) else {
            return;
        };
        let until = lines.iter().take(place.saturating_add(1));
        let left = until.fold(before, |sum, line| sum.saturating_add(line.paise));
        if left < 0 {
            return;
        }
        let paise = left.saturating_add(random.below(5_000)).saturating_add(100);
        let mut failed = Vec::new();
        self.lines(Purpose::Reversed, paise, day, random, &mut failed);
        lines.extend(failed.pop());
        lines.splice(place..place, failed);
    }

    fn dated(
        &self,
        date: Date,
        lines: Vec<Line>,
        before: i64,
        random: &mut Random,
    ) -> Vec<Transaction> {
        let count = i64::try_from(lines.len()).unwrap_or(i64::MAX);
        let step = SECONDS.checked_div(count).unwrap_or(SECONDS);
        let mut balance = before;
        let mut start = FIRST_SECOND;
        let mut rows = Vec::with_capacity(lines.len());
        for (place, line) in lines.into_iter().enumerate() {
            balance = balance.saturating_add(line.paise);
            let second = start.saturating_add(random.below(step));
            start = start.saturating_add(step);
            rows.push(Transaction {
                id: format!("S{date}{}{place:03}", self.account).replace('-', ""),
                at: at(date, second),
                paise: line.paise,
                balance,
                mode: line.mode,
                narration: line.narration,
                reference: line.reference,
                purpose: line.purpose,
            });
        }
        rows
    }

    /// The lines in which an amount moves, which add up to it, or to nothing if it is returned.
    fn lines(
        &self,
        purpose: Purpose,
        paise: i64,
        day: [u64; 3],
        random: &mut Random,
        lines: &mut Vec<Line>,
    ) {
        let signed = |paise: i64| match purpose.is_credit() {
            true => paise,
            false => paise.saturating_neg(),
        };
        let first = lines.len();
        let mut add = |paise: i64, (mode, narration, reference)| {
            lines.push(Line {
                purpose,
                paise: signed(paise),
                mode,
                narration,
                reference,
            });
        };
        match purpose {
            Purpose::Spend | Purpose::UpiSale => {
                let mut rest = paise;
                if purpose == Purpose::Spend && paise > WITHDRAWAL && random.below(6) == 0 {
                    let text = format!("ATM WDL/TESTPUR/{}", random.digits(6));
                    add(WITHDRAWAL, (Mode::Atm, text, String::new()));
                    rest = rest.saturating_sub(WITHDRAWAL);
                }
                for part in parts(rest, random) {
                    let text = self.text(purpose, day, random);
                    add(part, text);
                }
            }
            _ => {
                let text = self.text(purpose, day, random);
                add(paise, text);
            }
        }
        if purpose.is_returned()
            && let Some(out) = lines.get(first)
        {
            let reference = out.reference.clone();
            let narration = match purpose {
                Purpose::EmiReturned(_) => {
                    out.narration.replacen("ACH D", "ACH RTN", 1) + "-INSUFFICIENT FUNDS"
                }
                _ => out.narration.replacen("/DR/", "/REV/", 1) + "/FAILED",
            };
            lines.push(Line {
                paise,
                narration,
                reference,
                ..*out
            });
        }
    }

    /// The means, the bank's text and the reference of a row.
    fn text(&self, purpose: Purpose, day: [u64; 3], random: &mut Random) -> (Mode, String, String) {
        let holder = |place: usize| {
            let holder = self.holders.get(place);
            holder.map_or("", |holder| holder.name.as_str())
        };
        // Twelve digits, as of UPI; none that an Aadhaar number could have, which begins with 2 or more.
        let reference = format!("0{}", random.digits(11));
        let upi = |way: &str, party: &str, what: &str| {
            let text = format!("UPI/{way}/{reference}/{party}/{what}");
            (Mode::Upi, text, reference.clone())
        };
        let transfer = |mode, way: &str, ifsc: &str, party: &str, what: &str| {
            let name = if mode == Mode::Rtgs { "RTGS" } else { "NEFT" };
            let text = format!("{name} {way}-{ifsc}-{party}-{what}");
            (mode, text, format!("N{reference}"))
        };
        let mandate = |party: &str, what: &str, way: &str| {
            let of = party.bytes().map(u64::from).sum();
            let number = self.always(&[4, of]).digits(7);
            let text = format!("ACH {way}-{party}-{what} {number}");
            (Mode::Nach, text, reference.clone())
        };
        // Both sides of a transfer have the same.
        let own = |way: &str, bank: usize| {
            let from = [5, self.seed, self.person];
            let shared = Random::of(&[from, day].concat()).digits(11);
            let ifsc = BANKS.get(bank).map_or("", |bank| bank.ifsc);
            let text = format!("NEFT {way}-{ifsc}-{}-SELF", holder(0));
            (Mode::Neft, text, format!("N0{shared}"))
        };
        let plain = |mode, text: &str| (mode, text.to_owned(), String::new());
        match purpose {
            Purpose::Salary(employer) => {
                let what = format!("SALARY-{}", holder(0));
                transfer(Mode::Neft, "CR", "ZZZZ0000011", employer, &what)
            }
            Purpose::SecondSalary(employer) => {
                let what = format!("SALARY-{}", holder(1));
                transfer(Mode::Neft, "CR", "ZZZZ0000012", employer, &what)
            }
            Purpose::Payout(platform) => upi("CR", platform, "PAYOUT"),
            Purpose::Harvest(buyer) => {
                transfer(Mode::Neft, "CR", "ZZZZ0000013", buyer, "CROP SALE")
            }
            Purpose::Subsidy => mandate("FARM SUPPORT", "SUBSIDY", "C"),
            Purpose::Sale => {
                let customer = random.one_of(&CUSTOMERS);
                let what = format!("INVOICE {}", random.digits(4));
                transfer(Mode::Neft, "CR", "ZZZZ0000014", customer, &what)
            }
            Purpose::UpiSale => upi("CR", random.one_of(&CUSTOMERS), "customer@example"),
            Purpose::CashIncome | Purpose::CashDeposit => {
                let text = format!("CASH DEP/TESTPUR BRANCH/{}", random.digits(4));
                (Mode::Cash, text, String::new())
            }
            Purpose::Winnings(game) => upi("CR", game, "WINNINGS"),
            Purpose::PartyIn(party) => upi("CR", party, "TRANSFER"),
            Purpose::PartyOut(party) => upi("DR", party, "TRANSFER"),
            Purpose::LargePartyIn(party) => {
                transfer(Mode::Rtgs, "CR", "ZZZZ0000015", party, "TRANSFER")
            }
            Purpose::LargePartyOut(party) => {
                transfer(Mode::Rtgs, "DR", "ZZZZ0000015", party, "TRANSFER")
            }
            Purpose::Loan(lender) => {
                transfer(Mode::Neft, "CR", "ZZZZ0000016", lender, "LOAN DISBURSAL")
            }
            Purpose::FromOwn(bank) => own("CR", bank),
            Purpose::ToOwn(bank) => own("DR", bank),
            Purpose::Interest => plain(Mode::Interest, "INT.CREDIT"),
            Purpose::Rent => upi("DR", "NAMUNA ESTATES", "RENT"),
            Purpose::Emi(lender) | Purpose::EmiReturned(lender) => mandate(lender, "EMI", "D"),
            Purpose::EmiByHand(lender) => upi("DR", lender, "EMI PAYMENT"),
            Purpose::ReturnCharge => plain(Mode::Others, "ACH RTN CHARGES INCL GST"),
            Purpose::BalanceCharge => plain(Mode::Others, "MIN BAL CHARGES INCL GST"),
            Purpose::SmsCharge => plain(Mode::Others, "SMS CHARGES INCL GST"),
            Purpose::Sip => mandate("SAMPLE MUTUAL FUND", "SIP", "D"),
            Purpose::Stake(game) => upi("DR", game, "ADD CASH"),
            Purpose::Supplier => {
                let what = format!("BILL {}", random.digits(4));
                let supplier = random.one_of(&SUPPLIERS);
                transfer(Mode::Neft, "DR", "ZZZZ0000017", supplier, &what)
            }
            Purpose::Bill(party) => upi("DR", party, "BILL"),
            Purpose::Spend | Purpose::Reversed => {
                let shop = random.one_of(&SHOPS);
                match purpose == Purpose::Spend && random.below(6) == 0 {
                    true => plain(Mode::Card, &format!("POS/{shop}/TESTPUR")),
                    false => upi("DR", shop, "shop@example"),
                }
            }
        }
    }
}

/// A second of a day.
fn at(date: Date, second: i64) -> DateTime {
    let part = |part: i64| i8::try_from(part).unwrap_or_default();
    let [hour, minute] = [second / 3600, second / 60 % 60];
    date.at(part(hour), part(minute), part(second % 60), 0)
}

/// Two to five positive amounts that add up to a whole; the whole itself if it is too small.
fn parts(whole: i64, random: &mut Random) -> Vec<i64> {
    let count = random.below(4).saturating_add(2);
    let mut parts = Vec::new();
    let mut rest = whole;
    for left in (2..=count).rev() {
        // Between a half of the mean and a half more.
        let mean = rest.checked_div(left).unwrap_or_default();
        let part = (mean / 2).saturating_add(random.below(mean));
        if part > 0 && part < rest {
            parts.push(part);
            rest = rest.saturating_sub(part);
        }
    }
    parts.push(rest);
    parts
}
