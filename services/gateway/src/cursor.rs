//! Where a list goes on: opaque to clients, the last row's moment and id to us.

use std::borrow::Cow;

use bytes::Bytes;
use dengbei_proto::v1;

use crate::problem::Refusal;

const LENGTH: usize = 24;

/// A row that a list can go on after.
pub(crate) trait Row {
    /// The moment that the list is in order of, and the row's id or name.
    fn place(&self) -> (i64, Cow<'_, [u8]>);
}

impl Row for v1::ItemSummary {
    fn place(&self) -> (i64, Cow<'_, [u8]>) {
        (self.changed_at, self.item.as_ref().into())
    }
}

impl Row for v1::BatchSummary {
    fn place(&self) -> (i64, Cow<'_, [u8]>) {
        (self.applied_at, self.batch.as_ref().into())
    }
}

impl Row for v1::TransferSummary {
    fn place(&self) -> (i64, Cow<'_, [u8]>) {
        (self.packed_at, self.transfer_no.as_bytes().into())
    }
}

impl Row for v1::WholeSummary {
    fn place(&self) -> (i64, Cow<'_, [u8]>) {
        (self.began_at, hex::encode(&self.id).into_bytes().into())
    }
}

/// Rows of a page, 1 to 200; 50 when nobody says.
pub(crate) fn page_size(asked: Option<u32>) -> u32 {
    asked.unwrap_or(50).clamp(1, 200)
}

/// Reads a cursor; an empty one is the beginning.
pub(crate) fn read(text: &str) -> Result<(i64, Bytes), Refusal> {
    if text.is_empty() {
        return Ok((0, Bytes::new()));
    }
    let bytes = Bytes::from(hex::decode(text).map_err(|_| not_a_cursor())?);
    if bytes.len() != LENGTH {
        return Err(not_a_cursor());
    }
    let at = bytes[..8].try_into().map(i64::from_be_bytes).map_err(|_| not_a_cursor())?;
    Ok((at, bytes.slice(8..)))
}

/// What is no cursor of ours.
pub(crate) fn not_a_cursor() -> Refusal {
    Refusal::invalid("request.cursor", "翻页标记无效", "the cursor is not valid")
}

/// Reads a cursor whose row is named by a text; an empty one is the beginning.
pub(crate) fn read_named(text: &str) -> Result<(i64, String), Refusal> {
    if text.is_empty() {
        return Ok((0, String::new()));
    }
    let bytes = hex::decode(text).map_err(|_| not_a_cursor())?;
    let (at, name) = bytes.split_at_checked(8).ok_or_else(not_a_cursor)?;
    let at = at.try_into().map(i64::from_be_bytes).map_err(|_| not_a_cursor())?;
    Ok((at, String::from_utf8(name.to_vec()).map_err(|_| not_a_cursor())?))
}

/// The last row of a full page, after which there may be more.
pub(crate) fn last_of_full<T>(page: &[T], limit: u32) -> Option<&T> {
    page.last().filter(|_| page.len() >= limit as usize)
}

/// The cursor after a page; `None` after the last one.
pub(crate) fn next(page: &[impl Row], limit: u32) -> Option<String> {
    let (at, id) = last_of_full(page, limit)?.place();
    Some(hex::encode([at.to_be_bytes().as_slice(), &id].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let row = v1::ItemSummary { item: vec![7; 16].into(), changed_at: 42, ..Default::default() };
        let cursor = next(std::slice::from_ref(&row), 1).unwrap();
        assert_eq!(read(&cursor).unwrap(), (42, row.item.clone()));
        assert_eq!(next(std::slice::from_ref(&row), 2), None);
        let named =
            v1::TransferSummary { transfer_no: "YJ-330402".into(), packed_at: 42, ..Default::default() };
        assert_eq!(read_named(&next(&[named], 1).unwrap()).unwrap(), (42, "YJ-330402".to_owned()));
        assert!(read_named("0011").is_err());
        for wrong in ["x", "00", &cursor[2..]] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
