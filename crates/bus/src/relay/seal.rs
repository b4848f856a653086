//! Sealing: what the register has sealed leaves the outbox; what it has not after five seconds goes to it directly.

use std::time::Duration;

use bytes::Bytes;
use dengbei_kit::status::{chain, class};
use dengbei_kit::{Drain, faults};
use dengbei_proto::v1;
use dengbei_records::ErrorClass;
use tokio::time::Instant;
use tonic::{Request, Status};
use tracing::{error, info, warn};

use super::{ANSWER, Working};
use crate::store::outbox::{self, Row};
use crate::{Bundle, BusError, measured};

/// While something is unsealed.
const POLL: Duration = Duration::from_millis(300);
/// While nothing is.
const IDLE: Duration = Duration::from_secs(5);
const OVERDUE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(30);
const APPEND: Duration = Duration::from_secs(30);
const APPEND_BYTES: i64 = 4 << 20;
/// How often a register that does not answer is worth a line.
const COMPLAIN: Duration = Duration::from_secs(30);

impl Working {
    pub(super) async fn seal(&self, drain: Drain) -> Result<(), BusError> {
        let mut complained: Option<Instant> = None;
        while !drain.is_requested() {
            let Some(oldest) = outbox::oldest_held(&self.relay.pool).await? else {
                self.idle(&drain).await;
                continue;
            };
            match self.seal_once(oldest).await {
                Ok(()) => complained = None,
                Err(BusError::Register(status)) => {
                    if complained.is_none_or(|at| at.elapsed() > COMPLAIN) {
                        complained = Some(Instant::now());
                        warn!(
                            error = chain(&*status),
                            "the register does not answer; the outbox keeps everything"
                        );
                    }
                }
                Err(e) => return Err(e),
            }
            drain.pause(POLL).await;
        }
        Ok(())
    }

    async fn idle(&self, drain: &Drain) {
        tokio::select! {
            () = self.held.notified() => { drain.pause(POLL).await; }
            () = tokio::time::sleep(IDLE) => {}
            () = drain.requested() => {}
        }
    }

    async fn seal_once(&self, oldest_held: u64) -> Result<(), BusError> {
        let mut request =
            Request::new(v1::SealedUpToRequest { producer: self.producer.clone(), oldest_held });
        request.set_timeout(ANSWER);
        let reply = self.relay.register.clone().sealed_up_to(request).await?.into_inner();
        outbox::delete_sealed(&self.relay.pool, &self.epoch, reply.sequence).await?;
        self.append_overdue().await
    }

    async fn append_overdue(&self) -> Result<(), BusError> {
        let rows = outbox::overdue(&self.relay.pool, OVERDUE, AGAIN, APPEND_BYTES).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let sequences: Vec<u64> = rows.iter().map(Row::sequence).collect();
        let bundles: Vec<v1::Bundle> = rows.into_iter().filter_map(|row| self.wire(row)).collect();
        info!(bundles = bundles.len(), "unsealed after 5 s: sent to the register directly");
        match self.append(bundles.clone()).await {
            Err(status) if class(&status) == ErrorClass::Invalid => self.append_singly(bundles).await?,
            outcome => outcome?,
        }
        faults::reach("bus.relay.appended");
        outbox::set_appended(&self.relay.pool, &sequences).await?;
        measured::appended(&self.relay.service, sequences.len());
        Ok(())
    }

    async fn append(&self, bundles: Vec<v1::Bundle>) -> Result<(), Status> {
        let mut request = Request::new(v1::AppendRequest { bundles });
        request.set_timeout(APPEND);
        self.relay.register.clone().append(request).await.map(drop)
    }

    /// One of them is refused: the others still go.
    async fn append_singly(&self, bundles: Vec<v1::Bundle>) -> Result<(), Status> {
        for bundle in bundles {
            let sequence = bundle.sequence;
            match self.append(vec![bundle]).await {
                Err(status) if class(&status) == ErrorClass::Invalid => {
                    error!(
                        producer = self.producer,
                        sequence,
                        error = chain(&status),
                        "the register refuses a bundle"
                    );
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    fn wire(&self, row: Row) -> Option<v1::Bundle> {
        let sequence = row.sequence();
        match Bundle::decode(Bytes::from(row.events)) {
            Ok(bundle) => Some(v1::Bundle {
                producer: self.producer.clone(),
                sequence,
                events: bundle.events,
                traceparents: row.traceparents,
            }),
            Err(e) => {
                error!(sequence, error = %e, "an outbox row cannot be read");
                None
            }
        }
    }
}
