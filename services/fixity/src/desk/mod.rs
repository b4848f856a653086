//! 人工检测台: what persons sign, and what they say of a report.
//!
//! Before: `grpc.rs`. Each is an event with a document, in the transaction of its row: it stands in the log and, with its
//! document, in the packs. Nothing that is signed is changed; others sign beside it.

use dengbei_chain::Actor;
use dengbei_kit::grpc::MeshChannel;
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
    /// In the name of the service that states runs.
    pub(crate) author: Author,
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
        bytes_of(self.actor)
    }
}

/// As rows keep who acted: blinded; empty for nobody.
pub(crate) fn bytes_of(actor: Option<Actor>) -> Vec<u8> {
    actor.map(|a| a.0.to_vec()).unwrap_or_default()
}

/// The text as it is kept: without the white space around it.
fn text(given: &str) -> Result<String, DeskError> {
    let text = given.trim();
    if text.chars().count() > MOST_TEXT {
        return Err(DeskError::TooLong(MOST_TEXT));
    }
    Ok(text.to_owned())
}
