//! How long a failing event waits, and when it is given up.

use std::time::Duration;

use dengbei_records::ErrorClass;

/// Tries, pauses and patience of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Failures after which an event is a dead letter.
    pub(crate) tries: u32,
    /// The first pause; each next is twice as long.
    pub(crate) first: Duration,
    /// The longest pause.
    pub(crate) longest: Duration,
    /// How long a part that does not answer is no failure of the event.
    pub(crate) patience: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tries: 8,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            patience: Duration::from_secs(3600),
        }
    }
}

/// What becomes of an event that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A dead letter.
    Dead {
        /// Failures counted.
        tries: u32,
    },
    /// Tried again after the pause.
    Again {
        /// Failures counted.
        tries: u32,
        /// How long it waits.
        pause: Duration,
    },
}

impl Policy {
    /// Of an event that waits for a part which an operator brings back, since `age`: for ever.
    pub(crate) fn waiting(&self, tries: u32, age: Duration) -> Fate {
        Fate::Again { tries, pause: age.clamp(self.first, self.longest) }
    }

    /// After a failure of this class: `tries` were counted before it, the first was `age` ago.
    pub(crate) fn fate(&self, class: ErrorClass, tries: u32, age: Duration) -> Fate {
        if class == ErrorClass::Invalid {
            return Fate::Dead { tries: tries + 1 };
        }
        let absent = matches!(class, ErrorClass::Unavailable | ErrorClass::Exhausted);
        if absent && age < self.patience {
            // Tries count failures only. The pause grows with the time that has passed: about as doubling would.
            return self.waiting(tries, age);
        }
        let tries = tries + 1;
        if tries >= self.tries {
            return Fate::Dead { tries };
        }
        Fate::Again { tries, pause: self.pause(tries - 1) }
    }

    /// The pause after `before` earlier ones.
    pub(crate) fn pause(&self, before: u32) -> Duration {
        self.first.saturating_mul(1 << before.min(20)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn what_is_invalid_is_dead_at_once() {
        assert_eq!(Policy::default().fate(ErrorClass::Invalid, 0, NOW), Fate::Dead { tries: 1 });
    }

    #[test]
    fn a_fault_is_tried_eight_times_with_growing_pauses() {
        let policy = Policy::default();
        let pauses: Vec<u64> = (0..7)
            .map(|tries| match policy.fate(ErrorClass::Internal, tries, NOW) {
                Fate::Again { tries: counted, pause } if counted == tries + 1 => pause.as_secs(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(policy.fate(ErrorClass::Internal, 7, NOW), Fate::Dead { tries: 8 });
    }

    #[test]
    fn a_part_that_does_not_answer_is_no_failure_of_the_event() {
        let policy = Policy::default();
        let minutes = |m: u64| Duration::from_secs(60 * m);
        let again = Fate::Again { tries: 0, pause: Duration::from_secs(60) };
        assert_eq!(policy.fate(ErrorClass::Unavailable, 0, minutes(5)), again);
        assert_eq!(policy.fate(ErrorClass::Unavailable, 7, minutes(61)), Fate::Dead { tries: 8 });
    }

    #[test]
    fn a_part_that_an_operator_brings_back_is_waited_for_for_days() {
        let days = |d: u64| Duration::from_secs(86_400 * d);
        let again = Fate::Again { tries: 0, pause: Duration::from_secs(60) };
        assert_eq!(Policy::default().waiting(0, days(30)), again);
    }
}
