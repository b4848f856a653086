//! 批, 载体: a filing batch, a registration batch, a transfer; a carrier; a month's session of work.
//!
//! Before: `gather.rs`. After: `state` in `mod.rs`. A transfer's own verdict stays with `transfer/`, member by member: here
//! its counts are compared once more, and the tasks of persons are its.

use dengbei_chain::Event;
use dengbei_checks::facts::Classes;
use dengbei_checks::{BatchView, CarrierView, Stage, check_batch, check_carrier};

use super::error::WholeError;
use super::{Wholes, stage_of};
use crate::store::wholes::OpenWhole;

impl Wholes {
    /// A batch, as its event makes it. The sample's seed is that event's hash: whoever has the log draws it again.
    pub(super) async fn batch(&self, run: &OpenWhole, event: &Event) -> Result<(), WholeError> {
        let gathered = self.gather(run, event).await?;
        let stage = stage_of(&run.key);
        let stated_bytes = gathered.bytes.map(|_| gathered.stated.bytes);
        let view = BatchView {
            stated_items: Some(gathered.stated.items),
            listed: Some(gathered.listed),
            arrived: gathered.arrived,
            stated_bytes,
            bytes: gathered.bytes.unwrap_or(0),
            // Of a transfer the run over its members decides: the rest of a class may be in another.
            classes: if stage == Stage::G { gathered.classes } else { Classes::new() },
            papers: gathered.stated.papers,
            items: gathered.items,
            seed: event.hash.to_string(),
            signed: self.signed(&run.key).await?,
            session: event.recorded_at.office().get(..7).map(str::to_owned),
            ..BatchView::new(&run.key.number, self.author.clock.now())
        };
        self.state(run, check_batch(&view, stage, self.scheme()), None).await
    }

    /// A carrier. Everything comes on line: there is none to look at, and the report says so.
    pub(super) async fn carrier(&self, run: &OpenWhole) -> Result<(), WholeError> {
        let view = CarrierView {
            number: run.key.number.clone(),
            now: self.author.clock.now(),
            is_offline: false,
            signed: self.signed(&run.key).await?,
        };
        self.state(run, check_carrier(&view, stage_of(&run.key), self.scheme()), None).await
    }

    /// A month of work: what persons sign of how it went.
    pub(super) async fn session(&self, run: &OpenWhole) -> Result<(), WholeError> {
        let view = BatchView {
            signed: self.signed(&run.key).await?,
            ..BatchView::new(&run.key.number, self.author.clock.now())
        };
        self.state(run, check_batch(&view, stage_of(&run.key), self.scheme()), None).await
    }
}
