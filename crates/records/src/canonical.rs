//! Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a digest of it means something.

use serde::Serialize;
use serde_json::Value;

use crate::Invalid;

/// The largest integer that survives a reader which keeps numbers as doubles (RFC 8785, 3.2.2.3).
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Encodes `value` canonically.
///
/// # Errors
/// [`Invalid`] when it holds NaN, an integer beyond 2^53, or something that is not JSON.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, Invalid> {
    let tree = serde_json::to_value(value).map_err(|e| Invalid::new("JSON", e))?;
    refuse_unsafe_numbers(&tree)?;
    serde_jcs::to_vec(&tree).map_err(|e| Invalid::new("JSON", e))
}

/// Reads canonical bytes and refuses any other spelling of the same value, duplicate keys included.
///
/// # Errors
/// [`Invalid`] when the bytes are not JSON of this shape, or not its canonical form.
pub fn from_slice<T: serde::de::DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Invalid> {
    let value: T = serde_json::from_slice(bytes).map_err(|e| Invalid::new("JSON", e))?;
    if to_vec(&value)? != bytes {
        return Err(Invalid::new("canonical JSON", "re-encoding gives other bytes"));
    }
    Ok(value)
}

fn refuse_unsafe_numbers(value: &Value) -> Result<(), Invalid> {
    match value {
        Value::Number(n) => {
            let magnitude = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(m) if m > MAX_SAFE => Err(Invalid::new("JSON number", n)),
                _ => Ok(()),
            }
        }
        Value::Array(items) => items.iter().try_for_each(refuse_unsafe_numbers),
        Value::Object(fields) => fields.values().try_for_each(refuse_unsafe_numbers),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_space_is_gone() {
        assert_eq!(to_vec(&json!({"b": 1, "a": "档"})).unwrap(), r#"{"a":"档","b":1}"#.as_bytes());
    }

    #[test]
    fn integers_that_doubles_cannot_hold_are_refused() {
        assert!(to_vec(&json!({"n": u64::MAX})).is_err());
    }

    #[test]
    fn another_spelling_of_the_same_value_is_refused() {
        assert!(from_slice::<Value>(br#"{"a":1}"#).is_ok());
        assert!(from_slice::<Value>(br#"{"a": 1}"#).is_err());
        assert!(from_slice::<Value>(br#"{"a":1,"a":1}"#).is_err());
    }
}
