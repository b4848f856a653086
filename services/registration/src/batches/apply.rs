//! 登记申请: a unit applies for what it filed. By its rule as soon as eight packs of a year wait or the oldest has waited
//! `registration_linger`; else a person does (`desk.rs`).
//!
//! If we crash before the transaction commits, nobody applied and the packs still wait. Before: `file.rs`. After:
//! `decide.rs`.

use bytes::Bytes;
use dengbei_chain::facts::BatchApplied;
use dengbei_chain::{Actor, DocumentRef, Encoded, Fact, Subject, root};
use dengbei_kit::{db, faults, status};
use dengbei_records::papers::{Body, MEDIA_TYPE};
use dengbei_records::policy::{Mode, UnitPolicy};
use dengbei_records::{FondsNo, Sha256, UnitCode};
use dengbei_vault::PackName;
use uuid::Uuid;

use super::error::BatchError;
use super::papers::{self, Applied, Sealing};
use super::{MOST_PACKS, Office, hear};
use crate::author::Statement;
use crate::store::batches::{self, Batch, Step};
use crate::store::filed_packs::{self, FiledPack, Waiting};
use crate::store::{documents, matters, policies};
use crate::wake::{self, Topic};
use crate::{draft, metrics};

/// Who applies, and by what right.
#[derive(Debug, Clone)]
pub(crate) struct Applicant {
    pub(crate) filled_by: String,
    pub(crate) reviewed_by: String,
    pub(crate) grounds: String,
    /// Whether the rule also decides.
    pub(crate) is_automatic: bool,
    pub(crate) actor: Option<Actor>,
    pub(crate) note: String,
}

impl Applicant {
    fn by_rule(policy: &UnitPolicy) -> Self {
        Self {
            filled_by: policy.unit.filled_by.clone(),
            reviewed_by: policy.unit.reviewed_by.clone(),
            grounds: format!("单位规则第{}版：按规则自动申请", policy.version),
            is_automatic: true,
            actor: None,
            note: String::new(),
        }
    }
}

/// An application as it was signed.
struct SignedApplication {
    document: Bytes,
    root: Sha256,
    key: [u8; 32],
    signature: [u8; 64],
}

impl Office {
    /// Applies for everything that is due by its unit's rule; gives the number of applications.
    pub(crate) async fn apply(&self) -> Result<usize, BatchError> {
        let groups = filed_packs::waiting(&mut *self.pool.acquire().await?).await?;
        let mut made = 0;
        for mut group in groups {
            // A group that fails holds up no other.
            match self.apply_group(&mut group).await {
                Ok(count) => made += count,
                Err(e) => {
                    let why = status::chain(&e);
                    tracing::error!(unit = %group.unit, year = group.year, why, "cannot apply for registration yet");
                    metrics::batch_failed("apply", e.class());
                }
            }
        }
        Ok(made)
    }

    async fn apply_group(&self, group: &mut Waiting) -> Result<usize, BatchError> {
        let mut made = 0;
        while self.is_due(group) {
            let mut connection = self.pool.acquire().await?;
            let policy = policies::of(&mut connection, &group.unit).await?;
            if policy.registration != Mode::Automatic {
                break;
            }
            let packs = filed_packs::oldest_of(&mut connection, group, MOST_PACKS).await?;
            drop(connection);
            if packs.is_empty() || self.apply_for(packs, Applicant::by_rule(&policy)).await?.is_none() {
                break;
            }
            made += 1;
            group.count = group.count.saturating_sub(MOST_PACKS as u64);
            if group.count < MOST_PACKS as u64 {
                // Whether the rest has waited long enough is for the next pass to see.
                break;
            }
        }
        Ok(made)
    }

    fn is_due(&self, group: &Waiting) -> bool {
        let waited = self.author.now().millis().saturating_sub(group.oldest.millis());
        let has_lingered = waited >= i64::try_from(self.linger.as_millis()).unwrap_or(i64::MAX);
        group.count >= MOST_PACKS as u64 || (group.count > 0 && has_lingered)
    }

