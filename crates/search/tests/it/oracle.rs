//! Every answer equals what a plain scan of the trail gives.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::Entry;
use proptest::prelude::*;
use search::{
    Account, Cursor, Field, Limits, Options, Order, PAGE_MAX, Parts, Projection, Query, Split,
    Wanted,
};
use trail::{Feed as _, Recorded};

use crate::feed::MemoryFeed;
use crate::generate::{Catalogue, START, append, query, text};
use crate::random::Random;

/// Limits so small that a few hundred events make many segments, in memory and on disk.
pub(crate) fn small_limits() -> Limits {
    Limits {
        chunk_events: 64,
        memory_chunk_events: 16,
        flush_events: 60,
        flush_after: Duration::from_hours(1),
        memory_max: Duration::from_hours(1),
        build_bytes: 40 * 1024 * 1024,
        merge_run: 3,
        merge_in_memory_below: 60,
        merge_below_rate: 10_000,
        segments_max: 96,
        merge_below_events: 200,
        merged_events: 400,
        parts: Parts { block: 16, runs_max: 3, first_piece: 24, piece_growth: 2 },
    }
}

/// Parts so small that a segment has many blocks, that its runs are sometimes few and sometimes
/// more than are told apart, and that a page is looked for in many pieces.
fn small_parts(random: &mut Random) -> Parts {
    let mut below = |most: usize| u32::try_from(1 + random.below(most)).unwrap();
    Parts {
        block: below(20),
        runs_max: usize::try_from(below(12)).unwrap(),
        first_piece: 8 + below(40),
        piece_growth: below(3),
    }
}

fn options(parts: Parts) -> Options {
    Options { limits: Limits { parts, ..small_limits() }, ..Options::new(Arc::new(Catalogue)) }
}

/// A trail of random events, projected in random steps.
fn projected(random: &mut Random, folder: &std::path::Path) -> (Arc<MemoryFeed>, Arc<Projection>) {
    let feed = MemoryFeed::new();
    let parts = small_parts(random);
    let mut projection = Projection::open(folder, Arc::clone(&feed) as _, options(parts)).unwrap();
    for _ in 0..=random.below(8) {
        let most = if random.chance(60) { 12 } else { 100 };
        append(&feed, random, most);
        projection.catch_up_once().unwrap();
        if random.chance(15) {
            projection.flush().unwrap();
        }
        if random.chance(15) {
            drop(projection);
            projection = Projection::open(folder, Arc::clone(&feed) as _, options(parts)).unwrap();
            projection.catch_up_once().unwrap();
        }
    }
    assert_eq!(projection.projected_size(), feed.committed_size());
    (feed, projection)
}

/// The plain scan: index and moment of all that is meant, in an order.
fn scan(events: &[Recorded], query: &Query, order: Order) -> Vec<u64> {
    let mut found: Vec<(i64, u64)> = events
        .iter()
        .filter(|recorded| query.matches_recorded(recorded, &Catalogue))
        .map(|recorded| (occurred(recorded), recorded.index))
        .collect();
    match order {
        Order::Newest => found.sort_by(|a, b| b.cmp(a)),
        Order::Oldest => found.sort_unstable(),
        Order::LastRecorded => found.sort_by_key(|found| std::cmp::Reverse(found.1)),
        Order::FirstRecorded => found.sort_by_key(|found| found.1),
    }
    found.into_iter().map(|found| found.1).collect()
}

fn occurred(recorded: &Recorded) -> i64 {
    Entry::parse(&recorded.text()).unwrap().event.occurred_at.micros()
}

/// All pages, one after the other.
fn pages(projection: &Projection, query: &Query, order: Order, limit: usize) -> Vec<u64> {
    let mut all = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = projection.search(query, order, limit, after.as_ref()).unwrap();
        assert!(page.indexes.len() <= limit);
        all.extend(&page.indexes);
        let Some(next) = page.next else { return all };
        assert_eq!(page.indexes.len(), limit);
        after = Some(next.to_string().parse().unwrap());
    }
}

