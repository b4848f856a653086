//! A verdict as `validate` and `inspect` print it: `{"verdict", "codes", "detail"}` as JSON, or one word and its lines.

use std::io::Write as _;

use serde_json::Value;

/// Prints it; true when it is valid, with warnings or without.
///
/// # Errors
/// When nobody reads.
pub(super) fn print(verdict: &Value, json: bool) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    let told = verdict.get("verdict").and_then(Value::as_str).unwrap_or_default();
    let is_valid = matches!(told, "valid" | "warning");
    if json {
        writeln!(out, "{verdict}")?;
        return Ok(is_valid);
    }
    let word = match told {
        "valid" => "有效 valid",
        "warning" => "有效，有提示 valid with warnings",
        "invalid" => "无效 invalid",
        _ => "无法验证 unverifiable",
    };
    writeln!(out, "{word}")?;
    for line in verdict.get("detail").and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "  {}", line.as_str().unwrap_or_default())?;
    }
    Ok(is_valid)
}
