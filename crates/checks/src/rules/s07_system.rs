//! S-07 系统漏洞与保管环境: by a person, over the system and its rooms (DA/T 70, 4-8 and 4-9).

/// What the person does.
pub(super) const TASK: (&str, &str) = (
    "写明本期漏洞扫描报告的编号和结论；核对库房温度、湿度和出入记录是否在限内",
    "name this period's vulnerability report and its outcome; compare temperature, humidity and access records with their limits",
);
