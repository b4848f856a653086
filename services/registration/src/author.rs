//! Who states registration's facts: area, clock and ids in one place, so that tests are exact.

use std::sync::Arc;

use dengbei_chain::facts::ReadError;
use dengbei_chain::{Actor, Draft, Encoded, Fact, Ids, Subject};
use dengbei_kit::Names;
use dengbei_records::{AreaCode, Clock, EventHash, Timestamp};
use uuid::Uuid;

use crate::bodies::Bodies;

/// Drafts and encodes events.
#[derive(Clone)]
pub(crate) struct Author {
    pub(crate) area: AreaCode,
    /// Who papers say registers, and who takes transfers.
    pub(crate) bodies: Arc<Bodies>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

/// What is stated, and why.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) subject: Subject,
    pub(crate) causes: Vec<EventHash>,
    pub(crate) fact: Fact,
}

impl Author {
    pub(crate) fn new(area: AreaCode, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let bodies = Arc::new(Bodies::of(&area, &Names::default()));
        Self { area, bodies, clock, ids }
    }

    /// Names the bodies in papers as configured.
    pub(crate) fn naming(self, names: &Names) -> Self {
        Self { bodies: Arc::new(Bodies::of(&self.area, names)), ..self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An id for something new, in the order of time.
    pub(crate) fn id(&self) -> Uuid {
        self.ids.next()
    }

    /// States a fact of the system's own.
    pub(crate) fn state(&self, statement: Statement, at: Timestamp) -> Result<Encoded, ReadError> {
        self.state_for(None, statement, at)
    }

    /// States a fact for somebody.
    pub(crate) fn state_for(
        &self,
        actor: Option<Actor>,
        statement: Statement,
        at: Timestamp,
    ) -> Result<Encoded, ReadError> {
        let draft = Draft {
            id: self.ids.next(),
            area: self.area.clone(),
            subject: statement.subject,
            causes: statement.causes,
            actor,
            recorded_at: at,
            fact: statement.fact,
        };
        draft.encode()
    }
}

impl std::fmt::Debug for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Author").field("area", &self.area).finish_non_exhaustive()
    }
}
