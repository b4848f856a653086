//! The built-in values of the parameters: what the built-in scheme says.

use super::{
    Bounds, Certificates, Clocks, Drills, Formats, Forms, Lengths, Lists, Sampling, Scanner, Secrecy,
    Session, Software, Steps,
};
use crate::FIELDS;

pub(crate) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|w| (*w).to_owned()).collect()
}

impl Default for Sampling {
    fn default() -> Self {
        Self { sample_percent: 10 }
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self { ends_within_days: 365 }
    }
}

impl Default for Lengths {
    fn default() -> Self {
        Self { max_lengths: FIELDS.iter().map(|f| (f.key.to_owned(), f.max)).collect() }
    }
}

impl Default for Forms {
    fn default() -> Self {
        Self { item_number_digits: 21 }
    }
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            results: words(&[
                "准予",
                "予以",
                "同意",
                "批准",
                "通过",
                "办结",
                "转报",
                "不予",
                "不同意",
                "不通过",
                "驳回",
                "撤回",
                "退件",
                "退回",
                "作废",
                "终止",
                "其他",
                "01",
                "02",
                "03",
            ]),
        }
    }
}

impl Default for Clocks {
    fn default() -> Self {
        Self { clock_ahead_minutes: 10 }
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            apply: words(&["申请", "申报", "收件", "登记"]),
            accept: words(&["受理", "立案", "不予受理"]),
            review: words(&["审核", "审查", "初审", "复审", "审批", "承办", "特别程序"]),
            decide: words(&["决定", "办结", "批准", "审定", "审批"]),
        }
    }
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            allowed: words(&[
                "ofd", "pdf", "jpeg", "tiff", "png", "jp2", "txt", "xml", "mp3", "wav", "flac", "mp4",
                "mpeg", "avi",
            ]),
            warned: words(&["dwg", "eml", "wps"]),
        }
    }
}

impl Default for Software {
    fn default() -> Self {
        Self { special_formats: words(&["dwg", "wps"]), viewers: Vec::new(), applications: Vec::new() }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { max_files: 2_000, max_bytes: 16 << 30 }
    }
}

impl Default for Drills {
    fn default() -> Self {
        Self { drill_days: 92 }
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self { heartbeat_seconds: 300, signature_days: 7 }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self { persons: 2, every_batch: 0 }
    }
}

impl Default for Secrecy {
    fn default() -> Self {
        Self {
            public_zone: 0,
            marks: words(&[
                "秘密★",
                "机密★",
                "绝密★",
                "秘密☆",
                "机密☆",
                "绝密☆",
                "（秘密）",
                "（机密）",
                "（绝密）",
                "(秘密)",
                "(机密)",
                "(绝密)",
                "【秘密】",
                "【机密】",
                "【绝密】",
                "[秘密]",
                "[机密]",
                "[绝密]",
            ]),
            words: words(&["内部资料", "不得外传", "秘密级", "机密级", "绝密级"]),
        }
    }
}
