//! An event: drafted, encoded once, hashed. What is read keeps its bytes; nothing is ever encoded again.

use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_records::{AreaCode, EventHash, Timestamp};
use prost::Message as _;
use uuid::Uuid;

use crate::facts::{Fact, FactKind, ReadError};
use crate::subject::Subject;

/// The largest event, bytes.
pub const MAX_EVENT: usize = 32 * 1024;
/// How many causes an event may name.
pub const MAX_CAUSES: usize = 8;

/// Who did it, blinded: the first 16 bytes of an HMAC over the person's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Actor(pub [u8; 16]);

/// What is about to be stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// From [`crate::Ids`].
    pub id: Uuid,
    /// The deployment's area.
    pub area: AreaCode,
    /// What it is about.
    pub subject: Subject,
    /// The events that caused it, at most [`MAX_CAUSES`].
    pub causes: Vec<EventHash>,
    /// Who; `None` for the system itself.
    pub actor: Option<Actor>,
    /// When it was recorded. Order never comes from it.
    pub recorded_at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// An event's bytes for ever, with their hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The producer's bytes.
    pub bytes: Bytes,
    /// SHA-256(0x00 ‖ bytes).
    pub hash: EventHash,
    /// For the bus subject.
    pub kind: FactKind,
}

impl Draft {
    /// Encodes the event, once.
    ///
    /// # Errors
    /// [`ReadError::TooLarge`] over 32 KiB or 8 causes: the fact should cite a document instead.
    pub fn encode(&self) -> Result<Encoded, ReadError> {
        if self.causes.len() > MAX_CAUSES {
            return Err(ReadError::TooLarge("causes"));
        }
        let message = v1::Event {
            id: self.id.as_bytes().to_vec().into(),
            area: self.area.to_string(),
            subject: self.subject.to_string(),
            causes: self.causes.iter().map(|c| c.as_bytes().to_vec().into()).collect(),
            actor: self.actor.map(|a| a.0.to_vec()).unwrap_or_default().into(),
            recorded_at: self.recorded_at.millis(),
            fact: Some(self.fact.write()),
        };
        let bytes = Bytes::from(message.encode_to_vec());
        if bytes.len() > MAX_EVENT {
            return Err(ReadError::TooLarge("bytes"));
        }
        Ok(Encoded { hash: EventHash::of(&bytes), bytes, kind: self.fact.kind() })
    }
}

/// An event as read, with the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// SHA-256(0x00 ‖ bytes).
    pub hash: EventHash,
    /// As the producer encoded it.
    pub bytes: Bytes,
    /// UUIDv7.
    pub id: Uuid,
    /// 行政区划
    pub area: AreaCode,
    /// What it is about.
    pub subject: Subject,
    /// Hashes of its causes.
    pub causes: Vec<EventHash>,
    /// Who, blinded.
    pub actor: Option<Actor>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What happened; `None` for a fact that this version does not know: kept, skipped, never refused.
    pub fact: Option<Fact>,
}

impl Event {
    /// Reads an event and keeps its bytes.
    ///
    /// # Errors
    /// [`ReadError`] when the bytes are no event. A fact of a later version is not an error.
    pub fn read(bytes: Bytes) -> Result<Self, ReadError> {
        if bytes.len() > MAX_EVENT {
            return Err(ReadError::TooLarge("bytes"));
        }
        let p = v1::Event::decode(bytes.clone())?;
        if p.causes.len() > MAX_CAUSES {
            return Err(ReadError::TooLarge("causes"));
        }
        let actor = match p.actor.len() {
            0 => None,
            _ => Some(Actor(p.actor.as_ref().try_into().map_err(|_| ReadError::Missing("actor"))?)),
        };
        Ok(Self {
            hash: EventHash::of(&bytes),
            id: Uuid::from_slice(&p.id).map_err(|_| ReadError::Missing("id"))?,
            area: p.area.parse()?,
            subject: p.subject.parse()?,
            causes: p.causes.iter().map(|c| EventHash::from_slice(c)).collect::<Result<_, _>>()?,
            actor,
            recorded_at: Timestamp::from_millis(p.recorded_at),
            fact: p.fact.map(Fact::read).transpose()?,
            bytes,
        })
    }

    /// The fact's name, or `unknown`.
    pub fn fact_name(&self) -> &'static str {
        self.fact.as_ref().map_or("unknown", |f| f.kind().name())
    }
}
