//! Small pictures of figures, drawn here as SVG: nothing is loaded, everything scales, and the numbers are told too.

use dengbei_proto::v1::Day;
use maud::{Markup, html};

use super::{Language, thousands};

const WIDTH: u64 = 400;
const HEIGHT: u64 = 150;
/// Room for the days' names below and the scale at the left.
const BELOW: u64 = 22;
const LEFT: u64 = 40;

/// Pre-filed and filed by day, oldest first.
pub(super) fn days(days: &[Day], l: Language) -> Markup {
    let most = days.iter().map(|d| d.prefiled.max(d.filed)).max().unwrap_or(0);
    let top = ceiling(most);
    let step = (WIDTH - LEFT) / (days.len() as u64).max(1);
    let height = |n: u64| n * HEIGHT / top;
    let bar = (step * 2 / 5).clamp(2, 20);
    html! {
        svg.days viewBox={ "0 0 " (WIDTH) " " (HEIGHT + BELOW + 10) } role="img" aria-label=(told(days, l)) {
            @for part in 0..=2_u64 {
                @let y = 10 + HEIGHT - HEIGHT * part / 2;
                line.grid x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                text.scale x=(LEFT - 6) y=(y + 4) text-anchor="end" { (thousands(top * part / 2)) }
            }
            @for (i, day) in (0_u64..).zip(days) {
                @let middle = LEFT + i * step + step / 2;
                g {
                    title { (day.day) " · " (l.say("预归档", "pre-filed")) " " (thousands(day.prefiled)) " · " (l.say("归档", "filed")) " " (thousands(day.filed)) }
                    rect.first x=(middle - bar) y=(10 + HEIGHT - height(day.prefiled)) width=(bar) height=(height(day.prefiled)) {}
                    rect.second x=(middle) y=(10 + HEIGHT - height(day.filed)) width=(bar) height=(height(day.filed)) {}
                    @if is_named(i, days.len() as u64) { text.scale x=(middle) y=(HEIGHT + BELOW + 4) text-anchor="middle" { (day.day.get(5..).unwrap_or_default()) } }
                }
            }
        }
        p.legend { span.first { (l.say("预归档", "pre-filed")) } span.second { (l.say("正式归档", "filed")) } }
    }
}

/// Not every day has room for its name.
fn is_named(i: u64, all: u64) -> bool {
    let every = all.div_ceil(7).max(1);
    (all - 1 - i).is_multiple_of(every)
}

fn told(days: &[Day], l: Language) -> String {
    let (prefiled, filed) = days.iter().fold((0, 0), |(p, f), d| (p + d.prefiled, f + d.filed));
    let n = days.len();
    l.say(
        format!("近 {n} 日：预归档 {prefiled} 件，归档 {filed} 件"),
        format!("last {n} days: {prefiled} items pre-filed, {filed} filed"),
    )
}

/// The next number that reads well: 1, 2 or 5 with zeros.
fn ceiling(n: u64) -> u64 {
    let mut ten = 1;
    loop {
        for nice in [2, 5, 10] {
            if nice * ten >= n {
                return nice * ten;
            }
        }
        ten *= 10;
    }
}

/// A share as a bar, in thousandths.
pub(super) fn bar(thousandths: u64) -> Markup {
    let part = thousandths.min(1000) / 10;
    html! {
        svg.share viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.all width="100" height="6" {}
            rect.part width=(part) height="6" {}
        }
    }
}

/// Good, in hand and bad as one bar; the longest of all is as long as there is room.
pub(super) fn stacked((good, doing, bad): (u64, u64, u64), most: u64, told: &str) -> Markup {
    let width = |n: u64| n.saturating_mul(1000).checked_div(most).unwrap_or(0);
    let (g, d, b) = (width(good), width(doing), width(bad));
    html! {
        svg.stacked viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label=(told) {
            title { (told) }
            rect.second width=(g) height="12" {}
            rect.first x=(g) width=(d) height="12" {}
            rect.bad x=(g + d) width=(b) height="12" {}
        }
    }
}

/// `98.4%`; a dash of nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let thousandths = share(part, whole);
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// How many thousandths `part` is; never rounded up to the whole.
pub(super) fn share(part: u64, whole: u64) -> u64 {
    part.saturating_mul(1000).checked_div(whole).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_all_is_never_shown_as_all() {
        assert_eq!(percent(9999, 10_000), "99.9%");
        assert_eq!(percent(5, 5), "100.0%");
        assert_eq!(percent(0, 0), "–");
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([0, 2, 3, 7, 11, 480, 5000].map(ceiling), [2, 2, 5, 10, 20, 500, 5000]);
    }

    #[test]
    fn a_chart_tells_its_numbers_to_those_who_do_not_see_it() {
        let day = Day { day: "2026-11-02".into(), prefiled: 12, filed: 10, ..Default::default() };
        let drawn = days(&[day], Language::English).into_string();
        assert!(drawn.contains("12 items pre-filed, 10 filed") && drawn.contains("11-02"), "{drawn}");
        assert!(days(&[], Language::Chinese).into_string().contains("近 0 日"));
    }
}
