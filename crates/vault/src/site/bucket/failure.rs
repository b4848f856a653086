//! What a store's refusal means to a site.

use std::io::{Error, ErrorKind};

use object_store::Error as StoreError;

/// How stores say that there is no room.
const FULL: [&str; 4] =
    ["QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"];

/// Sorts a refusal by what can be done about it; the store's own words stay inside.
pub(in crate::site) fn failure(e: StoreError) -> Error {
    let kind = match &e {
        StoreError::NotFound { .. } => ErrorKind::NotFound,
        StoreError::AlreadyExists { .. } => ErrorKind::AlreadyExists,
        _ if is_full(&e.to_string()) => ErrorKind::QuotaExceeded,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            ErrorKind::PermissionDenied
        }
        _ => ErrorKind::Other,
    };
    Error::new(kind, e)
}

/// As [`failure`], for a request about `path`: what is missing is named as the site names it.
pub(in crate::site) fn keyed(path: &str) -> impl FnOnce(StoreError) -> Error {
    move |e| match e {
        StoreError::NotFound { .. } => Error::new(ErrorKind::NotFound, path.to_owned()),
        other => failure(other),
    }
}

fn is_full(text: &str) -> bool {
    FULL.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_is_told_from_a_refused_key() {
        let denied = |text: &str| StoreError::PermissionDenied { path: "p".into(), source: text.into() };
        assert_eq!(failure(denied("<Code>AccessDenied</Code>")).kind(), ErrorKind::PermissionDenied);
        assert_eq!(failure(denied("<Code>QuotaExceeded</Code>")).kind(), ErrorKind::QuotaExceeded);
        let missing = StoreError::NotFound { path: "p".into(), source: "?".into() };
        assert_eq!(keyed("packs/1")(missing).to_string(), "packs/1");
    }
}
