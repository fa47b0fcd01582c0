//! Amounts of invented bank data as JSON.

use crate::exchange::Json;
use crate::state::bank::{Account, AmountForm};

/// An amount where the reply has text.
pub(super) fn text(paise: i64, form: AmountForm) -> Json {
    match form {
        AmountForm::Usual => Account::rupees(paise).into(),
        AmountForm::Unusual => Json::Decimal(Account::rupees(paise)),
        AmountForm::Exponent => exponent(paise).into(),
    }
}

/// An amount where the reply has a number.
pub(super) fn number(paise: i64, form: AmountForm) -> Json {
    match form {
        AmountForm::Usual => Json::Decimal(Account::rupees(paise)),
        AmountForm::Unusual => Account::rupees(paise).into(),
        AmountForm::Exponent => exponent(paise).into(),
    }
}

/// An amount with an exponent: 1234.50 is `1.2345E3`.
fn exponent(paise: i64) -> String {
    let sign = if paise < 0 { "-" } else { "" };
    let digits = paise.unsigned_abs().to_string();
    let exponent = i64::try_from(digits.len())
        .unwrap_or(i64::MAX)
        .saturating_sub(3);
    let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_the_same_value_in_every_form() {
        for (paise, plain, with_exponent) in [
            (123_450, "1234.50", "1.2345E3"),
            (7_500_000, "75000.00", "7.5E4"),
            (100, "1.00", "1E0"),
            (5, "0.05", "5E-2"),
            (0, "0.00", "0E-2"),
            (-18_000_000, "-180000.00", "-1.8E5"),
            (
                i64::MIN,
                "-92233720368547758.08",
                "-9.223372036854775808E16",
            ),
        ] {
            let json = |form| {
                (
                    text(paise, form).to_compact(),
                    number(paise, form).to_compact(),
                )
            };
            let quoted = |text: &str| format!("\"{text}\"");
            assert_eq!(json(AmountForm::Usual), (quoted(plain), plain.to_owned()));
            assert_eq!(json(AmountForm::Unusual), (plain.to_owned(), quoted(plain)));
            let both = (quoted(with_exponent), quoted(with_exponent));
            assert_eq!(json(AmountForm::Exponent), both);
        }
    }
}
