//! 完整性: I-01 … I-12.

use super::{Declared, Office, Scope, check};
use crate::CheckId as Id;

#[rustfmt::skip]
pub(super) const CHECKS: [Declared; 12] = [
    check(Id::I01, "I-01", ["总件数相符", "number of items agrees"], ["-", "B", "B", "W"]).numbers(&["2-1"]).over(Scope::Batch).stands()
        .basis("目录清单所写件数、所列件数、实收件数", "the number the catalogue states, the rows it lists, and what arrived"),
    check(Id::I02, "I-02", ["总字节数相符", "number of bytes agrees"], ["-", "B", "B", "W"]).numbers(&["2-2"]).over(Scope::Batch).stands()
        .basis("所报数据量与实收字节数", "the declared bytes and those that arrived"),
    check(Id::I03, "I-03", ["元数据项完整", "all elements present"], ["W", "B", "B", "-"]).numbers(&["2-3"])
        .basis("基本信息描述的元素与规定的元素", "the elements of the basic description, and the prescribed ones"),
    check(Id::I04, "I-04", ["必填项", "required values"], ["W", "B", "B", "-"]).numbers(&["2-4"])
        .basis("本环节必填的元数据项是否为空", "whether an element required at this stage is empty"),
    check(Id::I05, "I-05", ["过程信息完整", "complete handling process"], ["W", "B", "B", "-"]).numbers(&["2-5"])
        .basis("办理流程的环节与规定的环节；各环节的人和时间", "the steps of the process, and the prescribed ones; person and time of each"),
    check(Id::I06, "I-06", ["编号连续", "numbers run on"], ["-", "W", "B", "W"]).numbers(&["2-6"]).by(Office::Unit)
        .basis("同一类别的件号是否连续，空号有无记录在案的原因", "whether numbers of a class run on, and whether a gap has a logged reason"),
    check(Id::I07, "I-07", ["内容数据完整", "files are whole"], ["B", "B", "B", "Bs"]).numbers(&["2-7"]).fixed()
        .basis("文件长度、结束标志、内部校验和", "length, end marker and inner checksums of files"),
    check(Id::I08, "I-08", ["附件数据完整", "listed materials are there"], ["W", "B", "B", "-"]).numbers(&["2-8"])
        .basis("归档配置表所列的电子材料与包内文件", "the electronic materials that the filing table lists, and the files"),
    check(Id::I09, "I-09", ["归档范围", "filing scope"], ["W", "B", "B", "-"]).numbers(&["2-9"]).may_warn().by(Office::Unit)
        .basis("归档配置表与办结时施行的归档范围和保管期限表", "the filing table, and the matter's scope in force at closing"),
    check(Id::I10, "I-10", ["包元数据完整", "package and database tell the same"], ["-", "B", "B", "B"]).numbers(&["2-10"]).stands().by(Office::Operator)
        .basis("信息包的元数据与系统所记的元数据", "the package's metadata, and what the system recorded"),
    check(Id::I11, "I-11", ["包内容数量", "number of files agrees"], ["B", "B", "B", "B"]).numbers(&["2-11"]).stands()
        .basis("归档配置表所记文件数与包内文件数", "the number of files recorded, and of those in the package"),
    check(Id::I12, "I-12", ["目录、登记表、凭证一致", "catalogue, forms and proofs agree"], ["-", "-", "B", "B"]).numbers(&["2-1"]).over(Scope::Batch).stands()
        .basis("移交目录、登记表、登记证书的件数与根摘要", "the counts and the root in catalogue, form and certificate"),
];
