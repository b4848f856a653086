//! What registration hears: one line of glue for each fact. Before: the bus, or the log. After: `receive.rs`,
//! `decide.rs`, and `replay.rs` for what registration stated itself.

use std::collections::HashSet;

use dengbei_bus::{HandleError, Handler, Outcome};
use dengbei_chain::facts::{ItemFiled, ItemPrefiled, Verdict};
use dengbei_chain::{DocumentRef, Event, Fact, FactKind, MemberList, TransferReport};
use dengbei_kit::documents;
use dengbei_kit::grpc::MeshChannel;
use dengbei_records::{ErrorClass, EventHash};
use dengbei_vault::Site;
use sqlx::{PgConnection, PgPool};

use crate::author::Author;
use crate::batches::{SiteKeys, hear};
use crate::decide::{self, Failed};
use crate::receive;
use crate::replay::{self, ReplayedPack};
use crate::store::documents::Held;
use crate::store::{document_packs, packs};
use crate::transfers;
use crate::unit_keys::UnitKeys;

/// Applies facts to registration's state.
#[derive(Debug, Clone)]
pub(crate) struct Registrar {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) fixity: MeshChannel,
    pub(crate) site: Site,
    pub(crate) keys: UnitKeys,
    pub(crate) site_keys: SiteKeys,
}

/// What an event needs that is not in it, fetched before the transaction.
pub(crate) enum Prepared {
    Nothing,
    Members(Box<(MemberList, Held)>),
    Document(Held),
    Pack(Box<ReplayedPack>),
    Report(Box<(TransferReport, Held)>),
}

impl Handler for Registrar {
    type Prepared = Vec<Prepared>;

    fn wants(&self, kind: FactKind) -> bool {
        !matches!(kind, FactKind::ItemParked | FactKind::SubmissionRefused)
    }

    async fn prepare(&self, events: &[Event]) -> Result<Vec<Prepared>, HandleError> {
        let mut prepared = Vec::with_capacity(events.len());
        for event in events {
            prepared.push(self.prepare_one(event).await?);
        }
        Ok(prepared)
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        prepared: Vec<Prepared>,
    ) -> Result<Vec<Outcome>, HandleError> {
        let own = replay::known(tx, events).await?;
        let mut outcomes = Vec::with_capacity(events.len());
        let mut prepared = prepared.into_iter();
        while outcomes.len() < events.len() {
            let rest = &events[outcomes.len()..];
            let arrived: Vec<_> = rest.iter().map_while(prefiled).collect();
            if arrived.is_empty() {
                let prepared = prepared.next().unwrap_or(Prepared::Nothing);
                outcomes.push(self.apply_one(tx, &rest[0], prepared, &own).await?);
                continue;
            }
            receive::receive(tx, &arrived, self.author.now()).await?;
            for _ in &arrived {
                prepared.next();
                outcomes.push(Outcome::Applied);
            }
        }
        Ok(outcomes)
    }
}

fn prefiled(event: &Event) -> Option<(&Event, &ItemPrefiled)> {
    match &event.fact {
        Some(Fact::ItemPrefiled(fact)) => Some((event, fact)),
        _ => None,
    }
}

impl Registrar {
    async fn prepare_one(&self, event: &Event) -> Result<Prepared, HandleError> {
        match &event.fact {
            Some(Fact::ItemChecked(checked)) if checked.stage == decide::STAGE => {
                let document = self.fetch(&checked.report).await?;
                match checked.verdict {
                    Verdict::Passed { count, root } => {
                        let list = decide::members(checked, count, &root, &document)?;
                        Ok(Prepared::Members(Box::new((list, document))))
                    }
                    Verdict::Failed { .. } => Ok(Prepared::Document(document)),
                }
            }
            Some(Fact::TransferChecked(checked)) => {
                let document = self.fetch(&checked.report).await?;
                let report = transfers::read_report(checked, &document)?;
                Ok(Prepared::Report(Box::new((report, document))))
            }
            Some(Fact::BatchFiled(batch)) => {
                let known = packs::digest(&mut *self.pool.acquire().await?, batch.pack).await?;
                if known.is_some() {
                    return Ok(Prepared::Nothing);
                }
                let read = replay::read_pack(&self.site, &self.author.area, batch).await?;
                Ok(Prepared::Pack(Box::new(read)))
            }
            Some(Fact::PackWritten(fact)) => {
                let known = document_packs::digest(&mut *self.pool.acquire().await?, fact.pack).await?;
                if known.is_some() {
                    return Ok(Prepared::Nothing);
                }
                let read = replay::read_documents(&self.site, &self.author.area, fact).await?;
                Ok(Prepared::Pack(Box::new(read)))
            }
            Some(Fact::PackInspected(inspected)) => {
                Ok(Prepared::Document(self.fetch(&inspected.report).await?))
            }
            // Of batches, the system and persons: kept and served from here on, and packed.
            Some(Fact::WholeChecked(f)) => Ok(Prepared::Document(self.fetch(&f.report).await?)),
            Some(Fact::CheckSigned(f)) => Ok(Prepared::Document(self.fetch(&f.finding).await?)),
            Some(Fact::CheckRechecked(f)) => Ok(Prepared::Document(self.fetch(&f.reason).await?)),
            Some(Fact::PackSecured(fact)) => {
                let (keys, fact) = (self.site_keys.clone(), fact.clone());
                let checked = tokio::task::spawn_blocking(move || hear::check_receipts(&keys, &fact)).await;
                checked.map_err(|e| HandleError::new(ErrorClass::Internal, e))??;
                Ok(Prepared::Nothing)
            }
            _ => Ok(Prepared::Nothing),
        }
    }

