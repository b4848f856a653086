//! Moments as offices write them (Beijing time), and what is wrong with those that are not.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use dengbei_records::Timestamp;

/// A moment in Beijing time; a bare date has no time of day and compares by date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: NaiveDateTime,
    has_time: bool,
}

impl Moment {
    /// Whether this is before `other`, as far as both are known.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        if self.has_time && other.has_time { self.at < other.at } else { self.at.date() < other.at.date() }
    }

    pub(crate) fn of(timestamp: Timestamp) -> Option<Self> {
        let utc = DateTime::from_timestamp_millis(timestamp.millis())?.naive_utc();
        Some(Self { at: utc.checked_add_signed(Duration::hours(8))?, has_time: true })
    }

    pub(crate) fn plus_minutes(self, minutes: i64) -> Self {
        let at = self.at.checked_add_signed(Duration::minutes(minutes)).unwrap_or(self.at);
        Self { at, ..self }
    }
}

/// What is wrong with a text that should be a moment: Chinese, English, remedies in both.
pub(crate) type Fault = (String, String, (String, String));

/// Reads `2026-11-02 08:00:00`, `2026-11-02 08:00`, `2026-11-02` or RFC 3339.
pub(crate) fn parse(text: &str) -> Result<Moment, Fault> {
    for form in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, form)
            && is_padded(text)
        {
            return Ok(Moment { at, has_time: true });
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        && is_padded(text)
    {
        return Ok(Moment { at: date.and_time(NaiveTime::MIN), has_time: false });
    }
    if let (Ok(at), Some(beijing)) = (DateTime::parse_from_rfc3339(text), FixedOffset::east_opt(8 * 3600)) {
        return Ok(Moment { at: at.with_timezone(&beijing).naive_local(), has_time: true });
    }
    Err(explain(text))
}

/// `2026-03-05`, not `2026-3-5`; the year has four digits.
fn is_padded(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() >= 10 && b[4] == b'-' && b[7] == b'-' && (b.len() < 16 || b[13] == b':')
}

fn explain(text: &str) -> Fault {
    let shown: String = text.chars().take(40).collect();
    let month = text.get(5..7).and_then(|m| m.parse::<u32>().ok());
    if let Some(month) = month.filter(|m| text.as_bytes().get(4) == Some(&b'-') && (*m == 0 || *m > 12)) {
        return (
            format!("“{shown}”的月份是 {month:02}，疑把分钟写进了月份（日期模板 mm 应为 MM）"),
            format!("the month of \"{shown}\" is {month:02}: minutes in the month field (pattern mm for MM)"),
            (
                format!("把“{shown}”换成正确的日期，如“2026-03-05 09:07:00”；日期模板用 yyyy-MM-dd HH:mm:ss"),
                "write the right date like 2026-03-05 09:07:00; the pattern is yyyy-MM-dd HH:mm:ss"
                    .to_owned(),
            ),
        );
    }
    let remedy = match suggest(text) {
        Some(better) => {
            (format!("把“{shown}”换成“{better}”"), format!("replace \"{shown}\" by \"{better}\""))
        }
        None => (
            format!("把“{shown}”换成“年-月-日 时:分:秒”的写法，如“2026-03-05 09:07:00”"),
            "write it like 2026-03-05 09:07:00".to_owned(),
        ),
    };
    (format!("“{shown}”不是规范的时间"), format!("\"{shown}\" is not a time as required"), remedy)
}

/// The same moment in the required form, where the text can be read at all.
fn suggest(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .map(|c| if matches!(c, '/' | '.' | '年' | '月') { '-' } else { c })
        .filter(|c| *c != '日')
        .collect();
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&plain, form).ok())
        .or_else(|| Some(NaiveDate::parse_from_str(&plain, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)))
        .map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_offices_are_read() {
        for text in ["2026-03-05 09:07:00", "2026-03-05 09:07", "2026-03-05", "2026-03-05T09:07:00+08:00"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        let (a, b) = (parse("2026-03-05T01:07:00Z").unwrap(), parse("2026-03-05 09:07:00").unwrap());
        assert_eq!(a, b);
    }

    #[test]
    fn minutes_in_the_month_field_are_named() {
        assert!(parse("2026-47-05 09:07:00").unwrap_err().0.contains("分钟"));
    }

    #[test]
    fn slashes_are_refused_with_the_right_spelling() {
        assert!(parse("2026/3/5 9:07").unwrap_err().2.0.contains("2026-03-05 09:07:00"));
        assert!(parse("2026-3-5 9:07").is_err());
    }

    #[test]
    fn a_bare_date_compares_by_date() {
        let (date, morning) = (parse("2026-03-05").unwrap(), parse("2026-03-05 09:07:00").unwrap());
        assert!(!date.is_before(&morning) && !morning.is_before(&date));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
