//! `kyc onboard`: the composed flow, and its report.

mod browser;
mod complete;
mod kept_report;
mod person;

use std::future::IntoFuture as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use kyc_facade::consent_hmac::Veriff;
use kyc_facade::deepvue_digilocker::{Deepvue, DocType};
use kyc_facade::finpass::Finpass;
use kyc_facade::finpro_fiu::{AggregatorConsents, ProductId};
use kyc_facade::finpro_profile::{Finpro, FinproProfileClient};
use kyc_facade::provider_core::capability::{
    AccessConsent, AggregatorConsentSession, AggregatorId, AggregatorStandings, BrowserUrl,
    ConsentAnswer, ConsentKind, ConsentPurpose, ConsentStatement, DocumentAccessRequest,
    DocumentKind, DocumentSession, IdentityVerification, ProviderReference, RecordedConsent,
    VerificationRequest, VerificationSession,
};
use kyc_facade::provider_core::lint::{Findings, HolderClass, OnFinding};
use kyc_facade::provider_core::{
    Email, Error, Mobile, Outcome, Pan, Provider as _, RequestId, Settings,
};
use kyc_facade::{Applicant, Kyc, Onboarding, OnboardingReport, Step, StepName};
use kyc_sandbox::{MobileScript, Sandbox, settings::PeopleAct};
use tokio::time::Instant;

use self::browser::Returns;
use self::complete::{Completion, Finished};
use self::kept_report::{ReportFile, Statement};
use self::person::Person;

use crate::arguments::Onboard;
use crate::arguments::parse::{document_type, yes_or_no};
use crate::clients::{CallSettings, Clients};
use crate::failure::{EXIT_INTERRUPTED, Failure, exit_code};
use crate::product;
use crate::sandbox::{Running, serve};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::{Output, printable};
use crate::terminal::progress::StepDisplay;

/// The inputs that `--sandbox` invents if they are not given.
mod invented {
    /// Somebody who approves everything.
    pub(super) const APPROVES: &str = "9001000000";
    pub(super) const SESSION_ID: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
    pub(super) const CONSENT_TEXT: &str = "I agree that my identity is verified.";
    pub(super) const PURPOSE: &str = "KYC of a new customer";
    pub(super) const REDIRECT_URL: &str = "https://lender.example.test/back";
}

