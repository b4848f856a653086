//! 签字: a person's finding on a task. Signed once by a person, never changed; as many different persons as the check wants.
//!
//! Row, document and `check.signed` in one transaction, the task held: two persons do not sign past each other.

use dengbei_chain::facts::CheckSigned;
use dengbei_chain::{Fact, Subject};
use dengbei_kit::documents;
use dengbei_records::{EventHash, Sha256};

use super::error::DeskError;
use super::papers::Finding;
use super::{Desk, Person, text};
use crate::metrics;
use crate::store::tasks::{self, Signature, TaskRow};
use crate::verdict::salt;

/// What a person signs.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    /// The task's id.
    pub(crate) task: String,
    pub(crate) is_in_order: bool,
    /// What was seen; asked for when it is not in order.
    pub(crate) note: String,
}

impl Desk {
    /// Signs. Durable when it returns, and in the log soon after.
    ///
    /// # Errors
    /// [`DeskError`]; nothing is kept then.
    pub(crate) async fn sign(&self, person: &Person, signing: &Signing) -> Result<(), DeskError> {
        let name = text(&person.name)?;
        let note = text(&signing.note)?;
        if name.is_empty() {
            return Err(DeskError::NoPerson);
        }
        if !signing.is_in_order && note.is_empty() {
            return Err(DeskError::NoNote);
        }
        let mut tx = self.pool.begin().await?;
        let task = tasks::hold(&mut tx, &signing.task).await?.ok_or(DeskError::UnknownTask)?;
        let before = tasks::signatures(&mut *tx, std::slice::from_ref(&task.id)).await?;
        if before.iter().any(|s| is_by(s, person, &name)) {
            return Err(DeskError::SignedAlready);
        }
        let at = self.author.clock.now();
        let finding = Finding {
            salt: salt(),
            scope: task.scope.clone(),
            number: task.number.clone(),
            stage: task.stage.clone(),
            check: task.check_id.clone(),
            task: task.task.clone(),
            items: task.items.clone(),
            report: Sha256::from_slice(&task.report)?,
            person: name.clone(),
            at,
            is_in_order: signing.is_in_order,
            note: note.clone(),
        };
        let (body, reference) = finding.document()?;
        let fact = CheckSigned {
            scope: finding.scope,
            number: finding.number,
            stage: finding.stage,
            check: finding.check,
            is_in_order: signing.is_in_order,
            report: finding.report,
            finding: reference.clone(),
        };
        let causes = vec![EventHash::from_slice(&task.whole)?];
        let about = (subject(&task), causes, Fact::CheckSigned(fact));
        let event = self.author.encode_of(about, person.actor, at)?;
        let signature = Signature {
            event: event.hash.as_bytes().to_vec(),
            task: task.id,
            actor: person.bytes(),
            is_in_order: signing.is_in_order,
            document: reference.digest.as_bytes().to_vec(),
            at: at.millis(),
            person: Some(name),
            note: Some(note),
        };
        tasks::sign(&mut tx, &signature).await?;
        documents::put(&mut tx, &body, &reference.media_type).await?;
        self.author.outbox.put(&mut tx, &[event]).await?;
        tx.commit().await?;
        metrics::signed(signing.is_in_order);
        Ok(())
    }
}

/// Whether the same person signed: by the account, where accounts are blinded, else by the name.
fn is_by(signature: &Signature, person: &Person, name: &str) -> bool {
    let actor = person.bytes();
    let is_same_account = !actor.is_empty() && signature.actor == actor;
    is_same_account || signature.person.as_deref() == Some(name)
}

fn subject(task: &TaskRow) -> Subject {
    Subject::Other(format!("task/{}", task.id))
}
