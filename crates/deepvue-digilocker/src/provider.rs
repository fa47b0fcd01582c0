//! Deepvue's address and credentials.

use provider_core::http::request::Parts;
use provider_core::http::{HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, Fault, InvalidRequest, KnownMembers, Provider,
    RawResponse, ReplyHead, Settings, StreamVerification, VerificationError,
};

use crate::ReturnForm;
use crate::envelope::refusal;

provider_core::secret_text! {
    /// The client id, sent as `client-id` (`[seed]`).
    pub struct ClientId("client-id");

    /// The client secret, sent as `x-api-key` (`[seed]`): the documentation calls it an API key, and its samples put the
    /// same placeholder into both headers.
    pub struct ClientSecret("x-api-key");
}

const CLIENT_ID: HeaderName = HeaderName::from_static("client-id");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Deepvue: its address and the credentials. `Debug` prints neither credential.
#[derive(Debug, Clone)]
pub struct Deepvue {
    base_url: BaseUrl,
    client_id: HeaderValue,
    client_secret: HeaderValue,
    return_form: ReturnForm,
}

impl Deepvue {
    /// The only documented API host (`[seed]`); trial and live accounts differ in their keys.
    pub const HOST: &'static str = "production.deepvue.tech";

    /// Creates the provider at [`HOST`](Self::HOST), over https. The two credentials have distinct types, so they cannot be
    /// swapped.
    ///
    /// ```
    /// use deepvue_digilocker::{ClientId, ClientSecret, Deepvue};
    ///
    /// let deepvue = Deepvue::new(ClientId::new("made-up-id")?, ClientSecret::new("made-up-secret")?);
    /// # Ok::<(), provider_core::InvalidRequest>(())
    /// ```
    ///
    /// ```compile_fail
    /// use deepvue_digilocker::{ClientId, ClientSecret, Deepvue};
    ///
    /// let deepvue = Deepvue::new(ClientSecret::new("made-up-secret")?, ClientId::new("made-up-id")?);
    /// # Ok::<(), provider_core::InvalidRequest>(())
    /// ```
    pub fn new(client_id: ClientId, client_secret: ClientSecret) -> Self {
        Self {
            base_url: BaseUrl::of_static_host(Self::HOST),
            client_id: client_id.header_value(),
            client_secret: client_secret.header_value(),
            return_form: ReturnForm::default(),
        }
    }

    /// The same account at another address, such as a sandbox.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Has a client read the browser's return in another form, where it does so as a
    /// [`SharedDocuments`](provider_core::capability::SharedDocuments).
    #[must_use]
    pub fn with_return_form(mut self, return_form: ReturnForm) -> Self {
        self.return_form = return_form;
        self
    }

    pub(crate) fn return_form(&self) -> &ReturnForm {
        &self.return_form
    }

    /// The names of the settings that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = &[
        "DEEPVUE_BASE_URL",
        "DEEPVUE_CLIENT_ID",
        "DEEPVUE_CLIENT_SECRET",
    ];

    /// Reads the account from environment variables, or from the files that they name with `_FILE`: see
    /// [`from_settings`](Self::from_settings).
    ///
    /// # Errors
    ///
    /// A variable is missing or invalid; the error names it, never the value.
    pub fn from_environment() -> Result<Self, InvalidRequest> {
        Self::from_settings(&Settings::environment())
    }

    /// Reads the account from `DEEPVUE_CLIENT_ID`, `DEEPVUE_CLIENT_SECRET` and, if it is not at [`HOST`](Self::HOST),
    /// `DEEPVUE_BASE_URL`.
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        const ID: &str = "DEEPVUE_CLIENT_ID";
        const SECRET: &str = "DEEPVUE_CLIENT_SECRET";
        settings.required(&[ID, SECRET])?;
        let client_id = settings.parsed(ID, ClientId::new)?;
        let client_secret = settings.parsed(SECRET, ClientSecret::new)?;
        let deepvue = Self::new(client_id, client_secret);
        Ok(
            match BaseUrl::from_settings(settings, "DEEPVUE_BASE_URL")? {
                Some(base_url) => deepvue.with_base_url(base_url),
                None => deepvue,
            },
        )
    }
}

impl Provider for Deepvue {
    const NAME: &'static str = "deepvue";
    /// Two header values identify the caller; requests are not signed.
    const SIGNS_REQUESTS: bool = false;
    // A refusal has no member but `detail` (`[seed]`).
    const ENVELOPE: KnownMembers =
        KnownMembers::new(&["transaction_id"], &["data", "code", "sub_code"])
            .with_refusing(&["detail"]);
    // 201 is the body's `code`, and may be the status too (`[unknown]`).
    const STATUSES: &'static [u16] = &[200, 201, 400, 401, 403, 422, 429, 500, 503];

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn authorize(
        &self,
        head: &mut Parts,
        _signed: Option<&[u8]>,
        _attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        head.headers.insert(X_API_KEY, self.client_secret.clone());
        head.headers.insert(CLIENT_ID, self.client_id.clone());
        Ok(())
    }

    /// Deepvue documents no response signature (`[unknown]`): replies are authenticated by TLS alone.
    fn verify(
        &self,
        _response: &RawResponse,
        _now: Timestamp,
    ) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    /// Like [`verify`](Self::verify).
    fn verify_stream(
        &self,
        _head: &ReplyHead,
        _now: Timestamp,
    ) -> Result<StreamVerification, VerificationError> {
        Ok(StreamVerification::Unsigned)
    }

    /// No rate-limit header is documented (`[unknown]`); [`Plan`](crate::Plan) has the published windows.
    fn allowance(&self, _response: &RawResponse, _now: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        refusal(response)
    }
}
