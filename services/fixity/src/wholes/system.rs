//! 系统: the database is written and read back (U-02), the scanner stands (S-01), a backup was restored (U-09), persons look
//! after the system by the month (S-07).
//!
//! Before: the clock, or a person who asks. After: `state` in `mod.rs`.

use dengbei_checks::{ReadBack, Stage, SystemView, check_system, with_restored};
use dengbei_records::Sha256;
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
        let report = check_system(&view, Stage::C, self.scheme());
        let report = with_restored(report, restored.as_ref(), now, self.scheme());
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
}
