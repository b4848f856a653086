//! The loops of the desk: reconcilers, woken by signal and by timer, without input; what they find to do they do.

use std::time::Duration;

use dengbei_kit::Drain;

use crate::metrics;
use crate::service::Parts;
use crate::store::batches;
use crate::wake::Topic;

/// Without a signal: the linger ends, and pauses after failures end, by the clock.
const TICK: Duration = Duration::from_secs(1);
/// How often the metrics look.
const LOOK: Duration = Duration::from_secs(5);

/// 登记申请 by rule.
pub(crate) async fn apply(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let office = parts.office();
    while parts.wake.wait(Topic::Filed, TICK, drain).await {
        if office.apply().await? > 0 {
            parts.wake.signal(Topic::Applied);
        }
    }
    Ok(())
}

/// 受理, 技术检测, 登记 by rule.
pub(crate) async fn decide(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let office = parts.office();
    while parts.wake.wait(Topic::Applied, TICK, drain).await {
        office.decide().await?;
    }
    Ok(())
}

/// 发证.
pub(crate) async fn certify(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let office = parts.office();
    while parts.wake.wait(Topic::Secured, TICK, drain).await {
        office.certify().await?;
    }
    Ok(())
}

/// Measures how batches stand.
pub(crate) async fn standing(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    loop {
        let mut connection = parts.pool.acquire().await?;
        let counts = batches::counts(&mut connection).await?;
        let oldest = batches::oldest(&mut connection).await?;
        drop(connection);
        let waited = oldest.map_or(0, |at| parts.author.now().millis() - at.millis());
        metrics::batches(&counts, waited as f64 / 1000.0);
        if !drain.pause(LOOK).await {
            return Ok(());
        }
    }
}
