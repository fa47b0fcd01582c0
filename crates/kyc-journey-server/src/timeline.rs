//! What happened in a journey, a line an event. No value that is a secret or a person's is in it.

use std::collections::HashMap;

use kyc_journey::{
    Answer, DataClass, Effect, EffectId, EffectKind, Fact, Failure, HistoryEntry, LedgerEntry, Leg,
    Notice, Verdict,
};
use provider_core::jiff::Timestamp;
use provider_core::schemars::JsonSchema;
use serde::Serialize;

/// Makes lines, in the order of the events: what an answer is to stands in an earlier one.
#[derive(Debug, Default)]
pub struct Lines {
    calls: HashMap<EffectId, &'static str>,
}

/// An event of a journey.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub struct Line {
    /// Its number, from 1.
    seq: u64,
    /// When it was received.
    #[schemars(with = "String", extend("format" = "date-time"))]
    at: Timestamp,
    /// The leg that it is about.
    #[schemars(with = "Option<Leg>")]
    leg: Option<&'static str>,
    /// What happened, such as `answered` or `returned`.
    event: &'static str,
    /// The call that was answered, the timer that fired, what a person has done, or whose webhook it is.
    about: Option<String>,
    /// What it said.
    said: Option<String>,
    /// What became of it.
    #[schemars(with = "Verdict")]
    verdict: &'static str,
    /// Why it changed nothing.
    reason: Option<&'static str>,
    /// What the journey asked for.
    asks: Vec<String>,
    #[serde(skip)]
    #[schemars(skip)]
    shown: Vec<String>,
}

impl Lines {
    /// The lines of these events.
    pub fn of(&mut self, entries: &[HistoryEntry]) -> Vec<Line> {
        entries.iter().map(|entry| self.line(entry)).collect()
    }

    fn line(&mut self, entry: &HistoryEntry) -> Line {
        for effect in &entry.effects {
            if let Some(operation) = effect.operation() {
                self.calls.insert(effect.id.clone(), operation.name());
            }
        }
        let call = entry
            .fact
            .effect()
            .and_then(|id| self.calls.get(id).copied());
        let about = match &entry.fact {
            Fact::TimerFired { timer, .. } => Some(timer.purpose.as_str().to_owned()),
            Fact::Resolved { task } => Some(task.as_str().to_owned()),
            // Which kind it is, is the provider's word, and in no output.
            Fact::Noted(_) | Fact::Unrecognized(_) => {
                let provider = entry.key.hook_provider();
                provider.map(|provider| format!("webhook of {provider}"))
            }
            _ => call.map(str::to_owned),
        };
        let asked = |effect: &Effect| asks(&effect.kind);
        let shown = entry.effects.iter().filter(|effect| {
            !matches!(
                effect.kind,
                EffectKind::Timer { .. } | EffectKind::CancelTimer(_) | EffectKind::CancelCall(_)
            )
        });
        Line {
            seq: entry.seq.get(),
            at: entry.at,
            leg: leg(entry).map(Leg::as_str),
            event: entry.fact.name(),
            about,
            said: said(&entry.fact),
            verdict: entry.verdict.as_str(),
            reason: entry.reason.map(|reason| reason.as_str()),
            shown: shown.map(asked).collect(),
            asks: entry.effects.iter().map(asked).collect(),
        }
    }
}

impl Line {
    /// Its number.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    pub(crate) fn leg(&self) -> Option<&'static str> {
        self.leg
    }

    pub(crate) fn event(&self) -> &'static str {
        self.event
    }

    pub(crate) fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    pub(crate) fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }

    pub(crate) fn verdict(&self) -> &'static str {
        self.verdict
    }

    pub(crate) fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    /// What the journey asked for, but for timers.
    pub(crate) fn shown(&self) -> &[String] {
        &self.shown
    }

    /// For people, in one line: without the timers, which say little.
    pub fn words(&self) -> String {
        let mut words = format!(
            "{:>4}  {:.0}  {:12}  {}",
            self.seq,
            self.at,
            self.leg.unwrap_or("-"),
            self.event
        );
        for part in [&self.about, &self.said].into_iter().flatten() {
            words.push(' ');
            words.push_str(part);
        }
        if self.verdict != Verdict::Applied.as_str() {
            words.push_str(&format!(" [{}", self.verdict));
            if let Some(reason) = self.reason {
                words.push_str(&format!(": {reason}"));
            }
            words.push(']');
        }
        if !self.shown.is_empty() {
            words.push_str(" -> ");
            words.push_str(&self.shown.join("; "));
        }
        words
    }
}

fn leg(entry: &HistoryEntry) -> Option<Leg> {
    let timer = match &entry.fact {
        Fact::TimerFired { timer, .. } => timer.leg,
        _ => None,
    };
    let correlated = || Some(entry.fact.source()?.correlation?.leg);
    entry.leg.or(timer).or_else(correlated)
}

