//! A thread on which a store's connections live, for callers that are not async.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::mpsc::sync_channel;
use std::thread;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Ends with its store. Whoever waits for it needs nothing of the runtime on which they may be called, so that they cannot wait for
/// themselves.
pub(super) struct Connected(UnboundedSender<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connected(..)")
    }
}

impl Connected {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (works, mut asked) = unbounded_channel();
        let thread = thread::Builder::new().name("kyc-ledger".to_owned());
        thread.spawn(move || {
            runtime.block_on(async {
                while let Some(work) = asked.recv().await {
                    tokio::spawn(work);
                }
            });
        })?;
        Ok(Self(works))
    }

    /// Does it there, and waits. `None`: the thread is gone.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = sync_channel(1);
        let work = async move {
            // Whoever asked waits for it.
            let _ = reply.send(work.await);
        };
        self.0.send(Box::pin(work)).ok()?;
        answer.recv().ok()
    }
}
