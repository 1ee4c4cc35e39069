//! Publishing beside appends: neither waits for the other without need, what waits is bounded, and
//! nobody waits for one who will not come.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use store::{ObjectPath, Store as _};
use trail::{Answer, Error, Feed as _, Trail};

use crate::gate::{Gate, Way};
use crate::harness::{World, batch, batch_of, draft, event_json, fill};

/// Unpublished bytes that make the trail of these tests publish before it goes on.
const BOUND: usize = 64 * 1024;

/// A trail behind a gate.
fn gated() -> (World, Gate, Arc<Trail>) {
    let world = World::new();
    let gate = Gate::new(world.store.clone());
    let options = trail::Options { unpublished_bytes_max: BOUND, ..trail::Options::default() };
    let trail = Arc::new(world.create_in(Arc::new(gate.clone()), options));
    (world, gate, trail)
}

type Told = Receiver<Result<Vec<Answer>, Error>>;

/// Adds one event of about 8 KiB to the queue, and drains on a thread of its own if that is wanted.
fn enqueue(trail: &Arc<Trail>, number: u64) -> Result<Told, Error> {
    let json =
        event_json(number).replace(r#"{"n""#, &format!(r#"{{"x":"{}","n""#, "x".repeat(8_000)));
    let (tell, told) = channel();
    let reply = Box::new(move |answer| drop(tell.send(answer)));
    if trail.enqueue(batch_of(vec![draft(&json)]), reply)? {
        let trail = Arc::clone(trail);
        std::thread::spawn(move || {
            // What a panic tells is told by the answers.
            let _ = catch_unwind(AssertUnwindSafe(|| trail.drain()));
        });
    }
    Ok(told)
}

fn answer(told: &Told) -> Result<Vec<Answer>, Error> {
    told.recv_timeout(Duration::from_mins(1)).expect("nobody answers")
}

/// Publishes on a thread that stands before the gate when this returns.
fn publish_slowly(gate: &Gate, trail: &Arc<Trail>) -> std::thread::JoinHandle<bool> {
    gate.set(Way::Closed);
    let publishing = Arc::clone(trail);
    let slow = std::thread::spawn(move || publishing.publish().unwrap());
    gate.wait_for_one();
    slow
}

#[test]
fn appends_go_on_while_a_publication_is_under_way() {
    let (world, gate, trail) = gated();
    fill(&trail, 0, 300);
    let slow = publish_slowly(&gate, &trail);
    fill(&trail, 300, 400);
    assert_eq!(trail.committed_size(), 400);
    assert_eq!(trail.read(0, 1_000).unwrap().len(), 400, "all can be read");
    assert_eq!(trail.published().checkpoint.size().get(), 0);
    gate.set(Way::Open);
    assert!(slow.join().unwrap());
    assert_eq!(trail.published().checkpoint.size().get(), 300, "what was committed when it began");
    assert!(trail.publish().unwrap());
    assert_eq!(trail.published().checkpoint.size().get(), 400);
    assert!(world.check().is_sound());
}

#[test]
fn appends_wait_for_a_publication_that_falls_behind_and_go_on_after_it() {
    let (world, gate, trail) = gated();
    fill(&trail, 0, 1);
    let slow = publish_slowly(&gate, &trail);
    let mut told: Vec<Told> = Vec::new();
    // Each is answered as long as what is unpublished is within the bound.
    while trail.unpublished_bytes() <= BOUND {
        told.push(enqueue(&trail, 10 + told.len() as u64).unwrap());
        answer(told.last().unwrap()).unwrap();
    }
    let waiting: Vec<Told> =
        (0..50).map(|number| enqueue(&trail, 1_000 + number).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(200));
    let held = trail.unpublished_bytes();
    assert!(held < BOUND + 2 * 10_000, "{held} bytes are held");
    assert!(waiting.iter().all(|told| told.try_recv().is_err()), "they wait");
    gate.set(Way::Open);
    assert!(slow.join().unwrap());
    for told in &waiting {
        answer(told).unwrap();
    }
    trail.publish().unwrap();
    assert_eq!(trail.published().checkpoint.size().get(), 1 + told.len() as u64 + 50);
    assert_eq!(trail.unpublished_bytes(), 0);
    assert!(world.check().is_sound());
}

#[test]
fn what_cannot_be_published_is_held_up_to_a_bound_and_published_later() {
    let (world, gate, trail) = gated();
    gate.set(Way::Fails);
    let mut count = 0;
    let refused = loop {
        match enqueue(&trail, count) {
            Ok(told) => drop(answer(&told).unwrap()),
            Err(refused) => break refused,
        }
        count += 1;
        assert!(count < 1_000, "nothing bounds what is held");
    };
    assert!(matches!(refused, Error::Busy), "{refused}");
    let held = trail.unpublished_bytes();
    assert!((2 * BOUND..2 * BOUND + 10_000).contains(&held), "{held} bytes are held");
    assert!(!trail.is_stopped());
    // Whoever fails every second leaves nothing behind each time.
    let journal = ObjectPath::new("trails/lab/journal").unwrap();
    trail.publish().unwrap_err();
    let segments = world.store.list(&journal).unwrap().len();
    for _ in 0..20 {
        trail.publish().unwrap_err();
    }
    assert_eq!(world.store.list(&journal).unwrap().len(), segments);
    gate.set(Way::Open);
    assert!(trail.publish().unwrap());
    assert_eq!(trail.published().checkpoint.size().get(), count);
    assert_eq!(world.store.list(&journal).unwrap().len(), 1, "the journal is retired");
    answer(&enqueue(&trail, count).unwrap()).unwrap();
    trail.publish().unwrap();
    assert!(world.check().is_sound());
}

#[test]
fn nobody_waits_for_a_publication_that_panics() {
    let (world, gate, trail) = gated();
    let slow = publish_slowly(&gate, &{
        fill(&trail, 0, 1);
        Arc::clone(&trail)
    });
    let mut told: Vec<Told> = Vec::new();
    while trail.unpublished_bytes() <= BOUND {
        told.push(enqueue(&trail, 10 + told.len() as u64).unwrap());
        answer(told.last().unwrap()).unwrap();
    }
    let waiting: Vec<Told> =
        (0..5).map(|number| enqueue(&trail, 1_000 + number).unwrap()).collect();
    gate.set(Way::Panics);
    slow.join().unwrap_err();
    // The one who drains published next, and panicked as well.
    for told in &waiting {
        answer(told).unwrap_err();
    }
    gate.set(Way::Open);
    assert!(!trail.is_stopped());
    answer(&enqueue(&trail, 2_000).unwrap()).unwrap();
    trail.publish().unwrap();
    let size = trail.published().checkpoint.size().get();
    assert!(size >= 2 + told.len() as u64, "{size}");
    assert_eq!(size, trail.committed_size());
    trail.append(batch(0..1)).unwrap();
    assert_eq!(trail.committed_size(), size, "known as before");
    assert!(world.check().is_sound());
}