fn said(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Answered { answer, .. } => answered(answer),
        Fact::Failed { failure, .. } => failed(failure),
        Fact::Returned(returned) => returned.end.as_str().to_owned(),
        Fact::Consent(news) => news.state.as_str().to_owned(),
        Fact::Data(news) => news.state.as_str().to_owned(),
        Fact::Session(news) => news.state.as_str().to_owned(),
        Fact::Screened(screening) => match screening.needs_review {
            true => "needs review".to_owned(),
            false => "no match".to_owned(),
        },
        Fact::Settled { done } => match done {
            true => "done".to_owned(),
            false => "not done".to_owned(),
        },
        _ => return None,
    })
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Opened { .. } => "opened".to_owned(),
        Answer::Authorized { .. } => "authorized".to_owned(),
        Answer::Files { found } => {
            let kinds: Vec<_> = found.iter().map(|file| file.kind.as_str()).collect();
            kinds.join(", ")
        }
        Answer::File | Answer::AccountData => "fetched".to_owned(),
        Answer::Profiles { standings } => {
            let words = standings.iter().map(|standing| {
                format!(
                    "{} {}",
                    standing.aggregator.as_str(),
                    standing.readiness.as_str()
                )
            });
            words.collect::<Vec<_>>().join(", ")
        }
        Answer::Link => "link".to_owned(),
        Answer::Consents { consents } => match consents.is_empty() {
            true => "none".to_owned(),
            false => {
                let states: Vec<_> = consents.iter().map(|news| news.state.as_str()).collect();
                states.join(", ")
            }
        },
        Answer::ReturnRead { end } => end.as_str().to_owned(),
        Answer::DataRequested { .. } => "requested".to_owned(),
        Answer::DataStatus { news } => {
            format!(
                "{} {}/{}",
                news.state.as_str(),
                news.delivered,
                news.accounts
            )
        }
        Answer::Reports {
            ready,
            pending,
            failed,
        } => format!("{ready} ready, {pending} pending, {failed} failed"),
        Answer::Refreshing { .. } => "refreshing".to_owned(),
        Answer::SessionState { news } => news.state.as_str().to_owned(),
        Answer::Done => "done".to_owned(),
        _ => "answered".to_owned(),
    }
}

fn failed(failure: &Failure) -> String {
    match failure.refusal {
        Some(refusal) => format!("{}: {}", failure.outcome.as_str(), refusal.as_str()),
        None => failure.outcome.as_str().to_owned(),
    }
}

fn asks(kind: &EffectKind) -> String {
    match kind {
        EffectKind::Call(operation) => format!("call {}", operation.name()),
        EffectKind::CancelCall(_) => "give up a call".to_owned(),
        EffectKind::Timer { name, at, .. } => format!("timer {name} at {at:.0}"),
        EffectKind::CancelTimer(name) => format!("no timer {name}"),
        EffectKind::Notify(notice) => notice_words(notice),
        EffectKind::Ledger(entry) => format!("ledger: {}", entry_words(entry)),
        EffectKind::Erase { leg, class } => match leg {
            Some(leg) => format!("erase {} of {}", class.as_str(), leg.as_str()),
            None => format!("erase {}", DataClass::as_str(*class)),
        },
        _ => "something that is not known here".to_owned(),
    }
}

fn notice_words(notice: &Notice) -> String {
    match notice {
        Notice::Link { leg, .. } => format!("person: link for {}", leg.as_str()),
        Notice::Reminder { leg } => format!("person: reminder of {}", leg.as_str()),
        Notice::TryAgain { leg } => format!("person: try {} again", leg.as_str()),
        Notice::AskAgain { leg } => format!("person: ask for {} again", leg.as_str()),
        Notice::OtherAggregator => "person: another aggregator".to_owned(),
        Notice::RenewConsent => "person: renew the consent".to_owned(),
        Notice::Operator { task, .. } => format!("operator: {}", task.as_str()),
        Notice::Status(status) => format!("status {}", status.as_str()),
        _ => "a notice that is not known here".to_owned(),
    }
}

fn entry_words(entry: &LedgerEntry) -> &'static str {
    match entry {
        LedgerEntry::Requested => "requested",
        LedgerEntry::Given { .. } => "given",
        LedgerEntry::Refused => "refused",
        LedgerEntry::Renewed { .. } => "renewed",
        LedgerEntry::Withdrawn => "withdrawn",
        LedgerEntry::Expired => "expired",
        LedgerEntry::Artefact { .. } => "artefact",
        LedgerEntry::ArtefactEnded { .. } => "artefact ended",
        LedgerEntry::Erased { .. } => "erased",
        _ => "an entry that is not known here",
    }
}
