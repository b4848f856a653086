//! An upload on its way to ingest: the body in chunks of at most 64 KiB, never whole in memory, and never taken for
//! complete when the sender broke off.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_proto::v1::submit_part::Part;
use dengbei_records::{ErrorClass, Problem};
use futures::StreamExt as _;
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;

use crate::peers::{Peers, answered};
use crate::problem::Refusal;

/// What one message carries. Blocks of hundreds of KiB cost the allocator a page of 4 MiB for each size and thread.
const CHUNK: usize = 64 * 1024;
/// Messages between the body and ingest.
const IN_FLIGHT: usize = 16;
/// A sender that is silent for this long has gone.
const SILENCE: Duration = Duration::from_secs(60);
/// What is still read after an early answer, so that the sender gets to see it.
const LINGER_BYTES: u64 = 64 << 20;
const LINGER: Duration = Duration::from_secs(5);

/// Streams `body` after `head` and gives ingest's answer.
///
/// # Errors
/// [`Refusal`]: the body broke off, is over `most` bytes, or ingest said no.
pub(super) async fn submit(
    peers: &Peers,
    head: v1::SubmitHead,
    body: Body,
    most: u64,
) -> Result<v1::SubmitReply, Refusal> {
    let (parts, receiver) = mpsc::channel(IN_FLIGHT);
    let mut ingest = peers.ingest();
    let call = ingest.submit(ReceiverStream::new(receiver));
    tokio::pin!(call);
    let mut stream = body.into_data_stream();
    let answer = {
        let pumping = pump(&mut stream, head, parts, most);
        tokio::pin!(pumping);
        tokio::select! {
            biased;
            answer = &mut call => answer,
            pumped = &mut pumping => {
                pumped?; // on an error the call is dropped: ingest sees it cancelled, not ended
                call.await
            }
        }
    };
    if answer.is_err() {
        linger(&mut stream).await;
    }
    answered(answer).map_err(Refusal::from)
}

async fn pump(
    stream: &mut BodyDataStream,
    head: v1::SubmitHead,
    parts: Sender<v1::SubmitPart>,
    most: u64,
) -> Result<(), Refusal> {
    let mut left = most;
    let mut is_empty = true;
    // A full house says so before a byte of the body; only where the length is unknown the first byte is waited for.
    let mut next = Some(head);
    if let Some(head) = next.take_if(|head| head.length > 0) {
        send(&parts, Part::Head(head)).await;
    }
    loop {
        let frame = tokio::time::timeout(SILENCE, stream.next()).await.map_err(|_| silent())?;
        let Some(frame) = frame else { break };
        let mut data = frame.map_err(|_| broken_off())?;
        left = left.checked_sub(data.len() as u64).ok_or_else(|| too_large(most))?;
        while !data.is_empty() {
            is_empty = false;
            if let Some(head) = next.take() {
                send(&parts, Part::Head(head)).await;
            }
            let chunk: Bytes = data.split_to(data.len().min(CHUNK));
            send(&parts, Part::Chunk(chunk)).await;
        }
    }
    if is_empty { Err(empty()) } else { Ok(()) }
}

/// Where ingest has answered already nobody receives: its answer is what counts then.
async fn send(parts: &Sender<v1::SubmitPart>, part: Part) {
    let _ = parts.send(v1::SubmitPart { part: Some(part) }).await;
}

async fn linger(stream: &mut BodyDataStream) {
    let reading = async {
        let mut left = LINGER_BYTES;
        while let Some(Ok(data)) = stream.next().await {
            left = left.saturating_sub(data.len() as u64);
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, reading).await;
}

/// Over the door's bound.
pub(super) fn too_large(most: u64) -> Refusal {
    let problem = Problem::new(
        "package.too_large",
        ErrorClass::Invalid,
        format!("上传超过上限 {most} 字节"),
        format!("the upload is over the bound of {most} bytes"),
    );
    Refusal::with_status(
        StatusCode::PAYLOAD_TOO_LARGE,
        problem.with_remedy("拆分后再提交 / send it in smaller parts"),
    )
}

/// Nothing came.
pub(super) fn empty() -> Refusal {
    Refusal::invalid("package.empty", "请求体为空，应为 zip", "the body is empty; a zip is wanted")
}

fn broken_off() -> Refusal {
    let problem = Problem::new(
        "upload.broken_off",
        ErrorClass::Invalid,
        "上传中断，未保存任何内容",
        "the upload broke off; nothing was kept",
    );
    Refusal::with_status(StatusCode::BAD_REQUEST, problem)
}

fn silent() -> Refusal {
    let problem =
        Problem::new("upload.silent", ErrorClass::Invalid, "上传超过 60 秒无数据", "nothing came for 60 s");
    Refusal::with_status(StatusCode::REQUEST_TIMEOUT, problem)
}
