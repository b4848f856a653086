//! What is known of one submission, and how far it has come. Pure; merged by rank, so order does not show.

use dengbei_chain::Event;
use dengbei_chain::facts::{
    ItemFiled, ItemParked, ItemPrefiled, ItemReturned, ItemSuperseded, SubmissionRefused,
};
use dengbei_records::{Custody, EventHash, ItemId, SubmissionId};

use crate::origins::Origin;
use crate::store::tallies::day_of;

/// How far an attempt has come by its own events. A higher rank stands; none is ever taken back. That it passed its
/// checks, and that it was accessioned, is said of many at once and known from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rank {
    Refused = 0,
    Parked = 1,
    Prefiled = 2,
    Superseded = 4,
    Returned = 5,
    Filed = 6,
}

impl Rank {
    const ALL: [Self; 6] =
        [Self::Refused, Self::Parked, Self::Prefiled, Self::Superseded, Self::Returned, Self::Filed];

    /// As the database keeps it.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// From the database.
    pub(crate) fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|rank| rank.number() == number)
    }

    /// 保管权. Nobody ever had what was refused at the door.
    pub(crate) const fn custody(self, is_passed: bool, is_accessioned: bool) -> Option<Custody> {
        Some(match self {
            Self::Refused => return None,
            Self::Parked => Custody::Parked,
            Self::Prefiled if is_passed => Custody::Planned,
            Self::Prefiled => Custody::Prefiled,
            Self::Superseded => Custody::Superseded,
            Self::Returned => Custody::Returned,
            Self::Filed if is_accessioned => Custody::Accessioned,
            Self::Filed => Custody::Filed,
        })
    }
}

/// The name that scripts see of a custody; `refused` where there is none.
pub(crate) fn custody_name(custody: Option<Custody>) -> &'static str {
    custody.map_or("refused", Custody::name)
}

/// What is known of one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) submission: SubmissionId,
    /// `None`: the package was refused before its item could be read.
    pub(crate) item: Option<ItemId>,
    pub(crate) data_version: u32,
    pub(crate) rank: Rank,
    pub(crate) changed_at: i64,
    pub(crate) year: u16,
    pub(crate) failed: Vec<String>,
    pub(crate) source_system: Option<String>,
    pub(crate) matter_code: Option<String>,
    pub(crate) unit_uscc: Option<String>,
    pub(crate) retention: Option<String>,
    pub(crate) archival_code: Option<String>,
    pub(crate) pack: Option<u64>,
    pub(crate) prefiled: Option<EventHash>,
    pub(crate) filed: Option<EventHash>,
    /// Days (since 1970, Beijing time) on which it was received, refused, returned, filed, as the facts were recorded.
    pub(crate) on: On,
    /// 承办单位（科室）
    pub(crate) department: Option<String>,
    /// 办结日
    pub(crate) closed_on: Option<String>,
}

/// When what happened to an attempt, by days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct On {
    pub(crate) received: Option<i32>,
    pub(crate) refused: Option<i32>,
    pub(crate) returned: Option<i32>,
    pub(crate) filed: Option<i32>,
}

impl On {
    /// The first day of each stands.
    fn merge(&mut self, other: Self) {
        let first = |a: Option<i32>, b: Option<i32>| a.into_iter().chain(b).min();
        self.received = first(self.received, other.received);
        self.refused = first(self.refused, other.refused);
        self.returned = first(self.returned, other.returned);
        self.filed = first(self.filed, other.filed);
    }
}

impl Attempt {
    fn new(event: &Event, rank: Rank, submission: SubmissionId, item: ItemId, data_version: u32) -> Self {
        let day = Some(day_of(event));
        let on = match rank {
            Rank::Refused => On { refused: day, ..On::default() },
            Rank::Parked | Rank::Prefiled => On { received: day, ..On::default() },
            Rank::Returned => On { returned: day, ..On::default() },
            Rank::Filed => On { filed: day, ..On::default() },
            Rank::Superseded => On::default(),
        };
        let blank = Self::blank(submission, rank, event.recorded_at.millis());
        Self { item: Some(item), data_version, on, ..blank }
    }

    /// Of which nothing is known but where it comes from. Of the lowest rank, so that nothing else changes.
    pub(crate) fn placed(submission: SubmissionId, origin: &Origin) -> Self {
        let mut attempt = Self::blank(submission, Rank::Refused, i64::MIN);
        attempt.place(origin);
        attempt
    }

