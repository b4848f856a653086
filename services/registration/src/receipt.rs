//! 存证回执: gathers what a receipt for one filed version of an item rests on.
//!
//! Its events are `item.prefiled`, `item.checked`, `item.filed` and `batch.filed`, and what followed from those, as far as
//! the item has come under the published checkpoint (`receipt/life.rs`). The newest stands in the log by an inclusion
//! proof, the others hang on it by membership and causes. `evidence` builds and checks the file.

use dengbei_chain::{DocumentRef, Event, Fact, MemberList};
use dengbei_evidence::{BuildError, Parts, Receipt};
use dengbei_kit::{db, status};
use dengbei_records::{DataVersion, ErrorClass, EventHash, ItemId, Problem};
use dengbei_register::{LogReader, ReadError};
use sqlx::{PgConnection, PgPool};

mod life;

use self::life::Life;
use crate::register::{self, Log};
use crate::store::documents;
use crate::store::history::{self, Proof};
use crate::store::packs::{self, Stored};

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiptError {
    /// No version of the item, or not this one, is filed.
    #[error("该件未归档 / the item is not filed in this version")]
    NotFiled,
    /// Its batch is not under a published checkpoint yet.
    #[error("归档批尚未登记入簿 / the batch is not in the published log yet")]
    NotSealed,
    /// The log cannot be read.
    #[error("登记簿无法读取 / the log cannot be read")]
    Log(#[from] ReadError),
    /// What was gathered does not belong together.
    #[error("回执无法生成 / the receipt cannot be built")]
    Build(#[from] BuildError),
    /// An event or document that must be there is not.
    #[error("缺少 {0} / missing")]
    Missing(String),
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
}

impl ReceiptError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotFiled => ErrorClass::NotFound,
            Self::NotSealed | Self::Log(ReadError::Storage(_)) => ErrorClass::Unavailable,
            Self::Log(_) | Self::Build(_) | Self::Missing(_) => ErrorClass::Internal,
            Self::Database(e) => db::class(e),
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        let class = self.class();
        match self {
            Self::NotFiled => Problem::new(
                "receipt.not_filed",
                class,
                "该件未归档,没有回执",
                "the item is not filed: there is no receipt",
            ),
            Self::NotSealed => Problem::new(
                "receipt.not_sealed",
                class,
                "归档批尚未登记入簿",
                "its batch is not in the published log yet",
            )
            .with_remedy("请稍后重试 / try again in a few seconds"),
            _ => status::plain(class),
        }
    }
}

/// Builds receipts.
#[derive(Debug, Clone)]
pub(crate) struct Receipts {
    pub(crate) pool: PgPool,
    pub(crate) log: Log,
}

impl Receipts {
    /// The receipt of a filed version, the newest when none is named.
    pub(crate) async fn build(
        &self,
        item: ItemId,
        version: Option<DataVersion>,
    ) -> Result<Vec<u8>, ReceiptError> {
        let mut gathered = self.gather(item, version).await?;
        loop {
            match Receipt::build(&self.parts(&gathered).await?) {
                // More sites or larger events than the default policy knows: the step before is proven at least.
                Err(BuildError::TooLarge(bytes)) if gathered.life.cut() => {
                    tracing::warn!(%item, bytes, "the newest step does not fit into a receipt");
                }
                built => return Ok(built?),
            }
        }
    }

    async fn gather(&self, item: ItemId, version: Option<DataVersion>) -> Result<Gathered, ReceiptError> {
        let mut tx = self.pool.begin().await?;
        let filed = packs::versions(&mut tx, &[item]).await?;
        let wanted = |s: &&Stored| version.is_none_or(|v| v.get() == s.data_version);
        let stored = filed.iter().rfind(wanted).ok_or(ReceiptError::NotFiled)?;
        let proof = history::proof(&mut tx, stored.prefiled, stored.pack).await?;
        let proof = proof.ok_or(ReceiptError::NotSealed)?;
        register::place_of(&mut tx, proof.batch).await?.ok_or(ReceiptError::NotSealed)?;
        let filing = events(&mut tx, stored, &proof).await?;
        let memberships = memberships(&mut tx, &filing, &proof).await?;
        let data_version = DataVersion::try_from(stored.data_version);
        let data_version = data_version.map_err(|e| ReceiptError::Missing(e.to_string()))?;
        let life = Life::walk(&mut tx, stored.filed, proof.batch).await?;
        Ok(Gathered { item, data_version, filing, memberships, life })
    }

