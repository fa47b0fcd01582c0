//! Made-up values in every place where a secret or a personal value stands in real life.
//!
//! Each is unlike any word, so that finding it, or half of it, can only mean that it was given away. Those of requests and
//! replies are [made from the fixtures](plant), for every operation of the catalogue.

pub(crate) mod capture;
pub(crate) mod search;

use fastrand::Rng;
use kyc_proof::catalogue::{Exchange, Subject};
use kyc_proof::companies::Account;
use provider_core::Outcome;
use provider_core::jiff::Timestamp;
use provider_core::jiff::civil::Date;
use provider_core::testing::tolerance::pointers;
use serde_json::{Value, json};

/// One planted value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planted {
    /// What it stands for.
    pub(crate) what: String,
    pub(crate) value: String,
    pub(crate) printed: Printed,
}

/// Where a planted value may be printed by design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Printed {
    Never,
    /// By `Debug` of the request or the reply that it is a field of: an id that people quote to support.
    ByItsOwner,
}

macro_rules! planted {
    ($($name:ident = $what:literal, $value:literal $(, $printed:ident)?;)+) => {
        $(pub(crate) const $name: &str = $value;)+

        /// What is planted whatever the catalogue has.
        fn constants() -> Vec<Planted> {
            vec![$(Planted {
                what: $what.to_owned(),
                value: $value.to_owned(),
                printed: planted!(@ $($printed)?),
            }),+]
        }
    };
    (@) => { Printed::Never };
    (@ $printed:ident) => { Printed::$printed };
}

planted! {
    // Credentials.
    FINPASS_KEY = "Finpass API key", "xvkqzccqbhrttkpmqvlv";
    FINPASS_SECRET = "Finpass API secret", "tmngqvpzrzkwlxktjzql";
    FINPRO_CLIENT = "FinPro client id", "cfspshhwmqlhwxgrxjsd";
    FINPRO_SECRET = "FinPro client secret", "xnnrgszxpprbqjrhglrf";
    FINPRO_ORGANISATION = "FinPro organisation id", "mfqhtmjskhqghgxtndfz";
    FINPRO_APP = "FinPro app identifier", "com.rldkmdfqkjxsjpzhxrck";
    VERIFF_KEY = "Veriff API key", "3b1f7c52-6e0d-4b8a-9c47-d25a80e1f693";
    VERIFF_SECRET = "Veriff shared secret", "c94e21d7-05fa-4d3b-8b16-7ae3f0925dc8";
    VERIFF_PREVIOUS = "Veriff secret that is being replaced", "tndzrrlb/tknksbjwwrkq";
    VERIFF_FOREIGN = "somebody else's Veriff secret", "glmxwqtd\"rzkvhnbpcfs";
    DEEPVUE_CLIENT = "Deepvue client id", "xxzcqxvxgzbbmccrfcjm";
    DEEPVUE_SECRET = "Deepvue client secret", "bnlttjbj+vsxpbsqqwcps";
    // What an application hands to an onboarding and to the command.
    MOBILE = "mobile number", "9000000173";
    PAN = "PAN", "QZXVK0173W";
    EMAIL = "e-mail address", "mthctktwwkqz.btnjfcjf@example.test";
    WEBHOOK_URL = "webhook URL", "https://mnnsmmnzqnzv.example.test/ltfpfbnr?t=hzqk";
    RETURN_URL = "return URL", "https://kkwdwxdxgvrj.example.test/wksvlbfs?t=xnzd";
    CONSENT_ID = "user consent id", "bqdpsbvkbrggwvvwwqxm", ByItsOwner;
    SESSION_ID = "verification session id", "8f0c6a1e-94d3-4f27-a5b8-60e7d19c2b35", ByItsOwner;
    CONSENT_TEXT = "consent text", "cbfffkpcjj \"nxtlswgmhj\" \\vzkr/qwtn=é+gh";
    REDIRECT_URL = "redirect URL", "https://qlbtchkfssnx.example.test/lvhzjtsk?t=rbwd";
    CONSENT_URL = "consent URL", "https://tpdrmwlklwkf.example.test/bfsxbbtf?fi=zRkwQ+Rg==";
    ROW_ERROR = "an aggregator's error text", "nfcwtmlh stgbdmhwwztn";
    // What a reply may carry besides.
    ECHOED_NAME = "the person's name in a reply", "Wrkddgxshs Prdhpjphqv";
    ECHOED_ADDRESS = "the person's address in a reply", "14 Zvqhkwtrd Lane, Xgnbplmfs";
    VUA = "virtual user account", "nvrqxkgzhwtd@finvu";
    // What else comes from the wire.
    COOKIE = "cookie", "hqkbnvjbvgfxvggtdpzd";
    LOCATION = "where a redirect leads", "cdkmbdbnzkgdcsnqfzzx";
    CHALLENGE = "challenge of a 401", "jtcnljwcgfmzmtznbptt";
    SERVER = "server header", "hpvvjzhmvczvzdlfjswt";
    TRACE_HEADER = "value of an unknown header", "svjglqwpvwjgsssfldvs";
    HEADER_NAME = "name of an unknown header", "mtmkfdkkfqcgpzglbxkd";
    REASON = "reason phrase", "cfmxsbtbxhqpbkmvgkql";
    CHUNK_EXTENSION = "chunk extension", "zzsnxfjnxkplzwqhkqrk";
    UNKNOWN_KEY = "unknown JSON key", "kvrxmnptqjqtptflsnfx";
    UNKNOWN_VALUE = "unknown JSON value", "vnpnfpkldbzffkfhtvch";
    WRONG_VALUE = "JSON value of a wrong type", "zkkgvgxghzlvrxhgwbqg";
    VARIANT = "unlisted value of an enumeration", "gfgtfqvpltwszqpfwktl";
    HTML = "text of a gateway's page", "qqkbczsjjxqdztmrbdqf";
    RUBBISH = "bytes that are no HTTP", "rdmdwvqtjvfcdrskbfgd";
    CERTIFICATE_NAME = "name in a certificate", "kmmwrnzhfkmb.cpkxfwmd.example.test";
    CERTIFICATE_ORGANISATION = "organisation in a certificate", "Wmnkvhhdzp Qvrtlsvkjs";
}

