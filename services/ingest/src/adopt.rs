//! 接管: what another ingest left in the shared staging folder when it ended, however it ended.
//!
//! A reconciler by the clock: segments whose owner lives no more become ours; a while later, when nothing that their
//! owner began can still be committed, the database says what is live in them and the rest is freed. Reading needs no
//! owner, so nobody waits for this. It also strikes out rows of segments that are gone: whoever freed them may have
//! ended before noting it. And it decides what the committer could not: where the database fell silent during a commit,
//! the bytes stay until the same while has passed, and then go if there is no row for them.
//!
//! If we crash here, somebody else adopts again and the while begins anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dengbei_kit::Drain;
use dengbei_records::SubmissionId;
use dengbei_vault::{SegmentId, Staging};
use sqlx::postgres::PgPool;
use tokio::time::Instant;

use crate::stage::ranges;
use crate::store::places::{self, Piece};

const LOOK: Duration = Duration::from_secs(5);
/// No transaction lasts longer than a minute (`kit::db`); after two, what a dead process began is committed or never.
pub(crate) const GRACE: Duration = Duration::from_secs(120);
/// Segments whose rows are looked at in one go.
const AT_ONCE: i64 = 256;

/// What waits for the while to pass, each since when. Clones share it.
#[derive(Debug)]
pub(crate) struct Waiting<T>(Arc<Mutex<Vec<(Instant, T)>>>);

/// Submissions of which nobody knows whether they were committed.
pub(crate) type Doubts = Waiting<(SubmissionId, Piece)>;

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Waiting<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Waiting<T> {
    /// Notes one, since now.
    pub(crate) fn note(&self, one: T) {
        self.note_since(Instant::now(), one);
    }

    fn note_since(&self, since: Instant, one: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((since, one));
    }

    fn ripe(&self, grace: Duration) -> Vec<(Instant, T)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extract_if(.., |(since, _)| since.elapsed() >= grace).collect()
    }
}

/// Adopts. Cheap to clone; clones share what waits.
#[derive(Clone)]
pub(crate) struct Adoption {
    pool: PgPool,
    staging: Staging,
    grace: Duration,
    adopted: Waiting<Vec<SegmentId>>,
    doubts: Doubts,
}

impl Adoption {
    pub(crate) fn new(pool: PgPool, staging: Staging, doubts: Doubts, grace: Duration) -> Self {
        Self { pool, staging, grace, adopted: Waiting::default(), doubts }
    }

    /// Works until the drain.
    pub(crate) async fn run(self, drain: Drain) -> anyhow::Result<()> {
        loop {
            self.look().await?;
            if !drain.pause(LOOK).await {
                return Ok(());
            }
        }
    }

    /// Adopts what is nobody's, settles what was adopted long enough ago, strikes out what is gone.
    pub(crate) async fn look(&self) -> anyhow::Result<()> {
        let adopted = self.staging.adopt().await?;
        if !adopted.is_empty() {
            tracing::info!(segments = adopted.len(), "staged segments of a process that ended are adopted");
            self.adopted.note(adopted);
        }
        for (since, segments) in self.adopted.ripe(self.grace) {
            if let Err(e) = self.settle(&segments).await {
                self.adopted.note_since(since, segments);
                return Err(e);
            }
        }
        self.doubtful().await?;
        self.strike_out().await
    }

    /// Frees what was not committed after all.
    async fn doubtful(&self) -> anyhow::Result<()> {
        for (since, (submission, piece)) in self.doubts.ripe(self.grace) {
            let known = match places::is_known(&self.pool, submission).await {
                Ok(known) => known,
                Err(e) => {
                    self.doubts.note_since(since, (submission, piece));
                    return Err(e.into());
                }
            };
            if !known {
                let (segment, ranges) = ranges(piece);
                self.staging.release(segment, ranges).await?;
            }
        }
        Ok(())
    }

    async fn settle(&self, segments: &[SegmentId]) -> anyhow::Result<()> {
        let live = places::staged_in(&self.pool, segments).await?;
        self.staging.settle(segments.to_vec(), live.into_iter().map(ranges)).await?;
        tracing::info!(
            segments = segments.len(),
            "adopted segments hold what the database knows, and no more"
        );
        Ok(())
    }

    /// Rows of what is decided and whose segment is gone.
    async fn strike_out(&self) -> anyhow::Result<()> {
        let ours: Vec<SegmentId> = self.staging.owned().into_iter().map(|o| o.segment).collect();
        for segment in places::decided_elsewhere(&self.pool, &ours, AT_ONCE).await? {
            if self.staging.is_gone(segment).await? {
                places::struck_out(&self.pool, segment).await?;
            }
        }
        Ok(())
    }
}
