//! 可用性: U-01 … U-09.
//!
//! U-04 runs at the door already (– in the table it comes from) and warns there beside I-07, which blocks the same
//! truncated file: the sender then sees the cause and not only its consequence.

use super::{Declared, Office, Scope, check};
use crate::CheckId as Id;

#[rustfmt::skip]
pub(super) const CHECKS: [Declared; 9] = [
    check(Id::U01, "U-01", ["包内元数据可读", "metadata is readable"], ["B", "B", "B", "Bs"]).numbers(&["3-1"]).stands()
        .basis("元数据文件是否为合语法、编码相符、无实体的XML", "whether the metadata is well-formed XML in its declared encoding, without entities"),
    check(Id::U02, "U-02", ["目标库元数据可访问", "the database answers"], ["-", "B", "B", "B"]).numbers(&["3-2"]).over(Scope::System).stands().by(Office::Operator)
        .basis("写入目标库的记录与读回的记录", "a record written to the database, and what is read back"),
    check(Id::U03, "U-03", ["内容格式合规", "allowed formats"], ["W", "B", "B", "-"]).numbers(&["3-3"])
        .basis("文件的实际格式与允许归档的格式", "what each file really is, and the formats that are filed"),
    check(Id::U04, "U-04", ["内容可读", "files open"], ["W", "B", "B", "Bs"]).numbers(&["3-4"])
        .basis("文件的内部结构能否打开；抽样的由人查看", "whether the structure of each file opens; a person looks at the sample"),
    check(Id::U05, "U-05", ["长期格式适用", "formats that last"], ["-", "-", "W", "W"]).numbers(&["3-5"]).by(Office::Archive)
        .basis("文件的格式与格式风险登记", "the format of each file, and the register of risks"),
    check(Id::U06, "U-06", ["软硬件环境", "software and hardware"], ["-", "W", "W", "W"]).numbers(&["3-6"]).by(Office::Archive)
        .basis("所记形成程序、特殊格式与已登记的软件", "recorded programs and special formats, and the software on record"),
    check(Id::U07, "U-07", ["可解包、非压缩炸弹", "unpacks, no bomb"], ["B", "B", "B", "-"]).numbers(&["3-7"]).fixed()
        .basis("文件数、字节数、层数、压缩比与上限", "files, bytes, depth and ratio, and their bounds"),
    check(Id::U08, "U-08", ["无加密、无私有压缩", "no encryption"], ["B", "B", "B", "-"]).numbers(&["3-8"]).fixed()
        .basis("文件是否加密、是否压缩包", "whether a file is locked or an archive"),
    check(Id::U09, "U-09", ["备份可恢复", "backups restore"], ["-", "-", "-", "Bs"]).numbers(&["3-9"]).stands().by(Office::Archive)
        .basis("从备份恢复到隔离区的对象与清单", "objects restored from a backup into quarantine, and their inventory"),
];