    /// Everything of a receipt, with the newest event's place in the log now.
    async fn parts(&self, gathered: &Gathered) -> Result<Parts, ReceiptError> {
        let Gathered { item, data_version, filing, memberships, life } = gathered;
        let events: Vec<&Event> = filing.iter().chain(life.events()).collect();
        let mut memberships = memberships.clone();
        memberships.extend(life.memberships(FILED, BATCH));
        let newest = events.last().ok_or(ReceiptError::NotSealed)?.hash;
        let mut tx = self.pool.begin().await?;
        let place = register::place_of(&mut tx, newest).await?.ok_or(ReceiptError::NotSealed)?;
        let head = register::head(&mut tx).await?;
        drop(tx);
        let path = LogReader::new(self.log.tiles.clone()).inclusion_proof(place, head.size).await?;
        Ok(Parts {
            item: *item,
            data_version: *data_version,
            included: events.len() as u32 - 1,
            events: events.into_iter().map(|e| e.bytes.to_vec()).collect(),
            memberships,
            index: place,
            path,
            checkpoint: String::from_utf8_lossy(&head.checkpoint).into_owned(),
        })
    }
}

/// What a receipt is made of, before its place in the log.
struct Gathered {
    item: ItemId,
    data_version: DataVersion,
    filing: Vec<Event>,
    memberships: Vec<(u32, u32, Vec<EventHash>)>,
    life: Life,
}

/// Places of the filing events in a receipt, oldest first.
const PREFILED: u32 = 0;
const CHECKED: u32 = 1;
const FILED: u32 = 2;
const BATCH: u32 = 3;

async fn events(tx: &mut PgConnection, stored: &Stored, proof: &Proof) -> Result<Vec<Event>, ReceiptError> {
    let mut events = Vec::with_capacity(4);
    for hash in [stored.prefiled, proof.checked, stored.filed, proof.batch] {
        events.push(event(tx, hash).await?);
    }
    Ok(events)
}

async fn event(tx: &mut PgConnection, hash: EventHash) -> Result<Event, ReceiptError> {
    let missing = || ReceiptError::Missing(format!("event {hash}"));
    let bytes = register::entry(tx, hash).await?.ok_or_else(missing)?;
    Event::read(bytes).map_err(|_| missing())
}

/// Which event speaks for which: `item.checked` for the pre-filed, `batch.filed` for the filed.
async fn memberships(
    tx: &mut PgConnection,
    events: &[Event],
    proof: &Proof,
) -> Result<Vec<(u32, u32, Vec<EventHash>)>, ReceiptError> {
    let (checked, batch) = match (&events[CHECKED as usize].fact, &events[BATCH as usize].fact) {
        (Some(Fact::ItemChecked(checked)), Some(Fact::BatchFiled(batch))) => (checked, batch),
        _ => return Err(ReceiptError::Missing(format!("facts of {}", proof.batch))),
    };
    let run = members(tx, &checked.report).await?;
    let filed = members(tx, &batch.members).await?;
    Ok(vec![(PREFILED, CHECKED, run), (FILED, BATCH, filed)])
}

async fn members(tx: &mut PgConnection, list: &DocumentRef) -> Result<Vec<EventHash>, ReceiptError> {
    let missing = || ReceiptError::Missing(format!("member list {}", list.digest));
    let body = documents::body(tx, &list.digest).await?.ok_or_else(missing)?;
    Ok(MemberList::read(&body, list).map_err(|_| missing())?.hashes())
}
