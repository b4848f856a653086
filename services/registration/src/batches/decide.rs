//! 受理, 技术检测, 登记: the administration's decision. By the unit's rule the named registrar accepts, the packs are read
//! back, and the named reviewer decides, another person; in one transaction with the registration number.
//!
//! A check that fails leaves the batch at 已接收 with its reasons, and is tried again with growing pauses and as soon as a
//! pack was repaired. If we crash before the transaction commits, no number was given. Before: `apply.rs`, or `desk.rs`
//! by hand. After: replication backs the packs up.

use bytes::Bytes;
use dengbei_chain::facts::{BatchDeclined, BatchRegistered};
use dengbei_chain::{Actor, Fact, Subject};
use dengbei_kit::{db, faults, status};
use dengbei_records::papers::{self as forms, MEDIA_TYPE};
use dengbei_records::{EventHash, SerialNo, Series};
use futures::StreamExt as _;
use sqlx::PgConnection;

use super::Office;
use super::check::Findings;
use super::error::BatchError;
use super::papers::{self, Decided, Sealing};
use crate::author::Statement;
use crate::metrics;
use crate::store::batches::{self, Batch, BatchState, Declined, Progress, Registered, Step};
use crate::store::{documents, filed_packs, numbers, policies};

/// Batches looked at in one pass.
const LOOKED_AT: i64 = 64;
/// Batches whose packs are read back at once.
const AT_ONCE: usize = 4;

/// Who decides, on what.
#[derive(Debug, Clone)]
pub(super) struct Approval {
    pub(super) accepted_by: String,
    pub(super) reviewed_by: String,
    pub(super) technical: Vec<String>,
    pub(super) opinion: String,
    pub(super) actor: Option<Actor>,
}

impl Office {
    /// Decides about everything that goes on by itself; gives the number of batches registered.
    pub(crate) async fn decide(&self) -> Result<usize, BatchError> {
        let mut connection = self.pool.acquire().await?;
        let open = batches::undecided(&mut connection, self.author.now(), LOOKED_AT).await?;
        drop(connection);
        let decided = futures::stream::iter(open).map(|batch| self.decide_or_put_off(batch));
        let decided: Vec<Result<bool, BatchError>> = decided.buffer_unordered(AT_ONCE).collect().await;
        let mut registered = 0;
        for one in decided {
            registered += usize::from(one?);
        }
        Ok(registered)
    }

    async fn decide_or_put_off(&self, batch: Batch) -> Result<bool, BatchError> {
        match self.decide_by_rule(&batch).await {
            Ok(is_registered) => Ok(is_registered),
            Err(e) => {
                let why = status::chain(&e);
                metrics::batch_failed("decide", e.class());
                tracing::error!(batch = %batch.id, why, "cannot be decided yet");
                let now = self.author.now();
                batches::put_off(&mut *self.pool.acquire().await?, batch.id, now, &why).await?;
                Ok(false)
            }
        }
    }

    async fn decide_by_rule(&self, batch: &Batch) -> Result<bool, BatchError> {
        let mut connection = self.pool.acquire().await?;
        let policy = policies::of(&mut connection, &batch.unit).await?;
        drop(connection);
        let findings = self.read_back(batch).await?;
        let mut tx = db::begin_by_key(&self.pool).await?;
        let Some(held) = batches::hold(&mut tx, batch.id).await? else { return Ok(false) };
        if !held.state.is_undecided() || !held.is_automatic {
            // Decided, or taken over by a person, meanwhile.
            return Ok(false);
        }
        let now = self.author.now();
        let taken =
            [Step::new("accept", now, &policy.registrar), Step::new("receive", now, &policy.registrar)];
        batches::note(&mut tx, held.id, &taken).await?;
        if !findings.faults.is_empty() {
            self.leave_received(&mut tx, &held, &findings, true).await?;
            let why = findings.faults.join(", ");
            batches::put_off(&mut tx, held.id, now, &why).await?;
            tx.commit().await?;
            return Ok(false);
        }
        batches::note(&mut tx, held.id, &[Step::new("check", now, &policy.registrar)]).await?;
        let approval = Approval {
            accepted_by: policy.registrar,
            reviewed_by: policy.reviewer,
            technical: findings.lines,
            opinion: "材料齐全，技术检测一致，予以登记。".into(),
            actor: None,
        };
        self.register(&mut tx, &held, approval).await?;
        faults::reach("batch.registering");
        tx.commit().await?;
        faults::reach("batch.registered");
        metrics::registered();
        tracing::info!(batch = %held.id, unit = %held.unit, items = held.items, "registered");
        Ok(true)
    }

    /// 技术检测 of a batch, outside any transaction: it reads every byte.
    pub(super) async fn read_back(&self, batch: &Batch) -> Result<Findings, BatchError> {
        let packs = filed_packs::of(&mut *self.pool.acquire().await?, &batch.packs).await?;
        if packs.len() != batch.packs.len() {
            return Err(BatchError::Content(format!("{}: 存储包不全 / a pack is not committed", batch.id)));
        }
        self.primary.check(&self.author.area, &packs).await
    }

