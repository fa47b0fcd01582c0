//! The National Pension System.

use provider_core::Items;

use super::record::records;
use super::{Date, Direct, Money, Text};

records! {
    /// What a pension account holds. Its schema is a draft, with whole numbers of units that live documents do not keep to.
    NpsSummary {
        opening_date: Date = "openingDate";
        current_value: Money = "currentValue";
        debt_asset_value: Money = "debtAssetValue";
        equity_asset_value: Money = "equityAssetValue";
        other_asset_value: Money = "otherAssetValue";
        status: Text = "status";
        tier1_status: Text = "tier1Status";
        tier2_status: Text = "tier2Status";
        tier1_nav_date: Date = "tier1NAVDate";
        tier2_nav_date: Date = "tier2NAVDate";
        scheme_choices: Option<SchemeChoices> = "schemeChoices";
        holdings: Option<NpsHoldings> = "holdings";
    }

    /// Where contributions go.
    SchemeChoices {
        choice: Items<SchemeChoice> = "schemeChoice";
    }

    /// Where a part of a contribution goes.
    SchemeChoice {
        allocation_percent: Money = "allocationPercent";
        pfm_id: Text = "pfmId";
        pfm_name: Text = "pfmName";
        scheme_id: Text = "schemeId";
        scheme_name: Text = "schemeName";
    }

    /// The holdings of both tiers.
    NpsHoldings {
        tier1: Option<TierHoldings> = "tier1Holdings";
        tier2: Option<TierHoldings> = "tier2Holdings";
    }

    /// The holdings of a tier.
    TierHoldings {
        scheme_preference_type: Text = "schemePreferenceType";
        free_units: Money = "freeUnits";
        investment_cost: Money = "investmentCost";
        investment_value: Money = "investmentValue";
        /// A tier that is not there is one row without values.
        holding: Items<TierHolding> = "tier1Holding" | "tier2Holding";
    }

    /// Units of a scheme.
    TierHolding {
        scheme_id: Text = "schemeId";
        scheme_name: Text = "schemeName";
        amount: Money = "amount";
        amount_in_transition: Money = "amountInTransition";
        blocked_units: Money = "blockedUnits";
        free_units: Money = "freeUnits";
        total_units: Money = "totalUnits";
        nav: Money = "nav";
        total_value: Money = "totalValueOfScheme";
    }

    /// The four lists of rows.
    NpsTransactions {
        start_date: Date = "startDate";
        end_date: Date = "endDate";
        tier1_scheme: Option<Tier1SchemeTransactions> = "tier1SchemeTransactions";
        tier2_scheme: Option<Tier2SchemeTransactions> = "tier2SchemeTransactions";
        tier1_investment: Option<Tier1InvestmentTransactions> = "tier1InvestmentTransactions";
        tier2_investment: Option<Tier2InvestmentTransactions> = "tier2InvestmentTransactions";
    }

    /// Rows of schemes, tier 1.
    Tier1SchemeTransactions {
        transaction: Items<NpsTransaction> = "tier1SchemeTransaction";
    }

    /// Rows of schemes, tier 2.
    Tier2SchemeTransactions {
        transaction: Items<NpsTransaction> = "tier2SchemeTransaction";
    }

    /// Contributions, tier 1.
    Tier1InvestmentTransactions {
        transaction: Items<NpsTransaction> = "tier1InvestmentTransaction";
    }

    /// Contributions, tier 2.
    Tier2InvestmentTransactions {
        transaction: Items<NpsTransaction> = "tier2InvestmentTransaction";
    }

    /// A row: of a scheme, or a contribution, which has the last three members.
    NpsTransaction {
        txn_id: Text = "txnId";
        timestamp: Date = "txnDate" | "transactionDate";
        direction: Direct = "type";
        narration: Text = "narration";
        scheme_id: Text = "schemeId";
        scheme_name: Text = "schemeName";
        allocation_percent: Money = "allocationPercent";
        amount: Money = "amount";
        nav: Money = "nav";
        units: Money = "units";
        cumulative_units: Money = "cumulativeUnits";
        subscriber_contribution: Money = "subscriberContribution";
        employer_contribution: Money = "employerContribution";
        total_contribution: Money = "totalContribution";
    }
}
