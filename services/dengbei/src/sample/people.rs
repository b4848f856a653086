//! Invented people and companies, with numbers whose check characters are right and whose holders do not exist.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _};

const SURNAMES: [&str; 24] = [
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩", "杨", "朱",
    "秦", "许", "何", "吕", "施", "张", "孔",
];
const GIVEN: [&str; 16] =
    ["伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "秀英", "建国"];
const TRADES: [&str; 7] = ["餐饮管理", "建筑工程", "物流", "医药", "商贸", "农业开发", "科技"];

/// A word of `words`.
pub(crate) fn pick<'a>(rng: &mut StdRng, words: &[&'a str]) -> &'a str {
    words.choose(rng).copied().unwrap_or_default()
}

/// A given name.
pub(crate) fn given(rng: &mut StdRng) -> &'static str {
    pick(rng, &GIVEN)
}

/// A citizen: name and 18-digit id number (GB 11643), born before 1900.
pub(crate) fn citizen(rng: &mut StdRng, area: &str) -> (String, String) {
    let name = format!("{}{}", pick(rng, &SURNAMES), given(rng));
    let body = format!(
        "{area}{}{:02}{:02}{:03}",
        rng.random_range(1850..1900),
        rng.random_range(1..=12),
        rng.random_range(1..=28),
        rng.random_range(0..1000)
    );
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = body.bytes().zip(weights).map(|(digit, w)| usize::from(digit - b'0') * w).sum();
    let check = char::from(b"10X98765432"[sum % 11]);
    (name, format!("{body}{check}"))
}

/// A company: name and 统一社会信用代码 in a serial range of our own.
pub(crate) fn company(rng: &mut StdRng, area: &str) -> (String, String) {
    let name = format!("{}氏{}有限公司", pick(rng, &SURNAMES), pick(rng, &TRADES));
    let serial = rng.random_range(0..100_000);
    (name, credit_code(&format!("91{area}MAXX{serial:05}")))
}

/// Adds the check character of GB 32100 to 17 characters.
pub(crate) fn credit_code(body: &str) -> String {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let mut weight = 1;
    let mut sum = 0;
    for c in body.chars() {
        sum += ALPHABET.find(c).unwrap_or(0) * weight;
        weight = weight * 3 % 31;
    }
    let check = ALPHABET.as_bytes()[(31 - sum % 31) % 31];
    format!("{body}{}", char::from(check))
}

/// Bytes that do not compress, as a scan's.
pub(crate) fn noise(rng: &mut StdRng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    bytes
}
