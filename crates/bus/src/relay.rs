//! The relay: gives committed outbox rows their sequence, publishes them, and keeps them until they are sealed.
//!
//! Before: `outbox`. After: `consumer`, and the register. One relay per database works at a time; others wait for its
//! lease, an advisory lock that ends with its connection. Three loops:
//! * `number`: committed rows get gap-free sequences; only the lease's own connection does that;
//! * `publish`: numbered rows go to JetStream, many in flight, at least once;
//! * `seal`: what the register has sealed leaves; what is not sealed after five seconds goes to it by gRPC, so that
//!   nothing depends on the bus.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::grpc::MAX_MESSAGE;
use dengbei_kit::{Drain, db};
use dengbei_proto::v1;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::Notify;
use tonic::Request;
use tracing::{error, info, warn};

use crate::store::producer::{self, Producer};
use crate::{BusError, Nats, RegisterClient, measured, subjects};

mod number;
mod publish;
mod seal;

/// How long an idle relay waits before it asks for the lease, or for the register, again.
const AGAIN: Duration = Duration::from_secs(1);
/// The register has this long to say what it has seen.
const ANSWER: Duration = Duration::from_secs(5);

/// Moves a service's outbox. Cheap to clone; a clone can be run again after a failure.
#[derive(Debug, Clone)]
pub struct Relay {
    service: String,
    pool: PgPool,
    nats: Nats,
    register: RegisterClient,
}

/// A relay that holds the lease, under its producer name.
struct Working {
    relay: Relay,
    producer: String,
    /// Of its own database: another relay may have begun another one since the lease was lost.
    epoch: String,
    /// Rows were numbered: there is something to publish and to seal.
    numbered: Notify,
    /// As [`Self::numbered`], for the other loop.
    held: Notify,
}

impl Relay {
    /// For the service's database.
    pub fn new(service: &str, pool: PgPool, nats: Nats, register: RegisterClient) -> Self {
        measured::describe();
        let register = register.max_encoding_message_size(MAX_MESSAGE).max_decoding_message_size(MAX_MESSAGE);
        Self { service: service.to_owned(), pool, nats, register }
    }

    /// Works until the drain.
    ///
    /// # Errors
    /// When the database fails: run it again. The bus and the register may come and go.
    pub async fn run(self, drain: Drain) -> anyhow::Result<()> {
        let Some(mut lease) = self.lease(&drain).await? else { return Ok(()) };
        let Some(producer) = self.open(&mut lease, &drain).await? else { return Ok(()) };
        let name = subjects::producer(&self.service, &producer.epoch);
        info!(producer = name, next_sequence = producer.next_sequence, "relay has the lease");
        let (numbered, held) = (Notify::new(), Notify::new());
        let working =
            Arc::new(Working { relay: self, producer: name, epoch: producer.epoch, numbered, held });
        working.numbered.notify_one();
        working.held.notify_one();
        let (numbering, publishing, sealing) = (
            working.clone().number(lease, drain.clone()),
            working.publish(drain.clone()),
            working.seal(drain),
        );
        // The first that fails ends the others; all are safe to be cut anywhere.
        tokio::try_join!(numbering, publishing, sealing)?;
        Ok(())
    }

    /// Waits for the lease, on a connection of its own. None: the drain came first.
    async fn lease(&self, drain: &Drain) -> Result<Option<PgConnection>, BusError> {
        let mut connection = db::connect_by_key(&self.pool).await?;
        while !producer::try_lease(&mut connection).await? {
            if !drain.pause(AGAIN).await {
                connection.close().await?;
                return Ok(None);
            }
        }
        Ok(Some(connection))
    }

    /// Learns who this database is. When the register has seen sequences that it did not give yet, the database is
    /// older than what it once stated (a restored dump): a new epoch begins, so that no sequence ever means two
    /// bundles. Without the register's answer nothing is sent. None: the drain came first.
    async fn open(&self, lease: &mut PgConnection, drain: &Drain) -> Result<Option<Producer>, BusError> {
        let fresh = producer::random_epoch(&self.pool).await?;
        let known = producer::open(lease, &fresh).await?;
        let mut warned = false;
        let seen = loop {
            match self.highest_seen(&known.epoch).await {
                Ok(seen) => break seen,
                Err(e) if !warned => {
                    warned = true;
                    warn!(error = %dengbei_kit::status::chain(&e), "relay waits for the register");
                }
                Err(_) => {}
            }
            if !drain.pause(AGAIN).await {
                return Ok(None);
            }
        };
        if seen < known.next_sequence {
            return Ok(Some(known));
        }
        let fresh = producer::random_epoch(&self.pool).await?;
        error!(
            service = self.service,
            old_epoch = known.epoch,
            new_epoch = fresh,
            register_has_seen = seen,
            next_sequence = known.next_sequence,
            "数据库早于登记簿所见，疑为恢复的备份 / this database is older than what the register has seen of it (a \
             restored dump?): a new epoch begins and everything held is sent again"
        );
        Ok(Some(producer::begin_epoch(lease, &fresh).await?))
    }

    async fn highest_seen(&self, epoch: &str) -> Result<u64, BusError> {
        let producer = subjects::producer(&self.service, epoch);
        let mut request = Request::new(v1::SealedUpToRequest { producer, oldest_held: 0 });
        request.set_timeout(ANSWER);
        Ok(self.register.clone().sealed_up_to(request).await?.into_inner().highest_seen)
    }
}
