//! Every address that is served, in one table: the router and the document are made of it.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use kyc_journey::{JourneyStatus, Provider};
use provider_core::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::api::{self, commands, events, export, list, read, start};
use crate::problem::Problem;
use crate::state::Shared;
use crate::{guard, hooks, page, returns};

/// An operation.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The name that generated clients give it.
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) body: Option<SchemaOf>,
    pub(crate) replies: &'static [Reply],
    /// The statuses of its problems beside those of every operation.
    pub(crate) problems: &'static [u16],
    pub(crate) handler: fn() -> MethodRouter<Shared>,
}

pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A parameter in the path, the query or a header.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: &'static str,
    pub(crate) required: bool,
    pub(crate) about: &'static str,
    pub(crate) schema: SchemaOf,
}

/// A reply that is none of a problem.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) about: &'static str,
    /// The type of its content and what that is; `None`: it has none.
    pub(crate) content: Option<(&'static str, SchemaOf)>,
}

const JSON: &str = "application/json";

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

fn any(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

const JOURNEY_ID: Parameter = Parameter {
    name: "id",
    place: "path",
    required: true,
    about: "The journey's id.",
    schema: |_| json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }),
};

const AFTER: Parameter = Parameter {
    name: "after",
    place: "query",
    required: false,
    about: "Only what happened after the event of this number; everything by default.",
    schema: |_| json_schema!({ "type": "integer", "minimum": 0 }),
};

const LIMIT: Parameter = Parameter {
    name: "limit",
    place: "query",
    required: false,
    about: "How many at most, up to 100.",
    schema: |_| json_schema!({ "type": "integer", "minimum": 1, "maximum": 100 }),
};

const REPORTED: Parameter = Parameter {
    name: "token",
    place: "path",
    required: true,
    about: "What this side put into the address: the journey's token, the leg and its attempt.",
    schema: text,
};

const PROVIDER: Parameter = Parameter {
    name: "provider",
    place: "path",
    required: true,
    about: "Who sends it.",
    schema: of::<Provider>,
};

const JOURNEY: Reply = Reply {
    status: 200,
    about: "Where the journey stands now.",
    content: Some((JSON, of::<api::JourneyView>)),
};

