//! Entry bundles of C2SP tlog-tiles: entries one after another, each after its length as a big-endian u16.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// The longest entry that the layout can hold.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// What cannot be put into a bundle or read from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The layout has 16 bits for the length.
    #[error("第{position}条长{length}字节,超过65535 / entry {position} has {length} bytes, over 65535")]
    TooLong {
        /// Which entry, counted from 0.
        position: usize,
        /// Its length.
        length: usize,
    },
    /// The bytes end inside an entry.
    #[error("第{position}条不完整 / entry {position} is cut off")]
    CutOff {
        /// Which entry, counted from 0.
        position: usize,
    },
    /// More or fewer entries than the bundle's width.
    #[error("有{found}条,应有{wanted}条 / {found} entries instead of {wanted}")]
    Count {
        /// Entries there should be.
        wanted: usize,
        /// Entries there are.
        found: usize,
    },
}

/// Encodes entries in order.
///
/// # Errors
/// [`BundleError::TooLong`] for an entry over 65,535 bytes.
pub fn encode_bundle(entries: &[Bytes]) -> Result<Bytes, BundleError> {
    let mut bundle = BytesMut::with_capacity(entries.iter().map(|entry| entry.len() + 2).sum());
    for (position, entry) in entries.iter().enumerate() {
        push_entry(&mut bundle, entry).map_err(|length| BundleError::TooLong { position, length })?;
    }
    Ok(bundle.freeze())
}

/// Adds one entry; gives back its length when that is too much.
pub(crate) fn push_entry(bundle: &mut BytesMut, entry: &[u8]) -> Result<(), usize> {
    bundle.put_u16(u16::try_from(entry.len()).map_err(|_| entry.len())?);
    bundle.put_slice(entry);
    Ok(())
}

/// Reads all entries of a bundle without copying them.
///
/// # Errors
/// [`BundleError::CutOff`] when the bytes end inside an entry.
pub fn decode_bundle(bundle: &Bytes) -> Result<Vec<Bytes>, BundleError> {
    let (mut rest, mut entries) = (bundle.clone(), Vec::new());
    while rest.has_remaining() {
        let cut_off = BundleError::CutOff { position: entries.len() };
        let length = usize::from(rest.try_get_u16().map_err(|_| cut_off.clone())?);
        if rest.remaining() < length {
            return Err(cut_off);
        }
        entries.push(rest.split_to(length));
    }
    Ok(entries)
}

/// Reads a bundle that must hold exactly `width` entries.
///
/// # Errors
/// [`BundleError`] when it does not.
pub fn decode_bundle_of(bundle: &Bytes, width: u16) -> Result<Vec<Bytes>, BundleError> {
    let (entries, wanted) = (decode_bundle(bundle)?, usize::from(width));
    let found = entries.len();
    if found == wanted { Ok(entries) } else { Err(BundleError::Count { wanted, found }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entry_over_16_bits_is_refused_by_its_position() {
        let entries = [Bytes::new(), Bytes::from(vec![0; MAX_ENTRY]), Bytes::from(vec![0; MAX_ENTRY + 1])];
        assert!(encode_bundle(&entries[..2]).is_ok());
        let refused = BundleError::TooLong { position: 2, length: MAX_ENTRY + 1 };
        assert_eq!(encode_bundle(&entries), Err(refused));
    }

    #[test]
    fn cut_or_miscounted_bundle_is_refused() {
        let bundle = encode_bundle(&["one", "two"].map(Bytes::from)).unwrap();
        assert_eq!(&bundle[..], b"\0\x03one\0\x03two");
        assert_eq!(decode_bundle(&bundle.slice(..9)), Err(BundleError::CutOff { position: 1 }));
        assert_eq!(decode_bundle(&bundle.slice(..6)), Err(BundleError::CutOff { position: 1 }));
        assert_eq!(decode_bundle_of(&bundle, 3), Err(BundleError::Count { wanted: 3, found: 2 }));
    }

    proptest! {
        #[test]
        fn every_bundle_reads_back(entries: Vec<Vec<u8>>) {
            let entries: Vec<Bytes> = entries.into_iter().map(Bytes::from).collect();
            prop_assert_eq!(decode_bundle(&encode_bundle(&entries).unwrap()), Ok(entries));
        }

        #[test]
        fn decoding_never_panics_and_is_canonical(bytes: Vec<u8>) {
            let bytes = Bytes::from(bytes);
            if let Ok(entries) = decode_bundle(&bytes) {
                prop_assert_eq!(encode_bundle(&entries).unwrap(), bytes);
            }
        }
    }
}
