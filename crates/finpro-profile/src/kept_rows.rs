//! The cached rows: their keys, their age, their number, and that they are wiped.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use provider_core::Mobile;
use provider_core::capability::Readiness;
use tokio::time::Instant;
use zeroize::Zeroize;

use crate::ProfileRow;

/// A mobile number as a 128-bit keyed hash, with a random key for each cache, so that the number itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PersonKey([u64; 2]);

/// The cached rows of many people.
pub(crate) struct KeptRows {
    people: moka::sync::Cache<PersonKey, Arc<Person>>,
    hasher: RandomState,
    time_to_live: Duration,
}

/// The rows of one person that are still valid.
#[derive(Default)]
pub(crate) struct Known {
    /// The cached rows.
    pub(crate) rows: Vec<ProfileRow>,
    /// The aggregators in the report when all were asked, whatever their status; `None` if no row is cached with it.
    pub(crate) listed: Option<Vec<String>>,
}

impl KeptRows {
    pub(crate) fn new(time_to_live: Duration, max_rows: u64) -> Self {
        let people = moka::sync::Cache::builder()
            .max_capacity(max_rows)
            .weigher(|_, person: &Arc<Person>| person.weight())
            .time_to_live(time_to_live)
            // With eviction by frequency, a flood of other people would keep out a person who is asked about twice.
            .eviction_policy(EvictionPolicy::lru())
            // The cache frees memory later; the rows are wiped now.
            .eviction_listener(|_, person: Arc<Person>, cause| {
                if cause != RemovalCause::Replaced {
                    person.wipe();
                }
            })
            .build();
        Self {
            people,
            hasher: RandomState::new(),
            time_to_live,
        }
    }

    pub(crate) fn key(&self, mobile: &Mobile) -> PersonKey {
        PersonKey([0_u8, 1].map(|half| self.hasher.hash_one((half, mobile))))
    }

    pub(crate) fn of(&self, key: PersonKey, now: Instant) -> Known {
        // Expired rows are wiped even if only other people are asked about.
        self.people.run_pending_tasks();
        let Some(person) = self.people.get(&key) else {
            return Known::default();
        };
        let mut memory = person.memory();
        memory.drop_expired(now, self.time_to_live);
        if memory.rows.is_empty() {
            return Known::default();
        }
        Known {
            rows: memory.rows.iter().map(|kept| kept.row.clone()).collect(),
            listed: memory.listed.as_ref().map(|listed| listed.aa_ids.clone()),
        }
    }

    /// Caches the cacheable ones of `rows`, and the list of aggregators if all were asked.
    pub(crate) fn keep(&self, key: PersonKey, rows: &[ProfileRow], all: bool, now: Instant) {
        let person = self.people.get(&key).unwrap_or_default();
        {
            let mut memory = person.memory();
            memory.drop_expired(now, self.time_to_live);
            let new = may_be_kept(rows);
            memory.rows.retain(|kept| !new.contains(&*kept.row.aa_id));
            let in_order = |row: &&ProfileRow| new.contains(&*row.aa_id);
            memory
                .rows
                .extend(rows.iter().filter(in_order).map(|row| KeptRow {
                    row: row.clone(),
                    since: now,
                }));
            if all && !rows.is_empty() {
                memory.listed = Some(Listed {
                    aa_ids: rows.iter().map(|row| row.aa_id.clone()).collect(),
                    since: now,
                });
            }
            if memory.rows.is_empty() {
                return;
            }
        }
        self.people.insert(key, person);
        self.people.run_pending_tasks();
    }

    pub(crate) fn forget(&self, key: PersonKey) {
        self.people.invalidate(&key);
        self.people.run_pending_tasks();
    }

    pub(crate) fn clear(&self) {
        // The cache invalidates its entries lazily, so they are wiped here.
        for (_, person) in &self.people {
            person.wipe();
        }
        self.people.invalidate_all();
        self.people.run_pending_tasks();
    }
}

impl Drop for KeptRows {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for KeptRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRows")
            .field("time_to_live", &self.time_to_live)
            .field("max_rows", &self.people.policy().max_capacity())
            .finish_non_exhaustive()
    }
}

/// Which rows are a success that is understood, and the only one of their aggregator.
fn may_be_kept(rows: &[ProfileRow]) -> HashSet<&str> {
    let mut times = HashMap::<&str, usize>::new();
    for row in rows {
        let count = times.entry(&row.aa_id).or_default();
        *count = count.saturating_add(1);
    }
    rows.iter()
        .filter(|row| row.readiness() != Readiness::Undetermined)
        .map(|row| &*row.aa_id)
        .filter(|aa_id| times.get(aa_id) == Some(&1))
        .collect()
}

/// The cached rows of one person.
#[derive(Default)]
struct Person(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    rows: Vec<KeptRow>,
    listed: Option<Listed>,
}

struct KeptRow {
    row: ProfileRow,
    since: Instant,
}

struct Listed {
    aa_ids: Vec<String>,
    since: Instant,
}

impl Person {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn weight(&self) -> u32 {
        u32::try_from(self.memory().rows.len()).unwrap_or(u32::MAX)
    }

    fn wipe(&self) {
        *self.memory() = Memory::default();
    }
}

impl Memory {
    /// The cache evicts a person when nothing was added for the time to live; a row may expire earlier.
    fn drop_expired(&mut self, now: Instant, time_to_live: Duration) {
        let lives = |since: Instant| now.saturating_duration_since(since) < time_to_live;
        self.rows.retain(|kept| lives(kept.since));
        self.listed.take_if(|listed| !lives(listed.since));
    }
}

