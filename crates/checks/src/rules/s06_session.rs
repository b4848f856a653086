//! S-06 操作过程安全: two persons look at the session and its log (DA/T 70, 4-7).

/// What the persons do.
pub(super) const TASK: (&str, &str) = (
    "核对操作人、时间、地点是否经许可，操作日志是否完整，过程中有无他人介入；两人分别签字",
    "compare operators, time and place with what was permitted, and the log for gaps and strangers; two persons sign",
);
