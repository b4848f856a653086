//! Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a digest of it means something.

use serde::Serialize;
use serde_json::Value;

mod sorted;

use crate::Invalid;

/// The largest integer that survives a reader which keeps numbers as doubles (RFC 8785, 3.2.2.3).
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Encodes `value` canonically. A number that is none (NaN, infinite) becomes `null`, as `serde_json` has it.
///
/// # Errors
/// [`Invalid`] when it holds an integer beyond 2^53, or something that is not JSON.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, Invalid> {
    let compact = serde_json::to_vec(value).map_err(|e| Invalid::new("JSON", e))?;
    match sorted::sorted(&compact) {
        Some(canonical) => Ok(canonical),
        None => by_tree(value),
    }
}

/// As [`to_vec`], for any value; slower.
fn by_tree<T: Serialize>(value: &T) -> Result<Vec<u8>, Invalid> {
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_space_is_gone() {
        assert_eq!(to_vec(&json!({"b": 1, "a": "档"})).unwrap(), r#"{"a":"档","b":1}"#.as_bytes());
    }

    #[test]
    fn what_is_out_of_the_ordinary_is_encoded_too() {
        let cases: [(Value, &str); 7] = [
            (json!({"z": 1.5, "a": 1e30}), r#"{"a":1e+30,"z":1.5}"#),
            (json!([0.0, -0.0, 100.0]), "[0,0,100]"),
            (json!({"b\n": 1, "a\"": 2}), r#"{"a\"":2,"b\n":1}"#),
            (json!({"\u{e000}": 1, "\u{10000}": 2}), "{\"\u{10000}\":2,\"\u{e000}\":1}"),
            (json!({"": {"b": [], "a": {}}}), r#"{"":{"a":{},"b":[]}}"#),
            (json!(-9_007_199_254_740_991_i64), "-9007199254740991"),
            (json!("\u{1}\u{7f}\\/"), "\"\\u0001\u{7f}\\\\/\""),
        ];
        for (value, canonical) in cases {
            assert_eq!(String::from_utf8(to_vec(&value).unwrap()).unwrap(), canonical);
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(|n| json!(n >> 10)),
            any::<f64>().prop_map(Value::from),
            ".{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_ways_give_the_same_bytes(value in any_value()) {
            prop_assert_eq!(to_vec(&value).unwrap(), by_tree(&value).unwrap());
        }

        #[test]
        fn nothing_that_is_not_json_is_sorted_into_something_else(bytes in any::<Vec<u8>>()) {
            if let Some(canonical) = sorted::sorted(&bytes) {
                prop_assert_eq!(canonical.len(), bytes.len());
            }
        }
    }

    #[test]
    fn what_is_no_number_is_null() {
        assert_eq!(to_vec(&[f64::NAN, f64::INFINITY]).unwrap(), b"[null,null]");
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