/// What callers with the token ask for.
pub(crate) static API: &[Route] = &[
    Route {
        method: "post",
        path: "/v1/journeys",
        id: "start_journey",
        about: "Begins a journey.\n\nThe same key with the same body is the same journey, however often it is sent, also after a restart; \
            nothing is begun twice. The same key with another body is refused, and nothing is begun.",
        parameters: &[Parameter {
            name: "Idempotency-Key",
            place: "header",
            required: true,
            about: "Your name for the journey, such as the order's: 1 to 255 visible characters. It is not stored; the journey's id is a \
                keyed digest of it.",
            schema: |_| json_schema!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        }],
        body: Some(of::<api::StartJourney>),
        replies: &[
            Reply {
                status: 201,
                about: "The journey has begun.",
                content: Some((JSON, of::<api::JourneyView>)),
            },
            Reply {
                status: 200,
                about: "It had begun before, with the same key and body.",
                content: Some((JSON, of::<api::JourneyView>)),
            },
        ],
        problems: &[408, 409, 413],
        handler: || post(start::start),
    },
    Route {
        method: "get",
        path: "/v1/journeys",
        id: "list_journeys",
        about: "Lists journeys, the one that changed last first.",
        parameters: &[
            Parameter {
                name: "status",
                place: "query",
                required: false,
                about: "Only journeys in this state; may be given several times.",
                schema: |generator| {
                    let status = generator.subschema_for::<JourneyStatus>();
                    json_schema!({ "type": "array", "items": status })
                },
            },
            Parameter {
                name: "unchanged_since",
                place: "query",
                required: false,
                about: "Only journeys that have not changed since this time, RFC 3339.",
                schema: |_| json_schema!({ "type": "string", "format": "date-time" }),
            },
            LIMIT,
            Parameter {
                name: "page_token",
                place: "query",
                required: false,
                about: "The `next_page_token` of the page before.",
                schema: text,
            },
        ],
        body: None,
        replies: &[Reply {
            status: 200,
            about: "A page of journeys.",
            content: Some((JSON, of::<list::Page>)),
        }],
        problems: &[],
        handler: || get(list::list),
    },
    Route {
        method: "get",
        path: "/v1/journeys/{id}",
        id: "get_journey",
        about: "Says where a journey stands.",
        parameters: &[JOURNEY_ID],
        body: None,
        replies: &[JOURNEY],
        problems: &[404],
        handler: || get(read::journey),
    },
    Route {
        method: "get",
        path: "/v1/journeys/{id}/history",
        id: "get_history",
        about: "Says what happened, the oldest first, with the verdict on each event and why one was ignored. Nothing in it is secret or \
            personal.",
        parameters: &[JOURNEY_ID, AFTER, LIMIT],
        body: None,
        replies: &[Reply {
            status: 200,
            about: "A part of the history.",
            content: Some((JSON, of::<read::History>)),
        }],
        problems: &[404],
        handler: || get(read::history),
    },
    Route {
        method: "get",
        path: "/v1/journeys/{id}/links",
        id: "get_links",
        about: "The addresses at which the person goes on, of legs that wait for that. Who has one can act as the person: hand it to \
            nobody else. A link is gone once it was used.",
        parameters: &[JOURNEY_ID],
        body: None,
        replies: &[Reply {
            status: 200,
            about: "The links.",
            content: Some((JSON, of::<read::Links>)),
        }],
        problems: &[404],
        handler: || get(read::links),
    },
    Route {
        method: "get",
        path: "/v1/journeys/{id}/events",
        id: "watch_journey",
        about: "Streams what happens as server-sent events, each with the event's number as its id and the form of an item of the history \
            as its data. A reader that was cut off resumes with `Last-Event-ID`. One that is no number, or beyond the journey's last event, is \
            422. The stream ends with an event `end`, whose data is the \
            journey, once the journey has ended; resumed after that it is 204, at which browsers stop. After an hour it ends without, and \
            is resumed.",
        parameters: &[
            JOURNEY_ID,
            Parameter {
                about: "Only what happened after the event of this number, the journey's last one at most; everything by default.",
                ..AFTER
            },
            Parameter {
                name: "Last-Event-ID",
                place: "header",
                required: false,
                about: "As `after`, which it outweighs.",
                schema: text,
            },
        ],
        body: None,
        replies: &[
            Reply {
                status: 200,
                about: "The stream.",
                content: Some(("text/event-stream", text)),
            },
            Reply {
                status: 204,
                about: "The journey has ended, and everything was read.",
                content: None,
            },
        ],
        problems: &[404],
        handler: || get(events::watch),
    },
    Route {
        method: "post",
        path: "/v1/journeys/{id}/consent",
        id: "answer_consent",
        about: "Says what the person answered to the consent's notice: given, refused, or given anew before its end.\n\nThe same answer \
            again, given or refused, is the same one (200); another one is refused (409). Where the server keeps the ledger of consents, \
            the receipt is written there before the journey hears of it.",
        parameters: &[JOURNEY_ID],
        body: Some(of::<api::ConsentAnswer>),
        replies: &[JOURNEY],
        problems: &[404, 408, 409, 413],
        handler: || post(commands::consent),
    },
    Route {
        method: "post",
        path: "/v1/journeys/{id}/resume",
        id: "resume_journey",
        about: "Lets the legs go on for which somebody had to act. What may have been billed before may be billed again. Of a journey that \
            has ended, the calls are made again that give something back and wait for an operator (`held`).",
        parameters: &[JOURNEY_ID],
        body: Some(of::<api::Resume>),
        replies: &[JOURNEY],
        problems: &[404, 408, 409, 413],
        handler: || post(commands::resume),
    },
    Route {
        method: "post",
        path: "/v1/journeys/{id}/resolve",
        id: "resolve_journey",
        about: "Says that a person has done at the providers what was left to one (`by_hand`), of all legs or of one, also after the \
            journey's end. Nothing is asked of a provider, and the history says when it was said.\n\nSaid again it is the same answer \
            (200); of a journey, or a leg, of which nothing was left it is refused (409).",
        parameters: &[JOURNEY_ID],
        body: Some(of::<api::Resolve>),
        replies: &[JOURNEY],
        problems: &[404, 408, 409, 413],
        handler: || post(commands::resolve),
    },
    Route {
        method: "post",
        path: "/v1/journeys/{id}/cancel",
        id: "cancel_journey",
        about: "Ends a journey, as an operator does. What was fetched is kept.",
        parameters: &[JOURNEY_ID],
        body: None,
        replies: &[JOURNEY],
        problems: &[404, 409],
        handler: || post(commands::cancel),
    },
    Route {
        method: "post",
        path: "/v1/journeys/{id}/withdraw",
        id: "withdraw_consent",
        about: "Ends a journey because the person withdrew the consent: nothing more is asked of providers but to give back what can be \
            given back, and what was fetched is erased.\n\nWhere the server keeps the ledger of consents, it is withdrawn there first, \
            and every journey under the same consent ends.",
        parameters: &[JOURNEY_ID],
        body: None,
        replies: &[JOURNEY],
        problems: &[404, 409],
        handler: || post(commands::withdraw),
    },
    Route {
        method: "get",
        path: "/v1/journeys/{id}/export",
        id: "export_journey",
        about: "Everything that is stored of a journey, documents and account data included. Personal data: keep it as such.",
        parameters: &[JOURNEY_ID],
        body: None,
        replies: &[Reply {
            status: 200,
            about: "The journey.",
            content: Some((JSON, of::<export::Export>)),
        }],
        problems: &[404],
        handler: || get(export::export),
    },
    Route {
        method: "get",
        path: "/v1/openapi.json",
        id: "get_document",
        about: "This document.",
        parameters: &[],
        body: None,
        replies: &[Reply {
            status: 200,
            about: "The document.",
            content: Some((JSON, any)),
        }],
        problems: &[],
        handler: || get(read::document),
    },
];

