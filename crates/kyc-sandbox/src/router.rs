//! All routes of a sandbox, put together, with and without a socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use http::{Method, StatusCode};
use tokio::net::TcpListener;

use crate::console;
use crate::control::{self, Guard};
use crate::exchange::{Json, Reply};
use crate::pages::layout::{STYLE, STYLE_PATH, respond};
use crate::sandbox::Sandbox;
use crate::serve::{ServeError, ServedSandbox};
use crate::transport::SandboxTransport;

impl Sandbox {
    /// All routes: the providers', the control's, the console's, documents and the style sheet.
    fn router(&self) -> Router {
        let documents = self.settings().documents().clone();
        let guard = Guard::new(
            Arc::from(self.control_token()),
            *self.settings().allow_other_machines(),
        );
        let router = control::router(guard.clone())
            .merge(console::router(guard))
            .route(STYLE_PATH, get(style))
            .with_state(self.clone())
            .merge(self.provider_router())
            .fallback(move |request| std::future::ready(document(&documents, &request)));
        match self.simulation().store.is_kept() {
            true => router.layer(from_fn_with_state(self.clone(), written)),
            false => router,
        }
    }

    /// A transport that reaches this sandbox without a socket.
    pub fn transport(&self) -> SandboxTransport {
        SandboxTransport::new(self.router())
    }

    /// Serves this sandbox over HTTP/1.1 until the returned value is shut down or dropped.
    ///
    /// Port 0 takes a free one. Must be called within a tokio runtime whose IO and time drivers are on.
    ///
    /// # Errors
    ///
    /// [`ServeError::NotLoopback`] for an address that other machines can reach, unless
    /// [`Settings::with_allow_other_machines`](crate::Settings::with_allow_other_machines) allows it; [`ServeError::Bind`] if the address cannot be bound.
    pub async fn serve(&self, address: SocketAddr) -> Result<ServedSandbox, ServeError> {
        let listener = ServedSandbox::bind(address, self.settings()).await?;
        self.serve_on(listener)
    }

    /// As [`serve`](Self::serve), on a listener that is there: who binds the port first finds out that it is taken before a sandbox is made.
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn serve_on(&self, listener: TcpListener) -> Result<ServedSandbox, ServeError> {
        let providers = self.providers().clone();
        ServedSandbox::start(listener, self.router(), providers, self.settings())
    }
}

/// What an answer says is written before it is sent.
async fn written(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match sandbox.simulation().write() {
        Ok(()) => response,
        Err(error) => {
            let message = Json::Object(vec![("sandbox", error.to_string().into())]);
            Reply::json(500, &message).into_response()
        }
    }
}

async fn style() -> Response {
    respond(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned())
}

/// A document of the settings, for a path that is no provider's.
fn document(documents: &BTreeMap<String, String>, request: &Request) -> Response {
    let reply = match documents.get(request.uri().path()) {
        Some(text) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            Reply::text(200, "application/json", text.clone())
        }
        Some(_) => {
            let message = Json::Object(vec![("sandbox", "a document is read with GET".into())]);
            Reply::json(405, &message).with_header("allow", "GET, HEAD")
        }
        None => Reply::json(
            404,
            &Json::Object(vec![(
                "sandbox",
                "no provider here; paths begin with /finpass, /finpro, /veriff or /deepvue".into(),
            )]),
        ),
    };
    reply.into_response()
}
