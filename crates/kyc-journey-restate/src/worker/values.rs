//! Reading an object's values, by keys that are worked out.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use restate_sdk::context::{ContextReadState as _, ObjectContext, SharedObjectContext};
use restate_sdk::errors::TerminalError;
use restate_sdk::serde::Deserialize;

/// Reads values. The SDK's own way wants keys that outlive the handler.
pub(super) trait Values: Sync {
    /// The value of a key.
    fn value<'a, T: Deserialize + Send + 'static>(
        &'a self,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<T>, TerminalError>>;
}

impl Values for ObjectContext<'_> {
    fn value<'a, T: Deserialize + Send + 'static>(
        &'a self,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<T>, TerminalError>> {
        let ctx: &'a ObjectContext<'a> = self;
        ctx.get(key).boxed()
    }
}

impl Values for SharedObjectContext<'_> {
    fn value<'a, T: Deserialize + Send + 'static>(
        &'a self,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<T>, TerminalError>> {
        let ctx: &'a SharedObjectContext<'a> = self;
        ctx.get(key).boxed()
    }
}
