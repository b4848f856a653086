//! What replication measures: name, unit, labels from closed lists (sites are those configured).

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::error::SiteFault;
use crate::store::copies::Standing;

const COPIES: &str = "dengbei_replication_copies_total";
const BYTES: &str = "dengbei_replication_bytes_total";
const SECURED: &str = "dengbei_replication_packs_secured_total";
const REPAIRED: &str = "dengbei_replication_repairs_total";
const LAG: &str = "dengbei_replication_lag_seconds";
const WAITING: &str = "dengbei_replication_waiting_copies";
const DAMAGED: &str = "dengbei_replication_damaged_copies";
const TROUBLED: &str = "dengbei_replication_site_troubled";

/// Says what each is, with its unit.
pub(crate) fn describe() {
    describe_counter!(COPIES, "copies ordered of a site, by outcome (signed, put_off)");
    describe_counter!(BYTES, "bytes that a site signed for");
    describe_counter!(SECURED, "packs that the policy was satisfied with");
    describe_counter!(REPAIRED, "copies that were made again");
    describe_gauge!(
        LAG,
        "seconds since the oldest copy was ordered that a site has not signed; alarm above 3600"
    );
    describe_gauge!(WAITING, "copies ordered that a site has not signed");
    describe_gauge!(DAMAGED, "copies on a site that are damaged or missing now; alarm above 0 for an hour");
    describe_gauge!(TROUBLED, "1 while something is wrong with the site; alarm above 0 for 10 minutes");
}

pub(crate) fn signed(site: &str, bytes: u64) {
    counter!(COPIES, "site" => site.to_owned(), "outcome" => "signed").increment(1);
    counter!(BYTES, "site" => site.to_owned()).increment(bytes);
}

pub(crate) fn put_off(site: &str) {
    counter!(COPIES, "site" => site.to_owned(), "outcome" => "put_off").increment(1);
}

pub(crate) fn secured(packs: usize) {
    counter!(SECURED).increment(packs as u64);
}

pub(crate) fn repaired(site: &str) {
    counter!(REPAIRED, "site" => site.to_owned()).increment(1);
}

pub(crate) fn troubled(site: &str, fault: Option<&SiteFault>) {
    gauge!(TROUBLED, "site" => site.to_owned()).set(if fault.is_some() { 1.0 } else { 0.0 });
}

#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn standing(of: &Standing, now: i64) {
    let lag = if of.oldest == 0 { 0.0 } else { (now - of.oldest).max(0) as f64 / 1000.0 };
    gauge!(LAG, "site" => of.site.clone()).set(lag);
    gauge!(WAITING, "site" => of.site.clone()).set(of.waiting as f64);
    gauge!(DAMAGED, "site" => of.site.clone()).set(of.damaged as f64);
}