/// The end of the time in which [`VERIFF_PREVIOUS`] counts.
pub(crate) const ROTATION_ENDS: &str = "2030-01-01T00:00:00Z";

/// The planted account as settings, by the names of their variables.
pub(crate) const SETTINGS: Account = &[
    ("FINPASS_API_KEY", FINPASS_KEY),
    ("FINPASS_API_SECRET", FINPASS_SECRET),
    ("FINPRO_CLIENT_ID", FINPRO_CLIENT),
    ("FINPRO_CLIENT_SECRET", FINPRO_SECRET),
    ("FINPRO_ORGANISATION_ID", FINPRO_ORGANISATION),
    ("FINPRO_APP_IDENTIFIER", FINPRO_APP),
    ("VERIFF_API_KEY", VERIFF_KEY),
    ("VERIFF_SHARED_SECRET", VERIFF_SECRET),
    ("VERIFF_PREVIOUS_SECRET", VERIFF_PREVIOUS),
    ("VERIFF_PREVIOUS_SECRET_ENDS", ROTATION_ENDS),
    ("DEEPVUE_CLIENT_ID", DEEPVUE_CLIENT),
    ("DEEPVUE_CLIENT_SECRET", DEEPVUE_SECRET),
];

/// An operation's exchange with planted values.
#[derive(Debug, Clone)]
pub(crate) struct PlantedExchange {
    pub(crate) input: Value,
    pub(crate) status: u16,
    pub(crate) reply: Value,
    /// A refusal in a documented form that repeats the input.
    pub(crate) refusal: Value,
    planted: Vec<Planted>,
}

/// Everything that is planted: the constants, and the values of these exchanges.
pub(crate) fn all<'e>(exchanges: impl IntoIterator<Item = &'e PlantedExchange>) -> Vec<Planted> {
    let mut all = constants();
    for planted in exchanges.into_iter().flat_map(|exchange| &exchange.planted) {
        if all.iter().all(|other| other.value != planted.value) {
            all.push(planted.clone());
        }
    }
    all
}

