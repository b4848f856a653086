//! The closing day (办结日): which filing table is in force, and the record's year, come from it.

use chrono::NaiveDate;
use dengbei_records::Timestamp;

/// The day that `close_time` names, `YYYY-MM-DD`; the day of arrival where it names none, or one before the item was
/// accepted. Whether the text is well formed is check A-08's business, whether it is plausible A-10's: here a date that
/// can be read with certainty is enough, and one that cannot be true must not decide which table is in force.
pub(crate) fn day(accept_time: &str, close_time: &str, received_at: Timestamp) -> String {
    let accepted = written(accept_time);
    written(close_time)
        .filter(|closed| accepted.is_none_or(|accepted| *closed >= accepted))
        .map_or_else(|| received_at.rfc3339().chars().take(10).collect(), |day| day.to_string())
}

/// The year of a day as [`day`] gives it.
pub(crate) fn year(day: &str) -> u16 {
    day.get(..4).and_then(|y| y.parse().ok()).unwrap_or_default()
}

fn written(text: &str) -> Option<NaiveDate> {
    let date = text.trim().split([' ', 'T']).next()?;
    ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"]
        .iter()
        .find_map(|f| NaiveDate::parse_from_str(date, f).ok())
        .filter(plausible)
}

/// A four-digit year: text order is day order then.
fn plausible(day: &NaiveDate) -> bool {
    use chrono::Datelike as _;
    (1949..=9999).contains(&day.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-02 08:00:00 in Beijing.
    const ARRIVED: Timestamp = Timestamp::from_millis(1_793_577_600_000);

    #[test]
    fn the_closing_day_is_read_in_the_spellings_that_are_sent() {
        for text in [
            "2026-03-05 09:05:00",
            "2026/3/5 9:05",
            "2026-03-05T09:05:00+08:00",
            "2026年3月5日",
            " 2026-03-05 ",
        ] {
            assert_eq!(day("", text, ARRIVED), "2026-03-05", "{text}");
        }
    }

    #[test]
    fn a_day_before_acceptance_does_not_count() {
        assert_eq!(day("2026-03-05 09:00:00", "2001-01-01 00:00:00", ARRIVED), "2026-11-02");
        assert_eq!(day("2026-03-05 09:00:00", "2026-03-05 10:00:00", ARRIVED), "2026-03-05");
    }

    #[test]
    fn without_a_readable_day_the_day_of_arrival_counts() {
        for text in ["", "2026-47-05 09:05:00", "昨天", "0026-01-01", "99999-01-01"] {
            assert_eq!(day("", text, ARRIVED), "2026-11-02", "{text}");
        }
        assert_eq!(year("2026-11-02"), 2026);
    }
}
