//! Where a list goes on: opaque to clients, the last row's (changed_at, item) to us.

use bytes::Bytes;
use dengbei_proto::v1;

use crate::problem::Refusal;

const LENGTH: usize = 24;

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

/// The cursor after the row that changed at `at` and has this id or name.
pub(crate) fn after(at: i64, id: &[u8]) -> String {
    hex::encode([at.to_be_bytes().as_slice(), id].concat())
}

/// The cursor after a page; `None` after the last one.
pub(crate) fn next(page: &[v1::ItemSummary], limit: usize) -> Option<String> {
    let last = page.last().filter(|_| page.len() >= limit)?;
    Some(after(last.changed_at, &last.item))
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
        let named = after(42, "YJ-330402".as_bytes());
        assert_eq!(read_named(&named).unwrap(), (42, "YJ-330402".to_owned()));
        assert!(read_named("0011").is_err());
        for wrong in ["x", "00", &cursor[2..]] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
