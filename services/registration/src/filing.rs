//! The loops of filing: reconcilers, woken by signal and by timer, without input; what they find to do they do.

use std::time::Duration;

use dengbei_chain::FactKind;
use dengbei_kit::Drain;
use dengbei_records::PackNumber;
use sqlx::{Connection as _, PgConnection};

use crate::alone::Alone;
use crate::metrics;
use crate::register;
use crate::service::Parts;
use crate::store::transfers::lists;
use crate::store::{history, matters, people, plans};
use crate::wake::Topic;

/// Without a signal: the linger of a pack ends by the clock.
const TICK: Duration = Duration::from_millis(500);
/// How often the metrics look.
const LOOK: Duration = Duration::from_secs(5);
/// Open plans that a worker looks at.
const LOOKED_AT: i64 = 64;

/// Whether registration states it: a database from an old dump must learn all that it stated before it decides anything.
pub(crate) fn is_own(kind: FactKind) -> bool {
    matches!(
        kind,
        FactKind::MatterPublished
            | FactKind::ItemFiled
            | FactKind::BatchFiled
            | FactKind::ItemReturned
            | FactKind::ItemSuperseded
            | FactKind::PackWritten
            | FactKind::BatchApplied
            | FactKind::BatchDeclined
            | FactKind::BatchRegistered
            | FactKind::CertificateIssued
            | FactKind::TransferPacked
            | FactKind::TransferSubmitted
            | FactKind::TransferRejected
            | FactKind::TransferAccepted
            | FactKind::ItemAccessioned
    )
}

/// Makes plans.
pub(crate) async fn plan(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let planner = parts.planner();
    let alone = Alone { lease: "registration.plan", topic: Topic::Ready, tick: TICK };
    let pass = || async {
        let made = planner.pass().await?;
        (0..made).for_each(|_| parts.wake.signal(Topic::Planned));
        Ok(())
    };
    alone.run(parts, drain, pass).await
}

/// States what was decided otherwise than filing. Several processes do so side by side: each takes other rows.
pub(crate) async fn state(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let stater = parts.stater();
    while parts.wake.wait(Topic::Decided, TICK, drain).await {
        stater.pass().await?;
    }
    Ok(())
}

/// Hands over: packs what is certified, and moves transfers on.
pub(crate) async fn transfers(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let transfers = parts.transfers();
    let alone = Alone { lease: "registration.transfers", topic: Topic::Certified, tick: TICK };
    let pass = || async {
        transfers.pass().await?;
        Ok(())
    };
    alone.run(parts, drain, pass).await
}

/// Finishes plans. The right to work on one is an advisory lock of this worker's own connection, which ends with it:
/// no transaction is open meanwhile, because an open one would hold the relay back.
pub(crate) async fn file(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let filer = parts.filer();
    let mut lease = parts.pool.acquire().await?.detach();
    while parts.wake.wait(Topic::Planned, TICK, drain).await {
        let now = parts.author.now();
        let open = plans::open(&mut lease, now, LOOKED_AT).await?;
        for pack in open {
            if drain.is_requested() {
                break;
            }
            if take(&mut lease, pack).await? {
                let finished = filer.finish(pack).await;
                give_back(&mut lease, pack).await?;
                finished?;
            }
        }
    }
    lease.close().await?;
    Ok(())
}

async fn take(lease: &mut PgConnection, pack: PackNumber) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended('plan ' || $1, 0))")
        .bind(pack.to_string())
        .fetch_one(lease)
        .await
}

async fn give_back(lease: &mut PgConnection, pack: PackNumber) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_unlock(hashtextextended('plan ' || $1, 0))")
        .bind(pack.to_string())
        .execute(lease)
        .await
        .map(drop)
}

/// Measures how things stand.
pub(crate) async fn standing(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    loop {
        let mut connection = parts.pool.acquire().await?;
        let counts = history::counts(&mut connection).await?;
        let units = matters::units(&mut connection).await?;
        let handed_over = lists::counts(&mut connection).await?;
        let people = people::waiting(&mut connection).await?;
        let log = register::standing(&mut connection).await?;
        drop(connection);
        metrics::people(&people, counts.oldest_unfiled, parts.author.now());
        metrics::log(&log, parts.author.now());
        metrics::transfers(&handed_over, parts.author.now());
        let waited = parts.author.now().millis() - counts.oldest_ready;
        metrics::standing(&counts, if counts.ready == 0 { 0.0 } else { waited as f64 / 1000.0 });
        let keys = parts.keys.clone();
        let missing =
            tokio::task::spawn_blocking(move || units.iter().filter(|u| !keys.has(u)).count()).await?;
        metrics::keys_missing(missing);
        if !drain.pause(LOOK).await {
            return Ok(());
        }
    }
}
