//! The call on one connection of hyper, without a pool: what no client over hyper can go below.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::Result;
use super::bare_hyper_util::{decode, initialize};
use crate::exchange;
use crate::exchange::by_hand::Initialized;

/// One connection for each of those who call at the same time.
pub(crate) struct Connections {
    port: u16,
    open: Vec<Mutex<Option<SendRequest<Full<Bytes>>>>>,
}

impl Connections {
    pub(crate) fn new(port: u16, count: usize) -> Self {
        let open = (0..count).map(|_| Mutex::default()).collect();
        Self { port, open }
    }

    pub(crate) async fn initialize(&self, worker: usize) -> Result<Initialized> {
        let mut slot = self.open.get(worker).ok_or("no such worker")?.lock().await;
        let connection = match &mut *slot {
            Some(connection) => connection,
            none => none.insert(connect(self.port).await?),
        };
        let mut request = initialize(exchange::FINPASS_PATH)?;
        let host = format!("127.0.0.1:{}", self.port).parse()?;
        request.headers_mut().insert("host", host);
        connection.ready().await?;
        decode(connection.send_request(request).await?).await
    }
}

async fn connect(port: u16) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
