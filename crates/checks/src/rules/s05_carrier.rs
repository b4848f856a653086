//! S-05 载体外观与光盘合格: by a person, offline carriers only; discs by DA/T 38 (DA/T 70, 4-5 and 4-6).

/// What the person does.
pub(super) const TASK: (&str, &str) = (
    "查看载体有无划痕、污损、变形，编号与登记表是否一致；光盘按DA/T 38检测误码，附检测单",
    "look for scratches, dirt and warping, and compare its number with the form; test discs by DA/T 38 and attach the sheet",
);
