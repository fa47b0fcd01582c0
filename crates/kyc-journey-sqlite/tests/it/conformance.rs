//! The engine does what every engine must do.

use std::sync::Arc;

use kyc_journey::provider_core::async_trait;
use kyc_journey::testing::conformance::{self, Started, Subject, World};
use kyc_journey_sqlite::SqliteEngine;
use tempfile::TempDir;

#[derive(Debug)]
struct InAFile(TempDir);

#[async_trait]
impl Subject for InAFile {
    async fn start(&self, world: World) -> Started {
        // What a crash interrupted may hold the file for a moment longer.
        let engine =
            SqliteEngine::stand_by(self.0.path().join("kyc.db"), Arc::clone(&world.sealer));
        let engine = engine.await.unwrap().with_machine(world.machine);
        Started::with_runner(Arc::new(engine), world)
    }
}

#[tokio::test]
async fn the_engine_on_sqlite_conforms() {
    let subject = || Arc::new(InAFile(tempfile::tempdir().unwrap())) as Arc<dyn Subject>;
    conformance::journey_engine(subject).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_on_sqlite_conforms_on_several_threads() {
    let subject = || Arc::new(InAFile(tempfile::tempdir().unwrap())) as Arc<dyn Subject>;
    conformance::journey_engine(subject).await;
}
