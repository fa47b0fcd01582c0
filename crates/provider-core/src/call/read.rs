//! What a reply says, in a capability's words.

use crate::error::{Error, Outcome};
use crate::wire::{DecodeError, Endpoint, Provider, Response};

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
        let (id, attempts, elapsed) = (self.request_id, self.attempts, self.elapsed);
        read(self.value).map_err(|error| {
            Error::from(error)
                .at(E::Provider::NAME, E::OPERATION.name)
                .with_idempotency(E::OPERATION.idempotency)
                .with_settling(E::OPERATION.settling)
                .with_request_id(id)
                .with_elapsed(elapsed)
                .with_attempts(attempts, Outcome::Done)
                .with_whole_response(self.verified.into_raw())
        })
    }
}
