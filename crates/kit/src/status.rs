//! Problem <-> `tonic::Status`: one table by class, both ways. The problem travels as JSON in the details.

use std::error::Error;

use dengbei_records::{ErrorClass, Problem};
use tonic::{Code, Status};
use tracing::{error, warn};

/// Details larger than this would not fit in HTTP/2 trailers.
const MOST_DETAIL: usize = 6 * 1024;

/// The gRPC code of a class.
pub const fn code(class: ErrorClass) -> Code {
    match class {
        ErrorClass::Invalid => Code::InvalidArgument,
        ErrorClass::NotFound => Code::NotFound,
        ErrorClass::Conflict => Code::FailedPrecondition,
        ErrorClass::Exhausted => Code::ResourceExhausted,
        ErrorClass::Unavailable => Code::Unavailable,
        ErrorClass::Internal => Code::Internal,
    }
}

/// The class of a gRPC code, also of those that we never send.
pub const fn class_of(code: Code) -> ErrorClass {
    match code {
        Code::InvalidArgument | Code::OutOfRange => ErrorClass::Invalid,
        Code::NotFound => ErrorClass::NotFound,
        Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => ErrorClass::Conflict,
        Code::ResourceExhausted => ErrorClass::Exhausted,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => ErrorClass::Unavailable,
        _ => ErrorClass::Internal,
    }
}

/// Renders a problem for the wire.
pub fn from_problem(problem: &Problem) -> Status {
    let details = serde_json::to_vec(problem).ok().filter(|d| d.len() <= MOST_DETAIL).unwrap_or_default();
    Status::with_details(code(problem.class), short(problem), details.into())
}

/// Renders a problem for the wire and logs, once and here, the error that led to it: at the edge.
pub fn report(problem: &Problem, cause: &(dyn Error + 'static)) -> Status {
    match problem.class {
        ErrorClass::Internal => error!(code = problem.code, error = chain(cause), "request failed"),
        ErrorClass::Unavailable | ErrorClass::Exhausted => {
            warn!(code = problem.code, error = chain(cause), "request not served");
        }
        _ => {}
    }
    from_problem(problem)
}

/// Reads the problem that a peer sent, or makes one from a bare status (no connection, deadline, foreign code).
pub fn to_problem(status: &Status) -> Problem {
    if let Ok(problem) = serde_json::from_slice::<Problem>(status.details()) {
        return problem;
    }
    let class = class_of(status.code());
    let (code, text) = match class {
        ErrorClass::Unavailable => ("peer.unavailable", "内部服务暂时无法连接"),
        ErrorClass::Exhausted => ("peer.exhausted", "内部服务繁忙"),
        _ => ("peer.failed", "内部服务出错"),
    };
    Problem::new(code, class, text, format!("{}: {}", status.code(), status.message()))
}

/// What can be done about a peer's answer.
pub fn class(status: &Status) -> ErrorClass {
    to_problem(status).class
}

/// A problem for an error of ours that has no better code: `internal` or `unavailable`.
pub fn plain(class: ErrorClass) -> Problem {
    match class {
        ErrorClass::Unavailable | ErrorClass::Exhausted => Problem::new(
            "service.unavailable",
            class,
            "服务暂时不可用",
            "a part that is needed does not answer",
        )
        .with_remedy("请稍后重试 / try again later"),
        _ => Problem::new("service.internal", class, "服务内部错误", "a fault of ours")
            .with_remedy("请联系运维人员 / tell the operator"),
    }
}

/// An error and everything that it came from, `outer: inner: innermost`.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

fn short(problem: &Problem) -> String {
    problem.to_string().chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [ErrorClass; 6] = [
        ErrorClass::Invalid,
        ErrorClass::NotFound,
        ErrorClass::Conflict,
        ErrorClass::Exhausted,
        ErrorClass::Unavailable,
        ErrorClass::Internal,
    ];

    #[test]
    fn a_problem_survives_the_wire() {
        for class in CLASSES {
            let problem = Problem::new("a.b", class, "中文", "English").with_remedy("改正");
            let status = from_problem(&problem);
            assert_eq!(to_problem(&status), problem);
            assert_eq!(class_of(status.code()), class);
        }
    }

    #[test]
    fn a_bare_status_keeps_its_class() {
        assert_eq!(class(&Status::unavailable("connect")), ErrorClass::Unavailable);
        assert_eq!(class(&Status::deadline_exceeded("late")), ErrorClass::Unavailable);
        assert_eq!(class(&Status::unknown("?")), ErrorClass::Internal);
    }

    #[test]
    fn a_problem_too_large_for_a_trailer_still_has_its_code() {
        let problem = Problem::new("a.b", ErrorClass::Invalid, "长".repeat(10_000), "long");
        let status = from_problem(&problem);
        assert!(status.details().is_empty());
        assert!(status.message().starts_with("a.b"));
    }
}
