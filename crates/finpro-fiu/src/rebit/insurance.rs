//! Insurance: life, general, and the withdrawn draft.

use provider_core::Items;

use super::record::records;
use super::{Date, Direct, Money, Text};

records! {
    /// What a policy insures: the members of life and general insurance, and of the draft.
    InsuranceSummary {
        policy_name: Text = "policyName";
        policy_number: Text = "policyNumber";
        policy_description: Text = "policyDescription";
        policy_type: Text = "policyType";
        policy_status: Text = "policyStatus";
        insurance_type: Text = "insuranceType";
        cover_type: Text = "coverType";
        uin_number: Text = "uinNumber";
        eia_number: Text = "eiaNumber";
        sum_assured: Money = "sumAssured";
        cover_amount: Money = "coverAmount";
        premium_amount: Money = "premiumAmount";
        premium_frequency: Text = "premiumFrequency";
        premium_payment_years: Money = "premiumPaymentYears";
        premium_payment_months: Money = "premiumPaymentMonths";
        next_premium_due_date: Date = "nextPremiumDueDate";
        maturity_benefit: Text = "maturityBenefit";
        maturity_date: Date = "maturityDate";
        tenure_months: Money = "tenureMonths";
        tenure_years: Money = "tenureYears";
        policy_start_date: Date = "policyStartDate";
        policy_expiry_date: Date = "policyExpiryDate";
        policy_loan_status: Text = "policyLoanStatus";
        current_value: Money = "currentValue";
        surrender_value: Money = "surrenderValue";
        assignment: Text = "assignment";
        exclusions: Text = "exclusions" | "exlcusions";
        covers: Option<Covers> = "covers";
        money_backs: Option<MoneyBacks> = "moneyBacks";
    }

    /// The covers of a policy.
    Covers {
        cover: Items<Cover> = "cover";
    }

    /// A cover.
    Cover {
        uin_number: Text = "uinNumber";
        name: Text = "coverName";
        description: Text = "coverDescription" | "description";
        sum_assured: Money = "sumAssured";
        sum_insured: Money = "sumInsured";
        amount: Money = "amount";
        premium_amount: Money = "premiumAmount";
        tenure_months: Money = "tenureMonths";
        tenure_years: Money = "tenureYears";
        start_date: Date = "coverStartDate";
        end_date: Date = "coverEndDate";
    }

    /// What a policy pays back.
    MoneyBacks {
        money_back: Items<MoneyBack> = "moneyBack";
    }

    /// A sum that is paid back.
    MoneyBack {
        date: Date = "date";
        amount: Money = "amount";
        description: Text = "description";
    }

    /// A row of a policy.
    InsuranceTransaction {
        txn_id: Text = "txnId";
        timestamp: Date = "txnDate" | "transactionTimestamp" | "transactionTimeStamp" | "transactionDateTime" | "transactionDate";
        narration: Text = "narration";
        direction: Direct = "type";
        amount: Money = "amount";
    }
}
