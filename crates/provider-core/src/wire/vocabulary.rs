//! The words in codes and status words.

/// Whether one of the words in a code or a status word tells that something went wrong, as in `verification_failed`,
/// `InvalidConsent` or `DECLINED`.
///
/// ```
/// use provider_core::tells_failure;
///
/// for code in ["verification_failed", "InvalidConsent", "NOT-FOUND", "DECLINED", "E_TIMEOUT"] {
///     assert!(tells_failure(code));
/// }
/// for code in ["", "success", "session_created", "no_error", "PENDING"] {
///     assert!(!tells_failure(code));
/// }
/// ```
pub fn tells_failure(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "bad", "cannot", "deny", "err", "no", "non", "not", "off", "timed",
    ];
    const BEGINNINGS: [&str; 47] = [
        "abandon",
        "abort",
        "block",
        "broke",
        "cancel",
        "conflict",
        "deactivat",
        "declin",
        "denied",
        "disab",
        "disallow",
        "duplicat",
        "error",
        "exceed",
        "except",
        "expir",
        "fail",
        "fault",
        "forbid",
        "inactiv",
        "incomplet",
        "inconsist",
        "incorrect",
        "insuffic",
        "interrupt",
        "invalid",
        "mainten",
        "malform",
        "mismatch",
        "missing",
        "prohibit",
        "refus",
        "reject",
        "restrict",
        "revok",
        "suspen",
        "terminat",
        "throttl",
        "timeout",
        "unab",
        "unauth",
        "unavail",
        "unknown",
        "unsuccess",
        "unsupport",
        "unverif",
        "wrong",
    ];
    let words = words(text);
    let tells = |word: &String| {
        WORDS.contains(&&**word)
            || BEGINNINGS
                .iter()
                .any(|beginning| word.starts_with(beginning))
    };
    let is_none = matches!(&*words, [no, error] if no == "no" && error.starts_with("error"));
    !is_none && words.iter().any(tells)
}

/// The words of a code in small letters: between other characters than letters, and where a capital follows a small letter.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for char in text.chars() {
        let is_letter = char.is_ascii_alphabetic();
        if !is_letter || after_small && char.is_ascii_uppercase() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (is_letter, words.last_mut()) {
            word.push(char.to_ascii_lowercase());
        }
        after_small = char.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