/// Onboards a person and returns the exit code: the highest of the steps'.
pub(crate) async fn run(
    mut arguments: Onboard,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    let timeout = options.timeout;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let goes_on = arguments.complete || arguments.browser;
    arguments.kept.check(arguments.sandbox, goes_on)?;
    if arguments.approved.is_none() && records_consent(&arguments) {
        arguments.approved = arguments.kept.approved();
    }
    // Nothing follows a refusal but its record.
    let is_whole = goes_on && approved(&arguments)?;
    if arguments.browser && arguments.redirect_url.is_some() {
        let rule = "is not for --browser, which listens itself for the browser that comes back";
        return Err(Failure::configuration("--redirect-url", rule));
    }
    let returns = match arguments.browser && is_whole {
        true => Some(
            Returns::listen(output)
                .await
                .map_err(|error| Failure::system(&error))?,
        ),
        false => None,
    };
    let expected = returns.as_ref().map(Returns::expected);
    // Without a session of the caller's one is opened, once everything else was checked.
    let opens = is_whole && arguments.session_id.is_none();
    if is_whole {
        whole(&mut arguments, returns.as_ref());
    }
    let mut applicant = self::applicant(&arguments)?;
    warn_of_unlisted(&arguments, options.on_finding, output)?;
    let default_aggregator = arguments
        .default_aa_id
        .as_deref()
        .map(aggregator)
        .transpose()?;
    let is_embedded = arguments.sandbox;
    let sandbox = is_embedded.then(|| sandbox(&arguments));
    let served = match &sandbox {
        Some(sandbox) => {
            let served = sandbox.serve(([127, 0, 0, 1], 0).into()).await;
            Some(served.map_err(serve::failure)?)
        }
        None => None,
    };
    let clients = match &served {
        Some(served) => Clients::new(Settings::of(served.environment()), options),
        None => Clients::new(Settings::environment(), options),
    };
    if is_whole && sandbox.is_none() && returns.is_none() {
        // Said before anything that is missing for want of it.
        running(&clients)?;
    }
    let mut builder = configured(&clients)?;
    warn_of_findings(&arguments, &clients, output)?;
    let mut interrupt = Interrupt::listen();
    let mut whole = None;
    if is_whole {
        let completion = completion(&arguments, &clients)?;
        let product = product(&arguments)?;
        builder = builder.finpro_consents(consents(&arguments, &completion, product.clone())?);
        let person = person(sandbox, returns, &clients, deadline)?;
        let opened = async {
            product::check(&completion.accounts, &product).await?;
            verification(&mut arguments, opens, &completion, &person).await
        };
        let opened = tokio::select! {
            opened = opened => opened?,
            () = interrupt.next() => return Ok(EXIT_INTERRUPTED),
        };
        applicant = self::applicant(&arguments)?;
        whole = Some((completion, opened, person));
    }
    if let Some(aggregator) = default_aggregator {
        builder = builder.default_aggregator(aggregator);
    }
    if let Some(deadline) = deadline {
        builder = builder.deadline(deadline.saturating_duration_since(Instant::now()));
    }
    let display = StepDisplay::new(output.json);
    let begun = Arc::new(Mutex::new(Vec::new()));
    let journal = Arc::clone(&begun);
    let kyc = builder.build();
    let (onboarding, kept) = kept(&arguments, kyc.onboard(applicant.clone()), &applicant)?;
    let onboarding = onboarding.with_observer(move |event| {
        display.show(&event);
        journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    });
    let steps = |what| output.steps(what, &begun.lock().unwrap_or_else(PoisonError::into_inner));
    let report = tokio::select! {
        report = onboarding.into_future() => report,
        () = interrupt.next() => {
            output.on_stderr(&steps("interrupted"));
            if kept.is_some() {
                output.note(GOES_ON);
            }
            return Ok(EXIT_INTERRUPTED);
        }
    };
    let mut finished = match goes_on && !is_whole {
        true => Finished::after_refusal(),
        false => Vec::new(),
    };
    if let Some((completion, opened, person)) = whole {
        if let (Some(expected), Some(session)) = (expected, report.documents.value()) {
            expected.session(session.reference.as_str());
        }
        if !person.is_scripted() {
            links(&report, &opened, output);
            output.note(&waiting(&person));
        }
        let tell = |part: &Finished| {
            if !person.is_scripted() {
                told(part, output);
            }
        };
        finished = tokio::select! {
            finished = completion.run(&report, &opened, &person, tell) => finished,
            () = interrupt.next() => {
                output.on_stderr(&steps("interrupted"));
                return Ok(EXIT_INTERRUPTED);
            }
        };
    }
    interrupt.end_with(steps("interrupted"));
    if let Some(served) = served {
        served.shutdown().await;
    }
    let printed = match output.json {
        true => output.answer(&value(&report, &finished), None),
        false => print(&report, &finished, output)
            .map_err(|error| Failure::Unwritten(None, error.kind())),
    };
    if let Err(unprinted) = printed {
        output.on_stderr(&steps("not printed"));
        return Ok(unprinted.exit_code());
    }
    if let Some(file) = &kept {
        if let Some((unwritten, code)) = file.unwritten() {
            output.tell(&unwritten);
            return Ok(code);
        }
        if report.errors().next().is_some() {
            output.note(GOES_ON);
        }
    }
    let has_links =
        report.documents.value().is_some() || report.aggregator_consent.value().is_some();
    if is_embedded && finished.is_empty() && has_links {
        output.note(PAGES_END);
    }
    let codes = report.errors().map(|(_, error)| exit_code(error));
    let codes = codes.chain(finished.iter().map(Finished::exit_code));
    Ok(codes.max().unwrap_or(0))
}

/// Why the links of the sandbox inside the command lead nowhere afterwards.
const PAGES_END: &str = "The sandbox ends with this command, and its pages with it: --browser waits for you to visit them.";

/// How an onboarding goes on whose report is kept.
const GOES_ON: &str = "the same command with --resume goes on: it takes no step again that is done, nor one that may have been without --repeat STEP";