const TAKEN: &[Reply] = &[Reply {
    status: 200,
    about: "It is stored, or was before.",
    content: None,
}];

/// What providers and browsers ask for, without the token.
pub(crate) static OUTSIDE: &[Route] = &[
    Route {
        method: "post",
        path: "/hooks/{provider}",
        id: "receive_webhook",
        about: "Takes a provider's webhook that is signed, at an address that is set in the provider's portal.",
        parameters: &[PROVIDER],
        body: Some(any),
        replies: TAKEN,
        problems: &[404, 408, 413],
        handler: || post(hooks::without_token),
    },
    Route {
        method: "post",
        path: "/hooks/{provider}/{token}",
        id: "receive_webhook_of_journey",
        about: "Takes a provider's webhook at the address that a request of a journey gave.",
        parameters: &[PROVIDER, REPORTED],
        body: Some(any),
        replies: TAKEN,
        problems: &[404, 408, 413],
        handler: || post(hooks::with_token),
    },
    Route {
        method: "get",
        path: "/return/{token}",
        id: "receive_return",
        about: "Where a person's browser comes back to. Without parameters nothing changes.",
        parameters: &[REPORTED],
        body: None,
        replies: &[Reply {
            status: 200,
            about: "A page that says so.",
            content: Some(("text/html", text)),
        }],
        problems: &[404],
        handler: || get(returns::come_back),
    },
];

/// Everything.
pub(crate) fn router(server: &Shared) -> Router {
    let all = |routes: &[Route]| {
        let add =
            |router: Router<Shared>, route: &Route| router.route(route.path, (route.handler)());
        routes.iter().fold(Router::new(), add)
    };
    let api = all(API).route_layer(from_fn_with_state(server.clone(), guard::token));
    let pages = page::router();
    let outside = all(OUTSIDE)
        .merge(pages)
        .route_layer(from_fn_with_state(server.clone(), guard::outside));
    api.merge(outside)
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing)
        .layer(from_fn_with_state(server.clone(), guard::own))
        .with_state(server.clone())
}

async fn nothing() -> Response {
    Problem::no_route().into_response()
}

async fn wrong_method() -> Response {
    Problem::wrong_method().into_response()
}