/// A list that is entered by number goes on as one that was paged from its beginning.
fn check_skipping(
    projection: &Projection,
    query: &Query,
    order: Order,
    expected: &[u64],
    skip: usize,
) {
    let behind = projection.behind(query, order, skip).unwrap();
    assert_eq!(behind.is_some(), 0 < skip && skip <= expected.len(), "{skip} of {query}");
    if let Some(cursor) = behind {
        let page = projection.search(query, order, PAGE_MAX, Some(&cursor)).unwrap();
        let end = expected.len().min(skip + PAGE_MAX);
        assert_eq!(page.indexes, expected[skip..end], "{skip} of {query}");
    }
}

fn place<'a>(place: Option<&'a event::Place<'_>>) -> Option<Cow<'a, str>> {
    let place = place?;
    let label = place.id.as_ref().or(place.name.as_ref()).or(place.uuid.as_ref());
    label.map(|label| Cow::Borrowed(label.as_ref()))
}

/// The values that an event is counted under, told from the entry alone.
fn labels(field: Field, entry: &Entry<'_>) -> Vec<String> {
    let event = &entry.event;
    let scope = event.scope.as_ref();
    let actor = event.actor.as_ref();
    let target = event.target.as_ref();
    let one = match field {
        Field::Actor => {
            actor.and_then(|a| a.id.as_ref().or(a.email.as_ref()).or(a.name.as_ref()).cloned())
        }
        Field::ActorType => actor.map(|actor| actor.kind.clone()),
        Field::Action => Some(event.action.clone()),
        Field::Kind => {
            Some(search::Kinds::kind_of(&Catalogue, &event.source.system, &event.action))
        }
        Field::TargetType => target.map(|target| target.kind.clone()),
        Field::TargetId | Field::Target => target.and_then(|target| target.id.clone()),
        Field::Organization => scope.and_then(|scope| place(scope.organization.as_ref())),
        Field::Study => scope.and_then(|scope| place(scope.study.as_ref())),
        Field::Outcome => event.outcome.as_ref().map(|outcome| outcome.status.as_str().into()),
        Field::System => Some(event.source.system.clone()),
        Field::Session => event.session.clone(),
        Field::RecordedBy => Some(entry.recorded_by.clone()),
        Field::Ip => event.client.as_ref().and_then(|client| client.ip.clone()).map(|ip| {
            let parsed = ip.parse::<std::net::IpAddr>();
            parsed.map_or(ip, |ip| ip.to_canonical().to_string().into())
        }),
        Field::Role => {
            let mut roles: Vec<String> =
                actor.iter().flat_map(|actor| &actor.roles).map(ToString::to_string).collect();
            roles.sort();
            roles.dedup();
            return roles;
        }
        _ => panic!("{field} is not counted here"),
    };
    one.into_iter().map(|label| label.to_string()).collect()
}

fn check_counts(events: &[Recorded], projection: &Projection, query: &Query, expected: &[u64]) {
    let fields = [
        Field::Actor,
        Field::ActorType,
        Field::Action,
        Field::Kind,
        Field::TargetType,
        Field::TargetId,
        Field::Target,
        Field::Organization,
        Field::Study,
        Field::Outcome,
        Field::System,
        Field::Session,
        Field::RecordedBy,
        Field::Ip,
        Field::Role,
    ];
    let facets = projection.facets(query, &fields, 1_000).unwrap();
    assert_eq!(facets.count, expected.len() as u64);
    for facet in facets.facets {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for index in expected {
            let text = events[usize::try_from(*index).unwrap()].text();
            for label in labels(facet.field, &Entry::parse(&text).unwrap()) {
                *counts.entry(label).or_default() += 1;
            }
        }
        let mut sorted: Vec<(String, u64)> = counts.into_iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        assert_eq!(facet.values, sorted, "{} of {query}", facet.field);
        assert_eq!(facet.distinct, sorted.len() as u64);
    }
}

