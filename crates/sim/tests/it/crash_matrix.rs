//! Every store operation of a day, with every fault; and then a second death during recovery.
#![expect(clippy::print_stderr, reason = "a failing day tells its whole story")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::Fault;

use crate::world::{Step, World};

/// A day in which everything happens that touches the store: bundles and tiles that fill, partial
/// ones that are outgrown, openings, a day's last checkpoint, cold caches, a clean restart, a retry.
const DAY: &[Step] = &[
    Step::Append(0, 3),
    Step::Publish,
    Step::Append(3, 200),
    Step::AppendLarge(200),
    Step::Append(201, 255),
    Step::Publish,
    Step::Append(255, 256),
    Step::Append(1, 3),
    Step::Publish,
    Step::Hours(30),
    Step::Rest,
    Step::Append(256, 257),
    Step::Suspend(9),
    Step::Append(257, 262),
    Step::Publish,
    Step::Append(262, 264),
    Step::Restart,
    Step::Append(260, 266),
    Step::AppendLarge(200),
    Step::Publish,
];

/// The operations of a day without faults.
fn operations() -> u64 {
    let mut world = World::new(false);
    world.run(DAY);
    world.store.operations()
}

/// Lives the day with faults in the store.
fn live(faults: &[(u64, Fault)], loses_ids: bool) {
    let mut world = World::new(loses_ids);
    for (operation, fault) in faults {
        world.store.arm(*operation, *fault);
    }
    tell(&mut world, &format!("{faults:?}, the id index is lost: {loses_ids}"));
}

/// Lives the day, and tells the whole story if something breaks.
fn tell(world: &mut World, faults: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| world.run(DAY))) {
        eprintln!("{}faults: {faults}", world.story());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_day_is_the_same_every_time() {
    let mut days = [World::new(false), World::new(false)];
    for world in &mut days {
        world.run(DAY);
    }
    let [one, other] = days;
    assert_eq!(one.story(), other.story());
    assert!(one.store.operations() > 50, "{}", one.story());
}

#[test]
fn nothing_is_lost_or_doubled_whatever_fails_whenever() {
    for operation in 0..operations() {
        for fault in Fault::ALL {
            live(&[(operation, fault)], operation % 2 == 0);
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_when_recovery_dies_as_well() {
    for operation in 0..operations() {
        for (first, second) in [
            (Fault::DiesMidway, Fault::DiesAfter),
            (Fault::UnknownAndDone, Fault::DiesMidway),
            (Fault::DiesAfter, Fault::UnknownAndNot),
        ] {
            // Recovery begins with the operation after the first fault.
            for later in [1, 2, 4, 8] {
                live(&[(operation, first), (operation + later, second)], later % 2 == 0);
            }
        }
    }
}

#[test]
fn nothing_is_doubled_when_the_id_index_fails() {
    let mut world = World::new(false);
    world.run(DAY);
    assert!(world.ids_calls() >= 20);
    for call in 0..world.ids_calls() {
        tell(&mut World::with_failing_ids(call), &format!("the id index at its call {call}"));
    }
}

/// A process that died may have replaced the checkpoint and not made that durable. Then the next must
/// not remove what only the older checkpoint needs before it has.
#[test]
fn a_start_after_a_crash_settles_the_checkpoint_before_it_removes_anything() {
    let mut world = World::new(false);
    let script = [Step::Append(0, 3), Step::Publish, Step::Append(3, 9), Step::Publish];
    world.run(&script);
    let trace = world.store.trace();
    let replaced = trace.iter().rposition(|line| line.starts_with("replace")).unwrap();
    let mut world = World::new(false);
    world.store.arm(replaced as u64, Fault::DiesAfter);
    world.run(&script);
    let trace = world.store.trace();
    let life = trace.get(replaced + 1..).unwrap();
    let of = |name: &str| life.iter().position(|line| line.starts_with(name));
    let settled = of("create trails/lab/checkpoint");
    assert!(settled.is_some() && of("remove") > settled, "{life:?}");
}
