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

/// Whether all words of a code are words of codes, so that it is none of a person's names. A code of digits has no words.
pub(super) fn is_code(text: &str) -> bool {
    const WORDS: &str = "aa aadhaar aadhar aas abort aborted absent accept accepted access account action active address already \
        analysis analytics and api app application approved argument array at attempt auth authentication \
        authorisation authorization available bad balance base batch before blocked body bool boolean broken busy \
        call can cancelled check checked client closed code complete completed conflict connection consent consents \
        const content credential credentials credits customer data database date datetime deactivated declined \
        deleted denied dependency detail details digest digilocker disabled document does down duplicate e eligible \
        email empty end entity enum error event exceeded exception exist exists expired expires expiry extra fail \
        failed failure fault field file flow for forbidden format found frequency from gateway generated generation \
        get granted handle header id identity illegal in inactive incomplete incorrect info input institution \
        insufficient int integer internal invalid is issue item journey json key large length limit link linked list \
        locked long low maintenance malformed many match max maximum method mfa min minimum mismatch missing mobile \
        model modified must network no none not null number object of on only open operation otp out over pan param \
        parameter parse parsing password path pattern paused payload payment pdf pending permission phone plan \
        please post present processing product profile provider purpose push query quota range rate re reached ready \
        record redirect reference refused regex registered rejected report request requests required resend resource \
        response resubmission result resumed retry revoked schema scope secret server service session short \
        signature size soon source started state statement status str string submission submitted success suspended \
        system template temporarily terminated than time timed timeout to token too tool tracking transaction type \
        types unable unauthorised unauthorized unavailable under unexpected unknown unprocessable unsupported upload \
        uploaded uri url user validation value verification verified version view vua web webhook with wrong xml";
    words(text)
        .iter()
        .all(|word| WORDS.split_ascii_whitespace().any(|known| known == word))
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
