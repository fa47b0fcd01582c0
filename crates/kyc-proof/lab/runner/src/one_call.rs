//! Programs that make one call, ours and by hand. Three benchmarks build them: `build`, `size` and `first-call`.

use crate::outside::Program;

const TOKIO: &str =
    "tokio = { version = \"1\", default-features = false, features = [\"net\", \"rt\", \"time\"] }";
const SERDE: &str = "serde = { version = \"1\", features = [\"derive\"] }";

pub(crate) const EMPTY: Program = Program {
    name: "empty",
    about: "nothing",
    source: "one-call/empty.rs",
    dependencies: &[],
};
pub(crate) const FINPASS: Program = Program {
    name: "finpass",
    about: "finpass, without TLS",
    source: "one-call/finpass.rs",
    dependencies: &[
        "finpass = { path = \"CRATES/finpass\", default-features = false, features = [\"hyper\"] }",
        TOKIO,
    ],
};
pub(crate) const FINPASS_TLS: Program = Program {
    name: "finpass-tls",
    about: "finpass, TLS by rustls with ring",
    source: "one-call/finpass.rs",
    dependencies: &["finpass = { path = \"CRATES/finpass\" }", TOKIO],
};
pub(crate) const TWO: Program = Program {
    name: "two",
    about: "finpass and deepvue-digilocker, without TLS",
    source: "one-call/two.rs",
    dependencies: &[
        "deepvue-digilocker = { path = \"CRATES/deepvue-digilocker\", default-features = false, features = [\"hyper\"] }",
        "finpass = { path = \"CRATES/finpass\", default-features = false, features = [\"hyper\"] }",
        TOKIO,
    ],
};
pub(crate) const TWO_TLS: Program = Program {
    name: "two-tls",
    about: "finpass and deepvue-digilocker, TLS",
    source: "one-call/two.rs",
    dependencies: &[
        "deepvue-digilocker = { path = \"CRATES/deepvue-digilocker\" }",
        "finpass = { path = \"CRATES/finpass\" }",
        TOKIO,
    ],
};
pub(crate) const FINPRO: Program = Program {
    name: "finpro",
    about: "finpro-profile, one operation, without TLS",
    source: "one-call/finpro.rs",
    dependencies: &[
        "finpro-profile = { path = \"CRATES/finpro-profile\", default-features = false, features = [\"hyper\"] }",
        TOKIO,
    ],
};
pub(crate) const FIU: Program = Program {
    name: "fiu",
    about: "finpro-fiu, one operation of many, without TLS",
    source: "one-call/fiu.rs",
    dependencies: &[
        "finpro-fiu = { path = \"CRATES/finpro-fiu\", default-features = false, features = [\"hyper\"] }",
        TOKIO,
    ],
};
pub(crate) const SESSIONS: Program = Program {
    name: "sessions",
    about: "veriff-sessions, one operation of many, without TLS",
    source: "one-call/sessions.rs",
    dependencies: &[
        "consent-hmac = { path = \"CRATES/consent-hmac\", default-features = false, features = [\"hyper\"] }",
        "veriff-sessions = { path = \"CRATES/veriff-sessions\", default-features = false, features = [\"hyper\"] }",
        TOKIO,
    ],
};
pub(crate) const VERIFF: Program = Program {
    name: "veriff",
    about: "consent-hmac, without TLS",
    source: "one-call/veriff.rs",
    dependencies: &[
        "consent-hmac = { path = \"CRATES/consent-hmac\", default-features = false, features = [\"hyper\"] }",
        TOKIO,
    ],
};
pub(crate) const VERIFF_TLS: Program = Program {
    name: "veriff-tls",
    about: "consent-hmac, TLS by rustls with ring",
    source: "one-call/veriff.rs",
    dependencies: &["consent-hmac = { path = \"CRATES/consent-hmac\" }", TOKIO],
};
pub(crate) const HYPER: Program = Program {
    name: "hyper-util",
    about: "hyper-util's pool by hand, without TLS",
    source: "one-call/hyper.rs",
    dependencies: &[
        "bytes = \"1\"",
        "http-body-util = \"0.1\"",
        "hyper = { version = \"1\", features = [\"client\", \"http1\"] }",
        "hyper-util = { version = \"0.1\", features = [\"client-legacy\", \"http1\", \"tokio\"] }",
        SERDE,
        "serde_json = \"1\"",
        TOKIO,
    ],
};
pub(crate) const UREQ: Program = Program {
    name: "ureq",
    about: "ureq, without TLS",
    source: "one-call/ureq.rs",
    dependencies: &[
        SERDE,
        "ureq = { version = \"3\", default-features = false, features = [\"json\"] }",
    ],
};
pub(crate) const UREQ_TLS: Program = Program {
    name: "ureq-tls",
    about: "ureq, rustls with ring, roots compiled in",
    source: "one-call/ureq.rs",
    dependencies: &[
        SERDE,
        "ureq = { version = \"3\", default-features = false, features = [\"json\", \"rustls\"] }",
    ],
};
pub(crate) const UREQ_PLATFORM: Program = Program {
    name: "ureq-platform",
    about: "ureq, rustls with ring, the platform's roots",
    source: "one-call/ureq.rs",
    dependencies: &[
        SERDE,
        "ureq = { version = \"3\", default-features = false, features = [\"json\", \"rustls\", \"platform-verifier\"] }",
        "\n[features]\ndefault = [\"platform\"]\nplatform = []",
    ],
};
pub(crate) const REQWEST: Program = Program {
    name: "reqwest",
    about: "reqwest, without TLS",
    source: "one-call/reqwest.rs",
    dependencies: &[
        "reqwest = { version = \"0.13\", default-features = false, features = [\"json\"] }",
        SERDE,
        TOKIO,
    ],
};
pub(crate) const REQWEST_RING: Program = Program {
    name: "reqwest-ring",
    about: "reqwest, rustls with ring",
    source: "one-call/reqwest.rs",
    dependencies: &[
        "reqwest = { version = \"0.13\", default-features = false, features = [\"json\", \"rustls-no-provider\"] }",
        "rustls = { version = \"0.23\", default-features = false, features = [\"ring\", \"std\", \"tls12\"] }",
        SERDE,
        TOKIO,
        "\n[features]\ndefault = [\"ring\"]\nring = []",
    ],
};
pub(crate) const REQWEST_DEFAULT: Program = Program {
    name: "reqwest-default",
    about: "reqwest, default features (aws-lc-rs)",
    source: "one-call/reqwest.rs",
    dependencies: &[
        "reqwest = { version = \"0.13\", features = [\"json\"] }",
        SERDE,
        TOKIO,
    ],
};
