//! A row of the matrix: a fault, and its expected result, derived from the operation's idempotency.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use provider_core::{ErrorKind, Idempotency, Outcome};

use super::column::{Column, Size};
use super::server::Script;
use super::transports::Certificate;

/// One row, by its number, as it is for one operation.
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) fault: &'static str,
    pub(crate) cases: Cases,
}

/// What decides about the result of a row, and so what it is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The core and the transport: one operation of each idempotency class and kind of signature, over each transport.
    Transport,
    /// The provider's crate: every operation over the default transport, and those of the other level over each.
    Reply,
}

impl Row {
    pub(crate) fn level(&self) -> Level {
        match self.number {
            37..=89 | 105..=106 => Level::Reply,
            _ => Level::Transport,
        }
    }

    pub(crate) fn cases(&self) -> &[Case] {
        match &self.cases {
            Cases::Some(cases) => cases,
            Cases::NotApplicable(_) | Cases::NotProvoked(_) => &[],
        }
    }
}

/// The cases of a row, or the reason why it has none.
pub(crate) enum Cases {
    Some(Vec<Case>),
    /// It cannot happen to these operations.
    NotApplicable(&'static str),
    /// It can happen to them, and is not provoked here.
    NotProvoked(&'static str),
}

impl<C: IntoIterator<Item = Case>> From<C> for Cases {
    fn from(cases: C) -> Self {
        Self::Some(cases.into_iter().collect())
    }
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Failed(ErrorKind, Outcome),
    /// The caller dropped it; the observer got this outcome.
    Dropped(Outcome),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Failed(kind, outcome) => write!(f, "{}/{}", kind.as_str(), outcome.as_str()),
            Self::Dropped(outcome) => write!(f, "dropped/{}", outcome.as_str()),
        }
    }
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

/// How many exchanges a fault affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hits {
    Once,
    Always,
}

/// The expected measurement of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) verdict: Verdict,
    pub(crate) attempts: RangeInclusive<u32>,
    pub(crate) effects: RangeInclusive<u32>,
}

/// The standard policy's limit, stated independently of the policy.
const MOST_ATTEMPTS: u32 = 3;

impl Expected {
    /// The result of a call whose faulty exchanges give `expect`, with or without an effect.
    fn of(expect: Expect, hits: Hits, effect: bool, idempotency: Idempotency) -> Self {
        let (kind, outcome, repeat) = match expect {
            Expect::Understood => return Self::new(Verdict::Ok, 1..=1, 1..=1),
            Expect::Dropped => {
                let dropped = Verdict::Dropped(Outcome::Unknown);
                return Self::new(dropped, 1..=1, 0..=u32::from(effect));
            }
            Expect::FailsAtLast(kind, outcome) => {
                let failed = Verdict::Failed(kind, outcome);
                return Self::new(failed, 2..=MOST_ATTEMPTS, 0..=0);
            }
            Expect::Fails(kind, outcome, repeat) => (kind, outcome, repeat),
        };
        let failed = Verdict::Failed(kind, outcome);
        let each = u32::from(effect && outcome != Outcome::NotSent);
        // The deadline may pass before the server has done anything.
        let least = if kind == ErrorKind::Timeout { 0 } else { each };
        let repeated = match repeat {
            Repeat::Never => false,
            Repeat::IfHarmless => idempotency != Idempotency::Unsafe,
            Repeat::Always => true,
        };
        match (repeated, hits) {
            (false, _) => Self::new(failed, 1..=1, least..=each),
            (true, Hits::Once) => Self::new(Verdict::Ok, 2..=2, each + 1..=each + 1),
            (true, Hits::Always) => {
                let all = MOST_ATTEMPTS * each;
                Self::new(failed, MOST_ATTEMPTS..=MOST_ATTEMPTS, all..=all)
            }
        }
    }

