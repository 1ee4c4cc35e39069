//! Appends, retries, conflicts, times.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use event::Entry;
use trail::{AHEAD_MICROS, Answer, Error, Feed};

use crate::harness::{World, batch, batch_of, draft, event_json, fill, index_of};

#[test]
fn an_event_is_readable_as_soon_as_it_is_acknowledged() {
    let world = World::new();
    let trail = world.create();
    let answers = trail.append(batch(0..3)).unwrap();
    let Answer::Recorded { index: 1, leaf_hash, replayed: false } = answers[1] else { panic!() };
    let recorded = trail.read_many(&[1]).unwrap().remove(0);
    assert_eq!(tlog::leaf_hash(&recorded.entry), leaf_hash);
    let text = recorded.text();
    let entry = Entry::parse(&text).unwrap();
    assert_eq!(entry.event.to_json(), event_json(1));
    assert_eq!(entry.recorded_by, "t-1");
    assert_eq!(entry.received.via, "api");
    assert!(recorded.to_json().starts_with("{\"index\":1,\"v\":1,"));
    assert!(matches!(trail.read_many(&[3]), Err(Error::NoEvent { index: 3, size: 3 })));
    assert!(matches!(trail.receipt(1), Err(Error::NotPublished { index: 1, size: 0 })));
}

#[test]
fn a_retry_gets_the_first_receipt_in_memory_from_the_index_and_after_a_restart() {
    let world = World::new();
    let trail = world.create();
    let first = trail.append(batch(0..300)).unwrap();
    let again = |trail: &trail::Trail| {
        let answers = trail.append(batch(0..300)).unwrap();
        for (first, again) in first.iter().zip(answers) {
            let Answer::Recorded { index, leaf_hash, .. } = *first else { panic!() };
            assert_eq!(again, Answer::Recorded { index, leaf_hash, replayed: true });
        }
        assert_eq!(trail.committed_size(), 300);
    };
    again(&trail);
    trail.publish().unwrap();
    again(&trail);
    drop(trail);
    let (trail, _) = world.open().unwrap();
    again(&trail);
    let mixed = trail.append(batch(298..302)).unwrap();
    assert_eq!(mixed.iter().map(index_of).collect::<Vec<_>>(), [298, 299, 300, 301]);
}

#[test]
fn another_event_with_the_same_id_is_refused_and_nothing_of_its_batch_is_recorded() {
    let world = World::new();
    let trail = world.create();
    trail.append(batch(0..2)).unwrap();
    let other = event_json(1).replace("sample.update", "sample.delete");
    let drafts = vec![draft(&event_json(5)), draft(&other)];
    let mut refused = batch_of(drafts);
    let error = trail.append(refused.clone()).unwrap_err();
    assert!(matches!(error, Error::Different { position: 1, index: Some(1) }), "{error}");
    assert_eq!(trail.committed_size(), 2);
    refused.atomic = false;
    let answers = trail.append(refused).unwrap();
    assert_eq!(index_of(&answers[0]), 2);
    assert_eq!(answers[1], Answer::Different { index: Some(1) });
    assert_eq!(trail.committed_size(), 3);
}

#[test]
fn twins_in_one_batch_become_one_event() {
    let world = World::new();
    let trail = world.create();
    let drafts = vec![draft(&event_json(1)), draft(&event_json(1)), draft(&event_json(2))];
    let answers = trail.append(batch_of(drafts)).unwrap();
    assert_eq!(answers.iter().map(index_of).collect::<Vec<_>>(), [0, 0, 1]);
    let other = event_json(7).replace("\"n\":7", "\"n\":8");
    let error = trail.append(batch_of(vec![draft(&event_json(7)), draft(&other)])).unwrap_err();
    assert!(matches!(error, Error::Different { position: 1, index: None }), "{error}");
    assert_eq!(trail.committed_size(), 2);
}

