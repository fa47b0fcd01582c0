//! Statements of accounts, as PDFs of one page.

use crate::invented::pdf;
use crate::state::bank::{Account, Transaction};

/// How many lines a page has below its title.
const LINES: usize = 34;

/// An account on a statement.
#[derive(Debug)]
pub(crate) struct Stated<'a> {
    pub(crate) bank: &'a str,
    /// Masked.
    pub(crate) number: &'a str,
    /// The bank data of a scripted person.
    pub(crate) account: Option<&'a Account>,
}

/// A page with these accounts, of which each has as many of its newest transactions as there is room for.
pub(crate) fn statement(accounts: &[Stated<'_>]) -> Vec<u8> {
    let room = LINES.checked_div(accounts.len()).unwrap_or(LINES);
    let lines: Vec<String> = accounts.iter().flat_map(|one| one.lines(room)).collect();
    pdf("Statement of account", &lines)
}

impl Stated<'_> {
    fn lines(&self, room: usize) -> Vec<String> {
        let mut lines = vec![format!("{}, account {}", self.bank, self.number)];
        let Some(account) = self.account else {
            // The same as in the data of everybody who has no script.
            lines.extend([
                "Holder: INVENTED PERSON".to_owned(),
                "2029-12-30  +2000.00  INVENTED".to_owned(),
                "2029-12-30  -760.50  INVENTED".to_owned(),
                "Balance: 1239.50".to_owned(),
            ]);
            lines.truncate(room);
            return lines;
        };
        let holders: Vec<&str> = account.holders.iter().map(|one| &*one.name).collect();
        lines.extend([
            format!("Holder: {}", holders.join(", ")),
            format!("From {} to {}", account.first, account.last),
            format!(
                "Balance before: {}  after: {}",
                Account::rupees(account.opening),
                Account::rupees(account.closing())
            ),
        ]);
        let all = account.transactions.len();
        let left = room.saturating_sub(lines.len()).saturating_sub(1);
        let newest = all.saturating_sub(left);
        lines.push(match newest {
            0 => format!("All {all} transactions:"),
            _ => format!("The newest {left} of {all} transactions:"),
        });
        lines.extend(account.transactions.iter().skip(newest).map(line));
        lines.truncate(room);
        lines
    }
}

fn line(row: &Transaction) -> String {
    let sign = if row.paise > 0 { "+" } else { "" };
    format!(
        "{}  {sign}{}  {}  {}",
        row.at.date(),
        Account::rupees(row.paise),
        Account::rupees(row.balance),
        row.narration
    )
}
