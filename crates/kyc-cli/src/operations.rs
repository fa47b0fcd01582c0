//! One operation of one provider. Inputs are checked before credentials are looked for.

use kyc_facade::consent_hmac::{ConsentType as ConsentKind, RecordConsent, SessionId};
use kyc_facade::deepvue_digilocker::{Consent, DocType, InitiateSession};
use kyc_facade::finpass::{ConsentType, Initialize};
use kyc_facade::finpro_profile::{AaId, CheckProfile, UserConsentId};
use kyc_facade::provider_core::{Email, Mobile, Pan};

use crate::arguments::{Deepvue, Finpass, Profile, Veriff};
use crate::clients::Clients;
use crate::failure::Failure;
use crate::output::Output;
use crate::parse::yes_or_no;

pub(crate) async fn finpass(
    command: Finpass,
    clients: impl FnOnce() -> Clients,
    output: Output,
) -> Result<(), Failure> {
    let Finpass::Init {
        mobile_number,
        pan_number,
        email,
        consent_type,
        webhook_url,
        redirect_url,
    } = command;
    if consent_type.is_empty() {
        return Err(Failure::configuration("consent_type", "must not be empty"));
    }
    let mut request = Initialize::new(
        Mobile::parse(&mobile_number)?,
        ConsentType::from(consent_type.as_str()),
    );
    if let Some(pan) = pan_number {
        request = request.set_pan_number(Pan::parse(&pan)?);
    }
    if let Some(email) = email {
        request = request.set_email(Email::parse(&email)?);
    }
    if let Some(url) = webhook_url {
        request = request.set_webhook_url(url);
    }
    if let Some(url) = redirect_url {
        request = request.set_return_url(url);
    }
    let client = clients().finpass()?;
    let response = client.initialize(request).await?;
    output.answer(response.value(), Some(response.request_id()))
}

pub(crate) async fn finpro(
    profile: Profile,
    clients: impl FnOnce() -> Clients,
    output: Output,
) -> Result<(), Failure> {
    let Profile {
        mobile_number,
        user_consent_id,
        aa_id,
        ..
    } = profile;
    // Both are there: the parser requires them where there is no batch.
    let mobile_number = mobile_number.unwrap_or_default();
    let user_consent_id = user_consent_id.unwrap_or_default();
    let mobile = Mobile::parse(&mobile_number).map_err(|error| error.for_field("mobileNumber"))?;
    let request = CheckProfile::new(mobile, UserConsentId::parse(&user_consent_id)?).set_aa_ids(
        aa_id
            .iter()
            .enumerate()
            .map(|(at, text)| {
                AaId::parse(text).map_err(|error| error.for_field(format!("aaId[{at}]")))
            })
            .collect::<Result<Vec<_>, _>>()?,
    );
    let client = clients().finpro()?;
    let response = client.check_profile(request).await?;
    output.answer(response.value(), Some(response.request_id()))
}

pub(crate) async fn veriff(
    command: Veriff,
    clients: impl FnOnce() -> Clients,
    output: Output,
) -> Result<(), Failure> {
    let Veriff::Consent {
        session_id,
        consent_type,
        approved,
        text,
    } = command;
    let request = RecordConsent::new(
        SessionId::parse(&session_id)?,
        ConsentKind::from(consent_type.as_str()),
        yes_or_no("approved", &approved)?,
        text,
    );
    let client = clients().veriff()?;
    let response = client.record_consent(request).await?;
    output.answer(response.value(), Some(response.request_id()))
}

pub(crate) async fn deepvue(
    command: Deepvue,
    clients: impl FnOnce() -> Clients,
    output: Output,
) -> Result<(), Failure> {
    let Deepvue::Session {
        consent,
        purpose,
        redirect_url,
        without_redirect_url,
        doc_type,
    } = command;
    if !consent {
        return Err(Failure::configuration(
            "consent",
            "give --consent if the person agreed",
        ));
    }
    let consent = Consent::given_by_person();
    let request = match redirect_url {
        Some(url) => InitiateSession::new(consent, purpose, url),
        None if without_redirect_url => InitiateSession::without_redirect(consent, purpose),
        None => {
            let rule = "required; or give --without-redirect-url";
            return Err(Failure::configuration("redirect_url", rule));
        }
    };
    let request = request.set_doc_types(doc_type.iter().map(|text| DocType::from(text.as_str())));
    let client = clients().deepvue()?;
    let response = client.initiate_session(request).await?;
    output.answer(response.value(), Some(response.request_id()))
}
