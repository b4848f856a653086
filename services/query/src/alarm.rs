//! When a source (来源系统) raises an alarm: it fails more than it used to, or it fell silent. Pure: days in, a standing out.
//! The rules in words: docs/operating/quality.md.

/// The last days that are looked at, today's included.
pub(crate) const WEEK: i32 = 7;
/// The days before those, to compare with.
pub(crate) const BEFORE: i32 = 56;
/// Fewer submissions than these say nothing.
const ENOUGH: i64 = 20;
/// What is taken as usual of a source that has sent fewer than [`ENOUGH`] before, in percent.
const USUAL_PERCENT: i64 = 10;
/// A source that sent on fewer days than these sends too seldom to tell.
const ENOUGH_DAYS: usize = 8;
/// So many times its usual interval, and at least so many working days.
const TIMES: u32 = 3;

/// Counts of a source on one day since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) day: i32,
    pub(crate) received: i64,
    pub(crate) refused: i64,
    pub(crate) returned: i64,
    pub(crate) filed: i64,
}

impl Day {
    fn arrived(&self) -> i64 {
        self.received + self.refused
    }

    fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.refused += other.refused;
        self.returned += other.returned;
        self.filed += other.filed;
    }
}

/// How a source stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) week: Day,
    pub(crate) before: Day,
    pub(crate) fails_more: bool,
    pub(crate) is_silent: bool,
    /// The last day on which anything arrived.
    pub(crate) last: Option<i32>,
    /// Usual interval in working days; 0: it sends too seldom to tell.
    pub(crate) usual: u32,
    /// Whole working days since the last.
    pub(crate) silent: u32,
}

/// Judges a source by its days, oldest first, as seen on `today`, which is not over.
pub(crate) fn judge(days: &[Day], today: i32) -> Standing {
    let mut standing = Standing::default();
    for day in days {
        if day.day > today - WEEK {
            standing.week.add(day);
        } else if day.day > today - WEEK - BEFORE {
            standing.before.add(day);
        }
    }
    standing.fails_more = fails_more(&standing.week, &standing.before);
    silence(&mut standing, days, today);
    standing
}

/// At least 20 in the week, twice the share of before, and five points more.
fn fails_more(week: &Day, before: &Day) -> bool {
    let failed = |d: &Day| d.refused + d.returned;
    let (n, f) = (week.arrived(), failed(week));
    let (usual_n, usual_f) = match before.arrived() {
        n if n >= ENOUGH => (n, failed(before)),
        _ => (100, USUAL_PERCENT),
    };
    n >= ENOUGH && f * usual_n >= 2 * usual_f * n && 100 * (f * usual_n - usual_f * n) >= 5 * n * usual_n
}

fn silence(standing: &mut Standing, days: &[Day], today: i32) {
    let sent: Vec<i32> = days.iter().filter(|d| d.arrived() > 0 && d.day <= today).map(|d| d.day).collect();
    let (Some(first), Some(last)) = (sent.first().copied(), sent.last().copied()) else { return };
    standing.last = Some(last);
    standing.silent = working_days(last + 1, today - 1);
    let active = sent.iter().filter(|day| is_working(**day)).count();
    if active < ENOUGH_DAYS {
        return;
    }
    let active = u32::try_from(active).unwrap_or(u32::MAX);
    standing.usual = working_days(first, last).div_ceil(active).max(1);
    standing.is_silent = standing.silent >= TIMES * standing.usual;
}

/// Monday to Friday. Public holidays and working weekends are not known.
const fn is_working(day: i32) -> bool {
    // 1970-01-01, day 0, was a Thursday.
    (day + 3).rem_euclid(7) < 5
}

fn working_days(from: i32, to: i32) -> u32 {
    u32::try_from((from..=to).filter(|day| is_working(*day)).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Monday.
    const MONDAY: i32 = 20_000 - (20_000 + 3) % 7;

    fn day(day: i32, received: i64, refused: i64, returned: i64) -> Day {
        Day { day, received, refused, returned, filed: 0 }
    }

    fn every_working_day(from: i32, to: i32) -> Vec<Day> {
        (from..=to).filter(|d| is_working(*d)).map(|d| day(d, 10, 0, 0)).collect()
    }

    #[test]
    fn a_source_that_fails_twice_as_much_and_five_points_more_raises_an_alarm() {
        let before = day(MONDAY - 20, 190, 10, 0);
        let this_week = |refused| judge(&[before, day(MONDAY, 100 - refused, refused, 0)], MONDAY);
        assert!(this_week(10).fails_more, "5 % before, 10 % now");
        assert!(!this_week(9).fails_more, "less than twice");
        let little = judge(&[day(MONDAY - 20, 990, 10, 0), day(MONDAY, 95, 5, 0)], MONDAY);
        assert!(!little.fails_more, "five times the share, but four points more");
        let few = judge(&[before, day(MONDAY, 0, 19, 0)], MONDAY);
        assert!(!few.fails_more, "nineteen say nothing");
    }

    #[test]
    fn a_new_source_is_compared_with_what_is_usual() {
        assert!(judge(&[day(MONDAY, 80, 10, 10)], MONDAY).fails_more);
        assert!(!judge(&[day(MONDAY, 90, 10, 0)], MONDAY).fails_more);
    }

    #[test]
    fn a_daily_sender_is_silent_after_three_working_days_and_weekends_do_not_count() {
        let days = every_working_day(MONDAY - 28, MONDAY + 4);
        let on = |today| judge(&days, today);
        assert_eq!(on(MONDAY + 7).silent, 0, "Monday after a Friday: nothing is missing");
        assert!(!on(MONDAY + 9).is_silent, "Wednesday: Monday and Tuesday are missing");
        assert!(on(MONDAY + 10).is_silent, "Thursday: three whole working days are missing");
        assert_eq!(on(MONDAY + 10).usual, 1);
    }

    #[test]
    fn a_weekly_sender_is_waited_for_longer_and_a_rare_one_for_ever() {
        let weekly: Vec<Day> = (0..9).map(|week| day(MONDAY - 56 + 7 * week, 5, 0, 0)).collect();
        assert_eq!(judge(&weekly, MONDAY + 8).usual, 5);
        assert!(!judge(&weekly, MONDAY + 19).is_silent);
        assert!(judge(&weekly, MONDAY + 22).is_silent, "fifteen working days");
        let rare = [day(MONDAY - 50, 5, 0, 0), day(MONDAY - 40, 5, 0, 0)];
        assert!(!judge(&rare, MONDAY).is_silent);
    }
}
