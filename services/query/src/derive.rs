//! Events in, changes of the read model out. Pure, and blind to order: changes merge by rank, so any order of the
//! same events ends in the same rows. Before: `consumer.rs`. After: `store/apply.rs`, which merges alike in SQL.

use std::collections::BTreeMap;

use dengbei_chain::facts::{
    ItemFiled, ItemParked, ItemPrefiled, ItemReturned, ItemSuperseded, SubmissionRefused,
};
use dengbei_chain::{Event, Fact, MemberList};
use dengbei_records::{Custody, EventHash, ItemId, Matter, Preservation, SubmissionId};

/// How far an attempt has come. A higher rank stands; none is ever taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rank {
    Refused,
    Parked,
    Prefiled,
    Planned,
    Superseded,
    Returned,
    Filed,
    Accessioned,
}

impl Rank {
    const ALL: [Self; 8] = [
        Self::Refused,
        Self::Parked,
        Self::Prefiled,
        Self::Planned,
        Self::Superseded,
        Self::Returned,
        Self::Filed,
        Self::Accessioned,
    ];

    /// As the database keeps it.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// From the database.
    pub(crate) fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|rank| rank.number() == number)
    }

    /// 保管权, by the name that scripts see. What was refused at the door was never in anybody's custody.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Parked => Custody::Parked.name(),
            Self::Prefiled => Custody::Prefiled.name(),
            Self::Planned => Custody::Planned.name(),
            Self::Superseded => Custody::Superseded.name(),
            Self::Returned => Custody::Returned.name(),
            Self::Filed => Custody::Filed.name(),
            Self::Accessioned => Custody::Accessioned.name(),
        }
    }

    /// Reads the name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rank| rank.name() == name)
    }

    /// 保存: what is filed is stored.
    pub(crate) const fn preservation(self) -> Preservation {
        match self {
            Self::Filed | Self::Accessioned => Preservation::Stored,
            _ => Preservation::None,
        }
    }
}

/// What is known of one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) submission: SubmissionId,
    pub(crate) item: ItemId,
    pub(crate) data_version: u32,
    pub(crate) rank: Rank,
    pub(crate) changed_at: i64,
    pub(crate) failed: Vec<String>,
    pub(crate) source_system: Option<String>,
    pub(crate) matter_code: Option<String>,
    pub(crate) unit_uscc: Option<String>,
    pub(crate) retention: Option<String>,
    pub(crate) archival_code: Option<String>,
    pub(crate) pack: Option<u64>,
    pub(crate) prefiled: Option<EventHash>,
}

impl Attempt {
    fn new(event: &Event, rank: Rank, submission: SubmissionId, item: ItemId, data_version: u32) -> Self {
        Self {
            submission,
            item,
            data_version,
            rank,
            changed_at: event.recorded_at.millis(),
            failed: Vec::new(),
            source_system: None,
            matter_code: None,
            unit_uscc: None,
            retention: None,
            archival_code: None,
            pack: None,
            prefiled: None,
        }
    }

    fn prefiled(event: &Event, f: &ItemPrefiled) -> Self {
        Self {
            source_system: Some(f.source_system.to_string()),
            matter_code: Some(f.matter_code.to_string()),
            unit_uscc: Some(f.unit_uscc.to_string()),
            retention: Some(f.retention.code().into()),
            prefiled: Some(event.hash),
            ..Self::new(event, Rank::Prefiled, f.submission, f.item, f.data_version.get())
        }
    }

    fn parked(event: &Event, f: &ItemParked) -> Self {
        Self {
            source_system: Some(f.source_system.to_string()),
            matter_code: Some(f.matter_code.clone()),
            ..Self::new(event, Rank::Parked, f.submission, f.item, f.data_version.get())
        }
    }

    fn refused(event: &Event, f: &SubmissionRefused) -> Option<Self> {
        let attempt = Self::new(event, Rank::Refused, f.submission, f.item?, f.data_version);
        Some(Self { failed: f.failed.clone(), ..attempt })
    }

    fn filed(event: &Event, f: &ItemFiled) -> Self {
        Self {
            archival_code: Some(f.archival_code.to_string()),
            pack: Some(f.pack.get()),
            ..Self::new(event, Rank::Filed, f.submission, f.item, f.data_version.get())
        }
    }

