//! One fake for all four capabilities: waits, then does what it is told, and keeps what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{Error, ErrorKind, Outcome, async_trait};

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake {
    pub(crate) delay: Duration,
    pub(crate) fails: Option<(ErrorKind, Outcome)>,
    pub(crate) standings: Vec<AggregatorStanding>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub(crate) fn after(seconds: u64) -> Self {
        Self {
            delay: Duration::from_secs(seconds),
            ..Self::default()
        }
    }

    pub(crate) fn failing(kind: ErrorKind, outcome: Outcome) -> Self {
        Self {
            fails: Some((kind, outcome)),
            ..Self::default()
        }
    }

    pub(crate) fn finding(mut self, standings: &[(&str, Readiness)]) -> Self {
        self.standings = standings
            .iter()
            .map(|(id, readiness)| AggregatorStanding {
                aggregator: AggregatorId::parse(*id).unwrap(),
                readiness: *readiness,
            })
            .collect();
        self
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn act(&self, asked: String) -> Result<(), Error> {
        self.asked.lock().unwrap().push(asked);
        tokio::time::sleep(self.delay).await;
        match self.fails {
            Some((kind, outcome)) => Err(Error::new(kind, outcome).at("fake", "act")),
            None => Ok(()),
        }
    }
}

fn reference() -> ProviderReference {
    ProviderReference::parse("r-1").unwrap()
}

#[async_trait]
impl ConsentRecorder for Fake {
    fn provider(&self) -> &'static str {
        "fake"
    }

    async fn record_consent(&self, consent: ConsentStatement) -> Result<RecordedConsent, Error> {
        self.act(format!("record approved={}", consent.approved))
            .await?;
        Ok(RecordedConsent {
            reference: reference(),
        })
    }
}

#[async_trait]
impl DocumentAccess for Fake {
    fn provider(&self) -> &'static str {
        "fake"
    }

    async fn open_session(&self, request: DocumentAccessRequest) -> Result<DocumentSession, Error> {
        self.act(format!("documents for {}", request.purpose))
            .await?;
        Ok(DocumentSession {
            reference: reference(),
            url: BrowserUrl::new("https://documents.example.test"),
        })
    }
}

#[async_trait]
impl AggregatorDiscovery for Fake {
    fn provider(&self) -> &'static str {
        "fake"
    }

    async fn discover(&self, query: AggregatorQuery) -> Result<Vec<AggregatorStanding>, Error> {
        self.act(format!("discover {}", query.reference)).await?;
        Ok(self.standings.clone())
    }
}

#[async_trait]
impl AggregatorConsent for Fake {
    fn provider(&self) -> &'static str {
        "fake"
    }

    async fn open_consent(
        &self,
        request: AggregatorConsentRequest,
    ) -> Result<AggregatorConsentSession, Error> {
        let aggregator = request
            .aggregator
            .as_ref()
            .map_or("-", |id| id.as_str())
            .to_owned();
        self.act(format!("consent at {aggregator}")).await?;
        Ok(AggregatorConsentSession {
            reference: reference(),
            url: BrowserUrl::new("https://consent.example.test"),
            aggregator: request.aggregator,
        })
    }
}
