//! 系统: the database is written and read back (U-02), the scanner stands (S-01), a backup was restored (U-09), persons look
//! after the system by the month (S-07).
//!
//! Before: the clock, or a person who asks. After: `state` in `mod.rs`.

use dengbei_checks::facts::Restored;
use dengbei_checks::{
    CheckId, CheckOutcome, CheckResult, Context, PackageView, ReadBack, Report, Stage, SystemView, Verdict,
    check_package, check_system,
};
use dengbei_formats::package::MemorySource;
use dengbei_formats::read_package;
use dengbei_records::{Sha256, Timestamp};
use dengbei_scanner::Guard;

use super::Wholes;
use super::error::WholeError;
use crate::store::drills;
use crate::store::wholes::{Key, OpenWhole};

/// Bytes of the record that is written: more than a page of the database.
const RECORD: usize = 16 << 10;

impl Wholes {
    pub(super) async fn system(&self, run: &OpenWhole) -> Result<(), WholeError> {
        let now = self.author.clock.now();
        let month = run.key.number.get(..7).unwrap_or(&run.key.number).to_owned();
        let signed = self.signed(&Key::of("system", "C", &month)).await?;
        let databases = vec![self.read_back().await];
        let (restored, drill) = self.restored(run, now).await?;
        let view = SystemView {
            name: month,
            now,
            databases,
            scanner: self.bench.guard.as_ref().map(Guard::state),
            signed,
        };
        let mut report = check_system(&view, Stage::C, self.scheme());
        if let Some(outcome) = self.backups(restored, now)? {
            join(&mut report, outcome);
        }
        self.state(run, report, drill).await
    }

    /// U-02 of this service's database: a record of random bytes is committed, and read back by another statement.
    async fn read_back(&self) -> ReadBack {
        let body: Vec<u8> = rand::random_iter().take(RECORD).collect();
        let read = async {
            let id = self.author.ids.next();
            drills::write(&self.pool, id, &body).await?;
            drills::read_back(&self.pool, id).await
        };
        let read = match read.await {
            Ok(Some(read)) => Ok(Sha256::of(&read)),
            Ok(None) => Err("写入的记录不在 / the record is not there".to_owned()),
            Err(e) => Err(e.to_string()),
        };
        ReadBack { database: "fixity".to_owned(), written: Sha256::of(&body), read }
    }

    /// U-09 as the checks judge it; `None`: the scheme does not run it.
    fn backups(
        &self,
        restored: Option<Restored>,
        now: Timestamp,
    ) -> Result<Option<CheckOutcome>, WholeError> {
        let nothing = MemorySource::new("system", Vec::new());
        let package = read_package(&nothing).map_err(|e| WholeError::Fault(e.to_string()))?;
        let context = Context { restored, is_in_sample: true, ..Context::at(now) };
        let view = PackageView { package: &package, files: &[], context: &context };
        let report = check_package(&view, Stage::C, self.scheme());
        Ok(report.checks.into_iter().find(|c| c.id == CheckId::U09))
    }
}

/// Takes one more check into a report that nobody has sealed.
fn join(report: &mut Report, outcome: CheckOutcome) {
    let is_open = outcome.result == CheckResult::Unverifiable && outcome.blocks_unverified;
    if outcome.result == CheckResult::Failed {
        report.verdict = Verdict::Failed;
    } else if is_open && report.verdict != Verdict::Failed {
        report.verdict = Verdict::Unverifiable;
    }
    report.checks.push(outcome);
    report.checks.sort_by_key(|c| c.id);
}
