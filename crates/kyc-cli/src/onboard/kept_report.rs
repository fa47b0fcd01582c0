//! The report of an onboarding in a file: what was opened outlives the process, and another one goes on from it.
//!
//! The file is replaced by a whole one whenever the report changes, and so is never half a report. It has the links for the
//! person, because nobody can be sent on without them, and is readable by its owner only. Whom it is about only the key beside
//! it tells, so that one person's report is not gone on from with another one.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kyc_facade::provider_core::capability::ConsentAnswer;
use kyc_facade::provider_core::{Error, Mobile, Pan, RequestId, request_from_json};
use kyc_facade::{Applicant, Onboarding, OnboardingReport, Step, StepName};
use serde::{Deserialize, Serialize, Serializer};

use crate::arguments::KeptReport;
use crate::failure::{Failure, exit_code_of_writing, reason};
use crate::files::key::Key;
use crate::files::{secret_file, temporary};

/// The form of the file.
const VERSION: u32 = 1;
const OUT: &str = "--out";

/// The file, and what of the person it has.
#[derive(Clone)]
pub(super) struct ReportFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    person: Fingerprints,
    consent: Consents,
    state: Mutex<State>,
    _locked: File,
}

/// What the file has.
struct State {
    /// Whether it has a report.
    is_there: bool,
    /// Why the report could not be written the last time, if it could not.
    unwritten: Option<io::ErrorKind>,
}

/// The consent that is to be recorded.
pub(super) struct Statement<'s> {
    pub(super) session: &'s str,
    pub(super) kind: &'s str,
    pub(super) text: &'s str,
}

/// The same, as only the key tells.
#[derive(Clone, Serialize, Deserialize)]
struct StatementFingerprints {
    session: String,
    kind: String,
    text: String,
}

impl StatementFingerprints {
    /// The flag that says something else than it did, if one does.
    fn differs(&self, other: &Self) -> Option<&'static str> {
        let members = [
            ("--session-id", &self.session, &other.session),
            ("--type", &self.kind, &other.kind),
            ("--consent-text", &self.text, &other.text),
        ];
        let mut differing = members.into_iter().filter(|(_, known, now)| known != now);
        differing.next().map(|(flag, ..)| flag)
    }
}

/// The consent of the report, and the one that is given now.
#[derive(Default)]
struct Consents {
    known: Option<StatementFingerprints>,
    /// The request by which it was recorded, or may have been.
    recorded_by: Option<RequestId>,
    given: Option<StatementFingerprints>,
}

impl Consents {
    /// That of this report, whose step this run may have taken.
    fn of(&self, report: &OnboardingReport) -> Option<&StatementFingerprints> {
        match recorded_by(report) == self.recorded_by.as_ref() {
            true => self.known.as_ref(),
            false => self.given.as_ref(),
        }
    }
}

fn recorded_by(report: &OnboardingReport) -> Option<&RequestId> {
    match &report.consent {
        Step::Done { request_id, .. } => request_id.as_ref(),
        Step::Failed(error) => error.request_id(),
        Step::Skipped(_) => None,
    }
}

/// Whether a consent is recorded, or may be.
fn holds_a_consent(report: &OnboardingReport) -> bool {
    let consent = &report.consent;
    consent.value().is_some() || consent.error().is_some_and(Error::is_unsettled)
}

/// The person, as only the key tells.
#[derive(Clone, Serialize, Deserialize)]
struct Fingerprints {
    mobile: String,
    pan: Option<String>,
}

#[derive(Serialize)]
struct Written<'r> {
    kyc_onboarding: u32,
    person: &'r Fingerprints,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'r StatementFingerprints>,
    #[serde(serialize_with = "with_urls")]
    report: &'r OnboardingReport,
}

#[derive(Deserialize)]
struct Read {
    kyc_onboarding: u32,
    person: Fingerprints,
    consent: Option<StatementFingerprints>,
    report: OnboardingReport,
}

fn with_urls<S: Serializer>(report: &&OnboardingReport, serializer: S) -> Result<S::Ok, S::Error> {
    report.with_urls().serialize(serializer)
}

