//! A case of the matrix: a fault, and its expected result, derived from the operation's idempotency.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use provider_core::{ErrorKind, Idempotency, Outcome};

use super::column::Column;
use super::server::Script;
use super::transports::Certificate;

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Failed(ErrorKind, Outcome),
    /// The caller dropped it; the observer got this outcome.
    Dropped(Outcome),
}

/// Which operations an attempt that failed so is retried for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Never,
    /// `Safe` and `Repeatable` ones.
    IfHarmless,
    /// All: it was not sent, or refused for now.
    Always,
}

/// The expected result of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A success: the client tolerates the fault.
    Understood,
    Fails(ErrorKind, Outcome, Repeat),
    /// One attempt fails in one way and a later one in another, which the error is about.
    FailsAtLast(ErrorKind, Outcome),
    /// The caller drops the call.
    Dropped,
}

/// A verdict, and how many attempts and effects there may be.
pub(crate) type Expected = (Verdict, RangeInclusive<u32>, RangeInclusive<u32>);

/// The standard policy's limit, stated independently of the policy.
const MOST_ATTEMPTS: u32 = 3;

impl Expect {
    /// The result of a call of which one exchange or every one is faulty, with or without an effect.
    pub(crate) fn of_call(self, once: bool, effect: bool, idempotency: Idempotency) -> Expected {
        let each = u32::from(effect);
        let (kind, outcome, repeat) = match self {
            Self::Understood => return (Verdict::Ok, 1..=1, each..=1),
            Self::Dropped => return (Verdict::Dropped(Outcome::Unknown), 1..=1, 0..=each),
            Self::FailsAtLast(kind, outcome) => {
                return (Verdict::Failed(kind, outcome), 2..=MOST_ATTEMPTS, 0..=0);
            }
            Self::Fails(kind, outcome, repeat) => (kind, outcome, repeat),
        };
        let each = if outcome == Outcome::NotSent { 0 } else { each };
        // The deadline may pass before the server has done anything.
        let least = if kind == ErrorKind::Timeout { 0 } else { each };
        let failed = Verdict::Failed(kind, outcome);
        let repeated = match repeat {
            Repeat::Never => false,
            Repeat::IfHarmless => idempotency != Idempotency::Unsafe,
            Repeat::Always => true,
        };
        match (repeated, once) {
            (false, _) => (failed, 1..=1, least..=each),
            (true, true) => (Verdict::Ok, 2..=2, each + 1..=each + 1),
            (true, false) => {
                let all = MOST_ATTEMPTS * each;
                (failed, MOST_ATTEMPTS..=MOST_ATTEMPTS, all..=all)
            }
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, outcome, then) = match self {
            Self::Understood => return f.write_str("ok"),
            Self::Dropped => return f.write_str("dropped/unknown"),
            Self::FailsAtLast(kind, outcome) => (kind, outcome, " (after a repeat)"),
            Self::Fails(kind, outcome, Repeat::Never) => (kind, outcome, ""),
            Self::Fails(kind, outcome, Repeat::IfHarmless) => {
                (kind, outcome, " (repeated unless `Unsafe`)")
            }
            Self::Fails(kind, outcome, Repeat::Always) => (kind, outcome, " (repeated)"),
        };
        write!(f, "{}/{}{then}", kind.as_str(), outcome.as_str())
    }
}

/// Where the server is, and how far a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// On this machine, in plain text.
    Plain,
    /// On this machine, by TLS.
    Tls(Certificate),
    /// Nobody listens.
    Refused,
    /// The name does not exist.
    NoSuchName,
}

/// What the caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drive {
    /// Calls once.
    Call,
    /// Calls once well, so that a connection is kept, and again.
    Again(Idle),
    /// Drops the call at its first poll, at its second, and so on until it comes to its end.
    DropAtEachPoll,
    /// Shuts the runtime down that the call runs on.
    Shutdown,
    /// Calls once while the process has no file descriptor left.
    WithoutDescriptors,
}

/// What happens to the kept connection before the second call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Nothing.
    Kept,
    /// The server ends it, and the client has seen that.
    Ended,
    /// The server ends it at the same time.
    Ending,
}

/// One way in which a case is provoked.
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) script: Script,
    /// The expected result, if it differs from the case's.
    pub(crate) expect: Option<Expect>,
}

impl Variant {
    pub(crate) fn new(name: impl Into<String>, script: Script) -> Self {
        let (name, expect) = (name.into(), None);
        Self {
            name,
            script,
            expect,
        }
    }
}

