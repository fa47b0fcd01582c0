//! What nearly all operations have in common: a POST of the request as JSON.

/// Implements `Endpoint` for a request that is sent as JSON, and whose reply this function reads.
macro_rules! post {
    (
        $request:ty, $check:expr, $read:expr => $reply:ty, $operation:expr
        $(, lint: $lint:expr)? $(, answer: $answer:expr)? $(, doubt: $doubt:expr)?
    ) => {
        impl provider_core::Endpoint for $request {
            type Provider = finpro_profile::Finpro;
            type Output = $reply;

            const OPERATION: provider_core::Operation = $operation;

            fn request<'a>(
                &'a self,
                request: provider_core::RequestBuilder<'a, finpro_profile::Finpro>,
            ) -> Result<provider_core::BuiltRequest<'a>, provider_core::InvalidRequest> {
                let check: fn(&Self) -> Result<(), provider_core::InvalidRequest> = $check;
                check(self)?;
                request.json(self)
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
            ) -> Result<Self::Output, provider_core::ResponseError> {
                let read: Result<Self::Output, provider_core::ResponseError> = $read(response);
                let reply = read?;
                $(
                    let answers: fn(&Self, &$reply) -> Result<(), provider_core::ResponseError> = $answer;
                    answers(self, &reply)?;
                )?
                Ok(reply)
            }

            $(
                fn doubt(reply: &$reply) -> Option<&'static str> {
                    let doubt: fn(&$reply) -> Option<&'static str> = $doubt;
                    doubt(reply)
                }
            )?
        }
    };
}

pub(crate) use post;
