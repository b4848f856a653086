//! The known name that a mistyped one is nearest to.

/// How many letters of a key may differ: a third, two at least.
pub(super) fn most(word: &str) -> usize {
    (word.len() / 3).max(2)
}

/// The nearest of `known`, if at most `most` letters differ.
pub(super) fn nearest(word: &str, most: usize, known: impl Iterator<Item = String>) -> Option<String> {
    known
        .map(|name| (distance(word, &name), name))
        .filter(|(far, _)| *far <= most)
        .min()
        .map(|(_, name)| name)
}

/// Letters to add, drop, change or swap.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = step(&rows, (&a, i), (&b, j));
        }
    }
    rows[a.len()][b.len()]
}

fn step(rows: &[Vec<usize>], (a, i): (&[char], usize), (b, j): (&[char], usize)) -> usize {
    if i == 0 || j == 0 {
        return i + j;
    }
    let change = usize::from(a[i - 1] != b[j - 1]);
    let least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
    let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
    if is_swap { least.min(rows[i - 2][j - 2] + 1) } else { least }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_key_and_another_word_none() {
        let known = || ["linger", "limits", "staging", "peers.ingest"].into_iter().map(String::from);
        assert_eq!(nearest("lingr", 2, known()).as_deref(), Some("linger"));
        assert_eq!(nearest("stagign", 2, known()).as_deref(), Some("staging"));
        assert_eq!(nearest("peers.ingset", 4, known()).as_deref(), Some("peers.ingest"));
        assert_eq!(nearest("colour", most("colour"), known()), None);
    }
}
