//! Who states replication's facts: area, clock and ids in one place, so that tests are exact.

use std::sync::Arc;

use dengbei_bus::Outbox;
use dengbei_chain::{Draft, Encoded, Fact, Ids, ReadError, Subject};
use dengbei_records::{AreaCode, Clock, EventHash, PackNumber, Timestamp};

/// Drafts and encodes events.
#[derive(Clone)]
pub(crate) struct Author {
    pub(crate) area: AreaCode,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) outbox: Outbox,
}

impl Author {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fact about a pack.
    pub(crate) fn state(
        &self,
        pack: PackNumber,
        causes: Vec<EventHash>,
        fact: Fact,
    ) -> Result<Encoded, ReadError> {
        let draft = Draft {
            id: self.ids.next(),
            area: self.area.clone(),
            subject: Subject::Pack(pack),
            causes,
            actor: None,
            recorded_at: self.now(),
            fact,
        };
        draft.encode()
    }
}
