//! gRPC `Register`: parse, call, render.

use dengbei_bus::HandleError;
use dengbei_kit::{db, status};
use dengbei_proto::v1;
use dengbei_proto::v1::register_server::Register;
use dengbei_records::{DataVersion, ErrorClass, ItemId, Problem};
use dengbei_register::{TilePath, Tiles as _};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use super::{Appender, Log, store};
use crate::receipt::Receipts;

/// Entries of one answer.
const MOST_ENTRIES: u64 = 1024;
/// Bytes of one answer, but for a single entry.
const MOST_BYTES: usize = 1 << 20;
/// Bundle places of one answer.
const MOST_PLACES: u32 = 4096;
/// Bundles of one call.
const MOST_BUNDLES: usize = 1024;

/// Serves the register.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) pool: PgPool,
    pub(crate) log: Log,
    pub(crate) appender: Appender,
    pub(crate) receipts: Receipts,
}

fn failed(e: &sqlx::Error) -> Status {
    status::report(&status::plain(db::class(e)), e)
}

fn refused(e: &HandleError) -> Status {
    match e.class() {
        ErrorClass::Invalid => {
            let problem =
                Problem::new("register.bundle_invalid", ErrorClass::Invalid, "事件包无效", e.reason());
            status::from_problem(&problem)
        }
        class => status::report(&status::plain(class), e),
    }
}

#[tonic::async_trait]
impl Register for Served {
    async fn append(&self, request: Request<v1::AppendRequest>) -> Result<Response<v1::AppendReply>, Status> {
        let bundles = request.into_inner().bundles;
        if bundles.len() > MOST_BUNDLES {
            return Err(refused(&HandleError::invalid("at most 1024 bundles in one call")));
        }
        let mut tx = self.pool.begin().await.map_err(|e| failed(&e))?;
        for bundle in &bundles {
            let appended =
                self.appender.append(&mut tx, &bundle.producer, bundle.sequence, &bundle.events).await;
            appended.map_err(|e| refused(&e))?;
        }
        tx.commit().await.map_err(|e| failed(&e))?;
        let known = bundles.iter().map(|b| b.events.len() as u64).sum();
        Ok(Response::new(v1::AppendReply { known }))
    }

    async fn sealed_up_to(
        &self,
        request: Request<v1::SealedUpToRequest>,
    ) -> Result<Response<v1::SealedUpToReply>, Status> {
        let request = request.into_inner();
        let mut tx = self.pool.begin().await.map_err(|e| failed(&e))?;
        let (sequence, highest_seen) = store::sealed_up_to(&mut tx, &request.producer, request.oldest_held)
            .await
            .map_err(|e| failed(&e))?;
        tx.commit().await.map_err(|e| failed(&e))?;
        Ok(Response::new(v1::SealedUpToReply { sequence, highest_seen }))
    }

    async fn bundles(
        &self,
        request: Request<v1::BundlesRequest>,
    ) -> Result<Response<v1::BundlesReply>, Status> {
        let request = request.into_inner();
        let limit = if request.limit == 0 { MOST_PLACES } else { request.limit.min(MOST_PLACES) };
        let mut connection = self.pool.acquire().await.map_err(|e| failed(&e))?;
        // The size first: places that are sealed in between are simply there already.
        let size = store::head(&mut connection).await.map_err(|e| failed(&e))?.size;
        let rows = store::bundles(&mut connection, request.from_index, i64::from(limit))
            .await
            .map_err(|e| failed(&e))?;
        let bundles = rows.into_iter().map(place).collect();
        Ok(Response::new(v1::BundlesReply { bundles, size }))
    }

    async fn entries(
        &self,
        request: Request<v1::EntriesRequest>,
    ) -> Result<Response<v1::EntriesReply>, Status> {
        let request = request.into_inner();
        let mut connection = self.pool.acquire().await.map_err(|e| failed(&e))?;
        let size = store::head(&mut connection).await.map_err(|e| failed(&e))?.size;
        let to = request.to.min(size).min(request.from.saturating_add(MOST_ENTRIES));
        let mut entries =
            store::range(&mut connection, request.from.min(to), to).await.map_err(|e| failed(&e))?;
        let mut bytes = 0;
        let mut fits = |entry: &bytes::Bytes| {
            bytes += entry.len();
            bytes <= MOST_BYTES
        };
        let count = entries.iter().take_while(|entry| fits(entry)).count();
        entries.truncate(count.max(1));
        Ok(Response::new(v1::EntriesReply { from: request.from, entries }))
    }

    async fn log_file(
        &self,
        request: Request<v1::LogFileRequest>,
    ) -> Result<Response<v1::LogFileReply>, Status> {
        let path = request.into_inner().path;
        let missing = || {
            let problem = Problem::new(
                "log.no_such_file",
                ErrorClass::NotFound,
                "登记簿中无此文件",
                "no such file of the log",
            );
            status::from_problem(&problem)
        };
        if path == "checkpoint" {
            let mut connection = self.pool.acquire().await.map_err(|e| failed(&e))?;
            let body = store::head(&mut connection).await.map_err(|e| failed(&e))?.checkpoint;
            return if body.is_empty() {
                Err(missing())
            } else {
                Ok(Response::new(v1::LogFileReply { body, immutable: false }))
            };
        }
        let tile: TilePath = path.parse().map_err(|_| missing())?;
        let read = self.log.tiles.read(tile).await;
        let read = read.map_err(|e| status::report(&status::plain(ErrorClass::Unavailable), &e))?;
        let body = read.ok_or_else(missing)?;
        Ok(Response::new(v1::LogFileReply { body, immutable: true }))
    }

    async fn receipt(
        &self,
        request: Request<v1::ReceiptRequest>,
    ) -> Result<Response<v1::ReceiptReply>, Status> {
        let request = request.into_inner();
        let invalid = |e: dengbei_records::Invalid| {
            status::from_problem(&Problem::new(
                "item.invalid",
                ErrorClass::Invalid,
                "对象标识或版本无效",
                e.to_string(),
            ))
        };
        let item = ItemId::from_slice(&request.item).map_err(invalid)?;
        let version = match request.data_version {
            0 => None,
            n => Some(DataVersion::try_from(n).map_err(invalid)?),
        };
        let receipt = self.receipts.build(item, version).await;
        let receipt = receipt.map_err(|e| status::report(&e.problem(), &e))?;
        Ok(Response::new(v1::ReceiptReply { receipt: receipt.into() }))
    }
}

fn place((producer, sequence, first, entries, sealed_at): (String, i64, i64, i32, i64)) -> v1::BundlePlace {
    v1::BundlePlace {
        producer,
        sequence: sequence.unsigned_abs(),
        first_index: first.unsigned_abs(),
        count: entries.unsigned_abs(),
        sealed_at,
    }
}
