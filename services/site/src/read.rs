//! Read: a byte range of a pack in pieces of at most 256 KiB. Unchecked: the caller knows a digest.

use std::pin::Pin;

use dengbei_proto::v1;
use dengbei_records::Invalid;
use dengbei_vault::PackName;
use futures::{Stream, StreamExt as _};
use tonic::Status;

use crate::error::Refusal;
use crate::keeper::Keeper;
use crate::metrics;

/// Pieces with their offsets.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<v1::PackChunk, Status>> + Send>>;

impl Keeper {
    /// Streams `length` bytes from `offset`; length 0: to the end.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Request`] when the range is not within the pack.
    pub(crate) async fn read(&self, name: &PackName, offset: u64, length: u64) -> Result<Pieces, Refusal> {
        let turn = self.turns.sending().await?;
        let len = self.site.length(name).await.map_err(|e| Refusal::of(name, e))?;
        let end = if length == 0 { len } else { offset.saturating_add(length) };
        if offset > len || end > len {
            return Err(Invalid::new("字节范围 byte range", format!("{offset}+{length} of {len}")).into());
        }
        let pack = name.clone();
        let mut at = offset;
        let pieces = self.site.stream(name, offset..end).map(move |piece| {
            let _held = &turn;
            let data = piece.map_err(|e| Refusal::of(&pack, e).status())?;
            let offset = at;
            at += data.len() as u64;
            metrics::bytes("sent", data.len() as u64);
            Ok(v1::PackChunk { offset, data })
        });
        Ok(Box::pin(pieces))
    }
}
