//! The caller's side: an engine over Restate's ingress and admin interfaces.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kyc_journey::provider_core::{BaseUrl, InvalidRequest, Transport};
use kyc_journey::{
    EngineError, Event, HistoryEntry, JourneyEngine, JourneyFilter, JourneyId, JourneyPage,
    JourneyRecord, Lookup, PAGE, PageToken, Payload, Place, Provider, Reported, Sealer, Seq,
    Submitted,
};
use serde::{Deserialize, Serialize};

use crate::book::{keys, read_summary, sortable};
use crate::http::{BearerToken, Interface};
use crate::message::{Answer, Found, Parcel, Receipt, Record, Report};
use crate::names;
use crate::sealed::{Seal, Sealed, SealedPayload, corrupt};

/// Where Restate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    ingress: BaseUrl,
    admin: BaseUrl,
}

impl Addresses {
    /// The addresses of the ingress, such as `http://127.0.0.1:8080`, and of the admin interface, such as `http://127.0.0.1:9070`.
    ///
    /// # Errors
    ///
    /// One of them is no address.
    pub fn parse(ingress: &str, admin: &str) -> Result<Self, InvalidRequest> {
        Ok(Self {
            ingress: BaseUrl::parse("ingress", ingress)?,
            admin: BaseUrl::parse("admin", admin)?,
        })
    }
}

/// Journeys in Restate, which a [`RestateWorker`](crate::RestateWorker) applies and carries out.
///
/// A write is acknowledged once Restate has stored it on as many of its machines as it is told to. An event whose submission ends
/// [`Unavailable`](kyc_journey::EngineErrorKind::Unavailable) may still be applied, if the request had reached Restate: submit it
/// again, with its key, and it is applied once.
#[derive(Debug, Clone)]
pub struct RestateEngine {
    ingress: Interface,
    admin: Interface,
    seal: Seal,
}

impl RestateEngine {
    /// Journeys in the Restate at these addresses. Bodies are sealed before they are sent; use the same sealer as the workers.
    pub fn new(
        addresses: Addresses,
        transport: Arc<dyn Transport>,
        sealer: Arc<dyn Sealer>,
    ) -> Self {
        Self {
            ingress: Interface::new(addresses.ingress, Arc::clone(&transport)),
            admin: Interface::new(addresses.admin, transport),
            seal: Seal::new(sealer),
        }
    }

    /// Shows this token to Restate.
    ///
    /// # Errors
    ///
    /// [`WrongStore`](kyc_journey::EngineErrorKind::WrongStore) if it cannot be sent as a header.
    pub fn with_token(mut self, token: &BearerToken) -> Result<Self, EngineError> {
        self.ingress.set_token(token)?;
        self.admin.set_token(token)?;
        Ok(self)
    }

    /// How long a request may take; 30 seconds by default. While there is no worker, Restate answers only when there is one again.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.ingress.set_deadline(deadline);
        self.admin.set_deadline(deadline);
        self
    }

    /// Tells Restate where the workers are: once for each version of a worker, at an address of its own, because what an earlier
    /// version began goes on there. As `restate deployments register` does.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](kyc_journey::EngineErrorKind::Unavailable) if Restate, or from there the worker, cannot be reached, or speaks another version
    /// of the protocol.
    pub async fn register(&self, worker: &BaseUrl) -> Result<(), EngineError> {
        #[derive(Serialize)]
        struct Deployment {
            uri: String,
        }
        let deployment = Deployment {
            uri: worker.to_string(),
        };
        let _: serde::de::IgnoredAny = self.admin.post("deployments", &deployment).await?;
        Ok(())
    }
}

/// A handler of a journey, as the ingress knows it.
fn path(journey: &JourneyId, handler: &str) -> String {
    // An id has no character that is anything else in a path.
    format!("{}/{journey}/{handler}", names::JOURNEY)
}

#[async_trait]
impl JourneyEngine for RestateEngine {
    async fn submit(&self, journey: &JourneyId, event: Event) -> Result<Submitted, EngineError> {
        let parcel = Parcel::addressed(&self.seal, journey, event)?;
        let answer: Answer<Receipt> = self.ingress.post(&path(journey, "submit"), &parcel).await?;
        answer.into_result().map(Submitted::from)
    }

    async fn report(&self, provider: Provider, event: Event) -> Result<Reported, EngineError> {
        let lookups = Lookup::of(provider, &event.fact);
        let report = Report {
            lookups: lookups
                .iter()
                .map(|lookup| self.seal.lookup(lookup))
                .collect(),
            at: event.at,
            parcel: Parcel::parked(&self.seal, &event)?,
        };
        let path = format!("{}/report", names::REPORT);
        let answer: Answer<Found> = self.ingress.post(&path, &report).await?;
        answer.into_result().map(Reported::from)
    }

    async fn read(&self, journey: &JourneyId) -> Result<Option<JourneyRecord>, EngineError> {
        let record: Option<Record> = self.ingress.ask(&path(journey, "read")).await?;
        record
            .map(|record| {
                Ok(JourneyRecord {
                    state: self.seal.open(&Place::state(journey), &record.state)?,
                    created_at: record.created_at,
                    updated_at: record.updated_at,
                })
            })
            .transpose()
    }

