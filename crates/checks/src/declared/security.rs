//! 安全性: S-01 … S-09.
//!
//! S-03 runs at the door already (– in the table it comes from) and warns there beside A-15, which blocks the same stray
//! file.

use super::{Declared, Office, Scope, check};
use crate::CheckId as Id;

#[rustfmt::skip]
pub(super) const CHECKS: [Declared; 9] = [
    check(Id::S01, "S-01", ["杀毒引擎在岗", "the virus scanner is on duty"], ["B", "B", "B", "B"]).numbers(&["4-1"]).over(Scope::System).stands().by(Office::Operator)
        .basis("杀毒程序的应答时间、病毒库日期与上限", "when the scanner last answered, how old its signatures are, and the bounds"),
    check(Id::S02, "S-02", ["病毒检测", "virus scan"], ["B", "B", "B", "Bs"]).numbers(&["4-2"]).fixed()
        .basis("每个文件的杀毒结果", "what the scanner says of each file"),
    check(Id::S03, "S-03", ["多余文件", "left-over files"], ["W", "W", "B", "W"]).numbers(&["4-3"])
        .basis("包内文件与清单；系统遗留的文件", "the files and what lists them; what systems leave behind"),
    check(Id::S04, "S-04", ["载体读取速度", "reading speed of the carrier"], ["-", "-", "M", "M"]).numbers(&["4-4"]).over(Scope::Carrier).by(Office::Archive)
        .basis("脱机载体的读取速度（人工）", "how fast an offline carrier reads (by a person)"),
    check(Id::S05, "S-05", ["载体外观与光盘合格", "looks and quality of the carrier"], ["-", "-", "M", "M"]).numbers(&["4-5", "4-6"]).over(Scope::Carrier).by(Office::Archive)
        .basis("脱机载体的外观；光盘按DA/T 38（人工）", "the looks of an offline carrier; discs by DA/T 38 (by a person)"),
    check(Id::S06, "S-06", ["操作过程安全", "safe procedure"], ["-", "M", "M", "M"]).numbers(&["4-7"]).over(Scope::Batch).stands().by(Office::Unit)
        .basis("操作人、时间、地点与操作日志（人工，两人）", "who worked when and where, and the log (by two persons)"),
    check(Id::S07, "S-07", ["系统漏洞与保管环境", "holes of the system, rooms of the carriers"], ["-", "-", "-", "M"]).numbers(&["4-8", "4-9"]).over(Scope::System).by(Office::Operator)
        .basis("漏洞扫描报告、温湿度和出入记录（人工）", "the scan report, temperature, humidity and access records (by a person)"),
    check(Id::S08, "S-08", ["涉密与敏感信息", "secrecy and privacy"], ["B", "B", "B", "W"]).never_weaker()
        .basis("密级、涉密标志与所在网络；题名和文件名中的公民身份号码", "security class and marks, and this network; citizens' numbers in titles and names"),
    check(Id::S09, "S-09", ["路径与文件名安全", "safe paths and names"], ["B", "B", "B", "-"]).fixed()
        .basis("路径和文件名与各系统通用的写法", "paths and names, and what every system holds"),
];
