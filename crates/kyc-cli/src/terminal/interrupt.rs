//! Ctrl-C, SIGTERM, SIGHUP and SIGQUIT: what ends a command before its time.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::failure::EXIT_INTERRUPTED;
use crate::terminal::output::Output;

/// What a signal does now.
enum Effect {
    /// It ends the process, after these last words.
    End(String),
    /// The command that listens is told.
    Tell,
    /// The command ends anyway, and says itself what is known.
    Nothing,
}

static EFFECT: Mutex<Effect> = Mutex::new(Effect::Nothing);
static RECEIVED: Notify = Notify::const_new();

fn effect() -> MutexGuard<'static, Effect> {
    EFFECT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Catches the signals of this process, on a thread of its own: a command that waits for a file or a terminal ends too, and
/// so does the first process of a container, which no signal ends that it does not catch.
///
/// # Errors
///
/// The system gives no signals.
pub(crate) fn catch(output: Output) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    *effect() = Effect::End(output.interruption("kyc", "was ended; nothing was sent", None));
    let waiting = move || {
        runtime.block_on(async move {
            loop {
                signals.next().await;
                match &*effect() {
                    Effect::End(words) => {
                        output.on_stderr(words);
                        std::process::exit(EXIT_INTERRUPTED.into());
                    }
                    Effect::Tell => RECEIVED.notify_one(),
                    Effect::Nothing => {}
                }
            }
        });
    };
    thread::Builder::new().spawn(waiting).map(drop)
}

/// Listens from its creation on. What came before it ended the process at once.
#[derive(Debug)]
pub(crate) struct Interrupt(());

impl Interrupt {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        *effect() = Effect::Tell;
        Self(())
    }

    /// Waits for the next one. Dropped while it waits, it loses none.
    pub(crate) async fn next(&mut self) {
        RECEIVED.notified().await;
    }

    /// Ends listening: from now on a signal ends the process, after these last words.
    pub(crate) fn end_with(self, words: String) {
        std::mem::forget(self);
        *effect() = Effect::End(words);
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        *effect() = Effect::Nothing;
    }
}

#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    /// A signal that was ignored when the process began stays ignored, as `nohup` wants it.
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let kinds = [
            SignalKind::interrupt(),
            // Its own effect is an image of the memory, credentials and all, in a file.
            SignalKind::quit(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        // A file that grows past the limit of this process is an error of its writing, and ends nothing.
        const FILE_TOO_LARGE: i32 = 25;
        signal(SignalKind::from_raw(FILE_TOO_LARGE)).map(drop)?;
        let ignored = ignored();
        let is_ignored = |kind: &SignalKind| {
            let bit = u32::try_from(kind.as_raw_value()).ok()?.checked_sub(1)?;
            Some(ignored.checked_shr(bit)? & 1 == 1)
        };
        kinds
            .into_iter()
            .filter(|kind| is_ignored(kind) != Some(true))
            .map(signal)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let mut signals = self.0.iter_mut();
            match signals.any(|signal| signal.poll_recv(context).is_ready()) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
    }
}

/// The mask of ignored signals. Linux tells it; elsewhere none is taken for ignored.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
