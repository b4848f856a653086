//! `GET /v1/items/{id}/package`: the filed object's files as one zip, streamed: `record.json`, `reception.json` and
//! what was received under its received names. What breaks off breaks the connection, so that no half is a whole.

use std::io::{self, Write};

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_proto::v1::FiledChunk;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_stream::wrappers::ReceiverStream;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::files::{self, File};
use super::items::{Version, saw};
use super::problems::Problems;
use super::{item_id, not_a_query};
use crate::door::Who;
use crate::peers::answered;
use crate::problem::Refusal;
use crate::service::Gateway;

/// Chunks on their way, each at most 256 KiB.
const IN_FLIGHT: usize = 8;

/// The files of a filed item as one zip
#[utoipa::path(get, path = "/v1/items/{id}/package", operation_id = "getPackage", tag = "items",
    params(("id" = String, Path, description = "对象标识 (UUID)"), Version),
    responses((status = 200, description = "a zip of stored entries", body = inline(File), content_type = "application/zip"), Problems))]
pub(crate) async fn package(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
    version: Result<Query<Version>, QueryRejection>,
) -> Result<Response, Refusal> {
    let (item, Query(version)) = (item_id(&id)?, version.map_err(|e| not_a_query(&e))?);
    let request = v1::ReadFiledRequest {
        item: Bytes::copy_from_slice(item.as_bytes()),
        data_version: version.data_version,
        path: String::new(),
    };
    let mut filed = answered(gateway.peers.registration().read_filed(request).await)?;
    // The first chunk tells whether there is anything, while the status can still say so.
    let first = filed.message().await.map_err(|s| dengbei_kit::status::to_problem(&s))?;
    let Some(first) = first else {
        return Err(Refusal::from(dengbei_records::Problem::new(
            "item.not_filed",
            dengbei_records::ErrorClass::NotFound,
            "该件尚未归档",
            "the item is not filed",
        )));
    };
    saw(&gateway, &who, "item.package", item);
    Ok(files::saved("application/zip", &format!("{item}.zip"), zipped(first, filed)))
}

fn zipped(first: FiledChunk, mut filed: tonic::Streaming<FiledChunk>) -> Body {
    let (to_writer, chunks) = mpsc::channel::<io::Result<FiledChunk>>(IN_FLIGHT);
    let (out, body) = mpsc::channel::<io::Result<Bytes>>(IN_FLIGHT);
    tokio::spawn(async move {
        let mut next = Ok(Some(first));
        while let Some(chunk) = next.transpose() {
            let is_last = chunk.is_err();
            if to_writer
                .send(chunk.map_err(|s: tonic::Status| io::Error::other(s.to_string())))
                .await
                .is_err()
                || is_last
            {
                break;
            }
            next = filed.message().await;
        }
    });
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write(chunks, &out) {
            // The connection breaks, so that the receiver knows.
            let _ = out.blocking_send(Err(error));
        }
    });
    Body::from_stream(ReceiverStream::new(body))
}

fn write(mut chunks: Receiver<io::Result<FiledChunk>>, out: &Sender<io::Result<Bytes>>) -> io::Result<()> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    let mut zip =
        ZipWriter::new_stream(io::BufWriter::with_capacity(256 * 1024, Outlet { out, is_shut: false }));
    let mut is_complete = true;
    while let Some(chunk) = chunks.blocking_recv() {
        let chunk = chunk?;
        if chunk.offset == 0 {
            let name = if chunk.logical.is_empty() { &chunk.path } else { &chunk.logical };
            zip.start_file(name.as_str(), options).map_err(io::Error::other)?;
        }
        zip.write_all(&chunk.data)?;
        is_complete = chunk.last;
    }
    if !is_complete {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file broke off"));
    }
    zip.finish().map_err(io::Error::other)?.into_inner().flush()
}

/// Where the zip goes: to whoever downloads it, at their pace.
struct Outlet<'a> {
    out: &'a Sender<io::Result<Bytes>>,
    /// Nobody reads any more. That was said once; what the zip writer still wants to finish goes nowhere.
    is_shut: bool,
}

impl Write for Outlet<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.is_shut && self.out.blocking_send(Ok(Bytes::copy_from_slice(data))).is_err() {
            self.is_shut = true;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