impl KeptReport {
    /// Checks what can be checked without the file.
    pub(super) fn check(&self, sandbox: bool, goes_on: bool) -> Result<(), Failure> {
        let refused = |flag: &str, rule: &str| Err(Failure::configuration(flag, rule));
        if self.out.is_some() && goes_on {
            let rule = "keeps what was opened, and not what follows with --complete or --browser; kyc journey keeps all of it";
            return refused(OUT, rule);
        }
        if self.resume && sandbox {
            let rule = "is not for --sandbox: each run has one of its own, which knows nothing of an earlier one. Start kyc sandbox, \
                        and export what it prints";
            return refused("--resume", rule);
        }
        for (flag, steps) in [("--only", &self.only), ("--repeat", &self.repeat)] {
            if !steps.is_empty() && !self.resume {
                return refused(flag, "needs --resume");
            }
        }
        steps("--only", &self.only)?;
        steps("--repeat", &self.repeat).map(drop)
    }

    /// What `--approved` has to be for the answer that the report has, if it is gone on from. A file that cannot be read says
    /// nothing here: it is refused once it is opened to go on from.
    pub(super) fn approved(&self) -> Option<String> {
        let path = self.out.as_deref().filter(|_| self.resume)?;
        // What is no file may never end.
        fs::symlink_metadata(path)
            .ok()
            .filter(fs::Metadata::is_file)?;
        let answer = ReportFile::read(path).ok()?.report.answer?;
        Some((answer == ConsentAnswer::Approved).to_string())
    }

    /// The onboarding that goes on from the file, if it is to, and keeps its report there.
    pub(super) fn keep(
        &self,
        onboarding: Onboarding,
        applicant: &Applicant,
        (mobile, pan): (&Mobile, Option<&Pan>),
        answer: Option<ConsentAnswer>,
        statement: Option<&Statement<'_>>,
    ) -> Result<(Onboarding, Option<ReportFile>), Failure> {
        let Some(path) = &self.out else {
            return Ok((onboarding, None));
        };
        let (file, earlier) = ReportFile::open(path, self.resume, (mobile, pan), statement)?;
        let onboarding = match earlier {
            Some(report) => {
                let report = report.about(applicant);
                self.go_on(onboarding, report, answer, &file.0.consent)?
            }
            None => onboarding,
        };
        let recorder = file.clone();
        let onboarding = onboarding.with_recorder(move |report| recorder.write(report));
        Ok((onboarding, Some(file)))
    }

    fn go_on(
        &self,
        onboarding: Onboarding,
        report: OnboardingReport,
        answer: Option<ConsentAnswer>,
        consents: &Consents,
    ) -> Result<Onboarding, Failure> {
        let (only, repeated) = (
            steps("--only", &self.only)?,
            steps("--repeat", &self.repeat)?,
        );
        for step in only.iter().filter(|step| !repeated.contains(step)) {
            report.check_again(*step).map_err(|error| {
                let (step, rule) = (step.as_str(), error.rule());
                let rule = format!("{step} {rule}. With --repeat {step} it is taken nevertheless");
                Failure::configuration("--only", rule)
            })?;
        }
        let consent = StepName::RecordConsent;
        let records = repeated.contains(&consent) && (only.is_empty() || only.contains(&consent));
        if let (Some(known), Some(answer)) = (report.answer, answer)
            && known != answer
            && !records
        {
            let (step, is_known) = (consent.as_str(), known == ConsentAnswer::Approved);
            let rule = format!(
                "must be {is_known}, as the report has it: another answer has to be recorded, with --repeat {step}"
            );
            return Err(Failure::configuration("--approved", rule));
        }
        if let (Some(known), Some(given)) = (&consents.known, &consents.given)
            && let Some(flag) = known.differs(given)
            && holds_a_consent(&report)
            && !records
        {
            let step = consent.as_str();
            let rule = format!(
                "is not what the report has a consent for: another one has to be recorded, with --repeat {step}"
            );
            return Err(Failure::configuration(flag, rule));
        }
        let onboarding = onboarding.resume_from(report);
        let onboarding = only.into_iter().fold(onboarding, Onboarding::only);
        Ok(repeated.into_iter().fold(onboarding, Onboarding::repeat))
    }
}

fn steps(flag: &'static str, names: &[String]) -> Result<Vec<StepName>, Failure> {
    let steps = names.iter().map(|name| name.parse::<StepName>());
    let steps = steps.collect::<Result<_, _>>();
    Ok(steps.map_err(|error| error.for_field(flag))?)
}

