//! The providers: their catalogues, and how their commands differ from the operations.

use kyc_facade::consent_hmac::{self, ConsentClient, Veriff};
use kyc_facade::deepvue_digilocker::{self, Deepvue, DigilockerClient};
use kyc_facade::finpass::{self, Finpass, FinpassClient};
use kyc_facade::finpro_fiu::{FiuClient, ReturnParameters};
use kyc_facade::finpro_profile::{self, Finpro, FinproProfileClient};
use kyc_facade::provider_core::InvalidRequest;
use kyc_facade::veriff_sessions::SessionsClient;

use serde_json::Value;

use super::command::Command;
use super::flags::Form;
use super::provider::{ProviderCommands, ProviderOperations};
use crate::arguments::parse::document_type;
use crate::failure::Failure;

/// All providers, in the order of the help.
pub(crate) static PROVIDERS: [&dyn ProviderCommands; 4] = [&FINPASS, &FINPRO, &VERIFF, &DEEPVUE];

/// The provider of this name.
pub(crate) fn provider(name: &str) -> Result<&'static dyn ProviderCommands, Failure> {
    let found = PROVIDERS
        .into_iter()
        .find(|provider| provider.name() == name);
    found.ok_or_else(|| Failure::configuration("arguments", "no such provider"))
}

pub(super) static FINPASS: ProviderOperations<Finpass> = ProviderOperations {
    about: "Finpass, account aggregator consents",
    catalogues: &[FinpassClient::CATALOGUE],
    names: Finpass::SETTINGS,
    settings: Finpass::from_settings,
    openapi: finpass::OPENAPI,
    commands: &[
        Command::of("initialize").named("init"),
        Command::of("initialize-journey").with_forms(&[
            (
                "redirect_url",
                Form::Explicit {
                    without: "without-redirect-url",
                    help: "Lead the person to Finpass's own site afterwards",
                },
            ),
            (
                "webhook_url",
                Form::Explicit {
                    without: "without-webhook-url",
                    help: "Have changes reported to Finpass's own site",
                },
            ),
        ]),
    ],
};

pub(super) static FINPRO: ProviderOperations<Finpro> = ProviderOperations {
    about: "MoneyOne FinPro, aggregator discovery, consents and account data",
    catalogues: &[FinproProfileClient::CATALOGUE, FiuClient::CATALOGUE],
    names: Finpro::SETTINGS,
    settings: Finpro::from_settings,
    openapi: finpro_profile::OPENAPI,
    commands: &[
        Command::of("check-profile").named("profile").with_batch(),
        Command::of("decrypt-redirection")
            .with_forms(&[("webRedirectionURL", Form::Read(returned))])
            .noting(
                "The URL is the one to which the browser came back, or its query: ecres, resdate and fi are read from it.",
            ),
        Command::of("upload-fi-requests").noting(
            "A file that begins with [ or { is JSON, and FinPro documents no form of it; a list of objects with the columns' \
             names is what it has on other pages. In --data the member file is the content of a file, not its path.",
        ),
        Command::of("push-pdf-analytics").noting(
            "FinPro documents no name for the member that has a PDF: ask MoneyOne, and give it as NAME=statement.pdf.",
        ),
    ],
};

pub(super) static VERIFF: ProviderOperations<Veriff> = ProviderOperations {
    about: "Veriff, consent records and verification sessions",
    catalogues: &[ConsentClient::CATALOGUE, SessionsClient::CATALOGUE],
    names: Veriff::SETTINGS,
    settings: Veriff::from_settings,
    openapi: consent_hmac::OPENAPI,
    commands: &[
        Command::of("record-consent").named("consent"),
        Command::of("decision").noting(
            "In the sandbox 00000000-0000-4000-8000-000000009001 is approved; `kyc sandbox` lists the others.",
        ),
    ],
};

pub(super) static DEEPVUE: ProviderOperations<Deepvue> = ProviderOperations {
    about: "Deepvue, DigiLocker documents",
    catalogues: &[DigilockerClient::CATALOGUE],
    names: Deepvue::SETTINGS,
    settings: Deepvue::from_settings,
    openapi: deepvue_digilocker::OPENAPI,
    commands: &[
        Command::of("initiate-session")
            .named("session")
            .with_forms(&[
                ("consent", CONSENT),
                ("doc_types", Form::Spelled("doc-type", document_type)),
                (
                    "redirect_url",
                    Form::Explicit {
                        without: "without-redirect-url",
                        help: "Open the session without a redirect URL",
                    },
                ),
            ]),
        Command::of("complete-authorization").with_forms(&[("consent", CONSENT)]),
        Command::of("issued-files").with_forms(&[("consent", CONSENT)]),
        Command::of("e-aadhaar")
            .with_forms(&[("consent", CONSENT)])
            .with_document("/data/document_pdf")
            .noting(
                "--out keeps the reply as it came: with the whole Aadhaar number, should Deepvue send it unmasked. Printed it \
                 is hidden but for its last four digits.",
            ),
        Command::of("file")
            .with_forms(&[("consent", CONSENT)])
            .with_document("/data"),
    ],
};

/// The parameters of an address to which a browser came back.
fn returned(url: &str) -> Result<Value, InvalidRequest> {
    let unwritten = |_| InvalidRequest::new("url", "cannot be written as JSON");
    serde_json::to_value(ReturnParameters::of_url(url)?).map_err(unwritten)
}

const CONSENT: Form = Form::Switch {
    value: "Y",
    missing: "use --consent if the person agreed",
};
