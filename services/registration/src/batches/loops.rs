//! The loops of the desk: reconcilers, woken by signal and by timer, without input; what they find to do they do.

use std::time::Duration;

use dengbei_kit::Drain;

use crate::alone::Alone;
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
    let alone = Alone { lease: "registration.apply", topic: Topic::Filed, tick: TICK };
    let pass = || async {
        if office.apply().await? > 0 {
            parts.wake.signal(Topic::Applied);
        }
        Ok(())
    };
    alone.run(parts, drain, pass).await
}

/// 受理, 技术检测, 登记 by rule.
pub(crate) async fn decide(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let office = parts.office();
    let alone = Alone { lease: "registration.decide", topic: Topic::Applied, tick: TICK };
    let pass = || async {
        office.decide().await?;
        Ok(())
    };
    alone.run(parts, drain, pass).await
}

/// 发证.
pub(crate) async fn certify(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let office = parts.office();
    let alone = Alone { lease: "registration.certify", topic: Topic::Secured, tick: TICK };
    let pass = || async {
        office.certify().await?;
        Ok(())
    };
    alone.run(parts, drain, pass).await
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
