//! A problem as it leaves the door: one table from class to status, one JSON body, the wait where waiting helps.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dengbei_records::{ErrorClass, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::findings::Finding;

/// Seconds after which an exhausted or unavailable part may be asked again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// What goes wrong at the door itself, or came from a role, with the status it leaves with.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    problem: Box<Problem>,
    checks: Vec<Finding>,
}

impl Refusal {
    /// With a status that HTTP itself has a word for (401, 413, …).
    pub(crate) fn with_status(status: StatusCode, problem: Problem) -> Self {
        Self { status, problem: Box::new(problem), checks: Vec::new() }
    }

    /// A request that does not read as what it should be.
    pub(crate) fn invalid(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Problem::new(code, ErrorClass::Invalid, zh, en).into()
    }

    /// With the checks that failed.
    pub(crate) fn with_checks(mut self, checks: Vec<Finding>) -> Self {
        self.checks = checks;
        self
    }

    /// Its problem.
    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The status it leaves with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status =
            StatusCode::from_u16(problem.class.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::with_status(status, problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = ProblemBody { checks: self.checks, ..ProblemBody::from(&*self.problem) };
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What went wrong, in both languages, and how to mend it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Stable, dotted, lower case
    pub(crate) code: String,
    /// 中文说明
    pub(crate) message: String,
    pub(crate) message_en: String,
    /// 如何改正
    pub(crate) remedy: String,
    /// The checks that failed, where checks did
    pub(crate) checks: Vec<Finding>,
}

impl From<&Problem> for ProblemBody {
    fn from(problem: &Problem) -> Self {
        Self {
            code: problem.code.clone(),
            message: problem.message.clone(),
            message_en: problem.message_en.clone(),
            remedy: problem.remedy.clone(),
            checks: Vec::new(),
        }
    }
}

/// The door has as much in hand as it takes.
pub(crate) fn busy() -> Refusal {
    Problem::new("door.busy", ErrorClass::Exhausted, "请求过多，请稍后重试", "too many requests at once")
        .with_remedy("按 Retry-After 等待后重试 / wait as Retry-After says and send again")
        .into()
}

/// There is no such address.
pub(crate) fn no_route() -> Refusal {
    Problem::new("door.no_such_path", ErrorClass::NotFound, "没有这个地址", "there is no such path").into()
}

/// The path has no such method.
pub(crate) fn no_method() -> Refusal {
    let (zh, en) = ("该地址不支持此方法", "the path does not have this method");
    let problem = Problem::new("door.no_such_method", ErrorClass::Invalid, zh, en);
    Refusal::with_status(StatusCode::METHOD_NOT_ALLOWED, problem)
}
