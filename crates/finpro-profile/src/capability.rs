//! FinPro as an [`AggregatorDiscovery`].

use provider_core::capability::{
    AggregatorDiscovery, AggregatorId, AggregatorQuery, AggregatorStanding,
};
use provider_core::{DecodeError, Endpoint, Error, Provider, async_trait};

use crate::{AaId, CheckProfile, Finpro, FinproProfileClient, UserConsentId};

#[async_trait]
impl AggregatorDiscovery for FinproProfileClient {
    fn provider(&self) -> &'static str {
        Finpro::NAME
    }

    async fn discover(&self, query: AggregatorQuery) -> Result<Vec<AggregatorStanding>, Error> {
        let at_operation = |error: Error| error.at(Finpro::NAME, CheckProfile::OPERATION.name);
        let user_consent_id =
            UserConsentId::parse(&query.reference).map_err(|error| at_operation(error.into()))?;
        let mut aa_ids = Vec::with_capacity(query.aggregators.len());
        for (index, aggregator) in query.aggregators.iter().enumerate() {
            let aa_id = AaId::parse(aggregator.as_str())
                .map_err(|error| at_operation(error.for_field(format!("aaId[{index}]")).into()))?;
            aa_ids.push(aa_id);
        }
        let request = CheckProfile::new(query.mobile, user_consent_id).set_aa_ids(aa_ids);
        let report = self.check_profile(request).await?.into_value();
        report
            .data
            .into_iter()
            .map(|row| {
                let readiness = row.readiness();
                AggregatorId::parse(row.aa_id)
                    .map(|aggregator| AggregatorStanding {
                        aggregator,
                        readiness,
                    })
                    .map_err(|_| at_operation(DecodeError::missing_data("$.data[].aaId").into()))
            })
            .collect()
    }
}