fn check_accounts(events: &[Recorded], projection: &Projection, query: &Query, expected: &[u64]) {
    let mut pairs: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for index in expected {
        let text = events[usize::try_from(*index).unwrap()].text();
        let entry = Entry::parse(&text).unwrap();
        for account in labels(Field::Actor, &entry) {
            for address in labels(Field::Ip, &entry) {
                *pairs.entry(account.clone()).or_default().entry(address).or_default() += 1;
            }
        }
    }
    let wanted = Wanted { addresses_min: 2, accounts: 1_000, addresses: 2 };
    let mut accounts: Vec<Account> = pairs
        .into_iter()
        .filter(|(_, addresses)| addresses.len() >= 2)
        .map(|(account, addresses)| {
            let distinct = addresses.len() as u64;
            let events = addresses.values().sum();
            let mut addresses: Vec<(String, u64)> = addresses.into_iter().collect();
            addresses.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            addresses.truncate(2);
            Account { account, distinct, events, addresses }
        })
        .collect();
    accounts.sort_by_key(|account| {
        (u64::MAX - account.distinct, u64::MAX - account.events, account.account.clone())
    });
    let found = projection.accounts(query, wanted).unwrap();
    assert_eq!(found.distinct, accounts.len() as u64);
    assert_eq!(found.accounts, accounts, "{query}");
}

fn check_histogram(events: &[Recorded], projection: &Projection, query: &Query, expected: &[u64]) {
    let edges: Vec<i64> = (0..12).map(|place| START + place * 1_300_000_000).collect();
    for split in [Split::None, Split::Outcome, Split::Kind] {
        let histogram = projection.histogram(query, &edges, split).unwrap();
        let mut totals = vec![0; edges.len() - 1];
        let mut series: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for index in expected {
            let recorded = &events[usize::try_from(*index).unwrap()];
            let bucket =
                edges.windows(2).position(|edge| (edge[0]..edge[1]).contains(&occurred(recorded)));
            let Some(bucket) = bucket else { continue };
            totals[bucket] += 1;
            let text = recorded.text();
            let entry = Entry::parse(&text).unwrap();
            let label = match split {
                Split::None => continue,
                Split::Outcome => labels(Field::Outcome, &entry),
                Split::Kind => labels(Field::Kind, &entry),
            };
            for label in label {
                series.entry(label).or_insert_with(|| vec![0; edges.len() - 1])[bucket] += 1;
            }
        }
        assert_eq!(histogram.totals, totals, "{query}");
        assert_eq!(histogram.series, series.into_iter().collect::<Vec<_>>(), "{query}");
    }
}

const ORDERS: [Order; 4] =
    [Order::Newest, Order::Oldest, Order::LastRecorded, Order::FirstRecorded];

/// One segment of so many events, looked at in these parts, against a plain scan.
fn check_one_segment(random: &mut Random, count: usize, parts: Parts, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let feed = MemoryFeed::new();
    append(&feed, random, count);
    let limits = Limits { parts, ..Limits::STANDARD };
    let options = Options { limits, ..Options::new(Arc::new(Catalogue)) };
    let projection = Projection::open(folder.path(), Arc::clone(&feed) as _, options).unwrap();
    projection.catch_up_once().unwrap();
    let events = feed.all();
    for round in 0..rounds {
        let mut query = query(random, feed.committed_size());
        if round % 3 > 0 {
            // Most random questions mean few events; these mean many, some of them with a time.
            query = Query { clauses: Vec::new(), texts: Vec::new(), ..query };
        }
        let order = ORDERS[round % 4];
        let expected = scan(&events, &query, order);
        let limit = 1 + count / 7;
        assert_eq!(pages(&projection, &query, order, limit), expected, "{query}, {parts:?}");
        check_skipping(&projection, &query, order, &expected, random.below(expected.len() + 3));
        let counted = projection.count(&query).unwrap();
        assert_eq!(counted.count, expected.len() as u64, "{query}, {parts:?}");
        check_histogram(&events, &projection, &query, &expected);
    }
}

/// The parts that a server looks at.
#[test]
fn a_large_segment_answers_as_a_plain_scan_does() {
    check_one_segment(&mut Random(11), 4_700, Parts::STANDARD, 6);
}

