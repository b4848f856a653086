//! What ingest states: `item.prefiled`, `item.parked`, `item.superseded` of what was parked, `submission.refused`.
//!
//! Before: the decision in `commit.rs` or `release.rs`. After: the outbox, in the same transaction.

use std::sync::Arc;

use dengbei_chain::facts::{ItemParked, ItemPrefiled, ItemSuperseded, ReadError, SubmissionRefused};
use dengbei_chain::{Actor, Draft, Encoded, Fact, Ids, Subject};
use dengbei_records::{
    AreaCode, Clock, DataVersion, EventHash, ItemId, Matter, Sha256, SourceSystem, SubmissionId,
};

use crate::closing;

/// A package that is accepted: what its events say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Submission {
    pub(crate) id: SubmissionId,
    pub(crate) item: ItemId,
    pub(crate) data_version: DataVersion,
    pub(crate) source_system: SourceSystem,
    /// 办结日, or the day of arrival; `YYYY-MM-DD`.
    pub(crate) closed_on: String,
    /// SHA-256 of `reception.json`.
    pub(crate) reception: Sha256,
    /// How many files are kept.
    pub(crate) files: u32,
    /// Bytes of them.
    pub(crate) bytes: u64,
    /// Ids of checks that warned.
    pub(crate) warned: Vec<String>,
    /// Who sent it, blinded.
    pub(crate) actor: Option<Actor>,
}

/// A parked submission that another one takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overtaken {
    pub(crate) submission: SubmissionId,
    pub(crate) item: ItemId,
    pub(crate) data_version: DataVersion,
    pub(crate) parked_event: EventHash,
}

/// Writes events in the deployment's name.
#[derive(Clone)]
pub(crate) struct Author {
    pub(crate) area: AreaCode,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Author {
    fn write(
        &self,
        subject: Subject,
        causes: Vec<EventHash>,
        actor: Option<Actor>,
        fact: Fact,
    ) -> Result<Encoded, ReadError> {
        let (id, recorded_at) = (self.ids.next(), self.clock.now());
        Draft { id, area: self.area.clone(), subject, causes, actor, recorded_at, fact }.encode()
    }

    /// 预归档 under the filing table `matter`. `causes`: none at the door; what it was parked by and released by else.
    pub(crate) fn prefiled(
        &self,
        of: &Submission,
        matter: &Matter,
        causes: Vec<EventHash>,
    ) -> Result<Encoded, ReadError> {
        let fact = ItemPrefiled {
            item: of.item,
            data_version: of.data_version,
            submission: of.id,
            source_system: of.source_system.clone(),
            matter_code: matter.matter_code.clone(),
            unit_uscc: matter.unit_uscc.clone(),
            retention: matter.retention,
            year: closing::year(&of.closed_on),
            scope_version: matter.scope_version.clone(),
            reception: of.reception,
            files: of.files,
            bytes: of.bytes,
            warned: of.warned.clone(),
            event_type: matter.event_type.parse()?,
        };
        self.write(Subject::Item(of.item), causes, of.actor, Fact::ItemPrefiled(fact))
    }

    /// 待配置
    pub(crate) fn parked(&self, of: &Submission, matter_code: &str) -> Result<Encoded, ReadError> {
        let fact = ItemParked {
            item: of.item,
            data_version: of.data_version,
            submission: of.id,
            source_system: of.source_system.clone(),
            matter_code: matter_code.to_owned(),
            reception: of.reception,
        };
        self.write(Subject::Item(of.item), vec![], of.actor, Fact::ItemParked(fact))
    }

    /// 被替代, of what was still parked: `by` is the event of what takes its place.
    pub(crate) fn superseded(
        &self,
        old: &Overtaken,
        of: &Submission,
        by: EventHash,
    ) -> Result<Encoded, ReadError> {
        let fact = ItemSuperseded {
            item: old.item,
            data_version: old.data_version,
            submission: old.submission,
            by_data_version: of.data_version,
            by_submission: of.id,
        };
        self.write(Subject::Item(old.item), vec![old.parked_event, by], of.actor, Fact::ItemSuperseded(fact))
    }

    /// 拒收
    pub(crate) fn refused(
        &self,
        fact: SubmissionRefused,
        actor: Option<Actor>,
    ) -> Result<Encoded, ReadError> {
        let subject = fact.item.map_or(Subject::Submission(fact.submission), Subject::Item);
        self.write(subject, vec![], actor, Fact::SubmissionRefused(fact))
    }
}
