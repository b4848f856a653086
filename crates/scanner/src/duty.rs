//! What clamd says of itself: engine, signatures, and their age (S-01).

use std::time::Duration;

use chrono::NaiveDateTime;
use dengbei_records::Timestamp;

use crate::ScanError;

/// Answer of VERSION: `ClamAV 1.4.6/27500/Thu Nov 19 09:24:41 2026`; with signatures of one's own alone only the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Engine and version: `ClamAV 1.4.6`.
    pub engine: String,
    /// Version of the official signatures; `None`: it has none.
    pub signatures: Option<u64>,
    /// When those were built; `None`: unknown.
    pub built: Option<Timestamp>,
}

impl Duty {
    pub(crate) fn read(text: &str) -> Result<Self, ScanError> {
        let mut parts = text.trim().splitn(3, '/');
        let engine = parts.next().unwrap_or_default().trim().to_owned();
        if !engine.starts_with("ClamAV ") {
            return Err(ScanError::Answer(text.to_owned()));
        }
        let signatures = parts.next().and_then(|n| n.trim().parse().ok());
        let built = parts.next().and_then(moment);
        Ok(Self { engine, signatures, built })
    }

    /// How old the signatures are; `None`: unknown. Signatures from the future count as new.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let millis = now.millis().saturating_sub(self.built?.millis());
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
    }

    /// Engine and signatures in one text, for reports.
    pub fn name(&self) -> String {
        match self.signatures {
            Some(n) => format!("{}/{n}", self.engine),
            None => self.engine.clone(),
        }
    }
}

/// clamd writes the moment in its own time zone without naming it: up to a day off, of seven that are allowed.
fn moment(text: &str) -> Option<Timestamp> {
    NaiveDateTime::parse_from_str(text.trim(), "%a %b %e %H:%M:%S %Y")
        .ok()
        .map(|at| Timestamp::from_millis(at.and_utc().timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_with_official_signatures_tells_their_age() {
        let duty = Duty::read("ClamAV 1.4.6/27500/Thu Nov 19 09:24:41 2026\n").unwrap();
        assert_eq!((duty.name().as_str(), duty.signatures), ("ClamAV 1.4.6/27500", Some(27500)));
        let built = duty.built.unwrap().millis();
        let after = |seconds: i64| duty.age(Timestamp::from_millis(built + seconds * 1000));
        assert_eq!(after(2 * 86_400), Some(Duration::from_secs(2 * 86_400)));
        assert_eq!(after(-86_400), Some(Duration::ZERO));
    }

    #[test]
    fn own_signatures_alone_have_no_age() {
        let duty = Duty::read("ClamAV 1.4.6").unwrap();
        assert_eq!((duty.signatures, duty.built, duty.name().as_str()), (None, None, "ClamAV 1.4.6"));
    }

    #[test]
    fn another_program_is_not_clamd() {
        for text in ["", "SSH-2.0-OpenSSH", "ERROR: unknown command"] {
            assert!(Duty::read(text).is_err(), "{text}");
        }
    }
}