/// Segments of many blocks, many runs and many pieces, of which pages and counts leave most alone.
#[test]
fn a_segment_of_many_parts_answers_as_a_plain_scan_does() {
    let mut random = Random(12);
    for _ in 0..5 {
        let parts = small_parts(&mut random);
        check_one_segment(&mut random, 400, parts, 12);
    }
}

/// A text alone: in a question with more conditions, most of what it finds is not seen.
#[test]
fn a_text_is_found_wherever_a_plain_scan_finds_it() {
    let mut random = Random(14);
    let folder = tempfile::tempdir().unwrap();
    let feed = MemoryFeed::new();
    let options = options(small_parts(&mut random));
    let projection = Projection::open(folder.path(), Arc::clone(&feed) as _, options).unwrap();
    for _ in 0..3 {
        append(&feed, &mut random, 50);
        projection.catch_up_once().unwrap();
    }
    let events = feed.all();
    let mut some = 0;
    for _ in 0..250 {
        let query = Query { texts: vec![text(&mut random)], ..Query::default() };
        if query.check().is_err() {
            continue;
        }
        let expected = scan(&events, &query, Order::Oldest);
        some += usize::from(!expected.is_empty() && expected.len() < events.len());
        assert_eq!(pages(&projection, &query, Order::Oldest, 100), expected, "{query}");
    }
    assert!(some > 150, "texts that are nowhere or everywhere prove little: {some}");
}

/// Whoever shows less than a page goes on behind what was shown, in every order, also when events
/// come in between that belong before it.
#[test]
fn a_page_that_was_cut_is_continued_behind_what_it_kept() {
    let mut random = Random(13);
    for order in ORDERS {
        let folder = tempfile::tempdir().unwrap();
        let feed = MemoryFeed::new();
        append(&feed, &mut random, 200);
        let options = options(small_parts(&mut random));
        let projection = Projection::open(folder.path(), Arc::clone(&feed) as _, options).unwrap();
        projection.catch_up_once().unwrap();
        let expected = scan(&feed.all(), &Query::default(), order);
        let (mut all, mut after) = (Vec::<u64>::new(), None);
        loop {
            let mut page = projection.search(&Query::default(), order, 20, after.as_ref()).unwrap();
            append(&feed, &mut random, 3);
            projection.catch_up_once().unwrap();
            page.cut(random.below(25));
            assert!(!page.indexes.is_empty());
            all.extend(page.indexes.iter().filter(|index| **index < 200));
            after = page.next;
            if after.is_none() || all.len() > expected.len() {
                break;
            }
        }
        assert_eq!(all, expected, "{order:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5,
        failure_persistence: None,
        // The gate must not fail by chance; take this line away to look elsewhere.
        rng_seed: proptest::test_runner::RngSeed::Fixed(2),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_projection_answers_as_a_plain_scan_does(seed in any::<u64>()) {
        let mut random = Random(seed);
        let folder = tempfile::tempdir().unwrap();
        let (feed, projection) = projected(&mut random, folder.path());
        let events = feed.all();
        for round in 0..40 {
            let query = query(&mut random, feed.committed_size());
            let order = ORDERS[random.below(4)];
            let expected = scan(&events, &query, order);
            let limit = 1 + random.below(60);
            prop_assert_eq!(&pages(&projection, &query, order, limit), &expected, "{}", query);
            check_skipping(&projection, &query, order, &expected, random.below(expected.len() + 3));
            let counted = projection.count(&query).unwrap();
            prop_assert_eq!(counted.count, expected.len() as u64, "{}", query);
            prop_assert_eq!(counted.projected_size, feed.committed_size());
            let moments = || expected.iter().map(|index| occurred(&events[usize::try_from(*index).unwrap()]));
            let span = moments().min().zip(moments().max());
            prop_assert_eq!(projection.span(&query).unwrap(), span, "{}", query);
            if round % 4 == 0 {
                check_counts(&events, &projection, &query, &expected);
                check_accounts(&events, &projection, &query, &expected);
                check_histogram(&events, &projection, &query, &expected);
            }
            // The language can say it, and means the same.
            let again = Query::parse(&query.to_string()).unwrap();
            prop_assert_eq!(scan(&events, &again, order), expected, "{}", query);
        }
    }
}
