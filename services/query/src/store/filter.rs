//! Which items a list shows, as conditions on `query.items as i`, its standing attempt `a`, its pack `p` and its
//! transfer `t`. Only what is asked for is joined.

use dengbei_records::{Preservation, Registration};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::rows::{TRANSFER, registration_number};
use crate::attempt::Rank;

/// Which custody a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Custody {
    pub(crate) rank: Rank,
    /// Of those that are pre-filed: passed its checks or not.
    pub(crate) is_passed: Option<bool>,
    /// Of those that are filed: accessioned or not.
    pub(crate) is_accessioned: Option<bool>,
}

impl Custody {
    /// Reads the name that scripts see.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let of = |rank| Some(Self { rank, is_passed: None, is_accessioned: None });
        let prefiled = |is_passed| Some(Self { is_passed: Some(is_passed), ..of(Rank::Prefiled)? });
        let filed = |is_accessioned| Some(Self { is_accessioned: Some(is_accessioned), ..of(Rank::Filed)? });
        match name {
            "refused" => of(Rank::Refused),
            "parked" => of(Rank::Parked),
            "prefiled" => prefiled(false),
            "planned" => prefiled(true),
            "superseded" => of(Rank::Superseded),
            "returned" => of(Rank::Returned),
            "filed" => filed(false),
            "accessioned" => filed(true),
            _ => None,
        }
    }
}

/// Which items a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) custody: Option<Custody>,
    pub(crate) registration: Option<Registration>,
    pub(crate) preservation: Option<Preservation>,
    pub(crate) unit_uscc: String,
    pub(crate) matter_code: String,
    pub(crate) retention: String,
    pub(crate) year: u32,
    pub(crate) pack: u64,
    pub(crate) transfer_no: String,
    pub(crate) batch: Option<Uuid>,
    /// Part of an archival code, or the beginning of an item id.
    pub(crate) text: String,
}

impl Filter {
    fn asks_attempt(&self) -> bool {
        let is_passed = self.custody.is_some_and(|c| c.is_passed.is_some());
        is_passed
            || !self.retention.is_empty()
            || self.year > 0
            || !self.text.is_empty()
            || self.asks_transfer()
    }

    fn asks_pack(&self) -> bool {
        self.registration.is_some()
            || self.preservation.is_some()
            || self.batch.is_some()
            || self.asks_transfer()
    }

    fn asks_transfer(&self) -> bool {
        self.custody.is_some_and(|c| c.is_accessioned.is_some()) || !self.transfer_no.is_empty()
    }

    /// Whether nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds ` from query.items … where …`.
    pub(crate) fn push(&self, query: &mut QueryBuilder<Postgres>) {
        query.push(" from query.items as i");
        if self.asks_attempt() {
            query.push(" join query.attempts as a on a.submission = i.submission");
        }
        if self.asks_pack() {
            query.push(" left join query.packs as p on p.pack = i.pack");
        }
        if self.asks_transfer() {
            query.push(TRANSFER);
        }
        query.push(" where true");
        self.push_custody(query);
        self.push_regions(query);
        self.push_place(query);
        self.push_names(query);
    }

    fn push_custody(&self, query: &mut QueryBuilder<Postgres>) {
        let Some(custody) = self.custody else { return };
        // As a literal: a partial index is used only when the planner sees that it holds.
        query.push(" and i.rank = ").push(custody.rank.number());
        if let Some(is_passed) = custody.is_passed {
            query.push(" and a.is_passed = ").push_bind(is_passed);
        }
        match custody.is_accessioned {
            Some(true) => query.push(" and p.custody > 0 and t.is_accessioned"),
            Some(false) => {
                query.push(" and (p.custody is null or p.custody <> 1) and t.is_accessioned is not true")
            }
            None => query,
        };
    }

    fn push_regions(&self, query: &mut QueryBuilder<Postgres>) {
        if let Some(registration) = self.registration {
            query.push(" and coalesce(p.registration, 0) = ").push_bind(registration_number(registration));
        }
        match self.preservation {
            Some(Preservation::None) => query.push(" and i.rank < 6"),
            Some(Preservation::Stored) => query.push(" and i.rank = 6 and coalesce(p.preservation, 1) = 1"),
            Some(Preservation::Secured) => query.push(" and i.rank = 6 and p.preservation = 2"),
            Some(Preservation::Suspect) => query.push(" and i.rank = 6 and p.preservation = 3"),
            None => query,
        };
    }

    fn push_place(&self, query: &mut QueryBuilder<Postgres>) {
        if self.pack > 0 {
            query.push(" and i.pack > 0 and i.pack = ").push_bind(self.pack.cast_signed());
        }
        if let Some(batch) = self.batch {
            query.push(
                " and i.pack > 0 and i.pack in (select unnest(packs) from query.batches where batch = ",
            );
            query.push_bind(batch).push(") and p.batch = ").push_bind(batch);
        }
        if !self.transfer_no.is_empty() {
            query.push(
                " and i.pack > 0 and i.pack in (select unnest(coalesce(accepted_packs, packs)) from query.transfers
                  where transfer_no = ",
            );
            query.push_bind(self.transfer_no.clone()).push(") and t.transfer_no = ");
            query.push_bind(self.transfer_no.clone());
        }
    }

    fn push_names(&self, query: &mut QueryBuilder<Postgres>) {
        if !self.unit_uscc.is_empty() {
            query.push(" and i.unit_uscc = ").push_bind(self.unit_uscc.clone());
        }
        if !self.matter_code.is_empty() {
            query.push(" and i.matter_code = ").push_bind(self.matter_code.clone());
        }
        if !self.retention.is_empty() {
            query.push(" and a.retention = ").push_bind(self.retention.clone());
        }
        if self.year > 0 {
            query.push(" and a.year = ").push_bind(i64::from(self.year));
        }
        if !self.text.is_empty() {
            let text = self.text.replace(['\\', '%', '_'], "");
            query.push(" and (a.archival_code like ").push_bind(format!("%{text}%"));
            query.push(" or i.item::text like ").push_bind(format!("{}%", text.to_lowercase())).push(")");
        }
    }
}
