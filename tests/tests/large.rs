//! Large uploads stream: two gibibytes of incompressible bytes raise no role's peak memory by more than 64 MiB.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use dengbei_testkit::{Mesh, samples};
use dengbei_tests::{publish, submit, walk};
use rand::{Rng as _, SeedableRng as _};

const ALLOWED: u64 = 64 << 20;

/// Peak resident memory of each role, bytes.
fn peaks(mesh: &Mesh) -> BTreeMap<String, u64> {
    let roles = ["ingest", "registration", "fixity", "query", "gateway"];
    let pids = mesh.pids();
    roles.iter().map(|role| ((*role).to_owned(), peak(pids[*role]))).collect()
}

fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Replaces the first document of a package by a scan of `bytes` bytes: a PDF around noise.
fn enlarge(package: &Path, bytes: u64) -> PathBuf {
    let config = package.join("归档配置表.XML");
    let text = std::fs::read_to_string(&config).unwrap();
    let (_, rest) = text.split_once("<filename>").unwrap();
    let (name, _) = rest.split_once('<').unwrap();
    let path = walk(package).into_iter().find(|p| p.ends_with(name)).unwrap();
    let stem = name.rsplit_once('.').unwrap().0;
    std::fs::write(&config, text.replace(name, &format!("{stem}.pdf"))).unwrap();
    std::fs::remove_file(&path).unwrap();
    let target = path.with_file_name(format!("{stem}.pdf"));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&target).unwrap());
    let objects = [
        "1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n".to_owned(),
        "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n".to_owned(),
        "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>\nendobj\n"
            .to_owned(),
        format!("4 0 obj\n<< /Length {bytes} >>\nstream\n"),
    ];
    let (mut head, mut table) = ("%PDF-1.4\n".to_owned(), "0000000000 65535 f \n".to_owned());
    for object in &objects {
        table += &format!("{:010} 00000 n \n", head.len());
        head += object;
    }
    out.write_all(head.as_bytes()).unwrap();
    let mut rng = rand::rngs::StdRng::seed_from_u64(5);
    // One block of noise again and again, each time numbered: far beyond any compressor's window.
    let mut chunk = vec![0; 8 << 20];
    rng.fill_bytes(&mut chunk);
    for n in 0..bytes / chunk.len() as u64 {
        chunk[..8].copy_from_slice(&n.to_be_bytes());
        out.write_all(&chunk).unwrap();
    }
    let xref = head.len() as u64 + bytes + 18;
    write!(
        out,
        "\nendstream\nendobj\nxref\n0 5\n{table}trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n"
    )
    .unwrap();
    out.flush().unwrap();
    target
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gibibytes_pass_through_without_filling_memory() {
    let mesh = Mesh::up(&["--split", "--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let samples = samples(2, &["--seed", "41"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let packages: Vec<PathBuf> = samples
        .batches()
        .unwrap()
        .iter()
        .flat_map(|b| {
            std::fs::read_dir(b)
                .unwrap()
                .flatten()
                .map(|e| e.path())
                .filter(|p| p.is_dir())
                .collect::<Vec<_>>()
        })
        .collect();
    let small = &submit(&mesh, &[&packages[0]], "filed").unwrap()[0];
    assert_eq!(small["state"]["custody"], "filed", "{small}");
    let before = peaks(&mesh);
    let large = enlarge(&packages[1], 2 << 30);
    let line = &submit(&mesh, &[&packages[1]], "filed").unwrap()[0];
    assert_eq!(line["state"]["custody"], "filed", "{line}");
    let after = peaks(&mesh);
    println!("peak memory before {before:?}, after {after:?}");
    for (role, peak) in &after {
        let grown = peak.saturating_sub(before[role]);
        assert!(grown <= ALLOWED, "{role} grew by {} MiB", grown >> 20);
    }
    let packs = walk(&mesh.data().join("sites/primary/packs"));
    let largest = packs.iter().max_by_key(|p| p.metadata().unwrap().len()).unwrap();
    assert!(contains(largest, &large), "the pack holds what was sent");
}

/// Whether the file's first mebibyte of noise stands in the pack.
fn contains(pack: &Path, file: &Path) -> bool {
    let mut start = vec![0; 4096];
    std::fs::File::open(file).unwrap().read_exact(&mut start).unwrap();
    let needle = &start[2048..2112];
    let mut pack = std::io::BufReader::new(std::fs::File::open(pack).unwrap());
    let mut window = vec![0; 1 << 20];
    let read = pack.read(&mut window).unwrap();
    let mut tail = window[..read].to_vec();
    loop {
        if tail.windows(needle.len()).any(|w| w == needle) {
            return true;
        }
        let keep = tail.split_off(tail.len().saturating_sub(needle.len()));
        let read = pack.read(&mut window).unwrap();
        if read == 0 {
            return false;
        }
        tail = [&keep, &window[..read]].concat();
    }
}
