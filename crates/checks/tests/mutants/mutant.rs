//! A mutant: one fault in a package that is good otherwise, and what must then fail.

use dengbei_checks::facts::{EvidenceKind, Standing};
use dengbei_checks::{Scheme, Stage};

use crate::support::{Sample, known, scheme};

/// One fault: its name, the check that it is made for, the stage, what must fail or warn, the package.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) check: &'static str,
    pub(crate) stage: Stage,
    pub(crate) expected: &'static [&'static str],
    pub(crate) sample: Sample,
    pub(crate) scheme: Scheme,
}

pub(crate) fn mutant(
    name: &'static str,
    check: &'static str,
    expected: &'static [&'static str],
    sample: Sample,
) -> Mutant {
    Mutant { name, check, stage: Stage::G, expected, sample, scheme: Scheme::builtin() }
}

impl Mutant {
    pub(crate) fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }
    pub(crate) fn by(self, parts: &str) -> Self {
        Self { scheme: scheme(parts), ..self }
    }
}

pub(crate) fn signed(kind: EvidenceKind, standing: Standing) -> Sample {
    known().knowing(|c| {
        c.signed.as_mut().unwrap().iter_mut().filter(|s| s.kind == kind).for_each(|s| s.standing = standing);
    })
}
