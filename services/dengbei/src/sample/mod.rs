//! `dengbei sample`: realistic filing packages (存档信息包) in the layout that Zhejiang's platforms write, for
//! demonstrations, benchmarks and tests. All people, dates and outcomes are invented; birth years lie before
//! 1900, so that no id number has a holder. The output depends on the arguments alone.
//!
//! Not a test double: what it writes goes through the same door as everything else.

mod documents;
mod item;
mod matters;
mod mutants;
mod people;
mod xml;
mod year;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub(crate) use documents::zip_options;
pub(crate) use item::{Item, Making};
pub(crate) use year::{Parcel, Unit, Year};

/// A package's files: relative path → bytes.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

/// What to write.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SampleArgs {
    /// 件数 / how many good packages
    #[arg(long, default_value_t = 200)]
    pub(crate) count: u32,
    /// 随机种子 / the same seed gives the same bytes
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// 输出目录 / where to write
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// 立档单位数 / how many units
    #[arg(long, default_value_t = 17)]
    pub(crate) units: u32,
    /// 行政区划 / area code of ids and units
    #[arg(long, default_value = "330499")]
    pub(crate) area: String,
    /// 每个文件的大小(KiB) / size of each document, KiB
    #[arg(long, default_value_t = 8)]
    pub(crate) file_kb: u32,
    /// 每件的文件数，不指定则按归档范围 / documents an item; otherwise as the scope says
    #[arg(long)]
    pub(crate) files: Option<u32>,
    /// 写为zip / write zips
    #[arg(long)]
    pub(crate) zip: bool,
    /// 附带有缺陷的包 / also packages with one fault each
    #[arg(long)]
    pub(crate) mutants: bool,
}

/// Writes the sample.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn run(args: &SampleArgs) -> anyhow::Result<()> {
    let batches = write(args)?;
    let (count, out) = (args.count, args.out.display());
    writeln!(
        std::io::stdout(),
        "已生成 {count} 件、{batches} 批，位于 {out} / {count} packages in {batches} batches under {out}"
    )?;
    Ok(())
}

/// The items of a sample, none of them written.
pub(crate) fn items(args: &SampleArgs) -> Vec<Item> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let matters = matters::county(&mut rng, &args.area, args.units, args.files);
    let making = Making::of(args);
    (1..=args.count).map(|n| Item::invent(&mut rng, n, &making, &matters)).collect()
}

/// Writes the sample and says in how many batches.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(args: &SampleArgs) -> anyhow::Result<usize> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let matters = matters::county(&mut rng, &args.area, args.units, args.files);
    let making = Making::of(args);
    let items: Vec<Item> = (1..=args.count).map(|n| Item::invent(&mut rng, n, &making, &matters)).collect();
    let batches = write_batches(args, &items)?;
    if args.mutants {
        let item = Item::invent(&mut rng, args.count + 1, &making, &matters);
        for mutant in mutants::all(&item) {
            let folder = args.out.join("mutants").join(mutant.name);
            write_package(&folder, "package", &mutant.tree, args.zip)?;
            std::fs::write(
                folder.join("expected.json"),
                format!("{{\"must_fail\": \"{}\"}}\n", mutant.check),
            )?;
        }
        write_package(&args.out.join("corrected"), "package", &item.render(), args.zip)?;
    }
    let rows: Vec<_> = matters.iter().map(|m| &m.published).collect();
    std::fs::create_dir_all(&args.out)?;
    std::fs::write(args.out.join("matters.json"), serde_json::to_vec_pretty(&rows)?)?;
    Ok(batches)
}

/// A batch is one unit's, at most 50 packages, with its catalogue.
fn write_batches(args: &SampleArgs, items: &[Item]) -> anyhow::Result<usize> {
    let mut by_unit: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in items {
        by_unit.entry(&item.dept).or_default().push(item);
    }
    let batches: Vec<&[&Item]> = by_unit.values().flat_map(|mine| mine.chunks(50)).collect();
    for (n, batch) in batches.iter().enumerate() {
        let folder = args.out.join(format!("batch-{:04}", n + 1));
        for item in *batch {
            write_package(&folder, &item.record_no, &item.render(), args.zip)?;
        }
        let name = format!("存档信息包目录清单-（{}）-（20261102）.XML", batch[0].dept);
        std::fs::write(folder.join(name), xml::catalogue(n + 1, batch))?;
    }
    Ok(batches.len())
}

/// A zip of packages, each in its folder, in memory.
fn zipped<'a>(packages: impl Iterator<Item = (&'a str, Tree)>) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, tree) in packages {
        for (path, data) in tree {
            zip.start_file(format!("{name}/{path}"), documents::zip_options())?;
            zip.write_all(&data)?;
        }
    }
    zip.finish().map(std::io::Cursor::into_inner)
}

fn write_package(folder: &Path, name: &str, tree: &Tree, zipped: bool) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    if zipped {
        let file = std::fs::File::create(folder.join(format!("{name}.zip")))?;
        let mut zip = zip::ZipWriter::new(std::io::BufWriter::new(file));
        for (path, data) in tree {
            zip.start_file(format!("{name}/{path}"), documents::zip_options())?;
            zip.write_all(data)?;
        }
        zip.finish()?.flush()?;
        return Ok(());
    }
    for (path, data) in tree {
        let path = folder.join(name).join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, data)?;
    }
    Ok(())
}
