//! What is decided is let go: its bytes leave the staging disk.
//!
//! A reconciler: looks once a second for decided submissions that are still staged, frees them, and notes it. If we
//! crash in between, freeing again is harmless, because segment numbers are never used twice. It also counts anew
//! what is undecided, since that is when it changes.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::Drain;
use sqlx::postgres::PgPool;

use crate::stage::Stage;
use crate::standing::Standing;
use crate::store::places;

const LOOK: Duration = Duration::from_secs(1);
/// Counting reads every undecided row's index entry: not too often.
const COUNT_EVERY: u32 = 5;
/// Submissions freed before they are noted.
const BATCH: i64 = 1_000;

/// Frees the bytes of what is decided.
#[derive(Clone)]
pub(crate) struct LetGo {
    pub(crate) pool: PgPool,
    pub(crate) stage: Stage,
    pub(crate) standing: Arc<Standing>,
}

impl LetGo {
    /// Works until the drain.
    pub(crate) async fn run(self, drain: Drain) -> anyhow::Result<()> {
        let mut round: u32 = 0;
        loop {
            if round.is_multiple_of(COUNT_EVERY) {
                self.standing.recount(&self.pool).await?;
            }
            round = round.wrapping_add(1);
            while self.let_go().await? == usize::try_from(BATCH)? {}
            if !drain.pause(LOOK).await {
                return Ok(());
            }
        }
    }

    /// Frees one batch; how many.
    pub(crate) async fn let_go(&self) -> anyhow::Result<usize> {
        let decided = places::to_let_go(&self.pool, BATCH).await?;
        for (_, piece) in &decided {
            self.stage.release(*piece).await?;
        }
        if !decided.is_empty() {
            let ids: Vec<_> = decided.iter().map(|(id, _)| *id).collect();
            places::gone(&self.pool, &ids).await?;
        }
        Ok(decided.len())
    }
}
