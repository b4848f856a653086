//! Fetches the member lists that events cite, from the service that stated them, and checks them against the event.

use std::collections::HashMap;

use anyhow::Context as _;
use dengbei_chain::facts::{DocumentRef, Verdict};
use dengbei_chain::{Event, Fact, MemberList};
use dengbei_kit::documents::{self, DocumentError};
use dengbei_kit::grpc::MeshChannel;
use dengbei_records::{ErrorClass, EventHash, Sha256};

/// Member lists by the hash of the event that cites them.
pub type Lists = HashMap<EventHash, MemberList>;

/// A list that could not be had, by what can be done: [`ErrorClass::Invalid`] will never be better.
#[derive(Debug)]
pub struct ListError {
    /// What can be done.
    pub class: ErrorClass,
    /// Why.
    pub source: anyhow::Error,
}

/// Who keeps the documents that facts cite.
#[derive(Clone)]
pub struct Sources {
    /// Check runs' lists.
    pub fixity: MeshChannel,
    /// Transfers' lists.
    pub registration: MeshChannel,
}

impl Sources {
    /// The member lists of those `events` that speak for many.
    ///
    /// # Errors
    /// [`ListError`] when a list does not come, or is not what its event says.
    pub async fn lists(&self, events: &[Event]) -> Result<Lists, ListError> {
        let mut lists = Lists::new();
        for event in events {
            if let Some(cited) = cited(event) {
                let from = if cited.is_check { &self.fixity } else { &self.registration };
                let document = documents::fetch(from, &cited.document.digest).await.map_err(unreachable)?;
                lists.insert(event.hash, read(event, &cited, &document.body)?);
            }
        }
        Ok(lists)
    }
}

struct Cited<'a> {
    is_check: bool,
    document: &'a DocumentRef,
    count: u32,
    root: Sha256,
}

fn cited(event: &Event) -> Option<Cited<'_>> {
    match event.fact.as_ref()? {
        Fact::ItemChecked(checked) => match &checked.verdict {
            Verdict::Passed { count, root } => {
                Some(Cited { is_check: true, document: &checked.report, count: *count, root: *root })
            }
            Verdict::Failed { .. } => None,
        },
        // Of a filing batch every item.filed names the pack; of a transfer only its list says what was unfit.
        Fact::ItemAccessioned(moved) => {
            Some(Cited { is_check: false, document: &moved.members, count: moved.items, root: moved.root })
        }
        _ => None,
    }
}

fn read(event: &Event, cited: &Cited<'_>, body: &[u8]) -> Result<MemberList, ListError> {
    let invalid = |source| ListError { class: ErrorClass::Invalid, source };
    let list = MemberList::read(body, cited.document)
        .with_context(|| format!("member list of {}", event.hash))
        .map_err(invalid)?;
    if list.members.len() != cited.count as usize || list.root() != cited.root {
        return Err(invalid(anyhow::anyhow!("member list of {} has another count or root", event.hash)));
    }
    Ok(list)
}

fn unreachable(error: DocumentError) -> ListError {
    // A list that its producer does not have yet may come back with its database: worth another try.
    let class = match error.class() {
        ErrorClass::NotFound | ErrorClass::Invalid => ErrorClass::Unavailable,
        class => class,
    };
    ListError { class, source: error.into() }
}