impl ReportFile {
    /// Opens the file, and reads the report that it has if the onboarding is to go on from it.
    fn open(
        path: &Path,
        resume: bool,
        (mobile, pan): (&Mobile, Option<&Pan>),
        statement: Option<&Statement<'_>>,
    ) -> Result<(Self, Option<OnboardingReport>), Failure> {
        let refused = |rule: &str| Err(Failure::configuration(OUT, rule));
        if path.as_os_str() == "-" {
            return refused("must be a file; - is none");
        }
        // The name itself: what a link leads to would stay as it is.
        match (fs::symlink_metadata(path), resume) {
            (Ok(there), _) if !there.is_file() => return refused("exists and is not a file"),
            (Ok(_), false) => {
                return refused(
                    "already exists; use --resume to go on from it, or choose another name",
                );
            }
            (Err(error), true) if error.kind() == io::ErrorKind::NotFound => {
                let rule = "has no report to go on from; without --resume a new one is begun";
                return refused(rule);
            }
            (Err(error), _) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::file(OUT, "read", &error));
            }
            _ => {}
        }
        let key = match (Key::of(path)?, resume) {
            (Some(key), _) => key,
            (None, true) => return refused(&Key::missing(path, "person")),
            (None, false) => {
                let key = Key::random()?;
                key.keep(path)?;
                key
            }
        };
        let locked = Key::lock(path)?;
        let of_key = |text: &str| {
            let fingerprint = key.fingerprint(|update| {
                update(text.as_bytes());
                Ok(())
            });
            fingerprint.map_err(|error| Failure::file(OUT, "written", &error))
        };
        let mut person = Fingerprints {
            mobile: of_key(mobile.expose())?,
            pan: pan.map(|pan| of_key(pan.expose())).transpose()?,
        };
        let given = statement.map(|statement| {
            Ok::<_, Failure>(StatementFingerprints {
                session: of_key(statement.session)?,
                kind: of_key(statement.kind)?,
                text: of_key(statement.text)?,
            })
        });
        let mut consent = Consents {
            given: given.transpose()?,
            ..Consents::default()
        };
        let mut earlier = None;
        if resume {
            let read = Self::read(path)?;
            let other_pan =
                matches!((&read.person.pan, &person.pan), (Some(known), Some(pan)) if known != pan);
            if read.person.mobile != person.mobile || other_pan {
                return refused("is about another person");
            }
            person.pan = person.pan.or(read.person.pan);
            consent.known = read.consent;
            consent.recorded_by = recorded_by(&read.report).cloned();
            earlier = Some(read.report);
        }
        let file = Self(Arc::new(Inner {
            path: path.to_owned(),
            person,
            consent,
            state: Mutex::new(State {
                is_there: resume,
                unwritten: None,
            }),
            _locked: locked,
        }));
        Ok((file, earlier))
    }

    fn read(path: &Path) -> Result<Read, Failure> {
        // It has the links for the person.
        let opened =
            secret_file::open(path).map_err(|error| secret_file::refused(OUT, "", &error))?;
        let unread = |error: &io::Error| Failure::file(OUT, "read", error);
        let mut file = opened.ok_or_else(|| unread(&io::ErrorKind::NotFound.into()))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)
            .map_err(|error| unread(&error))?;
        let read: Read = request_from_json(&text).map_err(|error| {
            Failure::configuration(OUT, format!("is not the report of an onboarding: {error}"))
        })?;
        match read.kyc_onboarding {
            VERSION => Ok(read),
            _ => Err(Failure::configuration(
                OUT,
                "is of another version of this command, which has to read it",
            )),
        }
    }

    /// Puts the report into the file, or leaves the one that is there.
    fn write(&self, report: &OnboardingReport) -> io::Result<()> {
        let written = self.replace(report);
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_there |= written.is_ok();
        state.unwritten = written.as_ref().err().map(io::Error::kind);
        // A path or a system's own text is not repeated.
        written.map_err(|error| io::Error::other(reason(error.kind())))
    }

    fn replace(&self, report: &OnboardingReport) -> io::Result<()> {
        let mut file = temporary::beside(&self.0.path)?;
        let written = Written {
            kyc_onboarding: VERSION,
            person: &self.0.person,
            consent: self.0.consent.of(report),
            report,
        };
        serde_json::to_writer(&mut file, &written)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.0.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// What is to be said if the file does not have the last of the report, and the exit code.
    pub(super) fn unwritten(&self) -> Option<(String, u8)> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = state.unwritten?;
        let reason = reason(kind);
        let left = match state.is_there {
            true => "The file has what was known before; keep what is printed",
            false => "There is no file, and nothing was sent",
        };
        let told = format!("the report could not be written: {reason}. {left}");
        Some((told, exit_code_of_writing(kind)))
    }
}