#[test]
fn what_either_side_redacted_does_not_make_another_event() {
    let world = World::new();
    let trail = world.create();
    trail.append(batch_of(vec![draft(&event_json(1))])).unwrap();
    let redacted = event_json(1).replace(r#""params":{"n":1}"#, r#""redacted":["/params/n"]"#);
    let redacted = redacted.replace(r#""redacted""#, r#""params":{},"redacted""#);
    let answers = trail.append(batch_of(vec![draft(&redacted)])).unwrap();
    assert_eq!(index_of(&answers[0]), 0);
    assert_eq!(trail.committed_size(), 1);
}

#[test]
fn a_group_is_answered_batch_by_batch() {
    let world = World::new();
    let trail = world.create();
    let other = event_json(1).replace("ana", "ben");
    let group = [batch(0..2), batch(1..3), batch_of(vec![draft(&other)])];
    let mut answers = trail.append_all(&group);
    assert!(matches!(answers.pop().unwrap(), Err(Error::Different { index: Some(1), .. })));
    let second = answers.pop().unwrap().unwrap();
    assert!(matches!(second[0], Answer::Recorded { index: 1, replayed: true, .. }));
    assert!(matches!(second[1], Answer::Recorded { index: 2, replayed: false, .. }));
    assert_eq!(trail.committed_size(), 3);
}

#[test]
fn large_values_are_detached_and_come_back_in_place() {
    let world = World::new();
    let trail = world.create();
    let large =
        event_json(1).replace(r#"{"n":1}"#, &format!(r#"{{"big":"{}"}}"#, "x".repeat(200_000)));
    trail.append(batch_of(vec![draft(&event_json(0)), draft(&large)])).unwrap();
    let whole = |trail: &trail::Trail| {
        let recorded = trail.read_many(&[1]).unwrap().remove(0);
        assert!(recorded.entry.len() < 2_000);
        assert_eq!(Entry::parse(&recorded.text()).unwrap().event.to_json(), large);
    };
    whole(&trail);
    fill(&trail, 2, 600);
    trail.publish().unwrap();
    trail.rest();
    whole(&trail);
    assert_eq!(index_of(&trail.append(batch_of(vec![draft(&large)])).unwrap()[0]), 1);
    let receipt = trail.receipt(1).unwrap();
    let (entry, openings) = trail::receipt_extra(&receipt.extra.clone().unwrap()).unwrap();
    receipt.verify(tlog::leaf_hash(entry.as_bytes()), &[trail.verifier()], None).unwrap();
    let parsed = Entry::parse(&entry).unwrap();
    assert!(parsed.detached[0].admits(&openings[0]));
    drop(trail);
    let (trail, _) = world.open().unwrap();
    whole(&trail);
    let report = world.check();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.openings, 1);
}

#[test]
fn recorded_at_never_decreases_and_an_untrusted_clock_stops_appends() {
    let world = World::new();
    let trail = world.create();
    let recorded_at = |index: u64| {
        let recorded = trail.read_many(&[index]).unwrap().remove(0);
        Entry::parse(&recorded.text()).unwrap().recorded_at_micros
    };
    trail.append(batch(0..1)).unwrap();
    world.clock.wall.fetch_sub(3_000_000, Ordering::SeqCst);
    trail.append(batch(1..2)).unwrap();
    assert_eq!(recorded_at(0), recorded_at(1));
    world.clock.wall.fetch_add(2 * AHEAD_MICROS, Ordering::SeqCst);
    let error = trail.append(batch(2..3)).unwrap_err();
    assert!(matches!(error, Error::ClockUntrusted { .. }), "{error}");
    // It is believed when it is right again, and after a restart.
    world.clock.wall.fetch_sub(2 * AHEAD_MICROS, Ordering::SeqCst);
    trail.append(batch(2..3)).unwrap();
    assert_eq!(recorded_at(2), recorded_at(1));
}

#[test]
fn a_full_disk_refuses_appends_and_harms_nothing() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 10);
    trail.publish().unwrap();
    world.store.limit(Some(0));
    let error = trail.append(batch(10..11)).unwrap_err();
    assert!(matches!(error, Error::Full(_)), "{error}");
    assert_eq!(trail.read(0, 100).unwrap().len(), 10);
    world.store.limit(None);
    trail.append(batch(10..11)).unwrap();
    trail.publish().unwrap();
    assert!(world.check().is_sound());
}

#[test]
fn the_queue_answers_everyone_and_refuses_beyond_its_bound() {
    let world = World::new();
    let trail = Arc::new(world.create());
    let (send, receive) = std::sync::mpsc::channel();
    let mut must_drain = Vec::new();
    for number in 0..50 {
        let send = send.clone();
        let reply = Box::new(move |answer: Result<Vec<Answer>, Error>| {
            send.send(index_of(&answer.unwrap()[0])).unwrap();
        });
        must_drain.push(trail.enqueue(batch(number..number + 1), reply).unwrap());
    }
    assert_eq!(must_drain.iter().filter(|drain| **drain).count(), 1);
    trail.drain();
    let mut seen: Vec<u64> = receive.try_iter().collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
    assert!(trail.enqueue(batch(50..51), Box::new(|_| ())).unwrap(), "the next one drains again");
}

#[test]
fn a_panic_while_draining_leaves_nobody_waiting() {
    let world = World::new();
    let trail = Arc::new(world.create());
    let (send, receive) = std::sync::mpsc::channel();
    assert!(trail.enqueue(batch(0..1), Box::new(|_| panic!("a reply"))).unwrap());
    let drainer = Arc::clone(&trail);
    assert!(std::thread::spawn(move || drainer.drain()).join().is_err());
    let reply = Box::new(move |answer: Result<Vec<Answer>, Error>| {
        send.send(index_of(&answer.unwrap()[0])).unwrap();
    });
    assert!(trail.enqueue(batch(1..2), reply).unwrap(), "the next one drains again");
    trail.drain();
    assert_eq!(receive.try_recv().unwrap(), 1);
}

