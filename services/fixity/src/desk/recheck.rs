//! 人工复检: a person looks again at what the machine found about an item. A row beside the report, never a change of it;
//! `checks::with_recheck` says what holds.
//!
//! The report is found by its document's digest, here or with registration, and must be intact: its own digest is that of
//! its content, and it is the report that an `item.checked` of this item cites.

use dengbei_chain::facts::CheckRechecked;
use dengbei_chain::{Fact, Subject};
use dengbei_checks::{CheckId, Effective, Opinion, Recheck, Report, judge_recheck, with_recheck};
use dengbei_kit::documents::{self, DocumentError};
use dengbei_records::{ItemId, Sha256, Timestamp};

use super::error::DeskError;
use super::papers::Reason;
use super::{Desk, Person, text};
use crate::metrics;
use crate::store::rechecks::{self, RecheckRow};
use crate::store::runs;
use crate::verdict::salt;
use crate::wholes;

/// What a person says.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) item: ItemId,
    /// SHA-256 of the report's document.
    pub(crate) report: Sha256,
    pub(crate) check: CheckId,
    pub(crate) opinion: Opinion,
    pub(crate) reason: String,
}

/// What was said about an item, and what holds of one report.
#[derive(Debug, Clone)]
pub(crate) struct Rechecked {
    pub(crate) rows: Vec<RecheckRow>,
    /// The named report's own digest, and what holds of it.
    pub(crate) holds: Option<(Sha256, Effective)>,
}

impl Desk {
    /// Says it. Durable when it returns, and in the log soon after.
    ///
    /// # Errors
    /// [`DeskError`]; nothing is kept then.
    pub(crate) async fn recheck(&self, person: &Person, said: &Said) -> Result<Rechecked, DeskError> {
        let report = self.report(&said.item, &said.report).await?;
        let own = report.digest.ok_or(dengbei_checks::RecheckError::Unsealed)?;
        let at = self.author.clock.now();
        let row = Recheck {
            report: own,
            check: said.check,
            opinion: said.opinion,
            person: text(&person.name)?,
            reason: text(&said.reason)?,
            at,
        };
        judge_recheck(&report, &row)?;
        let opinion = said.opinion.as_str();
        let reason = Reason {
            salt: salt(),
            item: said.item,
            report: own,
            check: said.check.to_string(),
            opinion: opinion.to_owned(),
            person: row.person.clone(),
            at,
            reason: row.reason.clone(),
        };
        let (body, reference) = reason.document()?;
        let fact = CheckRechecked {
            item: said.item,
            report: own,
            check: reason.check.clone(),
            opinion: reason.opinion.clone(),
            reason: reference.clone(),
        };
        let about = (Subject::Item(said.item), Vec::new(), Fact::CheckRechecked(fact));
        let event = self.author.encode_of(about, person.actor, at)?;
        let kept = RecheckRow {
            event: event.hash.as_bytes().to_vec(),
            item: said.item.uuid(),
            report: own.as_bytes().to_vec(),
            check_id: reason.check,
            opinion: reason.opinion,
            actor: person.bytes(),
            document: reference.digest.as_bytes().to_vec(),
            at: at.millis(),
            person: Some(row.person),
            reason: Some(row.reason),
        };
        let mut tx = self.pool.begin().await?;
        rechecks::put(&mut tx, &kept).await?;
        documents::put(&mut tx, &body, &reference.media_type).await?;
        self.author.outbox.put(&mut tx, &[event]).await?;
        tx.commit().await?;
        metrics::rechecked(opinion);
        self.rechecks(&said.item, Some(&said.report)).await
    }

    /// What was said about an item; what holds of the report that is named.
    pub(crate) async fn rechecks(
        &self,
        item: &ItemId,
        report: Option<&Sha256>,
    ) -> Result<Rechecked, DeskError> {
        let rows = rechecks::of_item(&self.pool, item).await?;
        let Some(named) = report else { return Ok(Rechecked { rows, holds: None }) };
        let report = self.report(item, named).await?;
        let own = report.digest.ok_or(dengbei_checks::RecheckError::Unsealed)?;
        let of_it: Vec<Recheck> = rows.iter().filter_map(read).filter(|r| r.report == own).collect();
        let holds = with_recheck(&report, &of_it)?;
        Ok(Rechecked { rows, holds: Some((own, holds)) })
    }

    /// An item's report, whole.
    async fn report(&self, item: &ItemId, digest: &Sha256) -> Result<Report, DeskError> {
        // What the run kept; after a loss of this database the caller's word, which the item's history gave it.
        if runs::item_of(&self.pool, digest).await?.is_some_and(|of| of != *item) {
            return Err(DeskError::OtherItem);
        }
        let found = match wholes::find(&self.pool, &self.registration, digest).await {
            Ok(found) => found,
            Err(DocumentError::Missing(_)) => return Err(DeskError::NoReport),
            Err(e) => return Err(e.into()),
        };
        let report: Report = serde_json::from_slice(&found.body).map_err(|_| DeskError::NoReport)?;
        if !report.is_intact() {
            return Err(dengbei_checks::RecheckError::Unsealed.into());
        }
        Ok(report)
    }
}

/// As the checks read it; nothing of a row whose document is not back yet: who and why belong to it.
fn read(row: &RecheckRow) -> Option<Recheck> {
    Some(Recheck {
        report: Sha256::from_slice(&row.report).ok()?,
        check: row.check_id.parse().ok()?,
        opinion: Opinion::from_name(&row.opinion)?,
        person: row.person.clone()?,
        reason: row.reason.clone()?,
        at: Timestamp::from_millis(row.at),
    })
}
