//! The client: one row for each operation.

use crate::{CheckProfile, Finpro};

provider_core::operations! {
    /// Calls MoneyOne FinPro. Cheap to clone; share one, because connections are kept in it.
    #[catalogue]
    pub struct FinproProfileClient(Finpro) {
        /// Asks account aggregators whether they know a mobile number: *Check Profile*, `POST /profile`.
        ///
        /// A read, which may be repeated. This client does so when the outcome is unknown. It takes as long as the slowest
        /// aggregator, up to that one's limit of 4 to 6 s (`[seed]`). This client's default deadline is 15 s.
        ///
        /// # Errors
        ///
        /// Awaiting it can return [`provider_core::Error`]. The failure of a single aggregator is a row of the report, not
        /// an error.
        check_profile(CheckProfile);
    }
}
