//! A paper's own date as the file's: `2026-11-22` or RFC 3339 with +08:00. No clock is read.

use typst::foundations::Datetime;
use typst_pdf::Timestamp;

/// Beijing's offset, minutes.
const BEIJING: i32 = 8 * 60;

/// The moment that `text` names. A text that names none (a form not signed yet) gives 1970-01-01, so that the
/// same paper still gives the same bytes.
pub(crate) fn of(text: &str) -> Option<Timestamp> {
    let moment = parse(text).or_else(|| Datetime::from_ymd_hms(1970, 1, 1, 0, 0, 0))?;
    Timestamp::new_local(moment, BEIJING)
}

fn parse(text: &str) -> Option<Datetime> {
    let number = |from: usize, to: usize| -> Option<u16> { text.get(from..to)?.parse().ok() };
    let part = |from: usize| -> Option<u8> { number(from, from + 2)?.try_into().ok() };
    let (year, month, day) = (number(0, 4)?, part(5)?, part(8)?);
    let (hour, minute, second) = match text.get(10..11) {
        Some("T") => (part(11)?, part(14)?, part(17)?),
        _ => (0, 0, 0),
    };
    Datetime::from_ymd_hms(year.into(), month, day, hour, minute, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_moment_are_read() {
        assert_eq!(parse("2026-11-22"), Datetime::from_ymd_hms(2026, 11, 22, 0, 0, 0));
        assert_eq!(parse("2026-11-22T08:09:10+08:00"), Datetime::from_ymd_hms(2026, 11, 22, 8, 9, 10));
    }

    #[test]
    fn what_names_no_moment_is_none() {
        for text in ["", "2026", "2026-13-01", "去年", "2026-11-22T99:00:00+08:00", "2026年11月"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