    /// Applies for these packs, of one unit and year, in their order. `None`: another was faster with one of them.
    pub(super) async fn apply_for(
        &self,
        mut packs: Vec<FiledPack>,
        applicant: Applicant,
    ) -> Result<Option<Uuid>, BatchError> {
        self.count(&mut packs).await?;
        let unit = packs.first().map(|p| p.unit.clone());
        let unit = unit.ok_or_else(|| BatchError::Content("没有存储包 / no packs".into()))?;
        let found = matters::unit(&mut *self.pool.acquire().await?, &unit).await?;
        let (name, fonds) = found.ok_or_else(|| BatchError::Content(format!("{unit}: 无全宗 / no fonds")))?;
        let applied = Applied {
            batch: self.author.id(),
            unit: Body { name, code: unit.to_string(), mark: fonds.to_string() },
            packs: &packs,
            filled_by: &applicant.filled_by,
            reviewed_by: &applicant.reviewed_by,
            grounds: &applicant.grounds,
            at: self.author.now(),
        };
        let signed = self.sign_application(&applied, &unit).await?;
        let fact = stated(&applied, &signed, unit, fonds);
        let causes = packs.iter().map(|p| p.event).collect();
        let (document, at) = (signed.document, applied.at);
        let batch = hear::applied_batch(&fact, &applied.unit.name, at, applicant.is_automatic);
        let statement =
            Statement { subject: Subject::Batch(fact.batch), causes, fact: Fact::BatchApplied(fact) };
        let event = self.author.state_for(applicant.actor, statement, at)?;
        let batch = Batch { applied: event.hash, ..batch };
        let step = Step::new("apply", at, &applicant.filled_by).noted(&applicant.note);
        self.store_application(batch, event, document, step).await
    }

    async fn store_application(
        &self,
        batch: Batch,
        event: Encoded,
        document: Bytes,
        step: Step,
    ) -> Result<Option<Uuid>, BatchError> {
        let mut tx = db::begin_by_key(&self.pool).await?;
        if !filed_packs::join(&mut tx, &batch.packs, batch.id).await? {
            return Ok(None);
        }
        documents::cite(&mut tx, document, MEDIA_TYPE, batch.applied_at).await?;
        batches::insert(&mut tx, &batch).await?;
        batches::note(&mut tx, batch.id, &[step]).await?;
        self.outbox.put(&mut tx, &[event]).await?;
        wake::on_commit(&mut tx, Topic::Applied).await?;
        faults::reach("batch.applying");
        tx.commit().await?;
        faults::reach("batch.applied");
        tracing::info!(batch = %batch.id, unit = %batch.unit, packs = batch.packs.len(), items = batch.items, "applied for registration");
        Ok(Some(batch.id))
    }

    async fn sign_application(
        &self,
        applied: &Applied<'_>,
        unit: &UnitCode,
    ) -> Result<SignedApplication, BatchError> {
        let hashes: Vec<_> = applied.packs.iter().map(|p| p.event).collect();
        let (root, batch, at) = (root(&hashes), applied.batch, applied.at);
        let (body, name) = (papers::application(applied), applied.unit.name.clone());
        let (keys, area, unit) = (self.units.clone(), self.author.area.clone(), unit.clone());
        let sign = move || {
            let keys = keys.seals(&unit)?;
            let document = Sealing { keys: &keys, role: "unit.seal", name: &name, at }.application(body)?;
            let text = BatchApplied::signed_text(&area, batch, &root, &Sha256::of(&document));
            Ok(SignedApplication { document, root, key: keys.public(), signature: keys.sign(&text) })
        };
        tokio::task::spawn_blocking(sign).await?
    }

    /// Counts the files of packs that were replayed: their catalogues do not tell, their inventories do.
    async fn count(&self, packs: &mut [FiledPack]) -> Result<(), BatchError> {
        for pack in packs.iter_mut().filter(|p| p.files.is_none()) {
            let name =
                PackName { area: self.author.area.clone(), number: pack.pack, generation: pack.generation };
            let site = self.site.clone();
            let files = tokio::task::spawn_blocking(move || draft::count_files(&site, &name)).await??;
            filed_packs::count_files(&mut *self.pool.acquire().await?, pack.pack, files).await?;
            pack.files = Some(files);
        }
        Ok(())
    }
}

/// `batch.applied`.
fn stated(applied: &Applied<'_>, signed: &SignedApplication, unit: UnitCode, fonds: FondsNo) -> BatchApplied {
    let (items, files, bytes) = papers::totals(applied.packs);
    BatchApplied {
        batch: applied.batch,
        kind: "1".into(),
        unit_uscc: unit,
        fonds_no: fonds,
        year: applied.packs.first().map_or(0, |p| p.year),
        packs: applied.packs.iter().map(|p| p.pack).collect(),
        items,
        files,
        bytes,
        root: signed.root,
        application: DocumentRef::to(&signed.document, MEDIA_TYPE),
        unit_key: signed.key,
        unit_signature: signed.signature,
    }
}