    /// Adds where it comes from; what a fact says of it stands.
    pub(crate) fn place(&mut self, origin: &Origin) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.source_system = self.source_system.take().or_else(|| some(&origin.source_system));
        self.matter_code = self.matter_code.take().or_else(|| some(&origin.matter_code));
        self.unit_uscc = self.unit_uscc.take().or_else(|| some(&origin.unit_uscc));
        self.department = some(&origin.department);
        self.closed_on = some(&origin.closed_on);
    }

    fn blank(submission: SubmissionId, rank: Rank, changed_at: i64) -> Self {
        Self {
            submission,
            item: None,
            data_version: 0,
            rank,
            changed_at,
            year: 0,
            failed: Vec::new(),
            source_system: None,
            matter_code: None,
            unit_uscc: None,
            retention: None,
            archival_code: None,
            pack: None,
            prefiled: None,
            filed: None,
            on: On::default(),
            department: None,
            closed_on: None,
        }
    }

    pub(crate) fn prefiled(event: &Event, f: &ItemPrefiled) -> Self {
        Self {
            year: f.year,
            source_system: Some(f.source_system.to_string()),
            matter_code: Some(f.matter_code.to_string()),
            unit_uscc: Some(f.unit_uscc.to_string()),
            retention: Some(f.retention.code().into()),
            prefiled: Some(event.hash),
            ..Self::new(event, Rank::Prefiled, f.submission, f.item, f.data_version.get())
        }
    }

    pub(crate) fn parked(event: &Event, f: &ItemParked) -> Self {
        Self {
            source_system: Some(f.source_system.to_string()),
            matter_code: Some(f.matter_code.clone()),
            ..Self::new(event, Rank::Parked, f.submission, f.item, f.data_version.get())
        }
    }

    pub(crate) fn refused(event: &Event, f: &SubmissionRefused) -> Self {
        let blank = Self::blank(f.submission, Rank::Refused, event.recorded_at.millis());
        let on = On { refused: Some(day_of(event)), ..On::default() };
        Self { item: f.item, data_version: f.data_version, failed: f.failed.clone(), on, ..blank }
    }

    pub(crate) fn filed(event: &Event, f: &ItemFiled) -> Self {
        Self {
            archival_code: Some(f.archival_code.to_string()),
            pack: Some(f.pack.get()),
            filed: Some(event.hash),
            ..Self::new(event, Rank::Filed, f.submission, f.item, f.data_version.get())
        }
    }

    pub(crate) fn returned(event: &Event, f: &ItemReturned) -> Self {
        let attempt = Self::new(event, Rank::Returned, f.submission, f.item, f.data_version.get());
        Self { failed: f.failed.clone(), ..attempt }
    }

    pub(crate) fn superseded(event: &Event, f: &ItemSuperseded) -> Self {
        Self::new(event, Rank::Superseded, f.submission, f.item, f.data_version.get())
    }

    /// Adds what `other` knows of the same submission. `store/attempts.rs` merges alike in SQL.
    pub(crate) fn merge(&mut self, other: Self) {
        if (other.rank, other.changed_at) > (self.rank, self.changed_at) {
            self.rank = other.rank;
            self.changed_at = other.changed_at;
        }
        if self.failed.is_empty() {
            self.failed = other.failed;
        }
        self.year = self.year.max(other.year);
        // ingest reads the code that the matter was published under; a parked package may have spelled it otherwise
        self.matter_code = if other.prefiled.is_some() {
            other.matter_code
        } else {
            self.matter_code.take().or(other.matter_code)
        };
        self.unit_uscc = if other.prefiled.is_some() {
            other.unit_uscc
        } else {
            self.unit_uscc.take().or(other.unit_uscc)
        };
        self.source_system = if other.prefiled.is_some() {
            other.source_system
        } else {
            self.source_system.take().or(other.source_system)
        };
        self.item = self.item.or(other.item);
        self.data_version = self.data_version.max(other.data_version);
        self.on.merge(other.on);
        self.department = self.department.take().or(other.department);
        self.closed_on = self.closed_on.take().or(other.closed_on);
        self.retention = self.retention.take().or(other.retention);
        self.archival_code = self.archival_code.take().or(other.archival_code);
        self.pack = self.pack.or(other.pack);
        self.prefiled = self.prefiled.or(other.prefiled);
        self.filed = self.filed.or(other.filed);
    }
}