/// The onboarding, which keeps its report if it is to, and the file.
fn kept(
    arguments: &Onboard,
    onboarding: Onboarding,
    applicant: &Applicant,
) -> Result<(Onboarding, Option<ReportFile>), Failure> {
    let mobile = Mobile::parse(&arguments.mobile)?;
    let pan = arguments.pan.as_deref().map(Pan::parse).transpose()?;
    let person = (&mobile, pan.as_ref());
    let answer = answer(arguments)?;
    let statement = arguments.consent_text.is_some().then(|| Statement {
        session: arguments.session_id.as_deref().unwrap_or_default(),
        kind: &arguments.consent_kind,
        text: arguments.consent_text.as_deref().unwrap_or_default(),
    });
    let kept = &arguments.kept;
    let kept = kept.keep(onboarding, applicant, person, answer, statement.as_ref());
    // With what follows, for which a session may have been opened, no report is kept.
    kept.map_err(Failure::before_sending)
}

/// What is waited for, and how long.
fn waiting(person: &Person) -> String {
    let limit = match person.patience() {
        Some(left) => format!("for at most {} s", left.as_secs_f64().ceil()),
        None => "until each part has ended, or Ctrl-C".to_owned(),
    };
    format!("waiting for the person, {limit}; --timeout says how long")
}

/// Says what came of a part, while others are waited for.
fn told(part: &Finished, output: Output) {
    output.on_stderr(&match output.json {
        true => serde_json::json!({"completed": part.value()}).to_string(),
        false => format!(
            "{}: {}, {}",
            part.step,
            part.result(),
            printable(&part.detail())
        ),
    });
}

/// What an onboarding to the end needs besides: a way back for the browser, and in the sandbox somebody who answers.
fn whole(arguments: &mut Onboard, returns: Option<&Returns>) {
    if records_consent(arguments) {
        arguments
            .session_id
            .get_or_insert_with(|| invented::SESSION_ID.to_owned());
    }
    if let Some(returns) = returns {
        arguments
            .redirect_url
            .get_or_insert_with(|| returns.url().to_owned());
    } else if arguments.sandbox {
        let url = format!(
            "{}?person={}",
            invented::REDIRECT_URL,
            scripted(&arguments.mobile)
        );
        arguments.redirect_url.get_or_insert(url);
    }
}

/// Whether the person agreed.
fn approved(arguments: &Onboard) -> Result<bool, Failure> {
    let given = arguments.approved.as_deref();
    yes_or_no("approved", given.unwrap_or("true"))
}

/// The person's answer, if one is given.
fn answer(arguments: &Onboard) -> Result<Option<ConsentAnswer>, Failure> {
    let is_given = arguments.approved.is_some() || records_consent(arguments);
    Ok(match approved(arguments)? {
        _ if !is_given => None,
        true => Some(ConsentAnswer::Approved),
        false => Some(ConsentAnswer::Refused),
    })
}

/// Whether there is a consent to be recorded for a session.
fn records_consent(arguments: &Onboard) -> bool {
    arguments.sandbox || arguments.consent_text.is_some()
}

/// The number whose script answers: the person's own, or that of somebody who approves.
fn scripted(mobile: &str) -> &str {
    match MobileScript::of(mobile) {
        Some(_) => mobile,
        None => invented::APPROVES,
    }
}

/// The sandbox inside this process.
fn sandbox(arguments: &Onboard) -> Sandbox {
    let act = match arguments.browser {
        true => PeopleAct::OnPages,
        false => PeopleAct::ByScript,
    };
    Sandbox::new(kyc_sandbox::Settings::default().with_people_act(act))
}

/// Who takes the person's part.
fn person(
    sandbox: Option<Sandbox>,
    returns: Option<Returns>,
    clients: &Clients,
    deadline: Option<Instant>,
) -> Result<Person, Failure> {
    match (returns, sandbox) {
        (Some(returns), _) => Ok(Person::at_browser(returns, deadline)),
        (None, Some(sandbox)) => Ok(Person::scripted(sandbox, deadline)),
        (None, None) => {
            let sandbox = running(clients)?;
            let patience = || Instant::now().checked_add(PATIENCE);
            let deadline = deadline.or_else(patience).unwrap_or_else(Instant::now);
            Ok(Person::elsewhere(sandbox, deadline))
        }
    }
}

