//! What came back from the log is read again: reports for their tasks, signatures and rechecks for who and why.
//!
//! Before: `hear.rs` kept the events. The documents are this service's own or, after a loss, those that registration holds
//! and packs. A document that cannot be had now is asked for again with the next pass; meanwhile the event speaks alone.

use dengbei_checks::{CheckId, Report};
use dengbei_kit::documents::{self, DocumentError};
use dengbei_kit::grpc::MeshChannel;
use dengbei_kit::status;
use dengbei_records::Sha256;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgConnection, PgPool};

use super::error::WholeError;
use super::{Wholes, keep};
use crate::desk::papers::{Finding, Reason};
use crate::store::drills;
use crate::store::{rechecks, tasks, wholes};

/// Documents of one pass, of each kind.
const AT_ONCE: i64 = 64;

impl Wholes {
    pub(super) async fn restore(&self) -> Result<(), sqlx::Error> {
        for outcome in [self.reports().await, self.signatures().await, self.rechecks().await] {
            match outcome {
                Ok(()) => {}
                Err(WholeError::Database(e)) => return Err(e),
                Err(e) => tracing::warn!(why = status::chain(&e), "a document of a check cannot be had yet"),
            }
        }
        Ok(())
    }

    async fn reports(&self) -> Result<(), WholeError> {
        for (stated, digest) in wholes::unread(&self.pool, AT_ONCE).await? {
            let mut tx = self.pool.begin().await?;
            let report: Report = self.document(&mut tx, &digest).await?;
            keep(&mut tx, stated, &report).await?;
            drilled(&mut tx, &report).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn signatures(&self) -> Result<(), WholeError> {
        for (event, digest) in tasks::unread(&self.pool, AT_ONCE).await? {
            let mut tx = self.pool.begin().await?;
            let said: Finding = self.document(&mut tx, &digest).await?;
            tasks::told(&mut tx, event, (&said.person, &said.note)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn rechecks(&self) -> Result<(), WholeError> {
        for (event, digest) in rechecks::unread(&self.pool, AT_ONCE).await? {
            let mut tx = self.pool.begin().await?;
            let said: Reason = self.document(&mut tx, &digest).await?;
            rechecks::told(&mut tx, event, (&said.person, &said.reason)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// A document that an own event cites, kept here again.
    async fn document<T: DeserializeOwned>(
        &self,
        tx: &mut PgConnection,
        digest: &Sha256,
    ) -> Result<T, WholeError> {
        let found = find(&self.pool, &self.registration, digest).await?;
        documents::put(tx, &found.body, &found.media_type).await?;
        serde_json::from_slice(&found.body).map_err(|e| WholeError::Fault(e.to_string()))
    }
}

/// A document: this service's own, else what registration holds.
pub(crate) async fn find(
    pool: &PgPool,
    registration: &MeshChannel,
    digest: &Sha256,
) -> Result<documents::Document, DocumentError> {
    match documents::get(pool, digest).await? {
        Some(own) => Ok(own),
        None => documents::fetch(registration, digest).await,
    }
}

/// What a report tells of a drill comes back with it.
async fn drilled(tx: &mut PgConnection, report: &Report) -> Result<(), sqlx::Error> {
    let Some(found) = report.checks.iter().find(|c| c.id == CheckId::U09) else { return Ok(()) };
    let said = |what: &str| found.evidence.iter().find(|e| e.what == what).map(|e| e.value.as_str());
    let Some((site, pack, generation)) = said("from").and_then(drills::place) else { return Ok(()) };
    // The run that did it is the one whose own time it has; later ones repeat it.
    let Some(at) = report.began_at.filter(|at| said("at") == Some(&at.to_string())) else { return Ok(()) };
    let differing = found.findings.iter().filter(|f| f.place != "drill").map(|f| f.place.clone()).collect();
    let from = drills::from(site, pack, generation);
    let compared = found.compared;
    let restored = dengbei_checks::facts::Restored { at, from, compared, differing };
    drills::put(tx, (site, pack, generation), &restored).await
}