/// A draft with values that are kept beside the log, of so many bytes each.
fn large(number: u64, params: usize, native: usize) -> event::Draft {
    let params = format!(r#"{{"big":"{}"}}"#, "x".repeat(params));
    let json = event_json(number).replace(&format!(r#"{{"n":{number}}}"#), &params);
    let native = format!("\"{}\"", "y".repeat(native));
    let native = event::Json::parse(&native).unwrap();
    event::Draft::new(&event::Event::parse(&json).unwrap(), Some(&native), &mut || [9; 32]).unwrap()
}

#[test]
fn what_is_detached_counts_so_that_no_frame_is_too_large() {
    const MEBIBYTE: usize = 1024 * 1024;
    let world = World::new();
    let trail = Arc::new(world.create());
    let (send, receive) = std::sync::mpsc::channel();
    for number in 0..14 {
        let send = send.clone();
        let reply = Box::new(move |answer: Result<Vec<Answer>, Error>| {
            send.send(answer.is_ok()).unwrap();
        });
        let draft = large(number, 4 * MEBIBYTE, MEBIBYTE);
        assert!(draft.size_bytes() > 5 * MEBIBYTE && draft.entry_bytes() < 4_096);
        let batch = batch_of(vec![draft]);
        if number < 12 {
            trail.enqueue(batch, reply).unwrap();
        } else {
            assert!(matches!(trail.enqueue(batch, reply), Err(Error::Busy)), "{number}");
        }
    }
    trail.drain();
    assert_eq!(receive.try_iter().collect::<Vec<_>>(), [true; 12]);
    assert_eq!(trail.read(0, 12).unwrap().len(), 1, "one read gives so many bytes");
    for number in 14..30 {
        trail.append(batch_of(vec![large(number, MEBIBYTE, 20_000)])).unwrap();
    }
    assert_eq!(trail.read(12, 16).unwrap().len(), 4, "or a few more events that are smaller");
    assert_eq!(trail.read_many(&(12..28).collect::<Vec<_>>()).unwrap().len(), 16);
}

#[test]
fn all_that_an_event_may_have_detached_is_readable_when_it_is_published() {
    let world = World::new();
    let trail = world.create();
    let draft = large(0, 5_000_000, 20_000_000);
    let size = draft.size_bytes();
    trail.append(batch_of(vec![draft])).unwrap();
    trail.publish().unwrap();
    trail.rest();
    assert!(trail.read_many(&[0]).unwrap()[0].size_bytes() >= size);
    assert!(world.check().is_sound());
}

#[test]
fn what_is_decided_on_the_spot_knows_its_index_and_its_time() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 3);
    let now = world.clock.wall.load(Ordering::SeqCst);
    let decide = |next, at| {
        assert_eq!((next, at), (3, now));
        // What is below can be read meanwhile.
        assert_eq!(trail.read_many(&[2])?.len(), 1);
        Ok(Some(batch(7..8)))
    };
    let answers = trail.append_when(decide).unwrap().unwrap();
    assert_eq!(index_of(&answers[0]), 3);
    assert!(trail.append_when(|_, _| Ok(None)).unwrap().is_none());
    let refused = trail.append_when(|_, _| Err(Error::Busy));
    assert!(matches!(refused, Err(Error::Busy)));
    assert_eq!(trail.committed_size(), 4);

    let find = |trail: &trail::Trail| {
        assert_eq!(trail.index_of("test", "e-7").unwrap(), Some(3));
        assert_eq!(trail.index_of("test", "e-1").unwrap(), Some(1));
        assert_eq!(trail.index_of("test", "e-9").unwrap(), None);
        assert_eq!(trail.index_of("other", "e-7").unwrap(), None);
    };
    find(&trail);
    trail.publish().unwrap();
    find(&trail);
    drop(trail);
    find(&world.open().unwrap().0);
}

#[test]
fn the_last_checkpoint_of_a_day_is_there_once_the_next_day_is_published() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 300);
    trail.publish().unwrap();
    let day = event::format_micros(world.clock.wall.load(Ordering::SeqCst));
    let day = day.split('T').next().unwrap();
    assert!(trail.last_checkpoint_of(day).unwrap().is_none(), "the day goes on");
    fill(&trail, 300, 310);
    world.clock.advance(24 * 3_600_000_000);
    fill(&trail, 310, 312);
    trail.publish().unwrap();
    let kept = trail.last_checkpoint_of(day).unwrap().unwrap();
    assert_eq!(kept.checkpoint.size().get(), 310);
    assert!(trail.last_checkpoint_of("2001-01-01").unwrap().is_none());

    let path = store::ObjectPath::new(format!("trails/lab/checkpoints/{day}")).unwrap();
    let forged = kept.note.replace("\n310\n", "\n309\n");
    store::Store::replace(&world.store, &path, forged.as_bytes()).unwrap();
    assert!(matches!(trail.last_checkpoint_of(day), Err(Error::Corrupt(_))));
}
