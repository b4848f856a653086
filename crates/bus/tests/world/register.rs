//! A small register: one log in memory, deduplicated by event hash, sealed at once or when it is told to.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use dengbei_bus::{Bundle, BundleHandler, HandleError};
use dengbei_kit::{Drain, grpc};
use dengbei_proto::v1;
use dengbei_proto::v1::register_server::{Register as Served, RegisterServer};
use dengbei_records::{Clock as _, EventHash, SystemClock};
use sqlx::PgConnection;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::TOKEN;

#[derive(Default)]
struct Log {
    known: HashSet<EventHash>,
    entries: Vec<Bytes>,
    places: Vec<v1::BundlePlace>,
    seen: BTreeMap<(String, u64), ()>,
    is_sealing: bool,
    is_away: bool,
    appended: usize,
    offered: usize,
}

#[derive(Clone)]
pub(crate) struct Register {
    pub(crate) url: String,
    log: Arc<Mutex<Log>>,
    _drain: Arc<Ending>,
}

struct Ending(Drain);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.request();
    }
}

impl Register {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let drain = Drain::new();
        let log = Arc::new(Mutex::new(Log { is_sealing: true, ..Log::default() }));
        let url = format!("http://{}", listener.local_addr().unwrap());
        let register = Self { url, log, _drain: Arc::new(Ending(drain.clone())) };
        let routes = Routes::new(RegisterServer::new(Front(register.log.clone())));
        tokio::spawn(grpc::serve_on(listener, TOKEN, routes, drain));
        register
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    /// Whether what comes is sealed.
    pub(crate) fn seal(&self, is_sealing: bool) {
        self.log().is_sealing = is_sealing;
    }

    /// Whether every call fails.
    pub(crate) fn leave(&self, is_away: bool) {
        self.log().is_away = is_away;
    }

    pub(crate) fn size(&self) -> usize {
        self.log().entries.len()
    }

    /// Bundles that came by `Append`.
    pub(crate) fn appended(&self) -> usize {
        self.log().appended
    }

    /// Bundles that came in any way, sealed or not.
    pub(crate) fn offered(&self) -> usize {
        self.log().offered
    }

    /// Every (producer, sequence) that came.
    pub(crate) fn seen(&self) -> Vec<(String, u64)> {
        self.log().seen.keys().cloned().collect()
    }

    /// Forgets whose bundles the entries came in.
    pub(crate) fn forget_bundles(&self) {
        let mut log = self.log();
        let count = u32::try_from(log.entries.len()).unwrap();
        let sealed_at = SystemClock.now().millis();
        let whole = v1::BundlePlace { producer: "log".into(), sequence: 0, first_index: 0, count, sealed_at };
        log.places = vec![whole];
    }

    pub(crate) fn take(&self, producer: &str, sequence: u64, events: &[Bytes]) {
        self.log().take(producer, sequence, events);
    }
}

impl Log {
    fn take(&mut self, producer: &str, sequence: u64, events: &[Bytes]) {
        self.offered += 1;
        if !self.is_sealing || self.seen.insert((producer.to_owned(), sequence), ()).is_some() {
            return;
        }
        let first_index = self.entries.len() as u64;
        for event in events {
            if self.known.insert(EventHash::of(event)) {
                self.entries.push(event.clone());
            }
        }
        let count = u32::try_from(self.entries.len() as u64 - first_index).unwrap();
        let (producer, sealed_at) = (producer.to_owned(), SystemClock.now().millis());
        self.places.push(v1::BundlePlace { producer, sequence, first_index, count, sealed_at });
    }

    fn up_to(&self, request: &v1::SealedUpToRequest) -> v1::SealedUpToReply {
        let of_producer = || self.seen.keys().filter(|(name, _)| *name == request.producer);
        let mut sequence = request.oldest_held.saturating_sub(1);
        while of_producer().any(|(_, n)| *n == sequence + 1) {
            sequence += 1;
        }
        v1::SealedUpToReply { sequence, highest_seen: of_producer().map(|(_, n)| *n).max().unwrap_or(0) }
    }
}

impl BundleHandler for Register {
    async fn apply(&self, _: &mut PgConnection, bundles: &[&Bundle]) -> Result<(), HandleError> {
        for bundle in bundles {
            self.take(&bundle.producer, bundle.sequence, &bundle.events);
        }
        Ok(())
    }
}

struct Front(Arc<Mutex<Log>>);

impl Front {
    #[allow(clippy::result_large_err)]
    fn log(&self) -> Result<MutexGuard<'_, Log>, Status> {
        let log = self.0.lock().unwrap();
        if log.is_away { Err(Status::unavailable("away")) } else { Ok(log) }
    }
}

#[tonic::async_trait]
impl Served for Front {
    async fn append(&self, request: Request<v1::AppendRequest>) -> Result<Response<v1::AppendReply>, Status> {
        let mut log = self.log()?;
        for bundle in request.into_inner().bundles {
            log.appended += 1;
            log.take(&bundle.producer, bundle.sequence, &bundle.events);
        }
        Ok(Response::new(v1::AppendReply::default()))
    }

    async fn sealed_up_to(
        &self,
        request: Request<v1::SealedUpToRequest>,
    ) -> Result<Response<v1::SealedUpToReply>, Status> {
        Ok(Response::new(self.log()?.up_to(request.get_ref())))
    }

    async fn bundles(
        &self,
        request: Request<v1::BundlesRequest>,
    ) -> Result<Response<v1::BundlesReply>, Status> {
        let log = self.log()?;
        let request = request.get_ref();
        let after = log.places.iter().filter(|p| p.first_index + u64::from(p.count) > request.from_index);
        let bundles = after.take(request.limit as usize).cloned().collect();
        Ok(Response::new(v1::BundlesReply { bundles, size: log.entries.len() as u64 }))
    }

    async fn entries(
        &self,
        request: Request<v1::EntriesRequest>,
    ) -> Result<Response<v1::EntriesReply>, Status> {
        let log = self.log()?;
        let (from, to) = (request.get_ref().from, request.get_ref().to);
        // Fewer than asked for, as the real one may.
        let entries = log.entries[from as usize..to.min(from + 100) as usize].to_vec();
        Ok(Response::new(v1::EntriesReply { from, entries }))
    }

    async fn log_file(&self, _: Request<v1::LogFileRequest>) -> Result<Response<v1::LogFileReply>, Status> {
        Err(Status::unimplemented("no files here"))
    }

    async fn receipt(&self, _: Request<v1::ReceiptRequest>) -> Result<Response<v1::ReceiptReply>, Status> {
        Err(Status::unimplemented("no receipts here"))
    }
}
