//! The schemes of a deployment (检测方案): all documents of one folder, read together, and which of them holds for a
//! package. Pure: whoever has the folder brings its files.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use dengbei_records::{AreaCode, Timestamp};

use super::fault::SchemeFault;
use super::{SERVICE_ITEM, Scheme};

/// 门类 of packages today: 办件.
pub(super) const CATEGORY: &str = "service_item";

/// Every scheme that may hold. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Schemes {
    built_in: Arc<Scheme>,
    all: Arc<Vec<Scheme>>,
}

/// What is wrong with a folder's documents, each fault with the file it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemesError(pub Vec<(String, SchemeFault)>);

impl fmt::Display for SchemesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("检测方案无效 / invalid checking schemes:")?;
        for (file, fault) in &self.0 {
            write!(f, "\n  {file}: {fault} → {} / {}", fault.remedy, fault.remedy_en)?;
        }
        Ok(())
    }
}

impl std::error::Error for SchemesError {}

impl Default for Schemes {
    /// The built-in one alone.
    fn default() -> Self {
        Self { built_in: Arc::new(Scheme::builtin()), all: Arc::default() }
    }
}

impl Schemes {
    /// Reads documents by their files' names. They may extend each other in any order.
    ///
    /// # Errors
    /// Every problem of every document, and of them together.
    pub fn read(files: &[(String, Vec<u8>)]) -> Result<Self, SchemesError> {
        let (mut known, mut names): (Vec<Scheme>, Vec<&str>) = (Vec::new(), Vec::new());
        let mut left: Vec<&(String, Vec<u8>)> = files.iter().collect();
        let mut faults = Vec::new();
        loop {
            let before = left.len();
            faults.clear();
            left.retain(|(name, bytes)| match Scheme::read(bytes, &known) {
                Ok(scheme) => {
                    known.push(scheme);
                    names.push(name);
                    false
                }
                Err(found) => {
                    faults.extend(found.into_iter().map(|fault| (name.clone(), fault)));
                    true
                }
            });
            if left.is_empty() || left.len() == before {
                break;
            }
        }
        faults.extend(together(&known, &names));
        if !faults.is_empty() {
            return Err(SchemesError(faults));
        }
        Ok(Self { all: Arc::new(known), ..Self::default() })
    }

    /// The one that holds for a package: the nearest to the area that the package names (`written`; the deployment's
    /// where it names none), then the named category, then the newest in force at `at`; the built-in one where no
    /// document is for it.
    pub fn of(&self, (written, own): (&str, &AreaCode), at: Timestamp) -> &Scheme {
        let area: Option<AreaCode> = written.trim().parse().ok();
        let area = area.as_ref().unwrap_or(own).as_str();
        Scheme::pick(&self.all, (CATEGORY, area, &day_of(at))).unwrap_or(&self.built_in)
    }

    /// Those of the folder.
    pub(super) fn documents(&self) -> &[Scheme] {
        &self.all
    }

    /// All of them: the built-in one, then the documents in the order in which they could be read.
    pub fn all(&self) -> impl Iterator<Item = &Scheme> {
        std::iter::once(&*self.built_in).chain(self.all.iter())
    }
}

/// The day in Beijing: `YYYY-MM-DD`.
pub(super) fn day_of(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// What is wrong with documents that are each right: two of one name, two between which nothing decides, one that extends
/// the scheme of transfers: an area's own scheme says at stage Y what holds for them.
fn together(known: &[Scheme], names: &[&str]) -> Vec<(String, SchemeFault)> {
    let mut faults = Vec::new();
    let mut find = |at: usize, code: &str, texts: [String; 2], remedies: [&str; 2]| {
        let fault = SchemeFault::new(code, "", texts, remedies.map(str::to_owned));
        faults.push((names[at].to_owned(), fault));
    };
    for (at, scheme) in known.iter().enumerate() {
        if scheme.root != SERVICE_ITEM {
            let texts = [
                "移交检测由本区划方案的Y环节规定，继承移交方案的文件不会被采用".to_owned(),
                "what holds for transfers is said at stage Y of the area's scheme: this would not be used"
                    .to_owned(),
            ];
            find(
                at,
                "not_for_packages",
                texts,
                [
                    "写进本区划方案的stages.Y，并把它移出方案目录",
                    "say it at stages.Y of the area's scheme, and take this out of the folder",
                ],
            );
        }
        for (before, other) in known[..at].iter().enumerate() {
            if (&scheme.id, &scheme.version) == (&other.id, &other.version) {
                let (id, version, file) = (&scheme.id, &scheme.version, names[before]);
                let texts =
                    [format!("{id} {version} 与 {file} 同名同版本"), format!("{file} is {id} {version} too")];
                find(at, "twice", texts, ["保留一份，或换版本号", "keep one, or raise the version"]);
            } else if is_tie(scheme, other) {
                let file = names[before];
                let texts = [
                    format!("与 {file} 的适用范围和生效日相同，无从取舍"),
                    format!("{file} is for the same area and category from the same day: nothing decides"),
                ];
                let remedies = ["改适用区划、门类或生效日", "change areas, categories or the first day"];
                find(at, "ambiguous", texts, remedies);
            }
        }
    }
    faults
}

/// Whether some package has both as its nearest. Two versions of one scheme are told apart by their versions.
fn is_tie(one: &Scheme, other: &Scheme) -> bool {
    let (a, b) = (one.document(), other.document());
    let areas = |s: &Scheme| s.document().areas.iter().cloned().collect::<BTreeSet<_>>();
    let meets = |one: &[String], other: &[String]| one.is_empty() || one.iter().any(|c| other.contains(c));
    let share_an_area =
        if a.areas.is_empty() { b.areas.is_empty() } else { !areas(one).is_disjoint(&areas(other)) };
    one.id != other.id
        && share_an_area
        && a.categories.is_empty() == b.categories.is_empty()
        && meets(&a.categories, &b.categories)
        && a.in_force_from == b.in_force_from
}
