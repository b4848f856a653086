//! Orders copies: which sites, for which purpose, when. The rule book of who gets what.
//!
//! | because of | purpose | sites | when |
//! |---|---|---|---|
//! | `batch.registered` | backup | all | at once |
//! | `transfer.accepted` | accession | class `archive` | at once |
//! | `pack.written` | storage | all | at once |
//! | `batch.filed` | storage | all | unless registered within a minute |

use std::sync::Arc;
use std::time::Duration;

use dengbei_chain::facts::Purpose;
use dengbei_kit::{Drain, SiteAddress};
use dengbei_records::Timestamp;
use sqlx::postgres::{PgConnection, PgPool};

use crate::author::Author;
use crate::store::{copies, sites};
use crate::wake::{self, Wake};

/// How long a filed pack waits for its registration before it is copied without.
pub(crate) const STORAGE_AFTER: Duration = Duration::from_secs(60);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Packs ordered in one transaction.
const AT_ONCE: i64 = 256;

/// The sites by what is ordered there.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    all: Arc<[String]>,
    archives: Arc<[String]>,
}

impl Places {
    pub(crate) fn of(sites: &[SiteAddress]) -> Self {
        let of = |wanted: Option<&str>| {
            let chosen = sites.iter().filter(|s| wanted.is_none_or(|class| s.class == class));
            chosen.map(|s| s.name.clone()).collect()
        };
        Self { all: of(None), archives: of(Some("archive")) }
    }

    /// Every site signs for what was registered.
    pub(crate) async fn back_up(
        &self,
        tx: &mut PgConnection,
        packs: &[i64],
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        copies::withdraw_storage(tx, packs).await?;
        copies::order(tx, packs, &self.all, Purpose::Backup, now).await?;
        wake::on_commit(tx).await
    }

    /// The archive signs for what it took over, of those of these packs that it did take over.
    pub(crate) async fn accession(
        &self,
        tx: &mut PgConnection,
        packs: &[i64],
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        if copies::order_accessions(tx, packs, &self.archives, now).await? > 0 {
            wake::on_commit(tx).await?;
        }
        Ok(())
    }

    /// Storage copies whose time has come.
    pub(crate) async fn store_due(&self, pool: &PgPool, now: Timestamp) -> Result<usize, sqlx::Error> {
        let mut tx = pool.begin().await?;
        let packs = copies::order_storage(&mut tx, &self.all, now, AT_ONCE).await?;
        if packs > 0 {
            wake::on_commit(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(packs)
    }
}

/// Takes the configured sites over; a site that is new gets everything that it should hold.
///
/// # Errors
/// The database's.
pub(crate) async fn configure(pool: &PgPool, all: &[SiteAddress], now: Timestamp) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    for name in sites::configure(&mut tx, all).await? {
        let is_archive = all.iter().any(|s| s.name == name && s.class == "archive");
        let ordered = copies::order_for_new_site(&mut tx, &name, is_archive, now).await?;
        tracing::info!(site = name, ordered, "a site is new");
    }
    tx.commit().await
}

/// Orders storage copies by the clock, until the drain.
///
/// # Errors
/// The database's: run it again.
pub(crate) async fn run(
    pool: &PgPool,
    author: &Author,
    places: &Places,
    wake: &Wake,
    drain: &Drain,
) -> anyhow::Result<()> {
    let mut waking = wake.waking();
    while waking.wait(TICK, drain).await {
        while places.store_due(pool, author.now()).await? > 0 {}
    }
    Ok(())
}
