//! Time is passed in, so that tests are exact. Order never comes from a clock.

use std::fmt;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

/// A moment, milliseconds since 1970-01-01 UTC. Shown in Beijing time (+08:00), as offices write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// RFC 3339 with +08:00 and seconds, `2026-11-02T08:00:00+08:00`.
    pub fn rfc3339(self) -> String {
        self.beijing().map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, false)).unwrap_or_default()
    }

    /// As offices write it: `2026-11-02 08:00:00`, Beijing time.
    pub fn office(self) -> String {
        self.beijing().map(|t| t.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }

    fn beijing(self) -> Option<DateTime<FixedOffset>> {
        let offset = FixedOffset::east_opt(8 * 3600)?;
        Some(DateTime::<Utc>::from_timestamp_millis(self.0)?.with_timezone(&offset))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.office())
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp_millis())
    }
}
