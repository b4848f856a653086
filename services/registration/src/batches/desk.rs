//! 登记台: the steps by hand. Apply (申请), accept (受理), receive (接收), check (技术检测), register (登记), decline (不予登记), in
//! this order, by people who do not review their own work. Idempotent by (batch, step): the same again changes nothing.
//!
//! A person who takes a step of a batch that went on by rule takes it over.

use dengbei_kit::faults;
use dengbei_records::policy::Mode;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Office;
use super::apply::Applicant;
use super::decide::{Approval, two_people};
use super::error::BatchError;
use super::papers::Decided;
use super::rules::{
    Ask, Verb, by, check_by, check_packs, check_people, is_taken, no_packs, reasons, taken, unknown,
};
use crate::metrics;
use crate::store::batches::{self, Batch, BatchState, Progress, Step};
use crate::store::filed_packs;
use crate::store::policies;

impl Office {
    /// Takes a step; gives the batch it is about.
    ///
    /// # Errors
    /// [`BatchError::Refused`] when the step is not possible: nothing is changed then.
    pub(crate) async fn take(&self, ask: Ask) -> Result<Uuid, BatchError> {
        check_by(&ask)?;
        if ask.verb == Verb::Apply {
            return self.apply_by_hand(ask).await;
        }
        let batch = ask.batch.ok_or_else(|| {
            BatchError::invalid("batch.missing", "未指明登记批次", "no registration batch is named")
        })?;
        match ask.verb {
            Verb::Check => self.check_by_hand(batch, &ask).await?,
            _ => self.step_by_hand(batch, &ask).await?,
        }
        Ok(batch)
    }

    async fn apply_by_hand(&self, ask: Ask) -> Result<Uuid, BatchError> {
        let mut wanted = ask.packs.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let mut connection = self.pool.acquire().await?;
        let packs = filed_packs::of(&mut connection, &wanted).await?;
        if let Some(batch) = check_packs(&wanted, &packs)? {
            // Held already: the same application again, or another.
            let known = batches::find(&mut connection, batch).await?;
            return known.filter(|b| b.packs == wanted).map(|b| b.id).ok_or_else(|| taken(batch));
        }
        let unit = packs.first().map(|p| p.unit.clone()).ok_or_else(no_packs)?;
        let policy = policies::of(&mut connection, &unit).await?;
        drop(connection);
        two_people(&ask.by, &policy.unit.reviewed_by)?;
        let applicant = Applicant {
            filled_by: ask.by,
            reviewed_by: policy.unit.reviewed_by,
            grounds: "人工申请".into(),
            is_automatic: policy.registration == Mode::Automatic,
            actor: ask.actor,
            note: ask.note,
        };
        let made = self.apply_for(packs, applicant).await?;
        made.ok_or_else(|| {
            BatchError::conflict(
                "batch.packs_taken",
                "存储包刚被另一申请占用",
                "another application was faster",
            )
        })
    }

    /// A step that is one transaction.
    async fn step_by_hand(&self, batch: Uuid, ask: &Ask) -> Result<(), BatchError> {
        let mut tx = self.pool.begin().await?;
        let held = batches::hold(&mut tx, batch).await?.ok_or_else(unknown)?;
        let steps = batches::steps(&mut tx, batch).await?;
        if is_taken(ask, &held, &steps)? {
            return Ok(());
        }
        check_people(ask, &steps)?;
        match ask.verb {
            Verb::Register => self.register_by_hand(&mut tx, &held, &steps, ask).await?,
            Verb::Decline => self.decline_by_hand(&mut tx, &held, &steps, ask).await?,
            Verb::Accept => self.advance(&mut tx, &held, BatchState::Accepted, ask).await?,
            _ => self.advance(&mut tx, &held, BatchState::Received, ask).await?,
        }
        tx.commit().await?;
        match ask.verb {
            Verb::Register => {
                metrics::registered();
                faults::reach("batch.registered");
            }
            Verb::Decline => faults::reach("batch.declined"),
            _ => {}
        }
        tracing::info!(%batch, step = ask.verb.name(), "a step was taken at the desk");
        Ok(())
    }

    async fn advance(
        &self,
        tx: &mut PgConnection,
        batch: &Batch,
        state: BatchState,
        ask: &Ask,
    ) -> Result<(), BatchError> {
        let now = self.author.now();
        let progress = Progress { state, is_automatic: false, technical: &[], reasons: &[], at: now };
        batches::advance(tx, batch.id, &progress).await?;
        let step = Step::new(ask.verb.name(), now, &ask.by).noted(&ask.note);
        Ok(batches::note(tx, batch.id, &[step]).await?)
    }

    async fn register_by_hand(
        &self,
        tx: &mut PgConnection,
        batch: &Batch,
        steps: &[Step],
        ask: &Ask,
    ) -> Result<(), BatchError> {
        let opinion = if ask.note.is_empty() {
            "材料齐全，技术检测一致，予以登记。"
        } else {
            &ask.note
        };
        let approval = Approval {
            accepted_by: by(steps, Verb::Accept),
            reviewed_by: ask.by.clone(),
            technical: batch.technical.clone(),
            opinion: opinion.to_owned(),
            actor: ask.actor,
        };
        self.register(tx, batch, approval).await.map(drop)
    }

    async fn decline_by_hand(
        &self,
        tx: &mut PgConnection,
        batch: &Batch,
        steps: &[Step],
        ask: &Ask,
    ) -> Result<(), BatchError> {
        let (codes, texts) = reasons(&ask.reasons)?;
        let said: Vec<&str> = texts.iter().map(String::as_str).chain([ask.note.as_str()]).collect();
        let opinion = said.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("；");
        let decided = Decided {
            batch: batch.id,
            number: None,
            accepted_by: &by(steps, Verb::Accept),
            reviewed_by: &ask.by,
            technical: &batch.technical,
            reasons: &codes,
            opinion: if opinion.is_empty() { "不予登记。".into() } else { opinion },
            at: self.author.now(),
        };
        self.decline(tx, batch, decided, ask.actor).await
    }

    /// 技术检测: reads every byte before the transaction.
    async fn check_by_hand(&self, batch: Uuid, ask: &Ask) -> Result<(), BatchError> {
        let mut connection = self.pool.acquire().await?;
        let found = batches::find(&mut connection, batch).await?.ok_or_else(unknown)?;
        let steps = batches::steps(&mut connection, batch).await?;
        drop(connection);
        if is_taken(ask, &found, &steps)? {
            return Ok(());
        }
        check_people(ask, &steps)?;
        let findings = self.read_back(&found).await?;
        let mut tx = self.pool.begin().await?;
        let held = batches::hold(&mut tx, batch).await?.ok_or_else(unknown)?;
        let steps = batches::steps(&mut tx, batch).await?;
        if is_taken(ask, &held, &steps)? {
            return Ok(());
        }
        if findings.faults.is_empty() {
            let now = self.author.now();
            let progress = Progress {
                state: BatchState::Checked,
                is_automatic: false,
                technical: &findings.lines,
                reasons: &[],
                at: now,
            };
            batches::advance(&mut tx, batch, &progress).await?;
            let step = Step::new(ask.verb.name(), now, &ask.by).noted(&ask.note);
            batches::note(&mut tx, batch, &[step]).await?;
        } else {
            self.leave_received(&mut tx, &held, &findings, false).await?;
        }
        Ok(tx.commit().await?)
    }
}
