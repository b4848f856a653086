//! What a service writes to hear events: a handler. It holds no ack code and opens no transaction.

use std::future::Future;

use dengbei_chain::{Event, FactKind};
use dengbei_kit::documents::DocumentError;
use dengbei_kit::{db, status};
use dengbei_records::{ErrorClass, EventHash, Invalid};
use sqlx::postgres::PgConnection;

use crate::Bundle;

/// What a consumer does with events. Idempotent by event hash or by state: an event can come again, alone, or in
/// another company, when the bus or a database was restored.
pub trait Handler: Send + Sync + 'static {
    /// What [`Self::prepare`] hands to [`Self::apply`].
    type Prepared: Send;

    /// Whether events of this kind are handled at all. Others, and facts of later versions, are skipped unseen.
    fn wants(&self, kind: FactKind) -> bool;

    /// Outside any transaction: fetch documents, read bytes, run checks. May be called and its result dropped.
    fn prepare(&self, events: &[Event]) -> impl Future<Output = Result<Self::Prepared, HandleError>> + Send;

    /// In the bundle's transaction: one outcome per event, in order. An error rolls everything back; the events then
    /// come again one by one.
    fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        prepared: Self::Prepared,
    ) -> impl Future<Output = Result<Vec<Outcome>, HandleError>> + Send;
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its effect is in the transaction, or was there already.
    Applied,
    /// It does not concern this service.
    Skipped,
    /// This cause is not applied yet: keep the event until it is.
    WaitFor(EventHash),
}

/// Whole bundles, for the register alone: it keeps bytes and skips nothing.
pub trait BundleHandler: Send + Sync + 'static {
    /// In one transaction. Idempotent: a bundle comes again when its acknowledgement was lost, or by `Append`. An error
    /// with several rolls all back; they then come one by one.
    fn apply(
        &self,
        tx: &mut PgConnection,
        bundles: &[&Bundle],
    ) -> impl Future<Output = Result<(), HandleError>> + Send;
}

/// Why a handler did not handle. The class decides: Invalid is a dead letter at once; what is Unavailable or Exhausted
/// waits, for an hour unless [`HandleError::waited_for`]; anything else is tried again and is a dead letter after the last
/// try.
#[derive(Debug, thiserror::Error)]
#[error("事件处理失败 / the event was not handled")]
pub struct HandleError {
    class: ErrorClass,
    is_waited_for: bool,
    #[source]
    source: anyhow::Error,
}

impl HandleError {
    /// An error of this class.
    pub fn new(class: ErrorClass, source: impl Into<anyhow::Error>) -> Self {
        Self { class, is_waited_for: false, source: source.into() }
    }

    /// An event that can never be handled.
    pub fn invalid(reason: impl std::fmt::Display) -> Self {
        Self::new(ErrorClass::Invalid, anyhow::anyhow!("{reason}"))
    }

    /// A part that only an operator brings back does not answer (a virus scanner): the event is tried again for as long
    /// as that takes, and never becomes a dead letter for it. Whoever returns this has an alert of its own.
    #[must_use]
    pub fn waited_for(self) -> Self {
        Self { is_waited_for: true, ..self }
    }

    /// What can be done about it.
    pub const fn class(&self) -> ErrorClass {
        self.class
    }

    pub(crate) const fn is_waited_for(&self) -> bool {
        self.is_waited_for
    }

    /// Why, with everything it came from: what stands on a dead letter.
    pub fn reason(&self) -> String {
        format!("{:#}", self.source)
    }
}

impl From<sqlx::Error> for HandleError {
    fn from(error: sqlx::Error) -> Self {
        Self::new(db::class(&error), error)
    }
}

impl From<DocumentError> for HandleError {
    fn from(error: DocumentError) -> Self {
        Self::new(error.class(), error)
    }
}

impl From<tonic::Status> for HandleError {
    fn from(answer: tonic::Status) -> Self {
        Self::new(status::class(&answer), answer)
    }
}

impl From<Invalid> for HandleError {
    fn from(error: Invalid) -> Self {
        Self::new(ErrorClass::Invalid, error)
    }
}
