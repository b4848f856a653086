//! Archives as material, and shapefiles: how far they unpack, how deep they nest, what cannot be opened here.

use std::io::Read as _;

use super::kind::Kind;
use super::probe::View;
use super::reading::{Found, Held, Reading};
use crate::archive::{Limits, Nested, judge_nested};

/// Unpacked bytes of a gzip that are followed.
const UNPACKED: u64 = 1 << 30;

pub(super) fn read(kind: Kind, held: &Held<'_>) -> Found {
    match kind {
        Kind::Gzip => gzip(held.view),
        Kind::Rar | Kind::SevenZip => Found::of(Reading::default().but(
            format!("{} 压缩包不在可解压之列，内容无法验证", kind.name()),
            format!("a {} archive is not unpacked here: its content is not verified", kind.name()),
        )),
        _ => nested(held),
    }
}

/// Every entry to its end, archives inside archives too, under one total.
fn nested(held: &Held<'_>) -> Found {
    let Some(source) = &held.source else {
        return Found::of(Reading::part(
            "压缩包过大，只看了首尾",
            "an archive too large: only its ends were seen",
        ));
    };
    match judge_nested(source, &Limits::PACKAGE) {
        Ok(Nested::Sound { .. }) => Found::of(Reading::whole()),
        Ok(Nested::Closed { path, .. }) => Found::of(Reading::part(
            format!("包内有未解开的压缩包：{path}"),
            format!("an archive inside was not unpacked: {path}"),
        )),
        Err(_) => Found::unreadable("无法读取", "it cannot be read"),
        Ok(Nested::Refused(problem)) => {
            let is_encrypted = problem.code == "archive.encrypted";
            let found = Found::unreadable(problem.message, problem.message_en);
            if is_encrypted { Found { is_encrypted, unreadable: None, ..found } } else { found }
        }
    }
}

fn gzip(view: &View<'_>) -> Found {
    let Some(bytes) = view.whole() else {
        return Found::of(Reading::part(
            "压缩包过大，只看了首尾",
            "an archive too large: only its ends were seen",
        ));
    };
    let mut limited = flate2::read::MultiGzDecoder::new(bytes).take(UNPACKED);
    match std::io::copy(&mut limited, &mut std::io::sink()) {
        Ok(UNPACKED) => Found::of(Reading::part(
            "解开后过大，未全部查看",
            "too large when unpacked: not all of it was seen",
        )),
        Ok(_) => Found::of(Reading::whole()),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Found::cut("gzip 数据不完整", "gzip data cut short")
        }
        Err(_) => Found::unreadable("gzip 数据损坏", "gzip data is damaged"),
    }
}

/// A shapefile says its length in words of two bytes.
pub(super) fn shape(view: &View<'_>) -> Found {
    let words = view.head.get(24..28).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
    if u64::from(words) * 2 > view.bytes {
        return Found::cut("shp 比文件头所写的短", "a shapefile shorter than its header says");
    }
    Found::of(Reading::part(
        "图形未逐一查看；需同名 shx、dbf 文件",
        "shapes were not followed; shx and dbf of the same name are needed",
    ))
}
