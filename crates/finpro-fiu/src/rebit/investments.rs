//! Investments: funds, shares and other securities. All of them but deposits and insurance have the same tree.

use provider_core::Items;

use super::record::records;
use super::{Date, Direct, Flag, Money, Text};

records! {
    /// What an investment is worth, and the holdings.
    InvestmentSummary<H> {
        /// What was paid.
        cost_value: Money = "costValue" | "investmentValue";
        current_value: Money = "currentValue";
        folio_no: Text = "folioNo";
        /// Of an alternative investment fund.
        total_units_issued: Money = "totalNumUnitsIssued";
        investment: Option<Investment<H>> = "investment";
        /// Where the schema has them without an investment around them.
        holdings: Option<Holdings<H>> = "holdings";
    }

    /// The holdings of a summary.
    Investment<H> {
        holdings: Option<Holdings<H>> = "holdings";
    }

    /// Holdings.
    Holdings<H> {
        /// `DEMAT` or `PHYSICAL`.
        kind: Text = "type";
        holding: Items<H> = "holding";
    }

    /// Units of a mutual fund.
    MutualFundHolding {
        amc: Text = "amc";
        registrar: Text = "registrar";
        scheme_code: Text = "schemeCode";
        scheme_option: Text = "schemeOption";
        scheme_types: Text = "schemeTypes";
        scheme_category: Text = "schemeCategory";
        isin: Text = "isin";
        isin_description: Text = "isinDescription";
        ucc: Text = "ucc";
        amfi_code: Text = "amfiCode";
        folio_no: Text = "folioNo";
        fatca_status: Text = "fatcaStatus";
        closing_units: Money = "closingUnits";
        lien_units: Money = "lienUnits";
        lockin_units: Money = "lockinUnits" | "lockingUnits";
        units: Money = "units";
        rate: Money = "rate";
        nav: Money = "nav";
        nav_date: Date = "navDate";
        dividend_type: Text = "dividendType";
        mode: Text = "mode";
    }

    /// A row of a mutual fund.
    MutualFundTransaction {
        txn_id: Text = "txnId";
        direction: Direct = "type";
        amc: Text = "amc";
        registrar: Text = "registrar";
        scheme_code: Text = "schemeCode";
        scheme_plan: Text = "schemePlan";
        scheme_option: Text = "schemeOption";
        scheme_types: Text = "schemeTypes";
        scheme_category: Text = "schemeCategory";
        fund_type: Text = "fundType";
        isin: Text = "isin";
        isin_description: Text = "isinDescription";
        ucc: Text = "ucc";
        amfi_code: Text = "amfiCode";
        amount: Money = "amount";
        nav: Money = "nav";
        nav_date: Date = "navDate";
        units: Money = "units";
        closing_units: Money = "closingUnits";
        lien_units: Money = "lienUnits";
        order_date: Date = "orderDate";
        execution_date: Date = "executionDate";
        timestamp: Date = "transactionDate" | "transactionTimestamp" | "transactionTimeStamp" | "transactionDateTime" | "txnDate";
        lock_in_flag: Flag = "lock-inFlag";
        lock_in_days: Money = "lock-inDays";
        mode: Text = "mode";
        narration: Text = "narration";
    }

    /// Shares.
    EquityHolding {
        issuer_name: Text = "issuerName";
        isin: Text = "isin";
        isin_description: Text = "isinDescription";
        units: Money = "units";
        /// Empty where there is none, which is not zero.
        last_traded_price: Money = "lastTradedPrice";
        investment_date_time: Date = "investmentDateTime";
        rate: Money = "rate";
        description: Text = "description";
    }

    /// A row of shares.
    EquityTransaction {
        txn_id: Text = "txnId";
        order_id: Text = "orderId";
        trade_id: Text = "tradeId";
        direction: Direct = "type";
        company_name: Text = "companyName";
        symbol: Text = "symbol";
        isin: Text = "isin";
        narration: Text = "narration";
        timestamp: Date = "transactionDateTime" | "transactionTimestamp" | "transactionTimeStamp" | "transactionDate" | "txnDate";
        exchange: Text = "exchange";
        equity_category: Text = "equityCategory";
        instrument_type: Text = "instrumentType";
        option_type: Text = "optionType";
        strike_price: Money = "strikePrice";
        rate: Money = "rate";
        units: Money = "units";
        trade_value: Money = "tradeValue";
        total_charge: Money = "totalCharge";
        other_charges: Money = "otherCharges";
        share_holder_equity_type: Text = "shareHolderEquityType" | "shareHolerEquityType";
    }

    /// Units of an exchange-traded fund.
    EtfHolding {
        folio_no: Text = "folioNo";
        demat_id: Text = "dematId";
        scheme_name: Text = "schemeName";
        dp_id: Text = "dpId";
        symbol: Text = "symbol";
        description: Text = "description";
        mode: Text = "mode";
        isin: Text = "isin";
        isin_description: Text = "isinDescription";
        units: Money = "units";
        rate: Money = "rate";
        nav: Money = "nav";
        last_nav_date: Date = "lastNavDate";
    }

    /// A row of an exchange-traded fund.
    EtfTransaction {
        txn_id: Text = "txnId";
        direction: Direct = "type";
        isin: Text = "isin";
        isin_description: Text = "isinDescription";
        scheme_name: Text = "schemeName";
        dp_id: Text = "dpId";
        broker_code: Text = "brokerCode";
        narration: Text = "narration";
        timestamp: Date = "transactionDateTime" | "transactionTimestamp" | "transactionTimeStamp" | "transactionDate" | "txnDate";
        order_date: Date = "orderDate";
        execution_date: Date = "executionDate";
        units: Money = "units";
        amount: Money = "amount";
        nav: Money = "nav";
        face_value: Money = "faceValueofUnits";
        scheme_min_lot_size: Text = "schemeMinLotSize";
        mode: Text = "mode";
    }

    /// Instalments into a fund: a plan of the draft, or an institution with its schemes in version 1.
    SipHolding {
        amc: Text = "amc";
        registrar: Text = "registrar";
        scheme: Text = "scheme" | "schemeCode";
        isin: Text = "isin";
        ucc: Text = "ucc";
        amfi_code: Text = "amfiCode";
        folio_no: Text = "folioNo";
        holding_type: Text = "holdingType";
        units: Money = "units";
        value: Money = "value";
        amount: Money = "amount";
        nav: Money = "nav";
        frequency: Text = "frequency";
        instalment_day: Text = "instalmentDay";
        pending_instalments: Money = "pendingInstalments";
        complete_instalments: Money = "completeInstalments";
        last_instalment_date: Date = "lastInstalmentDate" | "lastInstallmentDate";
        next_instalment_date: Date = "nextInstalmentDate" | "nextInstallmentDate";
        creation_date: Date = "creationDate";
        modification_date: Date = "modificationDate";
        ceased_date: Date = "ceasedDate";
        /// Version 1.
        schemes: Option<SipSchemes> = "schemes";
    }

    /// The schemes of an institution.
    SipSchemes {
        scheme: Items<SipScheme> = "scheme";
    }

    /// A scheme and the plans into it.
    SipScheme {
        scheme: Text = "scheme";
        isin: Text = "isin";
        plans: Option<SipPlans> = "sips";
    }

    /// Plans.
    SipPlans {
        plan: Items<SipPlan> = "sip";
    }

    /// A plan of instalments.
    SipPlan {
        reference: Text = "sIPRefNo";
        amount: Money = "amount";
        frequency: Text = "frequency";
        last_installment_date: Date = "lastInstallmentDate" | "lastInstalmentDate";
        next_installment_date: Date = "nextInstallmentDate" | "nextInstalmentDate";
        ceased_date: Date = "ceasedDate";
    }

    /// An instalment.
    SipTransaction {
        txn_id: Text = "txnId";
        direction: Direct = "type";
        timestamp: Date = "txnDate" | "transactionTimestamp" | "transactionTimeStamp" | "transactionDateTime" | "transactionDate";
        amc: Text = "amc";
        scheme: Text = "scheme" | "schemeCode";
        isin: Text = "isin";
        ucc: Text = "ucc";
        amfi_code: Text = "amfiCode";
        folio_no: Text = "folioNo";
        narration: Text = "narration";
        units: Money = "units";
        nav: Money = "nav";
        stt: Money = "stt";
        cost: Money = "cost";
        amount: Money = "amount";
    }

    /// A security of another kind: bonds, debentures, government securities, commercial paper, units of trusts, depository
    /// receipts, alternative and collective schemes. Each kind has some of the members; all schemas are drafts.
    SecurityHolding {
        scheme: Text = "scheme";
        isin: Text = "isin";
        ucc: Text = "ucc";
        folio_no: Text = "folioNo";
        symbol: Text = "symbol";
        issuer_name: Text = "issuerName";
        description: Text = "description";
        units: Money = "units" | "totalNumberUnits";
        closing_units: Money = "closingUnits";
        face_value: Money = "faceValue";
        rate: Money = "rate";
        nav: Money = "nav";
        credit_rating: Text = "creditRating";
        credit_rating_agency: Text = "creditRatingAgency";
        taxable: Flag = "taxable";
        issue_rate: Money = "issueRate";
        issue_date: Date = "issueDate";
        principal_amount: Money = "principalAmount" | "principleAmount";
        coupon_rate: Money = "couponRate" | "coupon";
        current_yield: Money = "yield";
        tenure_days: Money = "tenureDays";
        tenure_months: Money = "tenureMonths" | "tenureMoths";
        tenure_years: Money = "tenureYears";
        maturity_date: Date = "maturityDate";
        compounding_frequency: Text = "compoundingFrequency";
        interest_payout: Text = "interestPayout";
        accrued_interest_amount: Money = "accruedInterestAmount";
        interest_on_maturity: Money = "interestOnMaturity";
        last_traded_rate: Money = "lastTradedRate" | "lastTradedPrice" | "lastClosingRate";
        last_traded_date: Date = "lastTradedDate";
        auction_date: Date = "auctionDate" | "autionDate";
        investment_value: Money = "investmentValue";
        current_value: Money = "currentValue";
        investment_date_time: Date = "investmentDateTime" | "purchaseDate";
        purchase_price: Money = "purchasePrice";
        type_of_security: Text = "typeOfSecurity";
        valuation_methodology: Text = "valuationMethodology";
        last_valuation_date: Date = "lastValuationDate";
        mtm_on_last_valuation: Money = "mtmOnLastValuation";
        holding_period: Text = "holdingPeriod";
        mode: Text = "mode";
    }

    /// A row of a security of another kind.
    SecurityTransaction {
        txn_id: Text = "txnId";
        direction: Direct = "type";
        isin: Text = "isin";
        ucc: Text = "ucc";
        scheme_code: Text = "schemeCode";
        symbol: Text = "symbol";
        issuer_name: Text = "issuerName" | "nameofAsset";
        exchange: Text = "exchange";
        narration: Text = "narration" | "transactionDescription";
        timestamp: Date = "transactionDateTime" | "transactionTimestamp" | "transactionTimeStamp" | "transactionDate" | "txnDate";
        order_date: Date = "orderDate";
        execution_date: Date = "executionDate";
        rate: Money = "rate" | "price";
        nav: Money = "nav";
        nav_date: Date = "navDate";
        units: Money = "units" | "numUnitsTransacted";
        closing_units: Money = "closingUnits";
        currency: Text = "currency";
        amount: Money = "amount" | "tradeValue";
        total_charge: Money = "totalCharge";
        other_charges: Money = "otherCharges" | "otherTaxes";
        mode: Text = "mode";
    }
}

impl<H> InvestmentSummary<H> {
    /// The holdings, wherever the schema has them. This client sets aside one that it cannot read, see [`Items::unread`].
    pub fn all_holdings(&self) -> Option<&Items<H>> {
        let within = self.investment.as_ref();
        let within = within.and_then(|investment| investment.holdings.as_ref());
        within
            .or(self.holdings.as_ref())
            .map(|holdings| &holdings.holding)
    }
}
