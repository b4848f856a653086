//! S-04 载体读取速度: by a person, offline carriers only (DA/T 70, 4-4).

/// What the person does.
pub(super) const TASK: (&str, &str) = (
    "在读取设备上通读载体，记下读取速度；明显低于标称速度或反复重读的为不合格",
    "read the whole carrier on its drive and note the speed; far below the rated speed, or repeated re-reading, is unfit",
);
