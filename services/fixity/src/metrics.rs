//! What fixity measures: name, unit, labels from closed lists.

use crate::verdict::Checked;

/// Items by verdict (`passed failed`).
pub(crate) fn checked(items: &[Checked]) {
    let passed = items.iter().filter(|c| c.is_passed()).count();
    for (verdict, count) in [("passed", passed), ("failed", items.len() - passed)] {
        metrics::counter!("dengbei_fixity_items_total", "verdict" => verdict).increment(count as u64);
    }
}
