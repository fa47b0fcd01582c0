//! What most operations have in common.

/// Implements [`Endpoint`](provider_core::Endpoint) for a request that is the id in its path, which is signed.
macro_rules! by_id {
    (
        $request:ident.$id:ident, $read:expr => $output:ty, $operation:expr
        $(, doubt: $doubt:expr)?
    ) => {
        impl provider_core::Endpoint for $request {
            type Provider = consent_hmac::Veriff;
            type Output = $output;

            const OPERATION: provider_core::Operation = $operation.signing_segment("id");

            fn request<'a>(
                &'a self,
                request: provider_core::RequestBuilder<'a, consent_hmac::Veriff>,
            ) -> Result<provider_core::BuiltRequest<'a>, provider_core::InvalidRequest> {
                request.segment("id", self.$id.as_path_id()).empty()
            }

            fn response(
                &self,
                response: &provider_core::Verified,
            ) -> Result<$output, provider_core::ResponseError> {
                $read(self, response)
            }

            $(
                fn doubt(value: &$output) -> Option<&'static str> {
                    let doubt: fn(&$output) -> Option<&'static str> = $doubt;
                    doubt(value)
                }
            )?
        }
    };
}

/// Implements [`Endpoint`](provider_core::Endpoint) for a request about a session with the rest of its members in its body.
macro_rules! with_body {
    (
        $request:ident, $body:expr, $read:expr => $output:ty, $operation:expr
        $(, lint: $lint:expr)?
    ) => {
        impl provider_core::Endpoint for $request {
            type Provider = consent_hmac::Veriff;
            type Output = $output;

            const OPERATION: provider_core::Operation = $operation;

            fn request<'a>(
                &'a self,
                request: provider_core::RequestBuilder<'a, consent_hmac::Veriff>,
            ) -> Result<provider_core::BuiltRequest<'a>, provider_core::InvalidRequest> {
                let body = $body(self)?;
                request
                    .segment("id", self.session_id.as_path_id())
                    .json(&body)
            }

            $(
                fn lint(&self, findings: &mut provider_core::lint::Findings<'_>) {
                    let lint: fn(&Self, &mut provider_core::lint::Findings<'_>) = $lint;
                    lint(self, findings);
                }
            )?

            fn response(
                &self,
                response: &provider_core::Verified,
            ) -> Result<$output, provider_core::ResponseError> {
                $read(self, response)
            }
        }
    };
}

pub(crate) use {by_id, with_body};
