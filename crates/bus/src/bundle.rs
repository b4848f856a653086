//! The bundle: what travels. The events of one transaction with one subject, as they were encoded.

use bytes::{Bytes, BytesMut};
use dengbei_proto::v1;
use prost::Message as _;

use crate::traces;

/// Most events in a bundle.
pub const MAX_BUNDLE_EVENTS: usize = 256;
/// Most bytes of events in a bundle.
pub const MAX_BUNDLE_BYTES: usize = 256 * 1024;

/// A bundle as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// `<service>.<epoch>`, or `log` where the original bundle is no longer known.
    pub producer: String,
    /// Gap-free within the producer, from 1; of `log`, the index of its first entry.
    pub sequence: u64,
    /// Encoded events.
    pub events: Vec<Bytes>,
    /// W3C trace contexts, one per event, or none.
    pub traceparents: Vec<String>,
}

/// What the register calls a bundle whose original it does not know.
pub(crate) const LOG: &str = "log";

impl Bundle {
    /// Reads a message's payload.
    ///
    /// # Errors
    /// When it is no bundle, or larger than a bundle may be.
    pub fn decode(payload: Bytes) -> Result<Self, prost::DecodeError> {
        let wire = v1::Bundle::decode(payload)?;
        Ok(Self {
            producer: wire.producer,
            sequence: wire.sequence,
            events: wire.events,
            traceparents: wire.traceparents,
        })
    }

    /// The trace context of the event at `ordinal`, empty when there is none.
    pub fn traceparent(&self, ordinal: usize) -> &str {
        self.traceparents.get(ordinal).map_or("", String::as_str)
    }

    /// Whether somebody follows the trace of one of its events.
    pub(crate) fn is_traced(&self) -> bool {
        self.traceparents.iter().any(|context| traces::is_sampled(context))
    }

    pub(crate) fn is_log(&self) -> bool {
        self.producer == LOG
    }
}

/// Encodes events alone, once: what an outbox row holds.
pub(crate) fn encode_events(events: &[Bytes]) -> Vec<u8> {
    v1::Bundle { events: events.to_vec(), ..v1::Bundle::default() }.encode_to_vec()
}

/// The message for a row's events: protobuf fields may stand in any order, so the events are copied as they are.
pub(crate) fn payload(producer: &str, sequence: u64, traceparents: &[String], events: &[u8]) -> Bytes {
    let head = v1::Bundle {
        producer: producer.to_owned(),
        sequence,
        events: Vec::new(),
        traceparents: traceparents.to_vec(),
    };
    let mut payload = BytesMut::with_capacity(head.encoded_len() + events.len());
    // Writing to a growing buffer cannot run out of room.
    let _ = head.encode(&mut payload);
    payload.extend_from_slice(events);
    payload.freeze()
}

/// Where each bundle ends when `sizes` are laid in order into as few bundles as hold them.
pub(crate) fn split(sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut ends = Vec::new();
    let (mut count, mut bytes, mut at) = (0, 0, 0);
    for size in sizes {
        if count == MAX_BUNDLE_EVENTS || (count > 0 && bytes + size > MAX_BUNDLE_BYTES) {
            ends.push(at);
            (count, bytes) = (0, 0);
        }
        (count, bytes, at) = (count + 1, bytes + size, at + 1);
    }
    if count > 0 {
        ends.push(at);
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_holds_256_events_and_256_kib_at_most() {
        assert_eq!(split([]), Vec::<usize>::new());
        assert_eq!(split([1; 256]), [256]);
        assert_eq!(split([1; 600]), [256, 512, 600]);
        assert_eq!(split([100 * 1024; 5]), [2, 4, 5]);
        assert_eq!(split([MAX_BUNDLE_BYTES, 1]), [1, 2]);
    }

    #[test]
    fn the_message_holds_the_events_untouched() {
        let events = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")];
        let traces = vec!["a".to_owned(), String::new()];
        let bundle = Bundle::decode(payload("ingest.00", 7, &traces, &encode_events(&events))).unwrap();
        assert_eq!(
            bundle,
            Bundle { producer: "ingest.00".into(), sequence: 7, events, traceparents: traces }
        );
    }
}
