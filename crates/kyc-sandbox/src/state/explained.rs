//! What a scripted number says about its person beyond the account aggregator, in words.

use super::{MobileScript, NameScript, journey};

impl MobileScript {
    /// What this person does at DigiLocker, where the number stands in `redirect_url` or `purpose`.
    pub fn at_digilocker(self) -> &'static str {
        match self.journey {
            journey::SLOW => "allows everything, after ten minutes",
            journey::PARTIAL => "ticks the Aadhaar card only",
            journey::DENY => "denies",
            journey::CANCEL | journey::EXPIRE => "does not come; the link still works",
            journey::ABANDON => "signs in and leaves",
            journey::OTP_THRICE => "gives three wrong passwords",
            journey::OTP_NONE => "gets no password",
            journey::NO_DIGILOCKER => "makes an account first",
            journey::NO_E_AADHAAR => "has no e-Aadhaar",
            journey::NO_PAN_DOCUMENT => "has no PAN card",
            journey::TICKS_NONE => "ticks nothing",
            journey::CODE_LATE => "returns with a code that is dead",
            journey::ISSUER_DOWN => "has an issuer that answers 503 twice",
            _ => "allows everything",
        }
    }

    /// What becomes of this person's Veriff session, where the number is its `phoneNumber` or its `vendorData`.
    pub fn at_veriff(self) -> &'static str {
        match NameScript::of_mobile(self) {
            NameScript::Decline => "is declined, reason 106",
            NameScript::Abandon => "comes and leaves: the session is abandoned",
            NameScript::Expire => "does not come: the session expires",
            _ => "is approved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_digilocker_is_the_documented_table() {
        let readme = include_str!("../../README.md");
        let (_, table) = readme.split_once("## DigiLocker").unwrap_or_default();
        let rows = table
            .lines()
            .skip_while(|line| !line.starts_with("| `00`"))
            .map_while(|line| {
                let (digits, words) = line.strip_prefix("| ")?.split_once(" | ")?;
                Some((digits, words.trim_end_matches(" |")))
            });
        let rows: Vec<(&str, &str)> = rows.collect();
        assert_eq!(rows.len(), 14);
        for journey in 0..100 {
            let digits = format!("`{journey:02}`");
            let of_journey = rows.iter().find(|(of, _)| of.contains(&digits));
            let (_, documented) = of_journey.unwrap_or(&rows[0]);
            let script = MobileScript::of(&format!("9001{journey:02}0000"));
            let words = script.map_or("", MobileScript::at_digilocker);
            assert!(
                !words.is_empty() && documented.starts_with(words),
                "{digits} {words}"
            );
        }
    }

    #[test]
    fn a_session_ends_as_its_documents_say() {
        let says = |mobile| MobileScript::of(mobile).map_or("", MobileScript::at_veriff);
        assert_eq!(says("9001000000"), "is approved");
        assert_eq!(says("9001030000"), "is declined, reason 106");
        assert!(
            says("9001040000").contains("abandoned") && says("9001050000").contains("abandoned")
        );
        assert!(says("9001060000").contains("expires"));
    }
}
