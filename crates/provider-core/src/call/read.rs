//! What a reply says, in a capability's words.

use crate::error::{Error, Outcome};
use crate::wire::{DecodeError, Endpoint, Operation, Provider, Response};

impl<T> Response<T> {
    /// Reads something else of the value, such as what a capability needs.
    ///
    /// # Errors
    ///
    /// `read` refuses the value. The error is that of the exchange: it was done, and the id of the call, the attempts, the status
    /// and the whole body are in it, so that nobody pays twice to find out.
    pub fn read<E: Endpoint, U>(
        self,
        read: impl FnOnce(T) -> Result<U, DecodeError>,
    ) -> Result<U, Error> {
        let Self { value, .. } = self;
        read(value).map_err(|error| {
            let whole = Response {
                value: (),
                verified: self.verified,
                request_id: self.request_id,
                attempts: self.attempts,
                elapsed: self.elapsed,
            };
            whole.but(Error::from(error), E::Provider::NAME, &E::OPERATION)
        })
    }

    /// The exchange was done, but this stands in the way of its value: the error keeps all that the reply has.
    pub(crate) fn but(self, error: Error, provider: &'static str, operation: &Operation) -> Error {
        error
            .at(provider, operation.name)
            .with_idempotency(operation.idempotency)
            .with_settling(operation.settling)
            .with_request_id(self.request_id)
            .with_elapsed(self.elapsed)
            .with_attempts(self.attempts, Outcome::Done)
            .with_whole_response(self.verified.into_raw())
    }
}
