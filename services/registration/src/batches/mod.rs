//! 登记台: registration batches (登记批次) from application to certificate.
//!
//! `apply.rs` (申请) → `check.rs` (技术检测) and `decide.rs` (受理, 登记) → replication backs the packs up, `hear.rs` hears of it →
//! `certify.rs` (发证). By a unit's rule all of it goes on by itself, each verb a reconciler of `loops.rs`; `desk.rs` takes the
//! same steps by hand, by the rules of `rules.rs`. `papers.rs` writes what is signed, `list.rs` answers what is asked. Everything is about batches and packs:
//! no item's row is read or touched.

mod apply;
mod certify;
mod check;
mod decide;
mod desk;
mod digest_root;
mod error;
pub(crate) mod hear;
mod list;
pub(crate) mod loops;
mod papers;
mod rules;
mod site_keys;

use dengbei_bus::Outbox;
use dengbei_kit::seals::SealKeys;
use dengbei_vault::Site;
use sqlx::PgPool;
use std::time::Duration;

use crate::author::Author;
use crate::unit_keys::UnitKeys;

pub(crate) use check::Primary;
pub(crate) use error::BatchError;
pub(crate) use list::{Shown, Which};
pub(crate) use rules::{Ask, Verb};
pub(crate) use site_keys::SiteKeys;

/// Filing batches that one application may hold.
pub(crate) const MOST_PACKS: usize = 8;

/// 登记机关's desk and the units' applications to it.
#[derive(Debug, Clone)]
pub(crate) struct Office {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) outbox: Outbox,
    /// Units sign applications.
    pub(crate) units: UnitKeys,
    /// The administration signs decisions and certificates.
    pub(crate) administration: SealKeys,
    /// The primary site as its role answers for it.
    pub(crate) primary: Primary,
    /// Where packs are read that were not counted yet.
    pub(crate) site: Site,
    /// How long a filed pack waits for others of its unit and year.
    pub(crate) linger: Duration,
}