/// The sandbox that runs elsewhere and serves these clients: only a sandbox tells where a browser went that did not come back here.
fn running(clients: &Clients) -> Result<Running, Failure> {
    let nobody = |rule| Failure::configuration("--complete", rule);
    let sandbox = Running::find().map_err(|_| {
        nobody(
            "has nobody who answers: add --sandbox for an invented person, or use --browser instead for a person at a browser; \
             alone it is for a sandbox that runs (kyc sandbox), and none does",
        )
    })?;
    let elsewhere = "has nobody who answers: a sandbox runs, and the environment names another provider. Export what kyc sandbox \
                     printed; or add --sandbox, or use --browser instead";
    let is_named = clients.settings.any(Deepvue::SETTINGS)?;
    if !is_named || !sandbox.serves(Deepvue::from_settings(&clients.settings)?.base_url()) {
        return Err(nobody(elsewhere));
    }
    Ok(sandbox)
}

/// How long a person of a sandbox that runs elsewhere is waited for, unless a deadline is given.
const PATIENCE: Duration = Duration::from_secs(600);

fn completion(arguments: &Onboard, clients: &Clients) -> Result<Completion, Failure> {
    Ok(Completion {
        documents: clients.client(Deepvue::from_settings)?,
        accounts: clients.client(Finpro::from_settings)?,
        verification: clients.client(Veriff::from_settings)?,
        purpose: arguments
            .purpose
            .clone()
            .unwrap_or_else(|| invented::PURPOSE.to_owned()),
    })
}

/// The template of the consents at FinPro.
fn product(arguments: &Onboard) -> Result<ProductId, Failure> {
    match (&arguments.product_id, arguments.sandbox) {
        (Some(product), _) => product::parse(product),
        (None, true) => product::parse(product::OF_THE_SANDBOX),
        (None, false) => Err(Failure::configuration(
            product::FIELD,
            match arguments.browser {
                true => "required with --browser, unless --sandbox is given",
                false => "required with --complete, unless --sandbox is given",
            },
        )),
    }
}

/// Consents at FinPro: the provider that tells where a consent is, and whose accounts can be read.
fn consents(
    arguments: &Onboard,
    completion: &Completion,
    product: ProductId,
) -> Result<AggregatorConsents, Failure> {
    let purpose = ConsentPurpose::from(arguments.consent_type.as_str());
    let aggregator = aggregator(
        arguments
            .default_aa_id
            .as_deref()
            .unwrap_or(DEFAULT_AGGREGATOR),
    )?;
    let consents = AggregatorConsents::new(completion.accounts.clone(), aggregator);
    Ok(consents.with_product(purpose, product))
}

/// Where a person is asked whom no aggregator knows.
const DEFAULT_AGGREGATOR: &str = "onemoney";

/// Opens a verification session, unless one is given, and lets the consent be recorded for it.
async fn verification(
    arguments: &mut Onboard,
    opens: bool,
    completion: &Completion,
    person: &Person,
) -> Result<VerificationSession, Failure> {
    if let Some(session) = arguments.session_id.as_ref().filter(|_| !opens) {
        let reference = ProviderReference::parse(session)?;
        return Ok(VerificationSession::new(reference, BrowserUrl::new("")));
    }
    let mut request = VerificationRequest::new();
    if arguments.sandbox {
        request = request.set_own_reference(scripted(&arguments.mobile));
    } else if person.is_of_a_sandbox() && MobileScript::of(&arguments.mobile).is_some() {
        // So that the script in the number answers there too.
        request = request.set_own_reference(arguments.mobile.as_str());
    }
    // A return to this machine is no HTTPS, which Veriff requires; its page says when it is done.
    if let Some(url) = arguments
        .redirect_url
        .as_deref()
        .filter(|url| url.starts_with("https://"))
    {
        request = request.set_return_url(url);
    }
    let verification: &dyn IdentityVerification = &completion.verification;
    verification.check_verification(&request)?;
    let opened = verification
        .open_verification(request, person.options())
        .await?;
    if records_consent(arguments) {
        arguments.session_id = Some(opened.reference.as_str().to_owned());
    }
    Ok(opened)
}

