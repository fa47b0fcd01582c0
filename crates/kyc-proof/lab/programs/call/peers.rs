//! Who makes the calls.

use tokio::runtime::Runtime;

use crate::clients::{Result, bare_reqwest as bare, ours};

/// One way to make one of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Finpass *Initialize* by `FinpassClient`.
    OursFinpass,
    /// The same client over the reqwest transport.
    OursFinpassReqwest,
    /// The same by reqwest as its users write it.
    BareFinpass,
    /// The same with a URL that is parsed once.
    BareFinpassUrl,
    /// Veriff *record consent* by `ConsentClient`: signed, and the reply verified.
    OursVeriff,
    /// The same client over the reqwest transport.
    OursVeriffReqwest,
    /// The same by reqwest, without signing and without verifying.
    BareVeriff,
    /// The same by reqwest, signed and verified by hand.
    BareVeriffSigned,
}

/// A client that makes the calls of one peer.
pub(crate) struct Caller {
    client: Client,
    sessions: Vec<String>,
}

enum Client {
    OursFinpass(ours::Finpass),
    OursVeriff(ours::Veriff),
    Bare(bare::Client),
}

impl Peer {
    /// All of them, under the names that `call run` takes.
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("ours-finpass", Self::OursFinpass),
        ("ours-finpass-reqwest", Self::OursFinpassReqwest),
        ("bare-finpass", Self::BareFinpass),
        ("bare-finpass-url", Self::BareFinpassUrl),
        ("ours-veriff", Self::OursVeriff),
        ("ours-veriff-reqwest", Self::OursVeriffReqwest),
        ("bare-veriff", Self::BareVeriff),
        ("bare-veriff-signed", Self::BareVeriffSigned),
    ];

    /// The peer of this name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, peer)| peer)
            .ok_or_else(|| format!("no peer `{name}`").into())
    }

    /// A client for the server at `port` of this machine.
    pub(crate) fn caller(self, port: u16) -> Result<Caller> {
        let client = match self {
            Self::OursFinpass => Client::OursFinpass(ours::Finpass::new(port, ours::lean()?)?),
            Self::OursFinpassReqwest => {
                Client::OursFinpass(ours::Finpass::new(port, ours::on_reqwest()?)?)
            }
            Self::OursVeriff => Client::OursVeriff(ours::Veriff::new(port, ours::lean()?)?),
            Self::OursVeriffReqwest => {
                Client::OursVeriff(ours::Veriff::new(port, ours::on_reqwest()?)?)
            }
            _ => Client::Bare(bare::Client::new(port)?),
        };
        let sessions = crate::exchange::sessions();
        Ok(Caller { client, sessions })
    }

    /// Makes `calls` calls, one after another, over one connection.
    pub(crate) async fn run(self, port: u16, calls: usize) -> Result<()> {
        let caller = self.caller(port)?;
        for number in 0..calls {
            self.call(&caller, number).await?;
        }
        Ok(())
    }

    /// Makes one call, and drops what it answers.
    pub(crate) async fn call(self, caller: &Caller, number: usize) -> Result<()> {
        use std::hint::black_box;

        let sessions = &caller.sessions;
        let session = sessions.get(number % sessions.len()).ok_or("no session")?;
        match (self, &caller.client) {
            (_, Client::OursFinpass(client)) => drop(black_box(client.initialize().await?)),
            (_, Client::OursVeriff(client)) => {
                drop(black_box(client.record_consent(session).await?));
            }
            (Self::BareFinpassUrl, Client::Bare(client)) => {
                drop(black_box(client.initialize_at_url().await?));
            }
            (Self::BareVeriff, Client::Bare(client)) => {
                drop(black_box(client.record_consent(session).await?));
            }
            (Self::BareVeriffSigned, Client::Bare(client)) => {
                drop(black_box(client.record_signed_consent(session).await?));
            }
            (_, Client::Bare(client)) => drop(black_box(client.initialize().await?)),
        }
        Ok(())
    }
}

/// One thread, like the server's other side: a second one would count waiting for the first.
pub(crate) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}
