//! An OTLP collector in the test's own process: what was traced, to be looked at.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// One span that came in; ids in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSpan {
    /// The `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its trace.
    pub trace: String,
    /// Its own id.
    pub span: String,
    /// Its parent's id; empty for a root.
    pub parent: String,
    /// (trace, span) of each link.
    pub links: Vec<(String, String)>,
}

/// Listens until dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: Seen,
    server: JoinHandle<()>,
}

type Seen = Arc<Mutex<Vec<SeenSpan>>>;

struct Receiver(Seen);

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let spans = Seen::default();
        let service = TraceServiceServer::new(Receiver(spans.clone())).max_decoding_message_size(64 << 20);
        let server = tonic::transport::Server::builder().add_service(service);
        let server = tokio::spawn(async move {
            // If it fails, the test sees that no span comes.
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Ok(Self { address, spans, server })
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that came in until now.
    pub fn spans(&self) -> Vec<SeenSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let seen = request.into_inner().resource_spans.into_iter().flat_map(of_resource);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(seen);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn of_resource(spans: ResourceSpans) -> impl Iterator<Item = SeenSpan> {
    let service = service_name(&spans);
    let spans = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans.map(move |span| seen(&service, span))
}

fn service_name(spans: &ResourceSpans) -> String {
    let attributes = spans.resource.iter().flat_map(|resource| &resource.attributes);
    let name =
        attributes.filter(|attribute| attribute.key == "service.name").find_map(|attribute| match attribute
            .value
            .as_ref()?
            .value
            .as_ref()?
        {
            Value::StringValue(text) => Some(text.clone()),
            _ => None,
        });
    name.unwrap_or_default()
}

fn seen(service: &str, span: Span) -> SeenSpan {
    let links = span.links.iter().map(|link| (hex::encode(&link.trace_id), hex::encode(&link.span_id)));
    SeenSpan {
        service: service.to_owned(),
        links: links.collect(),
        trace: hex::encode(&span.trace_id),
        span: hex::encode(&span.span_id),
        parent: hex::encode(&span.parent_span_id),
        name: span.name,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
    use opentelemetry_proto::tonic::trace::v1::ScopeSpans;

    use super::*;

    #[tokio::test]
    async fn a_span_that_was_exported_is_seen() {
        let collector = Collector::start().await.unwrap();
        let span =
            Span { name: "file".to_owned(), trace_id: vec![1; 16], span_id: vec![2; 8], ..Span::default() };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
        let channel = tonic::transport::Endpoint::new(collector.endpoint()).unwrap().connect().await.unwrap();
        let mut client = TraceServiceClient::new(channel);
        client.export(ExportTraceServiceRequest { resource_spans }).await.unwrap();
        let seen = collector.spans();
        assert_eq!((seen[0].name.as_str(), seen[0].trace.as_str()), ("file", "01".repeat(16).as_str()));
        assert!(seen[0].parent.is_empty());
    }
}
