//! States a run over a site: report and events in the transaction that moves the copies' states.

use dengbei_chain::facts::{PackDamaged, PackInspected, PackMissing};
use dengbei_chain::{DocumentRef, Encoded, Fact, ReadError, Subject};
use dengbei_checks::ENGINE;
use dengbei_kit::{documents, faults};
use dengbei_records::{PackNumber, Sha256, Timestamp, canonical};
use serde::Serialize;
use uuid::Uuid;

use super::Inspector;
use super::classify::{Finding, Looked};
use crate::error::InspectError;
use crate::metrics;
use crate::sites::Site;
use crate::store::copies;
use crate::verdict::salt;

/// Media type of a run's report.
pub(crate) const INSPECTION: &str = "application/vnd.dengbei.inspection-report+json";

/// 巡检报告.
#[derive(Debug, Serialize)]
struct Report<'a> {
    run: Uuid,
    site: &'a str,
    class: &'a str,
    engine: &'a str,
    salt: String,
    began_at: Timestamp,
    ended_at: Timestamp,
    packs: Vec<Line>,
}

/// One copy in a report.
#[derive(Debug, Serialize)]
struct Line {
    pack: PackNumber,
    generation: u32,
    /// `good`, `missing`, or the kind of damage.
    result: &'static str,
    /// SHA-256 that was signed.
    expected: Sha256,
    /// SHA-256 of what was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Sha256>,
    bytes: u64,
    /// When the site read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<Timestamp>,
    /// The site's signature for this reading, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl Inspector {
    /// States what came out; nothing for nothing.
    pub(super) async fn state(
        &self,
        site: &Site,
        began: Timestamp,
        looked: Vec<Looked>,
    ) -> Result<(), InspectError> {
        let (Some(first), Some(last)) =
            (looked.iter().map(|l| l.copy.pack).min(), looked.iter().map(|l| l.copy.pack).max())
        else {
            return Ok(());
        };
        let run = self.author.ids.next();
        let (body, reference) = self.report(site, (run, began), &looked)?;
        let good: Vec<&Looked> = looked.iter().filter(|l| matches!(l.found, Finding::Good(_))).collect();
        let fact = PackInspected {
            run,
            site: site.name.clone(),
            packs: u32::try_from(good.len()).unwrap_or(u32::MAX),
            bytes: good.iter().map(|l| l.copy.bytes).sum(),
            first,
            last,
            report: reference.clone(),
        };
        let mut events =
            vec![self.author.encode(Subject::Site(site.name.clone()), vec![], Fact::PackInspected(fact))?];
        let now = self.author.clock.now();
        let mut tx = self.pool.begin().await?;
        let mut stated = Vec::new();
        for one in &looked {
            if one.found == Finding::Missing || matches!(one.found, Finding::Bad { .. }) {
                if copies::found(&mut tx, &one.copy, one.found.name(), now).await? {
                    events.push(self.finding(one)?);
                    stated.push(one);
                }
            } else {
                copies::verified(&mut tx, &one.copy, now).await?;
            }
        }
        documents::put(&mut tx, &body, &reference.media_type).await?;
        self.author.outbox.put(&mut tx, &events).await?;
        tx.commit().await?;
        faults::reach("fixity.inspected");
        metrics::inspected(&site.name, good.len());
        for one in stated {
            metrics::found(&site.name, one.found.name());
            tracing::error!(site = site.name, pack = %one.copy.pack, kind = one.found.name(), "a copy is bad");
        }
        Ok(())
    }

    fn finding(&self, one: &Looked) -> Result<Encoded, ReadError> {
        let (copy, subject) = (&one.copy, Subject::Pack(one.copy.pack));
        let (site, pack, generation) = (copy.site.clone(), copy.pack, copy.generation);
        let fact = match one.found {
            Finding::Bad { kind, found, bytes } => Fact::PackDamaged(PackDamaged {
                site,
                pack,
                generation,
                kind,
                expected: copy.digest,
                found,
                found_bytes: bytes,
            }),
            _ => Fact::PackMissing(PackMissing { site, pack, generation }),
        };
        self.author.encode(subject, vec![copy.stated], fact)
    }

    fn report(
        &self,
        site: &Site,
        (run, began_at): (Uuid, Timestamp),
        looked: &[Looked],
    ) -> Result<(Vec<u8>, DocumentRef), InspectError> {
        let report = Report {
            run,
            site: &site.name,
            class: &site.class,
            engine: ENGINE,
            salt: salt(),
            began_at,
            ended_at: self.author.clock.now(),
            packs: looked.iter().map(line).collect(),
        };
        let body = canonical::to_vec(&report)?;
        let reference = DocumentRef::to(&body, INSPECTION);
        Ok((body, reference))
    }
}

fn line(one: &Looked) -> Line {
    let (found, bytes) = match &one.found {
        Finding::Good(receipt) => (Some(receipt.digest), receipt.bytes),
        Finding::Bad { found, bytes, .. } => (*found, *bytes),
        Finding::Missing => (None, 0),
    };
    let signature = match &one.found {
        Finding::Good(receipt) => match &receipt.witness {
            dengbei_chain::facts::Witness::Signed { signature, .. } => Some(hex::encode(signature)),
            dengbei_chain::facts::Witness::ObservedBy(_) => None,
        },
        _ => None,
    };
    Line {
        pack: one.copy.pack,
        generation: one.copy.generation,
        result: one.found.name(),
        expected: one.copy.digest,
        found,
        bytes,
        read_at: one.found.read_at(),
        signature,
    }
}
