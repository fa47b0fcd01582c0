//! The conformance suite of engines, over a server of its own for each check.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::async_trait;
use kyc_journey::testing::conformance::{self, Started, Subject, World};
use kyc_journey_restate::RestateWorker;
use tokio::sync::OnceCell;

use crate::running::Running;
use crate::server::{Address, Server, program};

#[derive(Debug)]
struct OnRestate {
    program: PathBuf,
    server: OnceCell<Server>,
    address: Address,
}

#[async_trait]
impl Subject for OnRestate {
    async fn start(&self, world: World) -> Started {
        let is_new = !self.server.initialized();
        let server = self
            .server
            .get_or_init(|| Server::start(&self.program))
            .await;
        let worker = RestateWorker::new(world.performer, Arc::clone(&world.sealer))
            .with_machine(world.machine)
            .with_clock(world.clock)
            .with_calls(world.calls)
            .with_back_off(Duration::from_millis(10), Duration::from_millis(100))
            // The suite moves its own clock, of which Restate knows nothing.
            .with_longest_sleep(Duration::from_millis(20));
        let running = Running::start(worker, &self.address);
        let engine = server.engine(world.sealer);
        if is_new {
            engine.register(&self.address.url()).await.unwrap();
        }
        let admin = server.admin();
        let started = Started::new(Arc::new(engine), || running.crash());
        started.settled_by(move || {
            let admin = admin.clone();
            async move { admin.until_settled().await }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_on_restate_conforms() {
    let Some(program) = program() else { return };
    let subject = || {
        Arc::new(OnRestate {
            program: program.clone(),
            server: OnceCell::new(),
            address: Address::new(),
        }) as Arc<dyn Subject>
    };
    conformance::journey_engine(subject).await;
}
