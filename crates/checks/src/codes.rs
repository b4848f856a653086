//! Check characters: 统一社会信用代码 (GB 32100, mod 31) and 公民身份号码 (GB 11643, mod 11-2).

/// Whether the last of 18 characters fits the others (GB 32100).
pub(crate) fn is_unit_code(code: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let values: Option<Vec<u32>> = code
        .bytes()
        .map(|b| ALPHABET.iter().position(|a| *a == b).and_then(|v| u32::try_from(v).ok()))
        .collect();
    let Some(values) = values.filter(|v| v.len() == 18) else { return false };
    let mut weight = 1;
    let mut sum = 0;
    for value in &values[..17] {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    (31 - sum % 31) % 31 == values[17]
}

/// Whether the last of 18 characters fits the others (GB 11643).
pub(crate) fn is_citizen_number(number: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let b = number.as_bytes();
    if b.len() != 18 || !b[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = b.iter().zip(WEIGHTS).map(|(b, w)| u32::from(b - b'0') * w).sum();
    b"10X98765432"[(sum % 11) as usize] == b[17].to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_are_computed() {
        assert!(is_unit_code("91511602MAXX41776T"));
        assert!(!is_unit_code("91511602MAXX417760"));
        assert!(is_citizen_number("11010519491231002X") && is_citizen_number("11010519491231002x"));
        assert!(!is_citizen_number("110105194912310021"));
        assert!(!is_citizen_number("1101051949123100é"));
        assert!(!is_unit_code(""));
    }
}