impl KeptRow {
    fn wipe(&mut self) {
        // An error message, which a success should not have, wipes itself on drop.
        self.row.aa_id.zeroize();
        self.row.registration_status.zeroize();
        self.row.has_linked_accounts.zeroize();
    }
}

impl Drop for KeptRow {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RowStatus;

    const MINUTE: Duration = Duration::from_secs(60);

    fn row(aa_id: &str, status: RowStatus, registered: Option<bool>) -> ProfileRow {
        ProfileRow {
            aa_id: aa_id.to_owned(),
            registration_status: registered,
            has_linked_accounts: registered,
            status,
            error_message: None,
            is_contradicted: false,
        }
    }

    fn success(aa_id: &str) -> ProfileRow {
        row(aa_id, RowStatus::Success, Some(true))
    }

    fn mobile(last: u32) -> Mobile {
        Mobile::parse(&format!("900000{last:04}")).unwrap()
    }

    fn names(known: &Known) -> Vec<&str> {
        known.rows.iter().map(|row| row.aa_id.as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn only_known_answers_are_cached() {
        let kept = KeptRows::new(10 * MINUTE, 100);
        let key = kept.key(&mobile(1));
        let rows = [
            success("fine"),
            row("late", RowStatus::Timeout, None),
            row("broken", RowStatus::Failed, Some(true)),
            row("new", RowStatus::from("pending"), Some(true)),
            row("unsure", RowStatus::Success, None),
            success("twice"),
            row("twice", RowStatus::Failed, None),
        ];
        kept.keep(key, &rows, true, Instant::now());
        let known = kept.of(key, Instant::now());
        assert_eq!(names(&known), ["fine"]);
        assert_eq!(known.listed.unwrap().len(), rows.len());
    }

    #[tokio::test(start_paused = true)]
    async fn each_row_expires_separately() {
        let kept = KeptRows::new(10 * MINUTE, 100);
        let key = kept.key(&mobile(1));
        let start = Instant::now();
        kept.keep(key, &[success("a"), success("b")], true, start);
        kept.keep(
            key,
            &[success("b"), success("c")],
            false,
            start + 6 * MINUTE,
        );
        let just_before = start + 10 * MINUTE - Duration::from_nanos(1);
        assert_eq!(names(&kept.of(key, just_before)), ["a", "b", "c"]);
        let known = kept.of(key, start + 10 * MINUTE);
        assert_eq!(names(&known), ["b", "c"]);
        assert_eq!(known.listed, None);
        assert_eq!(names(&kept.of(key, start + 16 * MINUTE)), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_list_of_aggregators_is_not_kept() {
        let kept = KeptRows::new(10 * MINUTE, 100);
        let key = kept.key(&mobile(1));
        kept.keep(key, &[success("a")], false, Instant::now());
        kept.keep(key, &[], true, Instant::now());
        assert_eq!(kept.of(key, Instant::now()).listed, None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_evicted_row_is_wiped_at_once_even_if_it_is_still_referenced() {
        let kept = KeptRows::new(10 * MINUTE, 4);
        let pair = [success("a"), success("b")];
        let person = |key| kept.people.get(&key).unwrap();
        let [first, second, third] = [1, 2, 3].map(|last| kept.key(&mobile(last)));

        kept.keep(first, &pair, true, Instant::now());
        let watched = person(first);
        kept.keep(second, &pair, true, Instant::now());
        assert_eq!(watched.weight(), 2, "four rows fit");
        kept.keep(third, &pair, true, Instant::now());
        assert_eq!(watched.weight(), 0, "the oldest was evicted");
        assert!(watched.memory().listed.is_none());

        let watched = person(second);
        kept.forget(second);
        assert_eq!(watched.weight(), 0, "forgotten");
        assert_eq!(names(&kept.of(third, Instant::now())), ["a", "b"]);

        let watched = person(third);
        kept.clear();
        assert_eq!(watched.weight(), 0, "cleared");

        kept.keep(first, &pair, true, Instant::now());
        let watched = person(first);
        drop(kept);
        assert_eq!(watched.weight(), 0, "dropped");
    }

    /// The cache runs on the real clock, so this test waits for it.
    #[test]
    fn rows_that_are_never_requested_again_are_wiped_too() {
        let kept = KeptRows::new(Duration::from_millis(1), 100);
        let key = kept.key(&mobile(1));
        kept.keep(key, &[success("a")], true, Instant::now() + MINUTE);
        // It may be evicted already.
        let watched = kept.people.get(&key).unwrap_or_default();
        for _ in 0..10_000 {
            if watched.weight() == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
            kept.people.run_pending_tasks();
        }
        panic!("it is still there");
    }

    #[test]
    fn a_key_depends_on_the_number_and_the_cache() {
        let (one, other) = (KeptRows::new(MINUTE, 1), KeptRows::new(MINUTE, 1));
        assert!(one.key(&mobile(1)) == one.key(&mobile(1)));
        assert!(one.key(&mobile(1)) != one.key(&mobile(2)));
        assert!(one.key(&mobile(1)) != other.key(&mobile(1)));
        let PersonKey([low, high]) = one.key(&mobile(1));
        assert_ne!(low, high, "the halves differ");
    }

    #[test]
    fn a_wiped_row_is_empty() {
        let mut kept = KeptRow {
            row: success("CANARY"),
            since: Instant::now(),
        };
        kept.wipe();
        assert_eq!(kept.row, row("", RowStatus::Success, None));
        assert!(!format!("{:?}", KeptRows::new(MINUTE, 1)).contains("CANARY"));
    }
}
