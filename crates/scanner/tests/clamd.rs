//! Against a real clamd with a signature of our own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use dengbei_scanner::{ScanError, Scanner, Verdict};
use dengbei_testkit::Clamd;

fn scanner(address: &str) -> Scanner {
    Scanner::at(address.parse().unwrap()).with_patience(Duration::from_secs(20))
}

fn found() -> Verdict {
    Verdict::Found(Clamd::NAME.to_owned())
}

fn pass(scanner: &Scanner, files: &[Vec<u8>]) -> Result<Vec<Verdict>, ScanError> {
    let mut session = scanner.session()?;
    for file in files {
        session.file()?;
        for chunk in file.chunks(64 * 1024) {
            session.pass(chunk)?;
        }
    }
    session.finish()
}

fn infected(len: usize) -> Vec<u8> {
    let mut bytes = vec![b'.'; len];
    let at = len / 2;
    bytes[at..at + Clamd::SIGN.len()].copy_from_slice(Clamd::SIGN);
    bytes
}

#[tokio::test]
async fn each_of_many_files_on_one_connection_gets_its_own_verdict() {
    let Some(clamd) = Clamd::start().await.unwrap() else { return };
    for address in [clamd.tcp(), clamd.unix()] {
        let files: Vec<_> = (0..60)
            .map(|n| if n % 7 == 3 { infected(500 + n * 1000) } else { vec![b'a'; n * 1000] })
            .collect();
        let verdicts = pass(&scanner(&address), &files).unwrap();
        let wanted: Vec<_> = (0..60).map(|n| if n % 7 == 3 { found() } else { Verdict::Clean }).collect();
        assert_eq!(verdicts, wanted);
    }
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_clean_and_neither_is_what_follows_it() {
    let Some(clamd) = Clamd::start().await.unwrap() else { return };
    let over = vec![b'a'; usize::try_from(Clamd::LIMIT).unwrap() + 1_000_000];
    let verdicts = pass(&scanner(&clamd.tcp()), &[b"small".to_vec(), over, b"after".to_vec()]).unwrap();
    assert_eq!(verdicts.len(), 3);
    assert!(matches!(&verdicts[1], Verdict::Unscanned(why) if why.contains("limit")), "{verdicts:?}");
    assert!(matches!(verdicts[2], Verdict::Unscanned(_)), "{verdicts:?}");
}

#[tokio::test]
async fn it_says_what_it_is() {
    let Some(clamd) = Clamd::start().await.unwrap() else { return };
    let duty = scanner(&clamd.unix()).duty().unwrap();
    assert!(duty.engine.starts_with("ClamAV "), "{duty:?}");
}

#[tokio::test]
async fn a_scanner_that_is_gone_gives_no_verdict() {
    let Some(mut clamd) = Clamd::start().await.unwrap() else { return };
    let scanner = scanner(&clamd.tcp());
    let mut session = scanner.session().unwrap();
    session.file().unwrap();
    session.pass(b"beginning").unwrap();
    clamd.stop().await.unwrap();
    assert!(matches!(session.finish(), Err(ScanError::Unavailable(_))));
    assert!(matches!(scanner.duty(), Err(ScanError::Unavailable(_))));
    clamd.start_again().await.unwrap();
    assert_eq!(pass(&scanner, &[infected(5000)]).unwrap(), [found()]);
}

#[test]
fn silence_is_an_error_and_not_clean() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let scanner = Scanner::at(address.parse().unwrap()).with_patience(Duration::from_millis(300));
    assert!(matches!(pass(&scanner, &[b"x".to_vec()]), Err(ScanError::Unavailable(_))));
}

#[tokio::test]
async fn a_package_is_scanned_while_its_digests_are_taken() {
    use dengbei_checks::facts::ScanOutcome;
    use dengbei_formats::package::MemorySource;
    use dengbei_formats::{Discard, examine};
    let Some(clamd) = Clamd::start().await.unwrap() else { return };
    let guard = dengbei_scanner::Guard::new("test", scanner(&clamd.tcp()));
    let over = vec![b'a'; usize::try_from(Clamd::LIMIT).unwrap() + 1];
    let files = [("a.txt", b"clean".to_vec()), ("over.txt", over), ("b/c.txt", infected(9000))];
    let package = MemorySource::new("p", files.map(|(path, bytes)| (path.to_owned(), bytes.into())).to_vec());
    let now = dengbei_records::Timestamp::from_millis(0);
    let (facts, scan) = guard.over(&mut Discard, now, |sink| examine(&package, sink)).unwrap();
    assert_eq!(facts.len(), 3);
    assert_eq!(scan.files["a.txt"], ScanOutcome::Clean);
    assert!(matches!(scan.files["over.txt"], ScanOutcome::NotScanned(_)), "{scan:?}");
    assert_eq!(scan.files["b/c.txt"], ScanOutcome::Infected(Clamd::NAME.to_owned()));
    assert!(guard.standing().is_up && scan.engine.starts_with("ClamAV"));
}
