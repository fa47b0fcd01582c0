//! The engine does what every engine must do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_journey::Runner;
use kyc_journey::provider_core::async_trait;
use kyc_journey::testing::conformance::{self, Started, Subject, World};
use kyc_journey_postgres::PostgresOptions;

use crate::server::Database;

#[derive(Debug)]
struct InADatabase(Database);

#[async_trait]
impl Subject for InADatabase {
    async fn start(&self, world: World) -> Started {
        let options = PostgresOptions::new(&self.0.address).unwrap();
        let options = options
            .with_poll(Duration::from_millis(20))
            .with_connections(4);
        let engine = options.connect(world.sealer).await.unwrap();
        let engine = Arc::new(engine.with_machine(world.machine));
        let runner = Runner::new(Arc::clone(&engine) as _, world.performer)
            .with_clock(world.clock)
            .with_calls(world.calls);
        let run = tokio::spawn(runner.run(std::future::pending()));
        Started::new(Arc::clone(&engine) as _, move || async move {
            run.abort();
            // Whether it was ended or had ended, it is over.
            let _ = run.await;
            // What the end of the lease does for a process that died.
            engine.close().await.unwrap();
        })
    }
}

async fn conforms() {
    let Some(first) = Database::new().await else {
        return;
    };
    // The suite asks for subjects where nothing can be awaited.
    let mut databases = vec![first];
    for _ in 0..24 {
        databases.push(Database::new().await.unwrap());
    }
    let databases = Mutex::new(databases);
    conformance::journey_engine(|| {
        let database = databases.lock().unwrap().pop();
        Arc::new(InADatabase(database.expect("a database for each check"))) as Arc<dyn Subject>
    })
    .await;
}

#[tokio::test]
async fn the_engine_on_postgres_conforms() {
    conforms().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_on_postgres_conforms_on_several_threads() {
    conforms().await;
}