    /// Leaves a batch whose check failed where a person and the next try find it.
    pub(super) async fn leave_received(
        &self,
        tx: &mut PgConnection,
        batch: &Batch,
        findings: &Findings,
        is_automatic: bool,
    ) -> Result<(), BatchError> {
        metrics::check_failed();
        tracing::error!(batch = %batch.id, faults = ?findings.faults, "the technical check failed: not registered");
        let progress = Progress {
            state: BatchState::Received,
            is_automatic,
            technical: &findings.lines,
            reasons: &findings.faults,
            at: self.author.now(),
        };
        Ok(batches::advance(tx, batch.id, &progress).await?)
    }

    /// Registers a held batch, in the caller's transaction: number, decision, event.
    pub(super) async fn register(
        &self,
        tx: &mut PgConnection,
        batch: &Batch,
        approval: Approval,
    ) -> Result<SerialNo, BatchError> {
        two_people(&approval.accepted_by, &approval.reviewed_by)?;
        let now = self.author.now();
        let number =
            numbers::next_serial(tx, Series::Registration, &self.author.area, papers::year(now)?).await?;
        let decided = Decided {
            batch: batch.id,
            number: Some(&number),
            accepted_by: &approval.accepted_by,
            reviewed_by: &approval.reviewed_by,
            technical: &approval.technical,
            reasons: &[],
            opinion: approval.opinion,
            at: now,
        };
        let document = self.seal_decision(&decided).await?;
        let decision = documents::cite(tx, document, MEDIA_TYPE, now).await?;
        let digest = decision.digest;
        let area = &self.author.area;
        let text = BatchRegistered::signed_text(area, &number, batch.id, &batch.root, &digest);
        let fact = Fact::BatchRegistered(BatchRegistered {
            batch: batch.id,
            registration_no: number.clone(),
            unit_uscc: batch.unit.clone(),
            items: batch.items,
            root: batch.root,
            decision,
            administration_key: self.administration.public(),
            administration_signature: self.administration.sign(&text),
        });
        let event = self.state(tx, batch, approval.actor, fact).await?;
        let technical = &approval.technical;
        let registered = Registered { number: &number, decision: digest, event, technical, at: now };
        batches::register(tx, batch.id, &registered).await?;
        batches::note(tx, batch.id, &[Step::new("register", now, &approval.reviewed_by)]).await?;
        Ok(number)
    }

    /// Declines a held batch, in the caller's transaction. Its packs may be applied for again.
    pub(super) async fn decline(
        &self,
        tx: &mut PgConnection,
        batch: &Batch,
        decided: Decided<'_>,
        actor: Option<Actor>,
    ) -> Result<(), BatchError> {
        let document = self.seal_decision(&decided).await?;
        let decision = documents::cite(tx, document, MEDIA_TYPE, decided.at).await?;
        let digest = decision.digest;
        let reasons = decided.reasons.to_vec();
        let fact = Fact::BatchDeclined(BatchDeclined { batch: batch.id, reasons, decision });
        let event = self.state(tx, batch, actor, fact).await?;
        let declined = Declined { reasons: decided.reasons, decision: digest, event, at: decided.at };
        batches::decline(tx, batch.id, &declined).await?;
        filed_packs::leave(tx, batch.id).await?;
        let step = Step::new("decline", decided.at, decided.reviewed_by).noted(&decided.opinion);
        Ok(batches::note(tx, batch.id, &[step]).await?)
    }

    async fn seal_decision(&self, decided: &Decided<'_>) -> Result<Bytes, BatchError> {
        let body: forms::Decision = papers::decision(&self.author.bodies.administration, decided);
        let (keys, at) = (self.administration.clone(), decided.at);
        let seal = move || {
            let name = body.administration.name.clone();
            Sealing { keys: &keys, role: "administration.seal", name: &name, at }.decision(body)
        };
        tokio::task::spawn_blocking(seal).await?
    }

    /// Puts a fact about a batch, caused by its application, into the outbox.
    async fn state(
        &self,
        tx: &mut PgConnection,
        batch: &Batch,
        actor: Option<Actor>,
        fact: Fact,
    ) -> Result<EventHash, BatchError> {
        let statement = Statement { subject: Subject::Batch(batch.id), causes: vec![batch.applied], fact };
        let event = self.author.state_for(actor, statement, self.author.now())?;
        let hash = event.hash;
        self.outbox.put(tx, &[event]).await?;
        Ok(hash)
    }
}

/// 审核 by another person than 受理.
pub(super) fn two_people(one: &str, other: &str) -> Result<(), BatchError> {
    if one.trim() != other.trim() {
        return Ok(());
    }
    Err(BatchError::conflict(
        "batch.same_person",
        format!("经办人不得审核本人办理的事项：{one}"),
        "nobody reviews their own work",
    )
    .remedy("请由另一人审核 / let another person review it"))
}
