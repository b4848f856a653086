//! A request's body that comes back if nobody read it, and a response's body that says when it ended.
//!
//! A call whose body was never asked for was never sent: a handler reads its first message before it does anything.
//! So whatever the failure was called, such a call may be made again elsewhere, an upload of gigabytes too; and a call
//! of which one byte was read is never made again here.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// Where the body waits until it is first asked for.
#[derive(Debug)]
pub(super) struct Lender(Arc<Mutex<Option<Body>>>);

/// The body as it travels.
#[derive(Debug)]
pub(super) struct Lent {
    waiting: Arc<Mutex<Option<Body>>>,
    begun: Option<Body>,
}

/// Lends `body`. One that is empty tells nothing by not being read, so it never comes back.
pub(super) fn lend(body: Body) -> (Lender, Lent) {
    let is_empty = body.is_end_stream();
    let (waiting, begun) = if is_empty { (None, Some(body)) } else { (Some(body), None) };
    let waiting = Arc::new(Mutex::new(waiting));
    (Lender(waiting.clone()), Lent { waiting, begun })
}

impl Lender {
    /// The body, if nobody began to read it; from now on nobody can.
    pub(super) fn recall(self) -> Option<Body> {
        take(&self.0)
    }
}

fn take(waiting: &Mutex<Option<Body>>) -> Option<Body> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.begun.is_none() {
            self.begun = take(&self.waiting);
        }
        match &mut self.begun {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(Some(Err(Status::cancelled("the call was given up")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.begun.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.begun.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

/// A response's body that holds `T` until it is dropped.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) body: Body,
    pub(super) _held: T,
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn hello() -> Body {
        Body::new(axum::body::Body::from("hello"))
    }

    async fn read(body: &mut Lent) -> Result<Bytes, Status> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        frame.unwrap().map(|frame| frame.into_data().unwrap())
    }

    #[tokio::test]
    async fn a_body_that_nobody_read_comes_back_whole() {
        let (lender, lent) = lend(hello());
        drop(lent);
        let (lender, mut lent) = lend(lender.recall().unwrap());
        assert_eq!(read(&mut lent).await.unwrap(), "hello");
        assert!(lender.recall().is_none());
    }

    #[tokio::test]
    async fn a_body_that_was_recalled_is_not_sent_as_an_empty_one() {
        let (lender, mut lent) = lend(hello());
        assert!(lender.recall().is_some());
        assert!(read(&mut lent).await.is_err());
    }

    #[test]
    fn an_empty_body_never_comes_back() {
        let (lender, lent) = lend(Body::empty());
        assert!(lent.is_end_stream() && lender.recall().is_none());
    }
}
