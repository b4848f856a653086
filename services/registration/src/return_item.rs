//! 退回与被替代: states what was decided about submissions that are not filed.
//!
//! A step of its own, so that a database restored from an old dump first hears what it stated in its former life and
//! says nothing twice. Before: `decide.rs` and `receive.rs`. After: ingest lets the staged bytes go.

use dengbei_bus::Outbox;
use dengbei_chain::facts::{ItemReturned, ItemSuperseded};
use dengbei_chain::{DocumentRef, Encoded, Fact, Subject};
use dengbei_kit::documents as own_documents;
use dengbei_records::{EventHash, Timestamp};
use sqlx::{PgConnection, PgPool};

use crate::author::{Author, Statement};
use crate::error::FilingError;
use crate::metrics;
use crate::store::documents;
use crate::store::items::{self, Standing, Unstated};

/// Outcomes stated in one transaction.
const AT_ONCE: i64 = 256;

/// States outcomes.
#[derive(Debug, Clone)]
pub(crate) struct Stater {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) outbox: Outbox,
}

impl Stater {
    /// States everything that is decided; gives how many.
    pub(crate) async fn pass(&self) -> Result<usize, FilingError> {
        let mut stated = 0;
        loop {
            let now = self.author.now();
            let mut tx = self.pool.begin().await?;
            let decided = items::unstated(&mut tx, AT_ONCE).await?;
            if decided.is_empty() {
                return Ok(stated);
            }
            let mut events = Vec::with_capacity(decided.len());
            for one in &decided {
                events.push(self.state(&mut tx, one, now).await?);
            }
            let prefiled: Vec<EventHash> = decided.iter().map(|one| one.rival.prefiled).collect();
            let traces = dengbei_bus::kept_traces(&mut tx, &prefiled).await?;
            let contexts: Vec<_> = prefiled.iter().map(|hash| traces.get(hash).cloned()).collect();
            self.outbox
                .put_traced(&mut tx, &events, &contexts)
                .await
                .map_err(|e| FilingError::Internal(e.into()))?;
            tx.commit().await?;
            stated += events.len();
        }
    }

    async fn state(
        &self,
        tx: &mut PgConnection,
        decided: &Unstated,
        now: Timestamp,
    ) -> Result<Encoded, FilingError> {
        let (statement, standing) = match decided.rival.standing {
            Standing::Failing => {
                metrics::returned(&decided.failed);
                (self.returned(tx, decided).await?, Standing::Returned)
            }
            _ => (superseded(tx, decided).await?, Standing::Superseded),
        };
        let event = self.author.state(statement, now)?;
        items::end(tx, decided.rival.prefiled, standing, event.hash).await?;
        metrics::ended(standing);
        Ok(event)
    }

    async fn returned(&self, tx: &mut PgConnection, decided: &Unstated) -> Result<Statement, FilingError> {
        let rival = &decided.rival;
        let (checked, digest) = decided.checked.zip(decided.report).ok_or_else(|| lacking(rival.prefiled))?;
        let report = documents::find(tx, &digest).await?.ok_or_else(|| lacking(rival.prefiled))?;
        // Ours from now on too: whoever hears of the return asks here for its reasons.
        own_documents::put(tx, &report.body, &report.media_type).await?;
        let fact = Fact::ItemReturned(ItemReturned {
            item: rival.item,
            data_version: rival.data_version,
            submission: rival.submission,
            failed: decided.failed.clone(),
            report: DocumentRef::to(&report.body, &report.media_type),
        });
        Ok(Statement { subject: Subject::Item(rival.item), causes: vec![rival.prefiled, checked], fact })
    }
}

async fn superseded(tx: &mut PgConnection, decided: &Unstated) -> Result<Statement, FilingError> {
    let rival = &decided.rival;
    let by = decided.by.ok_or_else(|| lacking(rival.prefiled))?;
    let winner = items::find(tx, by).await?.ok_or_else(|| lacking(by))?;
    let fact = Fact::ItemSuperseded(ItemSuperseded {
        item: rival.item,
        data_version: rival.data_version,
        submission: rival.submission,
        by_data_version: winner.data_version,
        by_submission: winner.submission,
    });
    Ok(Statement { subject: Subject::Item(rival.item), causes: vec![rival.prefiled, by], fact })
}

fn lacking(hash: EventHash) -> FilingError {
    FilingError::Content(format!("{hash}: 决定缺少依据 / the decision lacks its ground"))
}