/// A fault as it is for one operation.
pub(crate) struct Case {
    /// The row that it is in.
    pub(crate) number: u32,
    pub(crate) fault: &'static str,
    /// What distinguishes it from the other cases of its row.
    pub(crate) name: &'static str,
    /// None if the operation has no such case.
    pub(crate) variants: Vec<Variant>,
    /// The results, any of which is right.
    expect: Vec<Expect>,
    pub(crate) stage: Stage,
    pub(crate) drive: Drive,
    /// The request is longer than what fits between two sockets.
    pub(crate) large: bool,
    pub(crate) deadline: Duration,
    pub(crate) connect_timeout: Duration,
    /// The pause before a repeat, if the answer names it.
    pub(crate) pause: Option<Duration>,
    /// Runs alone, so that its memory can be measured.
    pub(crate) alone: bool,
    /// The client must end the connection by itself, and does so before the next call.
    pub(crate) evicts: bool,
    /// Whether one exchange is hit, or every one; both, each in a cell of its own, if that makes a difference.
    once: Option<bool>,
    /// Where the design of the workspace decides otherwise, or what a reader should know.
    pub(crate) note: &'static str,
    /// Why an operation has no such case.
    pub(crate) unless: &'static str,
}

/// Methods that change one field.
macro_rules! with {
    ($($name:ident($($argument:ident: $type:ty)?) { $field:ident = $value:expr })+) => {$(
        pub(crate) fn $name(mut self $(, $argument: $type)?) -> Self {
            self.$field = $value;
            self
        }
    )+};
}

impl Case {
    with! {
        gives(expect: impl IntoIterator<Item = Expect>) { expect = expect.into_iter().collect() }
        within(deadline: Duration) { deadline = deadline }
        at(stage: Stage) { stage = stage }
        driven(drive: Drive) { drive = drive }
        alone() { alone = true }
        connects_within(timeout: Duration) { connect_timeout = timeout }
        pauses(pause: Duration) { pause = Some(pause) }
        evicts() { evicts = true }
        once(once: bool) { once = Some(once) }
        note(note: &'static str) { note = note }
        unless(reason: &'static str) { unless = reason }
    }

    /// A case of several variants, or of none for an operation that has no such thing.
    pub(crate) fn each(name: &'static str, variants: impl IntoIterator<Item = Variant>) -> Self {
        Self {
            number: 0,
            fault: "",
            name,
            variants: variants.into_iter().collect(),
            expect: vec![Expect::Understood],
            stage: Stage::Plain,
            drive: Drive::Call,
            large: false,
            deadline: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            pause: None,
            alone: false,
            evicts: false,
            once: None,
            note: "",
            unless: "",
        }
    }

    pub(crate) fn in_row(self, number: u32, fault: &'static str) -> Self {
        Self {
            number,
            fault,
            ..self
        }
    }

    /// A case of one script.
    pub(crate) fn new(name: &'static str, script: Script) -> Self {
        Self::each(name, [Variant::new("", script)])
    }

    pub(crate) fn fails(self, kind: ErrorKind, outcome: Outcome, repeat: Repeat) -> Self {
        self.gives([Expect::Fails(kind, outcome, repeat)])
    }

    pub(crate) fn times_out(self) -> Self {
        let case = self.fails(ErrorKind::Timeout, Outcome::Unknown, Repeat::Never);
        case.within(Duration::from_millis(300))
    }

    /// The request is longer than what fits between two sockets, if one can be. Runs alone, because it needs memory.
    pub(crate) fn large(mut self, column: &Column) -> Self {
        self.large = true;
        if column.represents && column.input(true).is_none() {
            (self.variants, self.unless) = (Vec::new(), "no request is that long");
        }
        self.alone()
    }

    /// What to call it.
    pub(crate) fn title(&self) -> String {
        match (self.fault, self.name) {
            (fault, "") => format!("F{} {fault}", self.number),
            (fault, name) => format!("F{} {fault}: {name}", self.number),
        }
    }

    /// Whether an operation is tried on it: one that stands for its class on all; every one on those that the provider's crate
    /// decides about, and not the core and the transport alone.
    pub(crate) fn is_tried_on(&self, column: &Column) -> bool {
        column.represents || matches!(self.number, 37..=89 | 105..=106)
    }

    /// The expected results of a variant, any of which is right.
    pub(crate) fn expect(&self, variant: &Variant) -> Vec<Expect> {
        let of_case = || self.expect.clone();
        variant.expect.map_or_else(of_case, |expect| vec![expect])
    }

    /// Whether the server does what was asked in any variant.
    pub(crate) fn is_done(&self) -> bool {
        let reached = |expect: &Expect| !matches!(expect, Expect::Fails(_, Outcome::NotSent, _));
        self.variants
            .iter()
            .any(|variant| variant.script.has_effect() && self.expect(variant).iter().any(reached))
    }

    /// How many exchanges are hit, each in a cell of its own: one or all.
    pub(crate) fn hits(&self, variant: &Variant) -> &'static [bool] {
        let repeated = |expect: &Expect| matches!(expect, Expect::Fails(_, _, repeat) if *repeat != Repeat::Never);
        match self.once {
            Some(true) => &[true],
            None if self.expect(variant).iter().any(repeated) => &[true, false],
            Some(false) | None => &[false],
        }
    }
}
