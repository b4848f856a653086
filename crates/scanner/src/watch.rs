//! The heartbeat (S-01): the scanner is asked every 15 s, off the runtime; that it went or came back is logged once. And
//! what a role's `/health` says of it.

use std::sync::Arc;

use dengbei_kit::admin::Health;
use dengbei_kit::{Drain, OnError, Tasks, measure, status};
use dengbei_records::Clock;

use crate::{Guard, ScanError};

/// The name of the part and of the task.
const NAME: &str = "scanner";
/// What stands wherever a scanner is missing.
pub(crate) const NONE: &str =
    "未配置杀毒服务，收到的文件未经杀毒 / no scanner is configured: nothing is scanned";
const DOWN: &str = "杀毒服务无应答 / the virus scanner does not answer";

impl Guard {
    /// Asks now and again until the drain.
    pub fn watch(&self, tasks: &mut Tasks, clock: &Arc<dyn Clock>, drain: &Drain) {
        let (guard, clock, drain) = (self.clone(), clock.clone(), drain.clone());
        tasks.spawn(NAME, OnError::Restart, move || {
            let (guard, clock, drain) = (guard.clone(), clock.clone(), drain.clone());
            async move { measure::every(&drain, || guard.beat(&clock)).await }
        });
    }

    async fn beat(&self, clock: &Arc<dyn Clock>) -> anyhow::Result<()> {
        let was_up = self.standing().is_up;
        match self.ask(clock.now()).await? {
            Ok(duty) if !was_up => tracing::info!(engine = duty.name(), "the virus scanner answers"),
            Err(error) if was_up => {
                tracing::warn!(error = status::chain(&error), "杀毒服务无应答 / the scanner went away");
            }
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }

    /// [`Guard::look`], off the runtime; the inner error is the scanner's.
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn ask(
        &self,
        now: dengbei_records::Timestamp,
    ) -> anyhow::Result<Result<crate::Duty, ScanError>> {
        let guard = self.clone();
        Ok(tokio::task::spawn_blocking(move || guard.look(now)).await?)
    }
}

/// Adds the scanner to what a role says about itself: without one, a warning in words; it never keeps a role from
/// being ready.
#[must_use]
pub fn health(health: Health, guard: Option<&Guard>) -> Health {
    let Some(standing) = guard.map(Guard::standing) else { return health.noting(NAME, NONE) };
    match standing.duty.filter(|_| standing.is_up) {
        Some(duty) => health.noting(NAME, &duty.name()),
        None => health.with(NAME, Err::<(), _>(DOWN)),
    }
}
