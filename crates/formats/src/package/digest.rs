//! The package digest: one value for the same files, whether they came as a zip or a folder.

use dengbei_records::{Invalid, Sha512, canonical};

/// SHA-512 over the canonical JSON (RFC 8785) of `[[path, sha512], …]`, sorted by the paths' UTF-8 bytes.
/// Digests are of the bytes as received, before redaction.
///
/// # Errors
/// [`Invalid`] is not expected for paths and digests; it is passed on rather than hidden.
pub fn package_digest<'a>(files: impl IntoIterator<Item = (&'a str, &'a Sha512)>) -> Result<Sha512, Invalid> {
    let mut list: Vec<(&str, String)> =
        files.into_iter().map(|(path, digest)| (path, digest.to_string())).collect();
    list.sort_unstable();
    Ok(Sha512::of(&canonical::to_vec(&list)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_arrival_changes_nothing_and_a_name_does() {
        let (a, b) = (Sha512::of(b"a"), Sha512::of(b"b"));
        let one = package_digest([("x", &a), ("y", &b)]).unwrap();
        assert_eq!(one, package_digest([("y", &b), ("x", &a)]).unwrap());
        assert_ne!(one, package_digest([("x", &b), ("y", &a)]).unwrap());
        let golden = format!(r#"[["x","{a}"],["y","{b}"]]"#);
        assert_eq!(one, Sha512::of(golden.as_bytes()));
    }
}