/// Says where the person has to go.
fn links(report: &OnboardingReport, opened: &VerificationSession, output: Output) {
    let documents = report.documents.value().map(|session| session.url.expose());
    let accounts = report
        .aggregator_consent
        .value()
        .map(|session| session.url.expose());
    let links = [
        ("documents", documents),
        ("accounts", accounts),
        ("identity", Some(opened.url.expose())),
    ];
    let links = links
        .into_iter()
        .filter_map(|(what, url)| Some((what, url.filter(|url| !url.is_empty())?)));
    for (what, url) in links {
        output.on_stderr(&match output.json {
            true => serde_json::json!({"open": {"for": what, "url": url}}).to_string(),
            false => format!("open in a browser ({what}): {}", printable(url)),
        });
    }
}

/// The report as JSON, with what followed.
fn value(report: &OnboardingReport, finished: &[Finished]) -> serde_json::Value {
    let mut value = serde_json::to_value(report.with_urls()).unwrap_or_default();
    if let Some(members) = value.as_object_mut().filter(|_| !finished.is_empty()) {
        let is_complete = report.is_complete() && finished.iter().all(Finished::is_done);
        members.insert("complete".to_owned(), is_complete.into());
        let completed = finished.iter().map(Finished::value).collect();
        members.insert("completed".to_owned(), completed);
    }
    value
}

