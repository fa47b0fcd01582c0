//! What every call about a session says again.

use provider_core::InvalidRequest;

/// The rule that is known of a purpose.
pub(crate) fn check_purpose(purpose: &str) -> Result<(), InvalidRequest> {
    match purpose.trim() {
        "" => Err(InvalidRequest::new("purpose", "must not be empty")),
        _ => Ok(()),
    }
}

/// Implements `Endpoint` for a POST about a session.
macro_rules! post {
    ($request:ty => $reply:ty, $operation:expr, $read:expr) => {
        impl provider_core::Endpoint for $request {
            type Provider = crate::Deepvue;
            type Output = crate::Envelope<$reply>;

            const OPERATION: provider_core::Operation = $operation;

            fn request<'a>(
                &'a self,
                request: provider_core::RequestBuilder<'a, crate::Deepvue>,
            ) -> Result<provider_core::BuiltRequest<'a>, provider_core::InvalidRequest> {
                crate::session_request::check_purpose(&self.purpose)?;
                request.json(self)
            }

            fn lint(&self, findings: &mut provider_core::lint::Findings<'_>) {
                findings.free_text("purpose", &self.purpose);
            }

            fn response(
                &self,
                response: &provider_core::Verified,
            ) -> Result<Self::Output, provider_core::ResponseError> {
                $read(response)
            }
        }
    };
}

pub(crate) use post;
