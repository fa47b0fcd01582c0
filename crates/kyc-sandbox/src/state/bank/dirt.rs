//! Data as some banks deliver it: the same facts, in need of cleaning.

use super::{Account, Transaction};

/// A row as it is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) transaction: &'a Transaction,
    /// Its id, or another row's.
    pub(crate) id: &'a str,
    /// The balance after it, unless it is missing.
    pub(crate) balance: Option<i64>,
    pub(crate) form: AmountForm,
    /// Whether its time says in which zone.
    pub(crate) has_zone: bool,
}

/// How an amount is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AmountForm {
    /// As the form of the reply has it.
    Usual,
    /// As text where others are numbers, or as a number where others are text.
    Unusual,
    /// As text with an exponent.
    Exponent,
}

impl Account {
    /// The rows as they are served: of a clean account all of them, in order. Of another one an id may be a neighbour's, a row
    /// may come twice, without its balance or its zone, with its amount in another form, and out of order.
    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let clean = self.transactions.iter().map(|transaction| Row {
            transaction,
            id: &transaction.id,
            balance: Some(transaction.balance),
            form: match self.is_odd {
                true => AmountForm::Unusual,
                false => AmountForm::Usual,
            },
            has_zone: true,
        });
        if !self.is_dirty {
            return clean.collect();
        }
        let mut rows = Vec::with_capacity(self.transactions.len());
        let mut previous: Option<&str> = None;
        for (place, row) in clean.enumerate() {
            let row = Row {
                id: match place % 7 {
                    3 => previous.unwrap_or(row.id),
                    _ => row.id,
                },
                balance: row.balance.filter(|_| place % 5 != 2),
                form: match place % 3 {
                    0 => AmountForm::Usual,
                    1 => AmountForm::Unusual,
                    _ => AmountForm::Exponent,
                },
                has_zone: false,
                ..row
            };
            previous = Some(row.id);
            rows.push(row);
            if place % 11 == 4 {
                rows.push(row);
            }
        }
        rows.reverse();
        for some in rows.chunks_mut(4) {
            some.reverse();
        }
        rows
    }
}