/// All providers with at least one setting; such a provider must have all of its settings.
fn configured(clients: &Clients) -> Result<kyc_facade::KycBuilder, Failure> {
    let any = |names: &[&'static str]| clients.settings.any(names);
    let mut builder = Kyc::builder();
    let mut none = true;
    if any(Veriff::SETTINGS)? {
        (builder, none) = (
            builder.veriff(clients.client(Veriff::from_settings)?),
            false,
        );
    }
    if any(Deepvue::SETTINGS)? {
        (builder, none) = (
            builder.deepvue(clients.client(Deepvue::from_settings)?),
            false,
        );
    }
    if any(Finpro::SETTINGS)? {
        let client: FinproProfileClient = clients.client(Finpro::from_settings)?;
        (builder, none) = (builder.finpro(client), false);
    }
    if any(Finpass::SETTINGS)? {
        (builder, none) = (
            builder.finpass(clients.client(Finpass::from_settings)?),
            false,
        );
    }
    if none {
        return Err(Failure::configuration(
            "VERIFF_*, DEEPVUE_*, FINPRO_*, FINPASS_*",
            "no provider is configured; set its variables (see --help), or use --sandbox",
        ));
    }
    Ok(builder)
}

/// Warns of a mobile number or PAN that looks wrong, by the rules of the provider that opens the consent.
fn warn_of_findings(arguments: &Onboard, clients: &Clients, output: Output) -> Result<(), Failure> {
    if !clients.settings.any(Finpass::SETTINGS)? {
        return Ok(());
    }
    let lints = clients.lints(Finpass::from_settings(&clients.settings)?.base_url());
    let mut findings = Findings::new(&lints);
    findings.mobile("mobile_number", &Mobile::parse(&arguments.mobile)?);
    if let Some(pan) = &arguments.pan {
        findings.pan("pan_number", &Pan::parse(pan)?, Some(HolderClass::Person));
    }
    output.warn_of(findings, &lints);
    Ok(())
}

fn applicant(arguments: &Onboard) -> Result<Applicant, Failure> {
    let or_invented = |given: &Option<String>, invented: &str| {
        given
            .clone()
            .or_else(|| arguments.sandbox.then(|| invented.to_owned()))
    };
    let mobile = Mobile::parse(&arguments.mobile)?;
    let query_id = match &arguments.user_consent_id {
        Some(query_id) => query_id.clone(),
        None => format!("kyc-{}", RequestId::random()?),
    };
    let aggregators = arguments.aa_id.iter().map(|text| aggregator(text));
    let mut applicant = Applicant::new(mobile)
        .set_query_id(query_id)
        .set_aggregators(aggregators.collect::<Result<Vec<_>, _>>()?)
        .set_purpose(ConsentPurpose::from(arguments.consent_type.as_str()));
    if let Some(pan) = &arguments.pan {
        applicant = applicant.set_pan(Pan::parse(pan)?);
    }
    if let Some(email) = &arguments.email {
        applicant = applicant.set_email(Email::parse(email)?);
    }
    if let Some(url) = &arguments.webhook_url {
        applicant = applicant.set_webhook_url(url.as_str());
    }
    let redirect_url = or_invented(&arguments.redirect_url, invented::REDIRECT_URL);
    if let Some(url) = &redirect_url {
        applicant = applicant.set_return_url(url.as_str());
    }
    let approved = approved(arguments)?;
    let session = or_invented(&arguments.session_id, invented::SESSION_ID);
    let text = or_invented(&arguments.consent_text, invented::CONSENT_TEXT);
    // The text that the person agreed to is the evidence of consent.
    let consented = approved && text.is_some();
    match (session, text) {
        (Some(session), Some(text)) => {
            let kind = ConsentKind::from(arguments.consent_kind.as_str());
            let answer = match approved {
                true => ConsentAnswer::Approved,
                false => ConsentAnswer::Refused,
            };
            applicant = applicant.set_consent(ConsentStatement::new(session, kind, answer, text));
        }
        (None, None) if approved => {}
        (None, None) => {
            let rule = "a refusal is recorded; give --session-id and --consent-text";
            return Err(Failure::configuration("approved", rule));
        }
        (None, Some(_)) => {
            return Err(Failure::configuration(
                "session_id",
                "required with --consent-text",
            ));
        }
        (Some(_), None) => {
            return Err(Failure::configuration(
                "consent_text",
                "required with --session-id",
            ));
        }
    }
    match (
        or_invented(&arguments.purpose, invented::PURPOSE),
        redirect_url,
    ) {
        (Some(_), None) => {
            return Err(Failure::configuration(
                "redirect_url",
                "required with --purpose",
            ));
        }
        (Some(_), Some(_)) if approved && !consented => {
            return Err(Failure::configuration(
                "consent_text",
                "required with --purpose",
            ));
        }
        (Some(purpose), Some(url)) if consented => {
            let documents = arguments.doc_type.iter().map(|text| document_kind(text));
            let access = DocumentAccessRequest::new(AccessConsent::given_by_person(), purpose, url);
            applicant = applicant.set_documents(access.set_documents(documents));
        }
        (None, _) if !arguments.doc_type.is_empty() => {
            return Err(Failure::configuration(
                "purpose",
                "required with --doc-type",
            ));
        }
        // A person who refused is asked for no documents.
        (Some(_), Some(_)) | (None, _) => {}
    }
    Ok(applicant)
}

/// A driving licence is `dl` in the operation's command.
fn document_kind(text: &str) -> DocumentKind {
    match document_type(text) {
        "dl" => DocumentKind::DrivingLicence,
        text => DocumentKind::from(text),
    }
}

/// Warns of values that are sent although no provider lists them.
fn warn_of_unlisted(
    arguments: &Onboard,
    on_finding: OnFinding,
    output: Output,
) -> Result<(), Failure> {
    let one = |text| std::iter::once::<&str>(text);
    let kind = one(&arguments.consent_kind);
    output.warn_unless_listed(on_finding, "type", kind, ConsentKind::KNOWN)?;
    output.warn_unless_listed(
        on_finding,
        "consent_type",
        one(&arguments.consent_type),
        ConsentPurpose::KNOWN,
    )?;
    let documents = arguments.doc_type.iter().map(|text| document_type(text));
    output.warn_unless_listed(on_finding, "doc_types", documents, DocType::KNOWN)
}

fn aggregator(text: &str) -> Result<AggregatorId, Failure> {
    Ok(AggregatorId::parse(text)?)
}

/// A step as a row: provider, result, detail.
struct Row {
    step: StepName,
    provider: &'static str,
    result: &'static str,
    detail: String,
    took: Option<Duration>,
}

fn row<T>(name: StepName, step: &Step<T>, detail: impl Fn(&T) -> String) -> Row {
    match step {
        Step::Done {
            value,
            provider,
            elapsed,
            ..
        } => Row {
            step: name,
            provider,
            result: "done",
            detail: detail(value),
            took: Some(*elapsed),
        },
        Step::Skipped(reason) => Row {
            step: name,
            provider: "",
            result: "skipped",
            detail: reason.to_string(),
            took: None,
        },
        Step::Failed(error) => Row {
            step: name,
            provider: error.provider(),
            result: "failed",
            detail: error.report_line(),
            took: Some(error.elapsed()),
        },
    }
}

fn print(report: &OnboardingReport, finished: &[Finished], output: Output) -> io::Result<()> {
    let standings = |found: &AggregatorStandings| {
        let shown = found.iter().map(|standing| {
            format!(
                "{}: {}",
                standing.aggregator.as_str(),
                standing.readiness.as_str()
            )
        });
        let unread = match found.unread {
            0 => None,
            1 => Some("1 answer could not be read".to_owned()),
            count => Some(format!("{count} answers could not be read")),
        };
        shown.chain(unread).collect::<Vec<_>>().join(", ")
    };
    let rows = [
        row(
            StepName::RecordConsent,
            &report.consent,
            |consent: &RecordedConsent| consent.reference.as_str().to_owned(),
        ),
        row(
            StepName::OpenDocuments,
            &report.documents,
            |session: &DocumentSession| session.reference.as_str().to_owned(),
        ),
        row(StepName::DiscoverAggregators, &report.discovery, standings),
        row(
            StepName::OpenAggregatorConsent,
            &report.aggregator_consent,
            |session: &AggregatorConsentSession| session.reference.as_str().to_owned(),
        ),
    ];
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["step", "provider", "result", "detail", "ms"]);
    for row in rows {
        let took = row
            .took
            .map(|took| took.as_millis().to_string())
            .unwrap_or_default();
        table.add_row([
            row.step.as_str(),
            row.provider,
            row.result,
            &printable(&row.detail),
            &took,
        ]);
    }
    for step in finished {
        table.add_row([
            step.step,
            step.provider,
            step.result(),
            &printable(&step.detail()),
            &match step.is_begun() {
                true => step.took.as_millis().to_string(),
                false => String::new(),
            },
        ]);
    }
    // A terminal of unknown width reports 0.
    if table.width() == Some(0) {
        table.set_width(80);
    }
    output.line(&table.to_string())?;
    if let Some(aggregator) = &report.choice.aggregator {
        let own_choice = match &report.aggregator_consent {
            Step::Done {
                value, provider, ..
            } if value.aggregator.is_none() => {
                format!("; {provider} chooses the aggregator itself")
            }
            _ => String::new(),
        };
        let reason = report.choice.reason.as_str();
        let aggregator = printable(aggregator.as_str());
        output.line(&format!(
            "suggested aggregator: {aggregator} ({reason}){own_choice}"
        ))?;
    }
    // Whose journey went on has been there, and who refused is sent nowhere.
    let is_waited_for = finished.is_empty() && report.answer != Some(ConsentAnswer::Refused);
    if let Some(session) = report.documents.value().filter(|_| is_waited_for) {
        output.line(&format!(
            "send the person to (documents): {}",
            printable(session.url.expose())
        ))?;
    }
    if let Some(session) = report.aggregator_consent.value().filter(|_| is_waited_for) {
        output.line(&format!(
            "send the person to (accounts):  {}",
            printable(session.url.expose())
        ))?;
    }
    for before in &report.replaced {
        let id = before.request_id.as_ref().map_or("none", RequestId::as_str);
        let (step, provider) = (before.step.as_str(), before.provider);
        output.line(&match &before.reference {
            Some(reference) => {
                let reference = printable(reference.as_str());
                format!("replaced: {reference} of {step}, done by {provider}, request id {id}; it may still be open there")
            }
            None => {
                let done = before.error.as_ref().map_or("may have been", done);
                format!("replaced: a try of {step} that {done} done by {provider}, request id {id}; what it did may be there still")
            }
        })?;
    }
    for failed in &report.failed_repeats {
        let (step, why) = (failed.step.as_str(), failed.error.report_line());
        output.line(&format!(
            "not repeated: {step}, and what it was before stays: {}",
            printable(&why)
        ))?;
    }
    for (step, error) in report.unsettled() {
        let id = error.request_id().map(|id| id.as_str()).unwrap_or("none");
        let (step, provider, done) = (step.as_str(), error.provider(), done(error));
        output.line(&format!(
            "reconcile first: {step} {done} done by {provider}, request id {id}"
        ))?;
        if let Some(advice) = error.settling() {
            output.line(&format!("  to reconcile it: {advice}"))?;
        }
    }
    Ok(())
}

/// Whether what failed was done nevertheless, or may have been.
fn done(error: &Error) -> &'static str {
    match error.outcome() {
        Outcome::Done => "was",
        _ => "may have been",
    }
}
