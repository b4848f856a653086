//! Changing a key (更换密钥): from now on another one signs; the former public half stays known beside the present one.
//!
//! Interrupted at any point, the same call finishes what was begun: the former half is noted first, then the private
//! half changes in one step, then the public one follows from it.

use std::fs;
use std::io;
use std::path::Path;

use super::{SealError, known, new_ed25519, new_sm2, public_of, with_ending};
use crate::durable;

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Another key signs from now on.
    Now,
    /// A change that was interrupted is finished; the key is the one that it made.
    Finished,
}

/// Changes `<folder>/<name>.key`, and its SM2 key where there is one. Durable when it returns. Blocking, but short.
///
/// # Errors
/// [`SealError::Unreadable`] when there is no key, or its halves are no pair.
pub fn change(folder: &Path, name: &str) -> Result<Changed, SealError> {
    let path = folder.join(name);
    let has_sm2 = with_ending(&path, "sm2.key").exists();
    let changed = one(&path, "", new_ed25519)?;
    if has_sm2 {
        // Only a change that was interrupted before it came to this one leaves the two behind each other.
        one(&path, "sm2.", new_sm2)?;
    }
    Ok(changed)
}

fn one(path: &Path, kind: &str, make: impl FnOnce() -> Option<String>) -> Result<Changed, SealError> {
    let file = |ending: &str| with_ending(path, &format!("{kind}{ending}"));
    let (private, public, former) = (file("key"), file("pub"), file("former.pub"));
    let unavailable = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::InvalidData => SealError::Unreadable(path),
            _ => SealError::Unavailable { path, source },
        }
    };
    let pem = fs::read_to_string(&private).map_err(unavailable(&private))?;
    let of_private = public_of(&pem).ok_or_else(|| SealError::Unreadable(private.clone()))?;
    let shown = fs::read_to_string(&public).map_err(unavailable(&public))?;
    let mut past = known::read(&former).map_err(unavailable(&former))?.unwrap_or_default();
    let is_past = |pem: &str| past.iter().any(|old| old.trim() == pem.trim());
    if shown.trim() != of_private.trim() {
        if !is_past(&shown) {
            return Err(SealError::Unreadable(public));
        }
        durable::replace(&public, of_private.as_bytes(), 0o644).map_err(unavailable(&public))?;
        return Ok(Changed::Finished);
    }
    let next = make().ok_or(SealError::Signing)?;
    let next_public = public_of(&next).ok_or(SealError::Signing)?;
    if !is_past(&shown) {
        past.push(format!("{}\n", shown.trim_end()));
        durable::replace(&former, past.concat().as_bytes(), 0o644).map_err(unavailable(&former))?;
    }
    durable::replace(&private, next.as_bytes(), 0o600).map_err(unavailable(&private))?;
    durable::replace(&public, next_public.as_bytes(), 0o644).map_err(unavailable(&public))?;
    Ok(Changed::Now)
}

#[cfg(test)]
mod tests {
    use super::super::SealKeys;
    use super::*;

    #[test]
    fn another_key_signs_and_the_former_ones_stay_known() {
        let folder = tempfile::tempdir().unwrap();
        let sign = || SealKeys::open_or_make(folder.path(), "archive").unwrap().public();
        let first = sign();
        SealKeys::open(folder.path(), "archive").unwrap().unwrap().make_sm2().unwrap();
        assert_eq!(change(folder.path(), "archive").unwrap(), Changed::Now);
        let second = sign();
        assert_eq!(change(folder.path(), "archive").unwrap(), Changed::Now);
        let known = known::known(folder.path(), "archive").unwrap().unwrap();
        assert_eq!(known, [sign(), second, first]);
        assert_eq!(known::known(folder.path(), "nobody").unwrap(), None);
        let former = fs::read_to_string(folder.path().join("archive.sm2.former.pub")).unwrap();
        assert_eq!(former.matches("BEGIN").count(), 2);
    }

    #[test]
    fn an_interrupted_change_is_finished_and_a_stranger_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        SealKeys::open_or_make(folder.path(), "archive").unwrap();
        let public = folder.path().join("archive.pub");
        let before = fs::read(&public).unwrap();
        change(folder.path(), "archive").unwrap();
        let present = known::known(folder.path(), "archive").unwrap().unwrap()[0];
        fs::write(&public, &before).unwrap();
        assert_eq!(change(folder.path(), "archive").unwrap(), Changed::Finished);
        assert_eq!(known::known(folder.path(), "archive").unwrap().unwrap()[0], present);
        SealKeys::open_or_make(folder.path(), "other").unwrap();
        fs::copy(folder.path().join("other.pub"), &public).unwrap();
        assert!(matches!(change(folder.path(), "archive"), Err(SealError::Unreadable(_))));
        assert!(matches!(change(folder.path(), "nobody"), Err(SealError::Unreadable(_))));
    }
}
