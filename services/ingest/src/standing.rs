//! 接收积压: how much is undecided. Over the limits the door closes early and clearly, before a body is read.
//!
//! Of the deployment, not of this process: the database is counted every five seconds, and between two countings each
//! process adds what it took itself. Several together can go over a limit by what the others take in five seconds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use dengbei_records::{ErrorClass, Problem};
use sqlx::postgres::PgPool;

use crate::config::{FREE, Settings};
use crate::store::submissions::{self, Undecided};

/// The counts, kept near the truth between two countings.
#[derive(Debug)]
pub(crate) struct Standing {
    items: AtomicU64,
    bytes: AtomicU64,
    parked: AtomicU64,
    limits: (u64, u64),
    staging: PathBuf,
}

impl Standing {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            items: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            parked: AtomicU64::new(0),
            limits: (settings.undecided_items, settings.undecided_bytes),
            staging: settings.staging.clone(),
        }
    }

    /// Counts anew: the database knows.
    pub(crate) async fn recount(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let counted = submissions::undecided(pool).await?;
        self.items.store(counted.items, Ordering::Relaxed);
        self.bytes.store(counted.bytes, Ordering::Relaxed);
        self.parked.store(counted.parked, Ordering::Relaxed);
        crate::metrics::undecided(&counted);
        Ok(())
    }

    /// Notes what was just accepted, until the next counting.
    pub(crate) fn add(&self, items: u64, bytes: u64) {
        self.items.fetch_add(items, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Undecided {
        Undecided {
            items: self.items.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            parked: self.parked.load(Ordering::Relaxed),
        }
    }

    /// Measures what is not counted anew all the time: the oldest, the disk.
    pub(crate) async fn measure(&self, pool: &PgPool, now: i64) -> Result<(), sqlx::Error> {
        crate::metrics::oldest(submissions::oldest(pool).await?, now);
        if let Ok(disk) = rustix::fs::statvfs(&self.staging) {
            let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
            crate::metrics::staging((bytes(disk.f_bavail), bytes(disk.f_blocks)));
        }
        Ok(())
    }

    /// Free bytes of the staging disk; 0 when it does not say.
    pub(crate) fn free_bytes(&self) -> u64 {
        free_bytes(&self.staging)
    }

    /// Whether `coming` more bytes may come.
    ///
    /// # Errors
    /// `ingest.full`, class Exhausted: come again later.
    pub(crate) fn admit(&self, coming: u64) -> Result<(), Problem> {
        let now = self.now();
        if now.items >= self.limits.0 || now.bytes.saturating_add(coming) > self.limits.1 {
            return Err(full("接收积压已满，等待归档处理", "too much is undecided"));
        }
        if self.free_bytes() < FREE.saturating_add(coming) {
            return Err(disk_full());
        }
        Ok(())
    }
}

fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize))
}

/// Refuses because the staging disk is nearly full.
pub(crate) fn disk_full() -> Problem {
    full("暂存盘空间不足", "the staging disk is nearly full")
}

fn full(zh: &str, en: &str) -> Problem {
    Problem::new("ingest.full", ErrorClass::Exhausted, zh, en)
        .with_remedy("请 60 秒后重试，已受理的不受影响 / try again in 60 s; what was accepted is safe")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(items: u64, bytes: u64) -> Standing {
        let staging = std::env::temp_dir();
        Standing {
            items: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            parked: AtomicU64::new(0),
            limits: (items, bytes),
            staging,
        }
    }

    #[test]
    fn the_door_closes_at_the_limit_of_items_and_of_bytes() {
        let full = standing(2, 1_000);
        assert!(full.admit(10).is_ok());
        full.add(1, 500);
        assert!(full.admit(500).is_ok());
        assert_eq!(full.admit(501).unwrap_err().code, "ingest.full");
        full.add(1, 0);
        let problem = full.admit(0).unwrap_err();
        assert_eq!((problem.code.as_str(), problem.class), ("ingest.full", ErrorClass::Exhausted));
    }
}
