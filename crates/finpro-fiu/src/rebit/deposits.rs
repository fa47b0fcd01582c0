//! Deposits: savings and current accounts, term and recurring deposits.

use provider_core::Items;

use super::record::records;
use super::{Date, Direct, Means, Money, Text};

records! {
    /// What a savings or current account holds, version 1 or 2.
    DepositSummary {
        current_balance: Money = "currentBalance" | "balance";
        currency: Text = "currency";
        exchange_rate: Money = "exchgeRate" | "exchangeRate";
        balance_date_time: Date = "balanceDateTime";
        /// `REGULAR`, `NRE`, `NRO` or `RFC`; version 2.
        account_type: Text = "accountType";
        /// `SAVINGS` or `CURRENT`.
        account_sub_type: Text = "accountSubType" | "type";
        branch: Text = "branch";
        /// An overdraft or a cash credit.
        facility: Text = "facility";
        ifsc: Text = "ifsc" | "ifscCode";
        micr_code: Text = "micrCode";
        opening_date: Date = "openingDate";
        /// What is left of the limit.
        current_od_limit: Money = "currentODLimit";
        /// The sanctioned limit.
        drawing_limit: Money = "drawingLimit";
        /// `ACTIVE` or `INACTIVE`.
        status: Text = "status";
        /// What is not in the balance yet.
        pending: Items<Pending> = "pending";
        /// The same in version 2.
        pending_transactions: Option<PendingTransactions> = "pendingTxns";
    }

    /// What is not in a balance yet, in version 2.
    PendingTransactions {
        pending: Items<Pending> = "pendingTxn";
    }

    /// A sum that is not in a balance yet.
    Pending {
        direction: Direct = "transactionType";
        amount: Money = "amount";
    }

    /// A row of a savings or current account, version 1 or 2.
    DepositTransaction {
        direction: Direct = "type";
        mode: Means = "mode";
        /// Unsigned: the direction says which way it went.
        amount: Money = "amount";
        /// After the row.
        balance: Money = "transactionalBalance" | "currentBalance" | "balance";
        /// Order rows by it, not by their places.
        timestamp: Date = "transactionTimestamp" | "transactionTimeStamp" | "transactionDateTime" | "transactionDate" | "txnDate";
        value_date: Date = "valueDate";
        /// Often empty, and not known to be stable: no key.
        txn_id: Text = "txnId";
        narration: Text = "narration";
        reference: Text = "reference";
    }

    /// What a term or recurring deposit holds, version 1 or 2.
    TermDepositSummary {
        account_type: Text = "accountType";
        current_balance: Money = "currentBalance" | "currentValue";
        currency: Text = "currency";
        branch: Text = "branch";
        ifsc: Text = "ifsc" | "ifscCode";
        opening_date: Date = "openingDate";
        maturity_date: Date = "maturityDate";
        maturity_amount: Money = "maturityAmount";
        principal_amount: Money = "principalAmount";
        description: Text = "description";
        interest_payout: Text = "interestPayout";
        /// Percent a year.
        interest_rate: Money = "interestRate";
        interest_computation: Text = "interestComputation";
        compounding_frequency: Text = "compoundingFrequency";
        interest_periodic_payout_amount: Money = "interestPeriodicPayoutAmount";
        interest_on_maturity: Money = "interestOnMaturity";
        /// Days, months and years may state the same tenure three times.
        tenure_days: Money = "tenureDays";
        tenure_months: Money = "tenureMonths";
        tenure_years: Money = "tenureYears";
        recurring_amount: Money = "recurringAmount";
        /// A day of the month, or a whole date.
        recurring_deposit_day: Text = "recurringDepositDay";
    }
}
