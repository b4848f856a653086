//! 移交进馆: what is under a certificate and in the archive's range is handed over, once.
//!
//! `pack` → (fixity: the unit's checks) → `submit` → (fixity: the archive's checks) → `accept` → (replication: the
//! archive's copies; fixity: checked on storing) → `accession`; `reject` where nothing is fit or a side declines.
//! `hear` takes what fixity found, `replay` what was stated in another life of the database, `desk` what people decide.
//! Whatever is stated is stated by the loop, never while hearing, so that an old dump states nothing twice. Every step
//! is one transaction that finds the transfer in the state before: redelivery and a second worker change nothing.

mod accept;
mod accession;
mod decide;
mod desk;
mod error;
mod handover;
mod hear;
mod pack;
mod papers;
mod record;
mod reject;
pub(crate) mod replay;
mod submit;

use std::path::PathBuf;
use std::time::Duration;

use dengbei_bus::Outbox;
use dengbei_chain::facts::Side;
use dengbei_chain::{DocumentRef, Encoded, Fact, Subject};
use dengbei_kit::{documents as own_documents, status};
use dengbei_records::{EventHash, SerialNo, Timestamp};
use dengbei_vault::Site;
use sqlx::{PgConnection, PgPool};

pub(crate) use decide::{Decision, Propose};
pub(crate) use desk::{Due, Listed, Shown, Summary};
pub(crate) use error::{TransferError, WorkError};
pub(crate) use hear::{certificate_issued, checked, read_report};
pub(crate) use papers::{sealed, unit_keys};

use crate::author::{Author, Statement};
use crate::metrics;
use crate::store::documents::{self, Held};
use crate::store::transfers::checks::Check;
use crate::store::transfers::steps::Step;
use crate::store::transfers::{self, State, Transfer, checks};
use crate::unit_keys::UnitKeys;

/// Transfers that a pass moves on.
const AT_ONCE: i64 = 64;

/// Hands over.
#[derive(Debug, Clone)]
pub(crate) struct Transfers {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) outbox: Outbox,
    pub(crate) site: Site,
    pub(crate) keys: UnitKeys,
    /// The deployment's keys: `archive.*`, `people/`, `units/`.
    pub(crate) key_folder: PathBuf,
    /// How long a certificate waits for others of its unit.
    pub(crate) linger: Duration,
}

impl Transfers {
    /// Packs what is due and moves on what can be. Gives the number of steps taken.
    pub(crate) async fn pass(&self) -> Result<usize, WorkError> {
        let mut done = self.pack_due().await?;
        let now = self.author.now();
        let due = transfers::due(&mut *self.pool.acquire().await?, now, AT_ONCE).await?;
        for number in due {
            match self.advance(&number).await {
                Ok(is_done) => done += usize::from(is_done),
                Err(e) => {
                    let why = status::chain(&e);
                    metrics::transfer_failed(e.class());
                    tracing::error!(%number, why, "a transfer cannot go on yet");
                    transfers::put_off(&mut *self.pool.acquire().await?, &number, now, &why).await?;
                }
            }
        }
        Ok(done)
    }

    /// Takes the next step of a transfer whose checks are there.
    async fn advance(&self, number: &SerialNo) -> Result<bool, WorkError> {
        let mut connection = self.pool.acquire().await?;
        let Some(transfer) = transfers::find(&mut connection, number).await? else { return Ok(false) };
        let side = match transfer.state {
            State::Packed => Side::Unit,
            State::Verified => Side::Archive,
            State::Accepted => Side::Storing,
            _ => return Ok(false),
        };
        let Some(check) = checks::of(&mut connection, number, side).await? else { return Ok(false) };
        drop(connection);
        match transfer.state {
            State::Accepted => self.accession(&transfer, &check).await,
            _ if check.is_hopeless() => self.reject_unfit(&transfer, &check).await,
            State::Packed => self.submit(transfer, check).await,
            _ => self.accept(transfer, check).await,
        }
    }

    /// Keeps a document that an event is about to cite: served to who asks, held until it lies in a pack.
    async fn keep(
        &self,
        tx: &mut PgConnection,
        held: &Held,
        at: Timestamp,
    ) -> Result<DocumentRef, WorkError> {
        own_documents::put(tx, &held.body, &held.media_type).await?;
        documents::hold(tx, held, at, None).await?;
        Ok(DocumentRef::to(&held.body, &held.media_type))
    }

    /// States a fact about a transfer.
    fn state(
        &self,
        number: &SerialNo,
        causes: Vec<EventHash>,
        fact: Fact,
        at: Timestamp,
    ) -> Result<Encoded, WorkError> {
        let statement = Statement { subject: Subject::Transfer(number.clone()), causes, fact };
        Ok(self.author.state(statement, at)?)
    }
}

/// A certificate's causes after the first two.
fn causes(first: EventHash, check: &Check, transfer: &Transfer) -> Vec<EventHash> {
    let certificates = transfer.certificates.iter().map(|c| c.event);
    [first, check.event].into_iter().chain(certificates).collect()
}

/// A step that was taken.
fn step(name: &str, at: Timestamp, by: impl Into<String>, note: impl Into<String>) -> Step {
    Step { step: name.to_owned(), at, by: by.into(), note: note.into() }
}

/// `2026-11-22`, Beijing time.
fn day(at: Timestamp) -> String {
    at.office().chars().take(10).collect()
}

/// `2026-11`.
fn month(at: Timestamp) -> String {
    at.office().chars().take(7).collect()
}

fn year(at: Timestamp) -> u16 {
    at.office().get(..4).and_then(|y| y.parse().ok()).unwrap_or(1970)
}

fn salt() -> Result<String, WorkError> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|e| WorkError::Internal(anyhow::anyhow!("{e}")))?;
    Ok(hex::encode(salt))
}
