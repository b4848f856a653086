//! 真实性: A-01 … A-18.

use super::{Declared, Office, check};
use crate::CheckId as Id;

#[rustfmt::skip]
pub(super) const CHECKS: [Declared; 18] = [
    check(Id::A01, "A-01", ["信息包摘要一致", "package digests agree"], ["B", "B", "B", "B"]).numbers(&["1-14"]).fixed()
        .basis("收到的信息包的摘要与另一方在目录清单中所载的摘要", "the digest of the package as received, and the one that the other side states in its catalogue"),
    check(Id::A02, "A-02", ["文件摘要一致", "file digests agree"], ["B", "B", "B", "Bs"]).numbers(&["1-1"]).fixed().by(Office::Archive)
        .basis("每个文件的SHA-512与清单所载", "the SHA-512 of each file, and the one in the manifest"),
    check(Id::A03, "A-03", ["电子签名有效", "electronic signatures hold"], ["W", "B", "B", "B"]).numbers(&["1-1"]).may_warn()
        .basis("文件所带电子签名与被签名的数据、签名证书", "signatures that files carry, the data they cover and their certificates"),
    check(Id::A04, "A-04", ["电子印章有效", "electronic seals hold"], ["W", "B", "B", "Bs"]).numbers(&["1-1"]).may_warn()
        .basis("版式文件所带电子印章与被保护的部件、印章所有者与承办单位", "seals in page documents and the parts they protect; the seal's owner and the deciding body"),
    check(Id::A05, "A-05", ["时间戳有效", "time stamps hold"], ["-", "B", "B", "B"]).numbers(&["1-1"]).may_warn().by(Office::Archive)
        .basis("时间戳中的摘要与被盖时间戳的数据；证书到期日", "the digest in a time stamp and the data it was made over; when its certificate ends"),
    check(Id::A06, "A-06", ["来源身份可信", "the source is who it says"], ["B", "B", "B", "-"]).numbers(&["1-1"]).stands()
        .basis("报送系统的登记、其凭证与所报的来源系统、单位", "the registration of the sending system; its credentials and the system and unit it names"),
    check(Id::A07, "A-07", ["元数据项长度", "length of metadata"], ["W", "B", "B", "-"]).numbers(&["1-2"])
        .basis("各元数据项的字符数与元数据方案", "the characters of each element, and the metadata scheme"),
    check(Id::A08, "A-08", ["元数据项类型格式", "type and form of metadata"], ["W", "B", "B", "-"]).numbers(&["1-3"])
        .basis("日期、数字、编码的写法与元数据方案", "how dates, numbers and codes are written, and the metadata scheme"),
    check(Id::A09, "A-09", ["元数据项值域", "values within their lists"], ["W", "B", "B", "-"]).numbers(&["1-4"])
        .basis("有值域的元数据项与代码表；证件号码的校验码", "elements that have a list, and the list; check characters of numbers"),
    check(Id::A10, "A-10", ["元数据值合理性", "plausible values"], ["W", "B", "B", "-"]).numbers(&["1-5"])
        .basis("申请、受理、办结、归档的先后；行政区划、保管期限、单位与事项目录", "the order of times; area, retention and unit, and the matter's table"),
    check(Id::A11, "A-11", ["特殊字符", "special characters"], ["W", "B", "B", "-"]).numbers(&["1-6"])
        .basis("元数据和文件名的字符与GB 18030可交换字符", "the characters of metadata and names, and what GB 18030 lets travel"),
    check(Id::A12, "A-12", ["档号、电子文件号规范", "form of record numbers"], ["W", "B", "B", "B"]).numbers(&["1-7"])
        .basis("电子文件号、档号的各段与元数据", "the parts of record number and archival code, and the metadata"),
    check(Id::A13, "A-13", ["数据重复", "no duplicates"], ["B", "B", "B", "-"]).numbers(&["1-8"]).fixed()
        .basis("电子文件号、档号、归档配置表的行与已有的", "record number, archival code and rows, and what exists already"),
    check(Id::A14, "A-14", ["电子属性一致", "files are what they say"], ["W", "B", "B", "Bs"]).numbers(&["1-10"]).may_warn()
        .basis("文件的实际格式与扩展名", "what each file really is, and its ending"),
    check(Id::A15, "A-15", ["元数据与内容双向关联", "rows and files match both ways"], ["B", "B", "B", "B"]).numbers(&["1-11"]).fixed()
        .basis("归档配置表的行与包内文件，双向", "the rows of the filing table and the files, both ways"),
    check(Id::A16, "A-16", ["说明、目录文件规范", "describing documents as prescribed"], ["-", "B", "B", "-"]).numbers(&["1-12"]).may_warn()
        .basis("归档配置表、基本信息描述、办理流程的结构与规定的元素", "the structure of the three describing documents, and the prescribed elements"),
    check(Id::A17, "A-17", ["信息包目录结构", "tree of the package"], ["B", "B", "B", "-"]).numbers(&["1-13"]).stands()
        .basis("信息包的目录结构与所用规范", "the tree of the package, and that of its profile"),
    check(Id::A18, "A-18", ["管理过程链完整", "unbroken chain of events"], ["-", "B", "B", "B"]).numbers(&["1-1"]).fixed().by(Office::Archive)
        .basis("该件管理过程的各事件与其所引前一事件、所引文件的摘要", "the item's events and the events and documents that they cite"),
];
