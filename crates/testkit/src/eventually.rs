//! Waiting for a condition with a deadline, instead of sleeping and hoping.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

const BETWEEN: Duration = Duration::from_millis(20);

/// Tries `attempt` until it succeeds, at most until `deadline` has passed.
///
/// ```no_run
/// # async fn count() -> anyhow::Result<u32> { Ok(3) }
/// # async fn t() -> anyhow::Result<()> {
/// dengbei_testkit::eventually(dengbei_testkit::PATIENCE, "three items are filed", async || {
///     let filed = count().await?;
///     anyhow::ensure!(filed == 3, "{filed} are filed");
///     Ok(filed)
/// })
/// .await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// Says what was waited for and why the last attempt failed.
pub async fn eventually<T>(
    deadline: Duration,
    what: &str,
    mut attempt: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + deadline;
    let mut last = anyhow::anyhow!("no attempt came to an end");
    loop {
        match tokio::time::timeout_at(end, attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) if Instant::now() < end => last = error,
            Ok(Err(error)) => return Err(error).with_context(|| not_within(what, deadline)),
            Err(_) => return Err(last).with_context(|| not_within(what, deadline)),
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

fn not_within(what: &str, deadline: Duration) -> String {
    format!("not within {deadline:?}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_returns_what_the_first_success_gives() {
        let mut tries = 0;
        let got = eventually(Duration::from_secs(5), "three", async || {
            tries += 1;
            anyhow::ensure!(tries == 3, "only {tries}");
            Ok(tries)
        });
        assert_eq!(got.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn it_says_what_was_waited_for_and_the_last_reason() {
        let failed = eventually(Duration::from_millis(60), "the moon", async || -> anyhow::Result<()> {
            anyhow::bail!("clouds")
        });
        let text = format!("{:#}", failed.await.unwrap_err());
        assert!(text.contains("the moon") && text.contains("clouds"), "{text}");
    }
}