/// Puts a planted value in the place of each text of the operation's fixtures, wherever the exchange still succeeds. The
/// same text becomes the same value, so that a reply repeats what the request said.
///
/// # Panics
///
/// A text of a request cannot be replaced although it is long enough to be personal.
pub(crate) fn plant(subject: &Subject) -> PlantedExchange {
    let Exchange {
        mut input,
        status,
        mut reply,
    } = subject.exchange();
    let succeeds = |input: &Value, reply: &Value| {
        let reply = subject.reply(SETTINGS, status, reply.to_string().into_bytes());
        subject.answer(SETTINGS, input.clone(), reply).is_ok()
    };
    let (client, _) = subject.scripted(SETTINGS, []);
    let mut planted = Vec::new();
    for (at, text) in texts(&input).into_iter().chain(texts(&reply)) {
        let is_input = texts(&input).iter().any(|(_, other)| *other == text);
        // A word of a reply may decide what the reply is, as `success` does; of a request it may be the only one that is read.
        let unread = |other: &String| client.read(with(&input, &text, other)).is_err();
        let decides =
            is_word(&text) && (!is_input || canaries(subject.provider, &text).iter().all(unread));
        if decides || planted.iter().any(|known: &Planted| known.value == text) {
            continue;
        }
        let replaced = canaries(subject.provider, &text).into_iter().any(|value| {
            let changed = (with(&input, &text, &value), with(&reply, &text, &value));
            let fits =
                changed != (input.clone(), reply.clone()) && succeeds(&changed.0, &changed.1);
            if fits {
                (input, reply) = changed;
                planted.push(Planted {
                    what: format!("{} {at}", subject.name()),
                    value,
                    printed: printed(subject.provider, &at, &text),
                });
            }
            fits
        });
        assert!(
            replaced || !is_input || text.len() < 8,
            "{} {at} is not planted",
            subject.name()
        );
    }
    let mut refusal = refusal(subject, &input, &mut planted);
    if let Value::Object(members) = &mut refusal {
        members.insert("echo".to_owned(), json!([input, ECHOED_NAME, VUA]));
    }
    PlantedExchange {
        input,
        status,
        reply,
        refusal,
        planted,
    }
}

/// The operation's refusal with planted texts, in the shape of no code where a code stands, if it is understood as before.
fn refusal(subject: &Subject, input: &Value, planted: &mut Vec<Planted>) -> Value {
    let understood = |refusal: &Value| {
        let reply = subject.reply(SETTINGS, 400, refusal.to_string().into_bytes());
        let error = subject.answer(SETTINGS, input.clone(), reply).err();
        error.is_some_and(|error| error.fault().is_some() && error.outcome() == Outcome::Refused)
    };
    let mut refusal = subject.refusal();
    let recognised = understood(&refusal);
    for (at, text) in texts(&refusal) {
        let letters = canary(&format!("refusal {text}"), &"x".repeat(20));
        let between = if text.contains(' ') { " " } else { "-" };
        let value = format!("{}{between}{}", &letters[..8], &letters[8..]);
        let mut changed = refusal.clone();
        *changed.pointer_mut(&at).unwrap() = value.clone().into();
        if understood(&changed) == recognised {
            refusal = changed;
            let what = format!("{} refusal {at}", subject.name());
            planted.push(Planted {
                what,
                value,
                printed: Printed::Never,
            });
        }
    }
    refusal
}

/// Every text of a value with its JSON pointer.
pub(crate) fn texts(value: &Value) -> Vec<(String, String)> {
    let text = |at: String| Some((value.pointer(&at)?.as_str()?.to_owned(), at));
    let texts = pointers(value).into_iter().filter_map(text);
    texts.map(|(text, at)| (at, text)).collect()
}

/// Whether a text looks like a value of an enumeration.
pub(crate) fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

pub(crate) fn is_uuid(text: &str) -> bool {
    let mut digits = text.bytes();
    text.len() == 36 && digits.all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The value with one text in the place of another, wherever that is the whole of a text.
pub(crate) fn with(value: &Value, text: &str, other: &str) -> Value {
    match value {
        Value::String(found) if found == text => other.into(),
        Value::Array(items) => items.iter().map(|item| with(item, text, other)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, member)| (name.clone(), with(member, text, other)))
                .collect()
        }
        other => other.clone(),
    }
}

/// What takes the place of a text, the best first: of its form and long, of its form.
///
/// Each provider has others, because what one prints may be personal in another's replies.
fn canaries(provider: &str, text: &str) -> Vec<String> {
    let seed = &format!("{provider} {text}");
    if text.contains(' ') {
        let words = canary(seed, &"x".repeat(28));
        let (first, rest) = words.split_at(10);
        let (second, third) = rest.split_at(10);
        return vec![format!("{first} \"{second}\" \\{third}é+gh")];
    }
    let long = format!("{text}{}", "x".repeat(20_usize.saturating_sub(text.len())));
    let long = (text.len() < 10).then(|| canary(seed, &long));
    let canaries = long.into_iter().chain([canary(seed, text)]);
    canaries.filter(|canary| canary.len() >= 8).collect()
}

