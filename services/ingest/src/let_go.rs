//! What is decided is let go: its bytes leave the staging disk.
//!
//! A reconciler: looks once a second for segments in which everything is decided and lets them go whole, which is one
//! removal; what waits for a slower neighbour longer than a minute is punched out. Only segments that this process
//! owns: what lies in another's is let go by that one, or by whoever adopts it (`adopt.rs`). If we crash between freeing and
//! noting it, freeing again is harmless, because segment numbers are never used twice. It also counts anew what is
//! undecided, since that is when it changes.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::Drain;
use dengbei_records::{Clock, SubmissionId};
use sqlx::postgres::PgPool;

use crate::stage::Stage;
use crate::standing::Standing;
use crate::store::places::{self, Piece};

const LOOK: Duration = Duration::from_secs(1);
/// Counting reads every undecided row's index entry: not too often.
const COUNT_EVERY: u32 = 5;
/// How long what is decided may wait for its segment to go whole.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Frees the bytes of what is decided.
#[derive(Clone)]
pub(crate) struct LetGo {
    pub(crate) pool: PgPool,
    pub(crate) stage: Stage,
    pub(crate) standing: Arc<Standing>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) patience: Duration,
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
            while self.let_go().await? > 0 {}
            if !drain.pause(LOOK).await {
                return Ok(());
            }
        }
    }

    /// Frees some segments, or what has waited long enough in them; how many submissions.
    pub(crate) async fn let_go(&self) -> anyhow::Result<usize> {
        let patience = i64::try_from(self.patience.as_millis()).unwrap_or(i64::MAX);
        let before = self.clock.now().millis().saturating_sub(patience);
        let mut freed = 0;
        for decided in places::to_let_go(&self.pool, &self.stage.owned(), before).await? {
            let (ids, pieces): (Vec<SubmissionId>, Vec<Piece>) = decided.into_iter().unzip();
            let Some((segment, ..)) = pieces.first() else { continue };
            if self.stage.release_all(*segment, &pieces).await? {
                places::gone(&self.pool, &ids).await?;
                freed += ids.len();
            }
        }
        Ok(freed)
    }
}
