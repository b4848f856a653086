//! Which submission is new (design 4): the submission key is (item, data version, package digest).
//!
//! Pure: what ingest holds of the item goes in, the decision comes out. Before: `prefile.rs` read and checked the
//! package. After: `commit.rs` stages and commits what is new.

use dengbei_records::{Custody, DataVersion, ErrorClass, Problem, Sha512, SubmissionId};

/// One submission of the item that ingest has accepted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// 提交标识
    pub(crate) submission: SubmissionId,
    /// 数据版本
    pub(crate) data_version: DataVersion,
    /// Of the package as received.
    pub(crate) digest: Sha512,
    /// 保管权, as ingest knows it.
    pub(crate) custody: Custody,
}

/// What a submission is to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is taken. What was parked and is overtaken by it goes.
    New {
        /// Parked submissions that this one takes the place of.
        overtakes: Vec<SubmissionId>,
    },
    /// 重复: the same bytes of the same version were taken before.
    Duplicate {
        /// The earlier submission.
        submission: SubmissionId,
        /// Where it stands.
        custody: Custody,
    },
    /// 冲突: it contradicts what is recorded.
    Conflict {
        /// Where the submission that it collides with stands.
        custody: Custody,
        /// What the sender is told.
        problem: Problem,
    },
}

/// Decides by the submission key.
///
/// * The same key again is a duplicate.
/// * Other bytes for a version that was returned, or that is still parked, are a new attempt.
/// * Other bytes for a version in flight or filed, or a lower version, are a conflict.
/// * A higher version is new; registration lets it wait or supersede.
pub(crate) fn admit(attempts: &[Attempt], data_version: DataVersion, digest: &Sha512) -> Admission {
    let same = |a: &&Attempt| a.data_version == data_version && a.digest == *digest;
    if let Some(known) = attempts.iter().find(same) {
        return Admission::Duplicate { submission: known.submission, custody: known.custody };
    }
    if let Some(higher) =
        attempts.iter().filter(|a| a.data_version > data_version).max_by_key(|a| a.data_version)
    {
        return Admission::Conflict { custody: higher.custody, problem: lower(data_version, higher) };
    }
    let blocking = |a: &&Attempt| a.data_version == data_version && !is_open(a.custody);
    if let Some(held) = attempts.iter().find(blocking) {
        return Admission::Conflict { custody: held.custody, problem: other_bytes(held) };
    }
    let overtakes = attempts.iter().filter(|a| a.custody == Custody::Parked).map(|a| a.submission).collect();
    Admission::New { overtakes }
}

/// Whether other bytes may still come for a version that stands there.
fn is_open(custody: Custody) -> bool {
    matches!(custody, Custody::Returned | Custody::Superseded | Custody::Parked)
}

/// The code of every collision.
pub(crate) const CONFLICT: &str = "submission.conflict";

fn lower(version: DataVersion, higher: &Attempt) -> Problem {
    let known = higher.data_version;
    Problem::new(
        CONFLICT,
        ErrorClass::Conflict,
        format!("数据版本 {version} 低于已接收的版本 {known}"),
        format!("data version {version} is lower than version {known}, which was received before"),
    )
    .with_remedy(format!("更正内容请以高于 {known} 的数据版本提交"))
}

fn other_bytes(held: &Attempt) -> Problem {
    let (version, word, name) = (held.data_version, held.custody.word(), held.custody.name());
    Problem::new(
        CONFLICT,
        ErrorClass::Conflict,
        format!("数据版本 {version} 的另一份存档信息包{word}，内容不同"),
        format!("another package of data version {version} is {name} already, with other content"),
    )
    .with_remedy("等该版本被退回后重新提交，或以更高的数据版本提交更正")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn version(n: u32) -> DataVersion {
        n.try_into().unwrap()
    }

    fn attempt(n: u32, bytes: &[u8], custody: Custody) -> Attempt {
        let submission = SubmissionId::from_uuid(Uuid::from_u128(u128::from(n) << 8 | bytes.len() as u128));
        Attempt { submission, data_version: version(n), digest: Sha512::of(bytes), custody }
    }

    fn is_conflict(admission: &Admission) -> bool {
        matches!(admission, Admission::Conflict { problem, .. }
            if problem.code == CONFLICT && !problem.remedy.is_empty())
    }

    #[test]
    fn the_first_submission_is_new() {
        assert_eq!(admit(&[], version(1), &Sha512::of(b"a")), Admission::New { overtakes: vec![] });
    }

    #[test]
    fn the_same_key_again_is_a_duplicate_wherever_it_stands() {
        for custody in [Custody::Parked, Custody::Prefiled, Custody::Filed, Custody::Returned] {
            let known = attempt(1, b"a", custody);
            let Admission::Duplicate { submission, custody: said } =
                admit(std::slice::from_ref(&known), version(1), &Sha512::of(b"a"))
            else {
                panic!("{custody:?}")
            };
            assert_eq!((submission, said), (known.submission, custody));
        }
    }

    #[test]
    fn other_bytes_for_a_returned_version_are_a_new_attempt() {
        let attempts = [attempt(1, b"a", Custody::Returned)];
        assert_eq!(admit(&attempts, version(1), &Sha512::of(b"b")), Admission::New { overtakes: vec![] });
    }

    #[test]
    fn other_bytes_while_a_second_attempt_is_in_flight_are_a_conflict() {
        let attempts = [attempt(1, b"a", Custody::Returned), attempt(1, b"bb", Custody::Prefiled)];
        assert!(is_conflict(&admit(&attempts, version(1), &Sha512::of(b"c"))));
    }

    #[test]
    fn other_bytes_for_a_version_in_flight_or_filed_are_a_conflict() {
        for custody in [Custody::Prefiled, Custody::Planned, Custody::Filed, Custody::Accessioned] {
            let attempts = [attempt(1, b"a", custody)];
            assert!(is_conflict(&admit(&attempts, version(1), &Sha512::of(b"b"))), "{custody:?}");
        }
    }

    #[test]
    fn a_lower_version_is_a_conflict_even_after_a_return() {
        let attempts = [attempt(2, b"a", Custody::Returned)];
        assert!(is_conflict(&admit(&attempts, version(1), &Sha512::of(b"b"))));
    }

    #[test]
    fn a_higher_version_is_new_whatever_stands_there() {
        for custody in [Custody::Prefiled, Custody::Filed, Custody::Returned, Custody::Superseded] {
            let attempts = [attempt(1, b"a", custody)];
            assert_eq!(admit(&attempts, version(2), &Sha512::of(b"a")), Admission::New { overtakes: vec![] });
        }
    }

    #[test]
    fn what_is_parked_is_overtaken_by_other_bytes_and_by_a_higher_version() {
        let parked = attempt(1, b"a", Custody::Parked);
        for n in [1, 2] {
            let admission = admit(std::slice::from_ref(&parked), version(n), &Sha512::of(b"b"));
            assert_eq!(admission, Admission::New { overtakes: vec![parked.submission] });
        }
    }
}