    async fn history(
        &self,
        journey: &JourneyId,
        after: Seq,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        let path = path(journey, "history");
        let entries: Vec<(Seq, Sealed)> = self.ingress.post(&path, &after).await?;
        let open =
            |(seq, entry): &(Seq, Sealed)| self.seal.open(&Place::history(journey, *seq), entry);
        entries.iter().map(open).collect()
    }

    async fn payload(&self, journey: &JourneyId, seq: Seq) -> Result<Option<Payload>, EngineError> {
        let path = path(journey, "payload");
        let payload: Option<SealedPayload> = self.ingress.post(&path, &seq).await?;
        let Some(SealedPayload { class, body }) = payload else {
            return Ok(None);
        };
        let place = Place::payload(journey, seq, class);
        self.seal.open_payload(&place, &body)
    }

    async fn list(
        &self,
        filter: &JourneyFilter,
        page: PageToken,
    ) -> Result<JourneyPage, EngineError> {
        #[derive(Serialize)]
        struct Query {
            query: String,
        }
        #[derive(Deserialize)]
        struct Rows {
            rows: Vec<Row>,
        }
        #[derive(Deserialize)]
        struct Row {
            service_key: String,
            value_utf8: String,
        }
        let query = query(filter, page.place()?);
        let found: Rows = self.admin.post("query", &Query { query }).await?;
        let summary = |row: &Row| {
            // Restate keeps a text as JSON.
            let text: String = serde_json::from_str(&row.value_utf8).ok()?;
            read_summary(&row.service_key, &text)
        };
        let journeys: Option<Vec<_>> = found.rows.iter().take(PAGE).map(summary).collect();
        let journeys = journeys.ok_or_else(corrupt)?;
        let next = match found.rows.len() > PAGE {
            true => journeys
                .last()
                .map(|last| PageToken::after(last.updated_at, &last.id)),
            false => None,
        };
        Ok(JourneyPage { journeys, next })
    }

    async fn forget(&self, journey: &JourneyId) -> Result<(), EngineError> {
        self.ingress.tell(&path(journey, "forget")).await
    }
}

/// The statement of a list, over [`Book::summary`](crate::book::Book::summary). What is put into it are digits, ids and names of states:
/// none of them has a character that ends a text.
fn query(filter: &JourneyFilter, after: Option<(Timestamp, JourneyId)>) -> String {
    let (service, key) = (names::JOURNEY, keys::SUMMARY);
    // Restate keeps a text as JSON, so it begins with a quotation mark.
    let updated = "substr(value_utf8, 2, 22)";
    let mut query = format!(
        "SELECT service_key, value_utf8 FROM state WHERE service_name = '{service}' AND key = '{key}'"
    );
    if !filter.statuses.is_empty() {
        let statuses = filter
            .statuses
            .iter()
            .map(|status| format!("'{}'", status.as_str()));
        let statuses: Vec<String> = statuses.collect();
        query += &format!(
            " AND split_part(value_utf8, '|', 2) IN ({})",
            statuses.join(", ")
        );
    }
    if let Some(since) = filter.unchanged_since {
        query += &format!(" AND {updated} <= '{}'", sortable(since));
    }
    if let Some((at, id)) = after {
        let at = sortable(at);
        query +=
            &format!(" AND ({updated} < '{at}' OR ({updated} = '{at}' AND service_key < '{id}'))");
    }
    // One more than a page, to see whether there is another.
    query += &format!(
        " ORDER BY {updated} DESC, service_key DESC LIMIT {}",
        PAGE.saturating_add(1)
    );
    query
}

#[cfg(test)]
mod tests {
    use kyc_journey::JourneyStatus;

    use super::*;

    #[test]
    fn a_statement_asks_for_a_page_that_matches() {
        let filter = JourneyFilter::new()
            .set_statuses([JourneyStatus::Running, JourneyStatus::NeedsOperator])
            .set_unchanged_since(Some(Timestamp::UNIX_EPOCH));
        let page = PageToken::new("0:a-1");
        assert_eq!(
            query(&filter, page.place().unwrap()),
            "SELECT service_key, value_utf8 FROM state WHERE service_name = 'KycJourney' AND key = 'summary' \
             AND split_part(value_utf8, '|', 2) IN ('running', 'needs_operator') \
             AND substr(value_utf8, 2, 22) <= '0377705023201000000000' \
             AND (substr(value_utf8, 2, 22) < '0377705023201000000000' \
             OR (substr(value_utf8, 2, 22) = '0377705023201000000000' AND service_key < 'a-1')) \
             ORDER BY substr(value_utf8, 2, 22) DESC, service_key DESC LIMIT 101"
        );
        for foreign in ["0", "0:", "0:a'b", "x:a", ":"] {
            let error = PageToken::new(foreign).place().unwrap_err();
            assert_eq!(
                error.kind(),
                kyc_journey::EngineErrorKind::InvalidPage,
                "{foreign}"
            );
        }
    }
}
