//! What silence means: a run over many items notes only what was not a plain pass. For most checks that makes silence a
//! pass; for those that are not always fed it says nothing.

use crate::{CheckId, Scope};

/// Whether the filing run (G) always has what the check compares with, so that silence about an item is a pass. Of the
/// others only what it noted is known: evidence that files carry, and what nobody could tell it.
pub fn is_always_judged(id: CheckId) -> bool {
    let is_fed = !matches!(
        id,
        CheckId::A01
            | CheckId::A03
            | CheckId::A04
            | CheckId::A05
            | CheckId::A06
            | CheckId::I06
            | CheckId::U05
            | CheckId::U06
            | CheckId::S02
    );
    is_fed && id.scope() == Scope::Item && id.declared().stages[1] != "-"
}
