//! 人工检测台: what persons sign, and what they say of a report.
//!
//! Before: `grpc.rs`. Each is an event with a document, in the transaction of its row: it stands in the log and, with its
//! document, in the packs. Nothing that is signed is changed; others sign beside it.

use std::sync::Arc;

use dengbei_bus::Outbox;
use dengbei_chain::{Actor, Draft, Encoded, Fact, Ids, Subject};
use dengbei_kit::grpc::MeshChannel;
use dengbei_records::{AreaCode, Clock, EventHash, Timestamp};
use sqlx::postgres::PgPool;

use crate::verdict::Author;

pub(crate) mod error;
pub(crate) mod papers;
mod recheck;
mod sign;

pub(crate) use recheck::{Rechecked, Said};
pub(crate) use sign::Signing;

use error::DeskError;

/// The longest note or reason, characters.
const MOST_TEXT: usize = 2_000;

/// Takes what persons sign. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) pool: PgPool,
    pub(crate) area: AreaCode,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outbox: Outbox,
    /// Who holds reports that this database lost.
    pub(crate) registration: MeshChannel,
}

/// Who acts: as documents name them, and as events do.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) actor: Option<Actor>,
}

impl Person {
    fn bytes(&self) -> Vec<u8> {
        self.actor.as_ref().map(|a| a.0.to_vec()).unwrap_or_default()
    }
}

impl Desk {
    /// In the name of the service that states runs.
    pub(crate) fn of(pool: PgPool, author: &Author, registration: MeshChannel) -> Self {
        Self {
            pool,
            area: author.area.clone(),
            ids: author.ids.clone(),
            clock: author.clock.clone(),
            outbox: author.outbox.clone(),
            registration,
        }
    }

    fn encode(
        &self,
        (subject, causes, fact): (Subject, Vec<EventHash>, Fact),
        person: &Person,
        recorded_at: Timestamp,
    ) -> Result<Encoded, DeskError> {
        let (id, area, actor) = (self.ids.next(), self.area.clone(), person.actor);
        Ok(Draft { id, area, subject, causes, actor, recorded_at, fact }.encode()?)
    }
}

/// The text as it is kept: without the white space around it.
fn text(given: &str) -> Result<String, DeskError> {
    let text = given.trim();
    if text.chars().count() > MOST_TEXT {
        return Err(DeskError::TooLong(MOST_TEXT));
    }
    Ok(text.to_owned())
}
