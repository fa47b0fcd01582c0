//! The request and the reply, as a user of a general HTTP client declares them.

use serde::{Deserialize, Serialize};

pub const PATH: &str = "/api/v1/services/account-aggregator/init";

#[derive(Serialize)]
pub struct Initialize {
    mobile_number: &'static str,
    consent_type: &'static str,
    webhook_url: &'static str,
}

pub const INITIALIZE: Initialize = Initialize {
    mobile_number: "9000000001",
    consent_type: "loan_underwriting",
    webhook_url: "https://lender.example.test/hook",
};

#[derive(Deserialize)]
pub struct Initialized {
    pub data: Data,
}

#[derive(Deserialize)]
pub struct Data {
    pub client_id: String,
}
