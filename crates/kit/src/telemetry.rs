//! Logs and traces of one process, and the W3C trace context as a text.
//!
//! Logs go to standard error: text on a terminal, JSON lines elsewhere; `DENGBEI_LOG` (`text` or `json`) decides
//! otherwise and `RUST_LOG` filters. Spans are exported (OTLP over gRPC) when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; without it there is no trace context and
//! no cost. `OTEL_TRACES_SAMPLER` and its argument hold as the specification says.

use std::collections::{BTreeSet, HashMap};
use std::io::IsTerminal as _;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

const LOGGED: &str = "info,sqlx=warn,hyper=warn,h2=warn,tonic=warn,async_nats=warn,opentelemetry=warn";
/// Without these the exporter would trace its own calls; and a task lasts as long as its process, which is no trace.
const TRACED: &str = "info,hyper=off,h2=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off,\
                      opentelemetry_otlp=off,sqlx=off,async_nats=off,dengbei_task=off";
const HEADER: &str = "traceparent";

/// Sends what is left when it is dropped: hold it until the end of `main`.
#[derive(Debug)]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take() {
            // Its own thread: shutting down blocks, and the runtime must keep turning for the exporter.
            let ending = std::thread::spawn(move || provider.shutdown());
            let _ = ending.join();
        }
    }
}

/// Starts logs, and traces when the environment asks for them. Once a process; again changes nothing.
///
/// Must be called inside the runtime when traces are exported.
///
/// # Errors
/// When the OTLP endpoint is no URL.
pub fn init(role: &str) -> anyhow::Result<Guard> {
    let provider = match std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT") {
        Some(endpoint) if !endpoint.is_empty() => Some(exporting(role)?),
        _ => None,
    };
    let spans = provider.as_ref().map(|p| {
        tracing_opentelemetry::layer().with_tracer(p.tracer("dengbei")).with_filter(EnvFilter::new(TRACED))
    });
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let log = fmt::layer().with_writer(std::io::stderr);
    let is_json = match std::env::var("DENGBEI_LOG").as_deref() {
        Ok("json") => true,
        Ok("text") => false,
        _ => !std::io::stderr().is_terminal(),
    };
    let log = if is_json {
        log.json().with_filter(filter).boxed()
    } else {
        log.with_ansi(false).with_filter(filter).boxed()
    };
    let first = tracing_subscriber::registry().with(spans).with(log).try_init().is_ok();
    crate::admin::describe();
    Ok(Guard { provider: provider.filter(|_| first) })
}

fn exporting(role: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().build()?;
    let resource = Resource::builder().with_service_name(format!("dengbei-{role}")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// The current span's context as `00-<trace>-<span>-<flags>`; `None` where nothing is traced.
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(HEADER)
}

/// A span named `name` under the context that `traceparent` names.
pub fn span_from(traceparent: Option<&str>, name: &str) -> Span {
    let span = info_span!("work", otel.name = name);
    if let Some(parent) = traceparent {
        set_parent(&span, parent);
    }
    span
}

/// Puts `span`, which nothing has entered yet, under the context that `traceparent` names.
pub fn set_parent(span: &Span, traceparent: &str) {
    // Fails where nothing is traced, which is no fault.
    let _ = span.set_parent(extract(traceparent));
}

/// Links `span` to the context that `traceparent` names: a batch to the traces of what is in it.
pub fn link(span: &Span, traceparent: &str) {
    span.add_link(extract(traceparent).span().span_context().clone());
}

/// Puts `span`, which nothing has entered yet, among `contexts`: under the only one, or linked to each of several.
pub fn join<'a>(span: &Span, contexts: impl Iterator<Item = &'a str>) {
    let distinct: BTreeSet<&str> = contexts.filter(|context| !context.is_empty()).collect();
    match (distinct.len(), distinct.first()) {
        (1, Some(only)) => set_parent(span, only),
        _ => distinct.iter().for_each(|context| link(span, context)),
    }
}

/// A span named `name` for work that goes on later, among the contexts that were kept for it; none where none was.
pub fn span_among<'a>(contexts: impl Iterator<Item = &'a str>, name: &str) -> Span {
    let mut contexts = contexts.peekable();
    if contexts.peek().is_none() {
        return Span::none();
    }
    let span = info_span!("work", otel.name = name);
    join(&span, contexts);
    span
}

fn extract(traceparent: &str) -> Context {
    let carrier = HashMap::from([(HEADER.to_owned(), traceparent.to_owned())]);
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_context_goes_through_a_span_and_comes_out() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("t"));
        let _default = tracing_subscriber::registry().with(layer).set_default();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let inside = span_from(Some(parent), "x").in_scope(traceparent).unwrap();
        assert!(inside.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{inside}");
        assert_ne!(inside, parent);
    }

    #[test]
    fn nothing_traced_means_no_context() {
        assert_eq!(traceparent(), None);
    }
}
