//! What a mobile number says about its person, and who acts.

/// Who takes a person's part: consents, signs in, hands in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PeopleAct {
    /// The documented people at once, and people with a [`MobileScript`] in their number as it says. Everybody else acts on
    /// the pages.
    #[default]
    ByScript,
    /// Everybody acts on the pages only.
    OnPages,
}

/// The script in a mobile number `9001JJWDAA`, digit by digit.
///
/// ```
/// use kyc_sandbox::MobileScript;
///
/// let script = MobileScript::of("9001031205").unwrap();
/// assert_eq!((script.journey, script.webhook, script.data, script.archetype), (3, 1, 2, 5));
/// assert_eq!(MobileScript::of("9000000001"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MobileScript {
    /// `JJ`: what the person does in a journey, 0 to 99.
    pub journey: u8,
    /// `W`: what becomes of webhooks, 0 to 9.
    pub webhook: u8,
    /// `D`: what becomes of data sessions, 0 to 9.
    pub data: u8,
    /// `AA`: whose bank accounts these are, 0 to 99.
    pub archetype: u8,
}

impl MobileScript {
    /// The script in a mobile number; `None` if it is not ten digits of which the first four are `9001`.
    pub fn of(mobile: &str) -> Option<Self> {
        let digits = mobile.strip_prefix("9001")?.as_bytes();
        let &[j1, j2, w, d, a1, a2] = digits else {
            return None;
        };
        let digit = |byte: u8| byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'));
        let pair = |tens, ones| Some(digit(tens)?.wrapping_mul(10).wrapping_add(digit(ones)?));
        Some(Self {
            journey: pair(j1, j2)?,
            webhook: digit(w)?,
            data: digit(d)?,
            archetype: pair(a1, a2)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_has_its_place_and_nothing_else_is_a_script() {
        let script = MobileScript::of("9001129876");
        let read = script.map(|s| (s.journey, s.webhook, s.data, s.archetype));
        assert_eq!(read, Some((12, 9, 8, 76)));
        for other in [
            "",
            "9001",
            "900103120",
            "90010312055",
            "9000000001",
            "9001 31205",
            "90010312\u{664}",
            "+900103120",
            "19001031205",
        ] {
            assert_eq!(MobileScript::of(other), None, "{other}");
        }
    }
}
