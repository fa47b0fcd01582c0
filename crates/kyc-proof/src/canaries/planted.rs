//! What is planted: made-up values in every place where a secret or a personal value stands in real life.
//!
//! Each is unlike any word, so that finding it, or half of it, can only mean that it was given away.

/// One planted value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planted {
    /// What it stands for.
    pub(crate) what: &'static str,
    /// The value.
    pub(crate) value: &'static str,
    /// Where it may be printed all the same.
    pub(crate) printed: Printed,
}

/// Where a planted value may be printed by design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Printed {
    /// Nowhere.
    Never,
    /// By `Debug` of the request or the reply that it is a field of: an id that people quote to support.
    ByItsOwner,
}

macro_rules! planted {
    ($($name:ident = $what:literal, $value:literal $(, $printed:ident)?;)+) => {
        $(pub(crate) const $name: &str = $value;)+

        /// Everything that is planted.
        pub(crate) const PLANTED: &[Planted] = &[$(Planted {
            what: $what,
            value: $value,
            printed: planted!(@ $($printed)?),
        }),+];
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
    // What a request carries.
    MOBILE = "mobile number", "9000000173";
    OTHER_MOBILE = "another person's mobile number", "9000000846";
    PAN = "PAN", "QZXVK0173W";
    EMAIL = "e-mail address", "mthctktwwkqz.btnjfcjf@example.test";
    WEBHOOK_URL = "webhook URL", "https://mnnsmmnzqnzv.example.test/ltfpfbnr?t=hzqk";
    RETURN_URL = "return URL", "https://kkwdwxdxgvrj.example.test/wksvlbfs?t=xnzd";
    CONSENT_ID = "user consent id", "bqdpsbvkbrggwvvwwqxm", ByItsOwner;
    SESSION_ID = "verification session id", "8f0c6a1e-94d3-4f27-a5b8-60e7d19c2b35", ByItsOwner;
    OTHER_SESSION_ID = "another person's session id", "1d7e5b90-c28f-4a64-93e0-f4b81a6d70c2", ByItsOwner;
    CONSENT_TEXT = "consent text", "cbfffkpcjj \"nxtlswgmhj\" \\vzkr/qwtn=é+gh";
    REDIRECT_URL = "redirect URL", "https://qlbtchkfssnx.example.test/lvhzjtsk?t=rbwd";
    // What a reply carries.
    CONSENT_URL = "consent URL", "https://tpdrmwlklwkf.example.test/bfsxbbtf?fi=zRkwQ+Rg==";
    AUTHORIZATION_URL = "authorization URL", "https://pmltxbrfgbpl.example.test/hvkmvkxd?state=gnwq";
    AA_SESSION = "id of an aggregator session", "aa_swvlbjvpqzhdlgzdtmtr", ByItsOwner;
    CONSENT_RECORD = "id of a recorded consent", "qkzvhxnrtwgdmbpflscj", ByItsOwner;
    TRANSACTION_ID = "transaction id of a session", "pspkhsjlhsmgxkqsntpd", ByItsOwner;
    ECHOED_NAME = "the person's name in a reply", "Wrkddgxshs Prdhpjphqv";
    ECHOED_ADDRESS = "the person's address in a reply", "14 Zvqhkwtrd Lane, Xgnbplmfs";
    VUA = "virtual user account", "nvrqxkgzhwtd@finvu";
    SUCCESS_MESSAGE = "message of a success", "pdcsnvgv tvbktwscsfft";
    ROW_ERROR = "an aggregator's error text", "nfcwtmlh stgbdmhwwztn";
    REFUSAL_MESSAGE = "message of a refusal that repeats the input", "bdbmsjcv zkghzgfdjhqh";
    REFUSAL_DETAIL = "detail of a refusal", "sgwzwddm xqmzglcdbcpp";
    REFUSAL_CODE = "personal value in the place of a code", "lltjcdsj-wbnw-jvvhxrgl";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_values_at_least_and_none_is_part_of_another() {
        assert!(PLANTED.len() >= 40);
        for one in PLANTED {
            let holders = PLANTED
                .iter()
                .filter(|other| other.value.contains(one.value));
            assert_eq!(holders.count(), 1, "{}", one.what);
        }
    }
}
