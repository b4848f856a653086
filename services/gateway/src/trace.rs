//! The caller's trace context, read as W3C Trace Context (2021-11-23, 3.2) says: anything that is not exactly one valid
//! header is no context, and the request begins a trace of its own.

use axum::http::HeaderMap;

/// The context that the headers carry, in the form of version 00.
pub(crate) fn parent(headers: &HeaderMap) -> Option<String> {
    let mut given = headers.get_all("traceparent").iter();
    let (only, None) = (given.next()?, given.next()) else { return None };
    read(only.to_str().ok()?.trim_matches([' ', '\t']))
}

fn read(text: &str) -> Option<String> {
    let (fields, rest) = text.split_at_checked(55)?;
    let parts: Vec<&str> = fields.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { return None };
    let is_wellformed =
        [(version, 2), (trace, 32), (span, 16), (flags, 2)].iter().all(|(part, n)| is_hex(part, *n));
    let is_zero = |part: &str| part.bytes().all(|b| b == b'0');
    // Version 00 ends there; a later one may go on after a dash.
    let ends_well = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
    let is_one = is_wellformed && ends_well && version != "ff" && !is_zero(trace) && !is_zero(span);
    let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    is_one.then(|| format!("00-{trace}-{span}-{is_sampled:02x}"))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::http::{HeaderName, HeaderValue};
    use serde_json::Value;

    use super::*;

    const TRACE: &str = "12345678901234567890123456789012";

    fn headers(pairs: &[(String, String)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn one_valid_header_is_continued_and_anything_else_is_not() {
        let of = |value: &str| parent(&headers(&[("traceparent".into(), value.into())]));
        let good = format!("00-{TRACE}-1234567890123456-01");
        assert_eq!(of(&good), Some(good.clone()));
        assert_eq!(of(&format!("cc-{TRACE}-1234567890123456-01-later")), Some(good.clone()));
        for bad in [
            format!("ff-{TRACE}-1234567890123456-01"),
            format!("00-{TRACE}-1234567890123456-01-later"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-1234567890123456-001"),
            format!("00-{}-1234567890123456-01", TRACE.replace('1', "A")),
            "中".repeat(30),
        ] {
            let value = HeaderValue::from_bytes(bad.as_bytes()).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", value);
            assert_eq!(parent(&headers), None, "{bad}");
        }
        let twice = headers(&[("traceparent".into(), good.clone()), ("traceparent".into(), good)]);
        assert_eq!(parent(&twice), None);
    }

    #[test]
    #[allow(clippy::print_stderr, reason = "says that it was skipped")]
    fn the_cases_of_the_w3c_tests_are_told_apart() {
        let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/traceparent.json");
        let Ok(text) = std::fs::read(&suite) else {
            eprintln!("skipped: no shared/suites/traceparent.json");
            return;
        };
        let suite: Value = serde_json::from_slice(&text).unwrap();
        for case in suite["cases"].as_array().unwrap() {
            let pairs: Vec<(String, String)> = serde_json::from_value(case["headers"].clone()).unwrap();
            let is_continued = case["expect"]["trace_id"] == "same";
            assert_eq!(parent(&headers(&pairs)).is_some(), is_continued, "{case}");
        }
    }
}
