//! A scripted person's account in the forms of ReBIT's deposits, versions 1 and 2.
//!
//! The members and their words are those of the schemas; which of the optional ones are there is the sandbox's own choice.

use super::options::DepositVersion;
use crate::exchange::Json;
use crate::providers::amounts;
use crate::state::LinkedAccount;
use crate::state::bank::{Account, AmountForm, Holder, Row};

/// The members of an element. As XML they are its attributes.
pub(super) type Members = Vec<(&'static str, Json)>;

fn amount(paise: i64) -> Json {
    amounts::text(paise, AmountForm::Usual)
}

pub(super) fn balance(account: &Account) -> Members {
    vec![
        ("currentBalance", amount(account.balance)),
        ("currency", "INR".into()),
        (
            "balanceDateTime",
            format!("{}T23:59:59+05:30", account.as_of).into(),
        ),
    ]
}

pub(super) fn summary(account: &Account, version: DepositVersion) -> Members {
    let mut members = balance(account);
    let kind = account.kind.word();
    match version {
        DepositVersion::One => members.extend([
            ("exchgeRate", "".into()),
            ("type", kind.into()),
            ("ifscCode", account.bank.ifsc.into()),
            ("facility", if account.limit > 0 { "OD" } else { "" }.into()),
        ]),
        DepositVersion::Two => members.extend([
            ("accountType", "REGULAR".into()),
            ("accountSubType", kind.into()),
            ("ifsc", account.bank.ifsc.into()),
            ("facility", account.facility().into()),
        ]),
    }
    members.extend([
        ("branch", account.bank.branch.into()),
        ("micrCode", "".into()),
        ("openingDate", account.opened.to_string().into()),
        ("currentODLimit", amount(account.available())),
        ("drawingLimit", amount(account.limit)),
        ("status", account.status().into()),
    ]);
    members
}

pub(super) fn holder(holder: &Holder, version: DepositVersion) -> Members {
    vec![
        ("name", holder.name.as_str().into()),
        ("dob", holder.birth.to_string().into()),
        ("mobile", holder.mobile.as_str().into()),
        ("nominee", "REGISTERED".into()),
        ("landline", "".into()),
        ("address", "12 Sample Street, Testpur 560000".into()),
        ("email", holder.email.as_str().into()),
        ("pan", holder.pan.as_str().into()),
        match version {
            DepositVersion::One => ("ckycCompliance", "true".into()),
            DepositVersion::Two => ("ckycRegistered", "YES".into()),
        },
    ]
}

pub(super) fn transaction(row: &Row<'_>, version: DepositVersion) -> Members {
    let transaction = row.transaction;
    let zone = if row.has_zone { "+05:30" } else { "" };
    let balance = row.balance.map(|balance| amounts::text(balance, row.form));
    let (name, number) = match version {
        DepositVersion::One => ("currentBalance", 1),
        DepositVersion::Two => ("transactionalBalance", 2),
    };
    vec![
        ("txnId", row.id.into()),
        ("type", transaction.direction().into()),
        ("mode", transaction.mode.word(number).into()),
        (
            "amount",
            amounts::text(transaction.paise.saturating_abs(), row.form),
        ),
        (name, balance.unwrap_or("".into())),
        (
            "transactionTimestamp",
            format!("{}{zone}", transaction.at).into(),
        ),
        ("valueDate", transaction.at.date().to_string().into()),
        ("narration", transaction.narration.as_str().into()),
        ("reference", transaction.reference.as_str().into()),
    ]
}

/// The account as XML.
pub(super) fn xml(linked: &LinkedAccount, account: &Account, version: DepositVersion) -> String {
    let head = vec![
        ("linkedAccRef", linked.link.as_str().into()),
        ("maskedAccNumber", linked.masked_number.as_str().into()),
        (
            "version",
            match version {
                DepositVersion::One => "1.1",
                DepositVersion::Two => "2.0.0",
            }
            .into(),
        ),
        ("type", "deposit".into()),
    ];
    let holders = account.holders.iter();
    let holders: String = holders
        .map(|one| element("Holder", &holder(one, version)))
        .collect();
    let rows = account.rows();
    let rows: String = rows
        .iter()
        .map(|row| element("Transaction", &transaction(row, version)))
        .collect();
    format!(
        "<Account{}><Profile><Holders{}>{holders}</Holders></Profile>{}<Transactions{}>{rows}</Transactions></Account>",
        attributes(&head),
        attributes(&[("type", account.holding().into())]),
        element("Summary", &summary(account, version)),
        attributes(&period(account)),
    )
}

/// The days of an account's transactions.
pub(super) fn period(account: &Account) -> Members {
    vec![
        ("startDate", account.first.to_string().into()),
        ("endDate", account.last.to_string().into()),
    ]
}

/// An element without content.
pub(super) fn element(name: &str, members: &[(&'static str, Json)]) -> String {
    format!("<{name}{}/>", attributes(members))
}

pub(super) fn attributes(members: &[(&'static str, Json)]) -> String {
    let attribute = |(name, value): &(&str, Json)| {
        let text = match value {
            Json::Text(text) => escaped(text),
            other => other.to_compact(),
        };
        format!(" {name}=\"{text}\"")
    };
    members.iter().map(attribute).collect()
}

/// Text in XML, between quotation marks or tags.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_value_is_text() {
        let members = [
            ("a", "x & <y> \"z\"".into()),
            ("b", Json::Decimal("1.5".to_owned())),
        ];
        assert_eq!(
            element("E", &members),
            r#"<E a="x &amp; &lt;y&gt; &quot;z&quot;" b="1.5"/>"#
        );
    }
}