    fn new(verdict: Verdict, attempts: RangeInclusive<u32>, effects: RangeInclusive<u32>) -> Self {
        Self {
            verdict,
            attempts,
            effects,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |range: &RangeInclusive<u32>| match (range.start(), range.end()) {
            (least, most) if least == most => most.to_string(),
            (least, most) => format!("{least}–{most}"),
        };
        let (attempts, effects) = (span(&self.attempts), span(&self.effects));
        write!(f, "{} ×{attempts} e{effects}", self.verdict)
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
    /// The first packet of a connection is ignored.
    Ignored,
    /// The name does not exist.
    NoSuchName,
    /// Nobody says whether the name exists.
    SilentResolver,
    /// The name has two addresses, and the first one ignores the first packet of a connection.
    DeadAddressFirst,
}

/// What the caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drive {
    /// Calls once.
    Call,
    /// Calls once well, so that a connection is kept, and again.
    Again(Idle),
    /// Drops the call when the server stalls.
    DropAtStall,
    /// Drops the call at its first poll, at its second, and so on until it comes to its end.
    DropAtEachPoll,
    /// Shuts the runtime down that the call runs on.
    Shutdown,
    /// Calls this often, one call after the other.
    Often(u32),
    /// Calls once while the process has no file descriptor left.
    WithoutDescriptors,
    /// Makes a transport that trusts the machine's root certificates, of which a proof's process has none.
    WithoutRoots,
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

/// What the wall clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WallClock {
    /// This moment, at each reading.
    At(&'static str),
    /// This many seconds more at every second reading.
    Jumping(i64),
}

/// The moment that the wall clock shows unless a row says otherwise.
pub(crate) const NOW: &str = "2029-06-01T00:00:00Z";

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

/// A fault and its expected result, for one operation.
pub(crate) struct Case {
    /// What distinguishes it from the other cases of its row.
    pub(crate) name: &'static str,
    /// None if the operation has no such case.
    pub(crate) variants: Vec<Variant>,
    /// The results, any of which is right.
    expect: Vec<Expect>,
    pub(crate) stage: Stage,
    pub(crate) drive: Drive,
    pub(crate) size: Size,
    pub(crate) deadline: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) clock: WallClock,
    /// The pause before a repeat, if the answer names it.
    pub(crate) pause: Option<Duration>,
    /// Runs alone, so that its memory can be measured.
    pub(crate) alone: bool,
    /// The answer is an old one, and no effect stands behind it.
    replayed: bool,
    /// The client must end the connection by itself, and does so before the next call.
    pub(crate) evicts: bool,
    /// How many attempts there are, if not as the fault has it.
    attempts: Option<u32>,
    /// Both if the fault makes a difference by its number.
    hits: Option<Hits>,
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
        clock(clock: WallClock) { clock = clock }
        pauses(pause: Duration) { pause = Some(pause) }
        replayed() { replayed = true }
        evicts() { evicts = true }
        attempts(attempts: u32) { attempts = Some(attempts) }
        hits(hits: Hits) { hits = Some(hits) }
        note(note: &'static str) { note = note }
        unless(reason: &'static str) { unless = reason }
    }

    /// A case of several variants, or of none for an operation that has no such thing.
    pub(crate) fn each(name: &'static str, variants: impl IntoIterator<Item = Variant>) -> Self {
        Self {
            name,
            variants: variants.into_iter().collect(),
            expect: vec![Expect::Understood],
            stage: Stage::Plain,
            drive: Drive::Call,
            size: Size::Usual,
            deadline: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            clock: WallClock::At(NOW),
            pause: None,
            alone: false,
            replayed: false,
            evicts: false,
            attempts: None,
            hits: None,
            note: "",
            unless: "",
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
        self.size = Size::Large;
        if column.input(Size::Large).is_none() {
            (self.variants, self.unless) = (Vec::new(), "no request is that long");
        }
        self.alone()
    }

    fn expect(&self, variant: &Variant) -> Vec<Expect> {
        variant
            .expect
            .map_or(self.expect.clone(), |expect| vec![expect])
    }

    /// How many exchanges are hit, each in a cell of its own.
    pub(crate) fn all_hits(&self, variant: &Variant) -> &'static [Hits] {
        let repeated = |expect: &Expect| matches!(expect, Expect::Fails(_, _, repeat) if *repeat != Repeat::Never);
        match self.hits {
            Some(Hits::Once) => &[Hits::Once],
            None if self.expect(variant).iter().any(repeated) => &[Hits::Once, Hits::Always],
            Some(Hits::Always) | None => &[Hits::Always],
        }
    }

    /// The expected measurements of a cell, any of which is right.
    pub(crate) fn expected(&self, column: &Column, variant: &Variant, hits: Hits) -> Vec<Expected> {
        let idempotency = column.operation().idempotency;
        let effect = variant.script.has_effect();
        let expected = |expect| {
            let mut expected = Expected::of(expect, hits, effect, idempotency);
            if let Some(attempts) = self.attempts {
                expected.attempts = attempts..=attempts;
            }
            if self.replayed {
                expected.effects = 0..=0;
            }
            expected
        };
        self.expect(variant).into_iter().map(expected).collect()
    }
}
