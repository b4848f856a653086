//! What the filing runs (stage G) said about the members: it holds as long as the bytes are the same.

use std::collections::HashMap;

use dengbei_chain::{MEMBERS, MemberList};
use dengbei_checks::CheckOutcome;
use dengbei_kit::documents;
use dengbei_records::{EventHash, Sha256, canonical};

use super::Transfers;
use super::gather::Gathered;
use crate::error::TransferError;
use crate::store::runs;

/// What a filing run said about one item.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// The document that tells all.
    pub(crate) report: Option<Sha256>,
    /// By which scheme: `id/version`.
    pub(crate) scheme: Option<String>,
    /// What was not a plain pass.
    pub(crate) notable: Vec<CheckOutcome>,
}

impl Transfers {
    /// By the hash of `item.prefiled`. Of a run whose row is gone only its event in the log is known.
    pub(super) async fn filing_runs(
        &self,
        gathered: &Gathered,
    ) -> Result<HashMap<EventHash, Said>, TransferError> {
        let members = gathered.list.members.iter();
        let prefiled = members.filter_map(|m| gathered.filings.get(&m.event)?.prefiled).collect::<Vec<_>>();
        let passed = runs::passed(&self.pool, &prefiled).await?;
        let mut said = HashMap::with_capacity(passed.len());
        let mut by_document: HashMap<Sha256, Vec<EventHash>> = HashMap::new();
        for run in passed {
            let (report, scheme) = (Some(run.document), Some(run.scheme));
            said.insert(run.prefiled, Said { report, scheme, notable: Vec::new() });
            by_document.entry(run.document).or_default().push(run.prefiled);
        }
        for digest in by_document.keys() {
            let Some(document) = documents::get(&self.pool, digest).await? else { continue };
            if document.media_type != MEMBERS {
                continue;
            }
            let list: MemberList = canonical::from_slice(&document.body)?;
            for member in list.members.into_iter().filter(|m| !m.detail.is_null()) {
                if let Some(one) = said.get_mut(&member.event) {
                    one.notable = serde_json::from_value(member.detail)
                        .map_err(|e| TransferError::Fault(e.to_string()))?;
                }
            }
        }
        Ok(said)
    }
}
