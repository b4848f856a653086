//! 正式归档: finishes plans. Write, then commit: states, events and the unit's signature in one transaction.
//!
//! A plan is always finished, by any worker. If we crash after the pack is written and before the commit, the next
//! worker writes the same bytes, finds them there, and commits. Before: `write.rs`. After: the outbox, `batches/apply.rs`.

use std::collections::HashMap;

use dengbei_bus::Outbox;
use dengbei_chain::facts::BatchFiled;
use dengbei_chain::{Encoded, Fact, FactKind, Subject, root};
use dengbei_kit::{db, faults, status, telemetry};
use dengbei_records::{EventHash, PackNumber, Timestamp};
use sqlx::{PgConnection, PgPool};
use tracing::Instrument as _;

use crate::author::{Author, Statement};
use crate::error::FilingError;
use crate::metrics;
use crate::store::packs::{Contents, Filed};
use crate::store::plans::{End, Plan};
use crate::store::{documents, packs, plans, ready};
use crate::unit_keys::UnitKeys;
use crate::wake::{self, Topic};
use crate::write::{Writer, Written};

/// Finishes plans.
#[derive(Debug, Clone)]
pub(crate) struct Filer {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) outbox: Outbox,
    pub(crate) keys: UnitKeys,
    pub(crate) writer: Writer,
}

impl Filer {
    /// Finishes one plan. What cannot be finished now is put off, never dropped. False: it was not open, or failed.
    pub(crate) async fn finish(&self, pack: PackNumber) -> Result<bool, FilingError> {
        match self.try_finish(pack).await {
            Ok(done) => Ok(done),
            Err(e) => {
                let why = status::chain(&e);
                metrics::plan_failed(e.class());
                tracing::error!(%pack, why, "plan cannot be finished yet");
                let now = self.author.now();
                plans::put_off(&mut *self.pool.acquire().await?, pack, now, &why).await?;
                Ok(false)
            }
        }
    }

    async fn try_finish(&self, pack: PackNumber) -> Result<bool, FilingError> {
        let mut connection = self.pool.acquire().await?;
        let Some(plan) = plans::load(&mut connection, pack).await? else { return Ok(false) };
        let documents = documents::of_pack(&mut connection, pack).await?;
        let prefiled: Vec<EventHash> = plan.items.iter().map(|i| i.prefiled).collect();
        let traces = dengbei_bus::kept_traces(&mut connection, &prefiled).await?;
        drop(connection);
        let span = telemetry::span_among(traces.values().map(String::as_str), "file pack");
        let filing = async {
            let written = self.writer.write(&plan, &documents, self.author.now()).await?;
            self.commit(&plan, &written, &traces).await
        };
        let done = filing.instrument(span).await?;
        faults::reach("filing.committed");
        Ok(done)
    }

    async fn commit(
        &self,
        plan: &Plan,
        written: &Written,
        traces: &HashMap<EventHash, String>,
    ) -> Result<bool, FilingError> {
        let now = self.author.now();
        let mut tx = db::begin_by_key(&self.pool).await?;
        if !plans::end(&mut tx, plan.head.pack, End::Committed).await? {
            return Ok(false);
        }
        let (batch, event) = self.batch(&mut tx, plan, written, now).await?;
        let filed: Vec<_> = plan.items.iter().map(|i| (i.prefiled, i.event.hash)).collect();
        let mut checks = ready::file(&mut tx, &filed).await?;
        if checks.len() != filed.len() {
            let text = format!("pack {}: an item of the plan is not planned", plan.head.pack);
            return Err(FilingError::Internal(anyhow::anyhow!(text)));
        }
        checks.sort_unstable();
        checks.dedup();
        let contents = Contents { files: Some(written.files), checks };
        packs::insert(&mut tx, &batch, &contents, event.hash, now).await?;
        packs::insert_items(&mut tx, &stored_items(plan, written)).await?;
        let mut events: Vec<Encoded> = plan.items.iter().map(|i| encoded(&i.event)).collect();
        events.push(event);
        // Each item's fact in its own trace, the pack's in that of the filing.
        let mut contexts: Vec<_> = plan.items.iter().map(|i| traces.get(&i.prefiled).cloned()).collect();
        contexts.push(telemetry::traceparent());
        self.outbox
            .put_traced(&mut tx, &events, &contexts)
            .await
            .map_err(|e| FilingError::Internal(e.into()))?;
        wake::on_commit(&mut tx, Topic::Filed).await?;
        tx.commit().await?;
        metrics::filed(plan.items.len());
        tracing::info!(pack = %plan.head.pack, items = plan.items.len(), bytes = written.stored.len, "filed");
        Ok(true)
    }

    /// `batch.filed`, signed by the unit.
    async fn batch(
        &self,
        tx: &mut PgConnection,
        plan: &Plan,
        written: &Written,
        now: Timestamp,
    ) -> Result<(BatchFiled, Encoded), FilingError> {
        let head = &plan.head;
        let members = documents::body(tx, &head.members).await?;
        let members = members.ok_or_else(|| FilingError::Content("成员清单缺失 / no member list".into()))?;
        let root = root(&plan.hashes());
        let text = BatchFiled::signed_text(&self.author.area, head.pack, &root, &written.stored.sha256);
        let (keys, unit) = (self.keys.clone(), head.group.unit.clone());
        let signed = tokio::task::spawn_blocking(move || keys.sign(&unit, &text)).await;
        let signed = signed.map_err(|e| FilingError::Internal(e.into()))??;
        let batch = BatchFiled {
            pack: head.pack,
            generation: 1,
            fonds_no: head.fonds.clone(),
            year: head.group.year,
            retention: head.group.retention,
            count: plan.items.len() as u32,
            root,
            pack_digest: written.stored.sha256,
            pack_bytes: written.stored.len,
            versions_root: written.summary.versions_root,
            unit_uscc: head.group.unit.clone(),
            unit_key: signed.key,
            unit_signature: signed.signature,
            members: plan.members(&members),
        };
        let subject = Subject::Pack(head.pack);
        let statement = Statement { subject, causes: Vec::new(), fact: Fact::BatchFiled(batch.clone()) };
        let event = self.author.state(statement, now)?;
        Ok((batch, event))
    }
}

/// The frozen event as the outbox takes it.
fn encoded(event: &dengbei_chain::Event) -> Encoded {
    Encoded { bytes: event.bytes.clone(), hash: event.hash, kind: FactKind::ItemFiled }
}

fn stored_items<'a>(plan: &'a Plan, written: &Written) -> Vec<Filed<'a>> {
    // The pack lists its items first, in the plan's order.
    let places = written.summary.places.iter().map(|place| place.range.clone());
    let filed = plan.items.iter().zip(places).enumerate();
    filed
        .map(|(ordinal, (item, range))| Filed {
            prefiled: item.prefiled,
            event: item.event.hash,
            fact: &item.filed,
            ordinal,
            created: plan.head.created,
            range: Some(range),
        })
        .collect()
}
