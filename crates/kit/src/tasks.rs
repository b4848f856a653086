//! Long-running tasks by name, each stating what its failure means.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, error, info, info_span, warn};

use crate::Drain;

/// What a task's failure (an error, a panic, or an end before the drain) means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Start it again, after 100 ms at first and 10 s at most: for loops that depend on something outside.
    Restart,
    /// The service cannot do without: drain everything and report the error.
    Stop,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A task that ran this long was well: its next failure starts with the first pause again.
const WELL_AFTER: Duration = Duration::from_secs(60);

const FAILURES: &str = "dengbei_task_failures_total";

/// The tasks of one service.
#[derive(Debug)]
pub struct Tasks {
    drain: Drain,
    set: JoinSet<anyhow::Result<()>>,
}

impl Tasks {
    /// None yet. A task that stops the service asks for `drain`.
    pub fn new(drain: Drain) -> Self {
        Self { drain, set: JoinSet::new() }
    }

    /// Starts a task. `make` is called once, and again for every restart.
    pub fn spawn<F>(&mut self, name: &'static str, on_error: OnError, make: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let drain = self.drain.clone();
        let span = info_span!(target: "dengbei_task", "task", name);
        metrics::counter!(FAILURES, "task" => name).increment(0);
        self.set.spawn(
            async move {
                match on_error {
                    OnError::Stop => stopping(name, &drain, make()).await,
                    OnError::Restart => restarting(name, &drain, make).await,
                }
            }
            .instrument(span),
        );
    }

    /// Waits until every task has ended; from the drain on at most `deadline`, then ends the rest by force.
    ///
    /// # Errors
    /// The first error of a task whose failure means [`OnError::Stop`].
    pub async fn join(mut self, deadline: Duration) -> anyhow::Result<()> {
        let mut first: Option<anyhow::Error> = None;
        let drain = self.drain.clone();
        let late = async {
            drain.requested().await;
            tokio::time::sleep(deadline).await;
        };
        tokio::pin!(late);
        loop {
            tokio::select! {
                ended = self.set.join_next() => match ended {
                    None => break,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(e))) => { first.get_or_insert(e); }
                    Some(Err(e)) => { first.get_or_insert(e.into()); }
                },
                () = &mut late => {
                    warn!(left = self.set.len(), "tasks did not end in time and are ended by force");
                    self.set.shutdown().await;
                    break;
                }
            }
        }
        first.map_or(Ok(()), Err)
    }
}

async fn stopping(
    name: &'static str,
    drain: &Drain,
    task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
) -> anyhow::Result<()> {
    let outcome = caught(task).await;
    let was_asked = drain.is_requested();
    drain.request();
    match outcome {
        Ok(()) if was_asked => Ok(()),
        Ok(()) => Err(anyhow::anyhow!("task {name} ended by itself")),
        Err(e) => Err(e.context(format!("task {name}"))),
    }
}

async fn restarting<F>(name: &'static str, drain: &Drain, make: impl Fn() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let began = tokio::time::Instant::now();
        let outcome = caught(make()).await;
        note(name, outcome, drain.is_requested());
        if began.elapsed() > WELL_AFTER {
            pause = FIRST_PAUSE;
        }
        if !drain.pause(pause).await {
            return Ok(());
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn note(name: &'static str, outcome: anyhow::Result<()>, is_draining: bool) {
    match outcome {
        Ok(()) if is_draining => {}
        Ok(()) => {
            metrics::counter!(FAILURES, "task" => name).increment(1);
            warn!(name, "task ended by itself; starting it again");
        }
        Err(e) if is_draining => info!(name, error = format!("{e:#}"), "task failed while draining"),
        Err(e) => {
            metrics::counter!(FAILURES, "task" => name).increment(1);
            error!(name, error = format!("{e:#}"), "task failed; starting it again");
        }
    }
}

/// Runs the task on its own, so that its panic is an error here and its end is ours.
async fn caught(task: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> anyhow::Result<()> {
    let handle = tokio::spawn(task.in_current_span());
    match AbortOnDropHandle::new(handle).await {
        Ok(outcome) => outcome,
        Err(e) => Err(anyhow::anyhow!("ended without a result: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_restarting_task_survives_errors_and_panics() {
        let drain = Drain::new();
        let mut tasks = Tasks::new(drain.clone());
        let runs = Arc::new(AtomicU32::new(0));
        let (counted, ending) = (runs.clone(), drain.clone());
        tasks.spawn("loop", OnError::Restart, move || {
            let (n, ending) = (counted.fetch_add(1, Ordering::SeqCst), ending.clone());
            async move {
                match n {
                    0 => anyhow::bail!("once"),
                    1 => panic!("twice"),
                    _ => ending.request(),
                }
                Ok(())
            }
        });
        tasks.join(Duration::from_secs(5)).await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_task_that_the_service_needs_stops_it_with_its_error() {
        let drain = Drain::new();
        let mut tasks = Tasks::new(drain.clone());
        tasks.spawn("needed", OnError::Stop, || async { anyhow::bail!("gone") });
        let waiting = drain.clone();
        tasks.spawn("other", OnError::Stop, move || {
            let waiting = waiting.clone();
            async move {
                waiting.requested().await;
                Ok(())
            }
        });
        let error = tasks.join(Duration::from_secs(5)).await.unwrap_err();
        assert!(format!("{error:#}").contains("gone"), "{error:#}");
        assert!(drain.is_requested());
    }

    #[tokio::test]
    async fn a_task_that_ignores_the_drain_is_ended_by_force() {
        let drain = Drain::new();
        let mut tasks = Tasks::new(drain.clone());
        tasks.spawn("deaf", OnError::Stop, || async {
            std::future::pending::<()>().await;
            Ok(())
        });
        drain.request();
        tasks.join(Duration::from_millis(50)).await.unwrap();
    }
}