/// Another text of this form: consonants for letters, digits for digits, the rest as it is. UUIDs stay UUIDs, times
/// stay times, days stay days, and the scheme of a URL and the beginning of a PDF stay.
fn canary(seed: &str, form: &str) -> String {
    let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut random = Rng::with_seed(hash);
    let is_uuid = is_uuid(form);
    // Of a time the minute and what follows it change, so that it stays one.
    let is_time = form.parse::<Timestamp>().is_ok();
    // Of a day its year and its day of the month.
    let is_day = form.len() == 10 && form.parse::<Date>().is_ok();
    let kept = if is_time {
        15
    } else if form.starts_with("JVBERi0") {
        // A PDF as Base64.
        8
    } else {
        form.find("://").map_or(0, |at| at + 3)
    };
    let mut one_of = |letters: &str| char::from(letters.as_bytes()[random.usize(..letters.len())]);
    let changed = form.char_indices().map(|(at, character)| match character {
        _ if at < kept => character,
        'Z' if is_time => character,
        _ if is_day => match at {
            2 | 3 | 9 => one_of("123456789"),
            8 => one_of("012"),
            _ => character,
        },
        '0'..='9' if at == 17 && is_time => one_of("012345"),
        // What a mobile number begins with, and a UUID's version and variant.
        '9' if at == 0 => character,
        '4' | '8' | '9' | 'a' | 'b' if is_uuid && (at == 14 || at == 19) => character,
        'a'..='z' | '0'..='9' if is_uuid => one_of("0123456789abcdef"),
        'a'..='z' => one_of("bcdfghjkmnpqrtvwxz"),
        'A'..='Z' => one_of("BCDFGHJKMNPQRTVWXZ"),
        '0'..='9' => one_of("0123456789"),
        other => other,
    });
    changed.collect()
}

/// What replies have besides, by provider: ids, times, kinds, states, and codes of what was agreed, which many people share.
const ALSO_PRINTED: [(&str, &str); 4] = [
    (
        "finpass",
        "account_sub_type account_type expires_at mode statement_from statement_to status updated_at",
    ),
    (
        "finpro",
        "accounttype consent_handle consenthandle consentstart createdon dataexpiry datafetchdate eventtype fetchtype \
         fidatarangefrom fidatarangeto fitype fitypes linkreferencenumber linkrefnumber modifiedon ref_token srcref",
    ),
    ("veriff", "providername version"),
    (
        "deepvue",
        "consent_valid_till date doctype mime parent size type",
    ),
];

/// Ids, codes, times and what an application says about itself are printed by their owner; nothing else is.
pub(crate) fn printed(provider: &str, at: &str, text: &str) -> Printed {
    let is_index = |segment: &&str| segment.bytes().all(|byte| byte.is_ascii_digit());
    let member = at.rsplit('/').find(|segment| !is_index(segment));
    let member = member.unwrap_or_default().to_ascii_lowercase();
    let personal = text.contains('@') || text.contains("://");
    let known = ["id", "code", "time", "timestamp", "ver", "purpose"];
    let mut also = ALSO_PRINTED.iter().filter(|(of, _)| *of == provider);
    let is_known = known.iter().any(|end| member.ends_with(end))
        || also.any(|(_, members)| members.split(' ').any(|other| other == member))
        || provider == "finpro" && matches!(at, "/status" | "/response");
    match is_known && !personal {
        true => Printed::ByItsOwner,
        false => Printed::Never,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use kyc_proof::catalogue::operations;

    #[test]
    fn every_request_and_reply_is_planted_and_no_value_is_part_of_another() {
        let exchanges: Vec<_> = operations().iter().map(plant).collect();
        for (subject, exchange) in operations().iter().zip(&exchanges) {
            let Exchange { input, reply, .. } = subject.exchange();
            for (before, after) in [(&input, &exchange.input), (&reply, &exchange.reply)] {
                let left: BTreeSet<_> = texts(before).into_iter().collect();
                let left = texts(after).into_iter().filter(|(at, text)| {
                    let known = left.contains(&(at.clone(), text.clone()));
                    text.len() >= 8 && known && !is_word(text)
                });
                assert_eq!(left.collect::<Vec<_>>(), [], "{}", subject.name());
                assert_eq!(before == after, texts(before).is_empty());
            }
            assert!(exchange.refusal.to_string().contains(ECHOED_NAME));
        }
        let all = all(&exchanges);
        assert!(all.len() >= 60, "{}", all.len());
        for one in &all {
            let holders = all.iter().filter(|other| other.value.contains(&one.value));
            assert_eq!(holders.count(), 1, "{}", one.what);
        }
    }
}
