//! What the log tests share: a key, entries, a log to work on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use dengbei_register::{LogReader, LogWriter, Signer, Tiles};

pub(crate) fn signer() -> Signer {
    Signer::from_seed("dengbei/330681".parse().unwrap(), &[42; 32])
}

/// Entries `from..to`: distinct, of lengths from 0 to some hundred bytes.
pub(crate) fn entries(range: std::ops::Range<u64>) -> Vec<Bytes> {
    range.map(|number| Bytes::from(number.to_string().repeat((number % 50) as usize))).collect()
}

/// Appends up to `to` in batches that each end at one of `ends`, then publishes.
pub(crate) async fn grow<S: Tiles>(storage: S, ends: &[u64]) -> LogReader<S> {
    let mut writer = LogWriter::open(storage, signer().verifier()).await.unwrap();
    for end in ends {
        let (from, entries) = (writer.size(), entries(writer.size()..*end));
        assert_eq!(writer.append(&entries).await.unwrap(), from..*end);
    }
    writer.checkpoint(&signer()).await.unwrap();
    LogReader::new(writer.into_storage())
}
