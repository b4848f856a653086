//! Sessions over time, and two who use one link at once, on a real PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dengbei_kit::db;
use dengbei_records::{Clock, Timestamp};
use dengbei_testkit::Postgres;

use super::*;

struct Watch(AtomicI64);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

const HOUR: i64 = 3_600_000;

async fn accounts() -> (Accounts, Arc<Watch>) {
    let url = Postgres::start().await.unwrap().database().await.unwrap();
    let pool = db::connect_with(&url, 4, &[&store::MIGRATOR]).await.unwrap();
    let watch = Arc::new(Watch(AtomicI64::new(1_790_000_000_000)));
    (Accounts::new(pool, watch.clone()), watch)
}

fn lin() -> NewAccount {
    NewAccount { name: "Lin".into(), display_name: "林梅".into(), password: "seven grey herons".into() }
}

fn credentials(password: &str) -> Credentials {
    Credentials { name: "lin".into(), password: password.into(), address: None }
}

#[tokio::test]
async fn a_session_slides_while_it_is_used_and_ends_after_a_week() {
    let (accounts, watch) = accounts().await;
    let link = accounts.invite("").await.unwrap();
    let account = accounts.redeem(link.text(), lin()).await.unwrap();
    let secret = accounts.begin_session(&account).await.unwrap();
    for _ in 0..18 {
        watch.0.fetch_add(9 * HOUR, Ordering::Relaxed);
        assert!(accounts.session(secret.text()).await.unwrap().is_some());
    }
    watch.0.fetch_add(9 * HOUR, Ordering::Relaxed);
    assert!(accounts.session(secret.text()).await.unwrap().is_none(), "a week is over");
    let (_, idle) = accounts.sign_in(credentials("seven grey herons")).await.unwrap();
    watch.0.fetch_add(11 * HOUR, Ordering::Relaxed);
    assert!(accounts.session(idle.text()).await.unwrap().is_none(), "nobody was there");
    assert!(accounts.session("").await.unwrap().is_none());
}

#[tokio::test]
async fn of_two_who_use_one_link_at_once_one_gets_it() {
    let (accounts, watch) = accounts().await;
    let link = accounts.invite("").await.unwrap();
    let other = NewAccount { name: "wang".into(), ..lin() };
    let (one, two) = tokio::join!(accounts.redeem(link.text(), lin()), accounts.redeem(link.text(), other));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    let second = accounts.invite("").await.unwrap();
    let name = accounts.all().await.unwrap()[0].name.to_uppercase();
    let taken = accounts.redeem(second.text(), NewAccount { name, ..lin() }).await;
    assert!(matches!(taken, Err(AccountError::Taken)), "names that look alike are one");
    assert!(accounts.opens(second.text()).await.unwrap(), "and the link still opens");
    watch.0.fetch_add(8 * 24 * HOUR, Ordering::Relaxed);
    assert!(!accounts.opens(second.text()).await.unwrap());
}

#[tokio::test]
async fn waits_grow_and_are_forgotten() {
    let (accounts, watch) = accounts().await;
    let link = accounts.invite("").await.unwrap();
    accounts.redeem(link.text(), lin()).await.unwrap();
    let mut waits = Vec::new();
    for _ in 0..12 {
        match accounts.sign_in(credentials("wrong wrong wrong")).await {
            Err(AccountError::TooMany(seconds)) => {
                waits.push(seconds);
                watch.0.fetch_add(seconds * 1000, Ordering::Relaxed);
            }
            Err(AccountError::Wrong) => {}
            other => panic!("{:?}", other.map(|(account, _)| account)),
        }
    }
    assert!(waits.len() >= 3 && waits.is_sorted() && waits[0] < waits[waits.len() - 1], "{waits:?}");
    watch.0.fetch_add(25 * HOUR, Ordering::Relaxed);
    accounts.sign_in(credentials("seven grey herons")).await.unwrap();
    assert!(matches!(accounts.sign_in(credentials("wrong wrong wrong")).await, Err(AccountError::Wrong)));
}