    fn returned(event: &Event, f: &ItemReturned) -> Self {
        let attempt = Self::new(event, Rank::Returned, f.submission, f.item, f.data_version.get());
        Self { failed: f.failed.clone(), ..attempt }
    }

    fn superseded(event: &Event, f: &ItemSuperseded) -> Self {
        Self::new(event, Rank::Superseded, f.submission, f.item, f.data_version.get())
    }

    /// Adds what `other` knows of the same submission.
    pub(crate) fn merge(&mut self, other: Self) {
        if (other.rank, other.changed_at) > (self.rank, self.changed_at) {
            self.rank = other.rank;
            self.changed_at = other.changed_at;
        }
        if self.failed.is_empty() {
            self.failed = other.failed;
        }
        self.source_system = self.source_system.take().or(other.source_system);
        // ingest reads the code that the matter was published under; a parked package may have spelled it otherwise
        self.matter_code = if other.prefiled.is_some() {
            other.matter_code
        } else {
            self.matter_code.take().or(other.matter_code)
        };
        self.unit_uscc = self.unit_uscc.take().or(other.unit_uscc);
        self.retention = self.retention.take().or(other.retention);
        self.archival_code = self.archival_code.take().or(other.archival_code);
        self.pack = self.pack.or(other.pack);
        self.prefiled = self.prefiled.or(other.prefiled);
    }
}

/// An event that speaks for many: who its members are, and how far it brings them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) event: EventHash,
    pub(crate) members: Vec<EventHash>,
    /// Set where the members become this, by their `item.prefiled`.
    pub(crate) rank: Option<Rank>,
    pub(crate) recorded_at: i64,
}

/// What the events of one bundle change.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// By submission, so that rows are locked in one order by everybody.
    pub(crate) attempts: BTreeMap<SubmissionId, Attempt>,
    /// Own events of items.
    pub(crate) own: Vec<(ItemId, EventHash)>,
    pub(crate) matters: Vec<Matter>,
}

impl Changes {
    /// Adds one event; true when it is kept in somebody's history or in the registry of names.
    pub(crate) fn add(&mut self, event: &Event) -> bool {
        let attempt = match &event.fact {
            Some(Fact::ItemPrefiled(f)) => Attempt::prefiled(event, f),
            Some(Fact::ItemParked(f)) => Attempt::parked(event, f),
            Some(Fact::ItemFiled(f)) => Attempt::filed(event, f),
            Some(Fact::ItemReturned(f)) => Attempt::returned(event, f),
            Some(Fact::ItemSuperseded(f)) => Attempt::superseded(event, f),
            Some(Fact::SubmissionRefused(f)) => match Attempt::refused(event, f) {
                Some(attempt) => attempt,
                None => return false,
            },
            Some(Fact::ItemChecked(f)) => return self.add_failed_check(event, f),
            Some(Fact::MatterPublished(f)) => {
                self.matters.push(f.matter.clone());
                return true;
            }
            Some(Fact::BatchFiled(_)) | None => return false,
        };
        self.own.push((attempt.item, event.hash));
        self.put(attempt);
        true
    }

    /// A failed run is history; the state changes when registration returns the item.
    fn add_failed_check(&mut self, event: &Event, checked: &dengbei_chain::facts::ItemChecked) -> bool {
        use dengbei_chain::facts::Verdict;
        let Verdict::Failed { item, .. } = &checked.verdict else { return false };
        self.own.push((*item, event.hash));
        true
    }

    fn put(&mut self, attempt: Attempt) {
        match self.attempts.get_mut(&attempt.submission) {
            Some(known) => known.merge(attempt),
            None => {
                self.attempts.insert(attempt.submission, attempt);
            }
        }
    }
}

/// The membership that `event` states through `list`; `None` for events that speak for themselves alone.
pub(crate) fn membership(event: &Event, list: &MemberList) -> Option<Membership> {
    let rank = match &event.fact {
        Some(Fact::ItemChecked(checked)) if checked.stage == "G" => Some(Rank::Planned),
        Some(Fact::ItemChecked(_) | Fact::BatchFiled(_)) => None,
        _ => return None,
    };
    Some(Membership {
        event: event.hash,
        members: list.hashes(),
        rank,
        recorded_at: event.recorded_at.millis(),
    })
}
