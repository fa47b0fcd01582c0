//! FinPro as an [`AggregatorDiscovery`].

use provider_core::capability::{
    AggregatorDiscovery, AggregatorId, AggregatorQuery, AggregatorStanding, AggregatorStandings,
};
use provider_core::{
    CallOptions, DecodeError, Endpoint, Error, InvalidRequest, Provider, async_trait,
};

use crate::{AaId, CheckProfile, Finpro, FinproProfileClient, ProfileRow, UserConsentId};

fn at_operation(error: impl Into<Error>) -> Error {
    error.into().at(Finpro::NAME, CheckProfile::OPERATION.name)
}

fn request(query: &AggregatorQuery) -> Result<CheckProfile, InvalidRequest> {
    let aa_id = |(index, aggregator): (usize, &AggregatorId)| {
        AaId::parse(aggregator.as_str()).map_err(|error| error.for_field(format!("aaId[{index}]")))
    };
    let aa_ids = query
        .aggregators
        .iter()
        .enumerate()
        .map(aa_id)
        .collect::<Result<Vec<_>, _>>()?;
    let user_consent_id = UserConsentId::parse(&query.query_id)?;
    Ok(CheckProfile::new(query.mobile.clone(), user_consent_id).set_aa_ids(aa_ids))
}

/// What the rows say about the aggregators that were asked, in whatever case an id is written. A row without an id costs only
/// itself, unless there is no other, and is counted as unread.
fn standings(
    asked: &[AggregatorId],
    rows: &[ProfileRow],
    unread: usize,
) -> Result<AggregatorStandings, DecodeError> {
    let named = |row: &ProfileRow| {
        let aggregator = AggregatorId::parse(&*row.aa_id).ok()?;
        Some(AggregatorStanding::new(aggregator, row.readiness()))
    };
    let mut standings: Vec<_> = rows.iter().filter_map(named).collect();
    if standings.is_empty() && !rows.is_empty() {
        return Err(DecodeError::missing_data("$.data[].aaId"));
    }
    let unnamed = rows.len().saturating_sub(standings.len());
    let is = |standing: &AggregatorStanding, id: &AggregatorId| {
        id.as_str()
            .eq_ignore_ascii_case(standing.aggregator.as_str())
    };
    standings.retain(|found| asked.is_empty() || asked.iter().any(|id| is(found, id)));
    let mut standings = AggregatorStandings::from(standings);
    standings.unread = unread.saturating_add(unnamed);
    Ok(standings)
}

#[async_trait]
impl AggregatorDiscovery for FinproProfileClient {
    fn provider_name(&self) -> &'static str {
        Finpro::NAME
    }

    fn check_query(&self, query: &AggregatorQuery) -> Result<(), Error> {
        self.client().check(&request(query).map_err(at_operation)?)
    }

    async fn discover(
        &self,
        query: AggregatorQuery,
        options: CallOptions,
    ) -> Result<AggregatorStandings, Error> {
        let request = request(&query).map_err(at_operation)?;
        let response = self.check_profile(request).with_options(options).await?;
        response.read::<CheckProfile, _>(|report| {
            standings(&query.aggregators, &report.data, report.data.unread_count())
        })
    }
}

#[cfg(feature = "cache")]
use provider_core::Response;

#[cfg(feature = "cache")]
#[async_trait]
impl AggregatorDiscovery for crate::CachedProfiles {
    fn provider_name(&self) -> &'static str {
        Finpro::NAME
    }

    fn check_query(&self, query: &AggregatorQuery) -> Result<(), Error> {
        self.client().check_query(query)
    }

    async fn discover(
        &self,
        query: AggregatorQuery,
        options: CallOptions,
    ) -> Result<AggregatorStandings, Error> {
        let request = request(&query).map_err(at_operation)?;
        let report = self.check_profile(request).with_options(options).await?;
        let rows = &report.rows;
        match report.reply {
            Some(reply) => Response::clone(&reply).read::<CheckProfile, _>(|reply| {
                standings(&query.aggregators, rows, reply.data.unread_count())
            }),
            None => standings(&query.aggregators, rows, 0).map_err(at_operation),
        }
    }
}
