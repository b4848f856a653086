//! What every call into the mesh carries: the token and the caller's trace context.

use dengbei_records::Invalid;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::telemetry;

/// Adds `authorization` and `traceparent`.
#[derive(Debug, Clone)]
pub struct Outgoing {
    authorization: MetadataValue<Ascii>,
}

impl Outgoing {
    pub(super) fn new(token: &str) -> Result<Self, Invalid> {
        let mut authorization: MetadataValue<Ascii> =
            format!("Bearer {token}").parse().map_err(|_| Invalid::new("mesh token", "(…)"))?;
        authorization.set_sensitive(true);
        Ok(Self { authorization })
    }
}

impl Interceptor for Outgoing {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.authorization.clone());
        if let Some(traceparent) = telemetry::traceparent().and_then(|t| t.parse().ok()) {
            request.metadata_mut().insert("traceparent", traceparent);
        }
        Ok(request)
    }
}
