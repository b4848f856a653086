//! The ready file (就绪文件): tells scripts where everything is, there exactly while everything is.

use std::path::Path;

use serde_json::Value;

use super::{UpError, durable};

/// Removes what an earlier run left; from here on the file is there only while everything is ready.
pub(crate) fn withdraw(path: Option<&Path>) -> Result<(), UpError> {
    let Some(path) = path else { return Ok(()) };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(UpError::io(path)(error)),
        _ => Ok(()),
    }
}

/// Writes it in one step, readable by the owner alone: it holds the token and the password.
pub(crate) fn announce(path: Option<&Path>, places: &Value) -> Result<(), UpError> {
    let Some(path) = path else { return Ok(()) };
    durable::replace(path, format!("{places:#}\n").as_bytes(), 0o600)
}