    /// A document that fixity's events cite: already held here, or fetched.
    async fn fetch(&self, reference: &DocumentRef) -> Result<Held, HandleError> {
        let found =
            crate::store::documents::find(&mut *self.pool.acquire().await?, &reference.digest).await?;
        if let Some(held) = found {
            return Ok(held);
        }
        let fetched =
            documents::fetch(&self.fixity, &reference.digest).await.map_err(|e| match e.class() {
                // Fixity stored it in the transaction of its event: it is there, or fixity's database is being restored.
                ErrorClass::NotFound => HandleError::new(ErrorClass::Unavailable, e),
                class => HandleError::new(class, e),
            })?;
        Ok(Held { digest: reference.digest, media_type: fetched.media_type, body: fetched.body })
    }

    async fn apply_one(
        &self,
        tx: &mut PgConnection,
        event: &Event,
        prepared: Prepared,
        own: &HashSet<EventHash>,
    ) -> Result<Outcome, HandleError> {
        let now = self.author.now();
        match (&event.fact, prepared) {
            (Some(Fact::ItemChecked(checked)), Prepared::Members(members)) => {
                decide::passed(tx, event, checked, &members, now).await
            }
            (Some(Fact::ItemChecked(checked)), Prepared::Document(document)) => match &checked.verdict {
                Verdict::Failed { item, data_version, failed } => {
                    let verdict = Failed { item: *item, data_version: *data_version, failed };
                    decide::failed(tx, event, verdict, &document, now).await
                }
                Verdict::Passed { .. } => Ok(Outcome::Skipped),
            },
            (Some(Fact::MatterPublished(fact)), _) => {
                replay::matter_published(tx, event, fact, &self.keys).await
            }
            (Some(Fact::ItemFiled(fact)), _) => item_filed(tx, event, fact, own).await,
            (Some(Fact::BatchFiled(fact)), Prepared::Pack(pack)) => {
                replay::batch_filed(tx, event, fact, &pack).await
            }
            (Some(Fact::BatchFiled(_)), _) => Ok(Outcome::Applied),
            (Some(Fact::PackWritten(fact)), Prepared::Pack(pack)) => {
                replay::pack_written(tx, event, fact, &pack).await
            }
            (Some(Fact::PackWritten(_)), _) => Ok(Outcome::Applied),
            (Some(Fact::TransferChecked(fact)), Prepared::Report(read)) => {
                transfers::checked(tx, event, fact, (&read.0, &read.1), now).await
            }
            (Some(Fact::ItemReturned(fact)), _) => replay::item_returned(tx, event, fact).await,
            (Some(Fact::ItemSuperseded(_)), _) => replay::item_superseded(tx, event).await,
            (Some(Fact::BatchApplied(fact)), _) => hear::applied(tx, event, fact).await,
            (Some(Fact::BatchDeclined(fact)), _) => hear::declined(tx, event, fact).await,
            (Some(Fact::BatchRegistered(fact)), _) => hear::registered(tx, event, fact).await,
            (Some(Fact::PackSecured(fact)), _) => hear::secured(tx, event, fact).await,
            (Some(Fact::PackRepaired(fact)), _) => hear::repaired(tx, fact).await,
            (Some(Fact::CertificateIssued(fact)), _) => {
                let outcome = hear::certified(tx, event, fact).await?;
                if outcome == Outcome::Applied {
                    transfers::certificate_issued(tx, event, fact).await?;
                }
                Ok(outcome)
            }
            (
                Some(
                    Fact::PackInspected(_)
                    | Fact::WholeChecked(_)
                    | Fact::CheckSigned(_)
                    | Fact::CheckRechecked(_),
                ),
                Prepared::Document(document),
            ) => {
                crate::store::documents::hold(tx, &document, now, None).await?;
                Ok(Outcome::Applied)
            }
            (Some(fact), _) => transfers::replay::apply(tx, event, fact).await,
            (None, _) => Ok(Outcome::Skipped),
        }
    }
}

async fn item_filed(
    tx: &mut PgConnection,
    event: &Event,
    fact: &ItemFiled,
    own: &HashSet<EventHash>,
) -> Result<Outcome, HandleError> {
    if own.contains(&event.hash) {
        return Ok(Outcome::Applied);
    }
    replay::item_filed(tx, event, fact).await
}
