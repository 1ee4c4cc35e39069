//! Days and faults that nobody thought of. A failure prints the day and its faults, cut down to what
//! is needed; the same input fails again.

use proptest::prelude::*;
use sim::Fault;

use crate::world::{Step, World};

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..400, 1_u64..60).prop_map(|(from, count)| Step::Append(from, from + count)),
        1 => (1000_u64..1003).prop_map(Step::AppendLarge),
        3 => Just(Step::Publish),
        1 => (1_i64..40).prop_map(Step::Hours),
        1 => (1_i64..40).prop_map(Step::Suspend),
        1 => Just(Step::Rest),
        1 => Just(Step::Restart),
    ]
}

fn fault() -> impl Strategy<Value = (u64, Fault)> {
    (0_u64..90, prop::sample::select(Fault::ALL.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_doubled_on_any_day(
        script in prop::collection::vec(step(), 1..20),
        faults in prop::collection::vec(fault(), 0..5),
        loses_ids: bool,
    ) {
        let mut world = World::new(loses_ids);
        for (operation, fault) in faults {
            world.store.arm(operation, fault);
        }
        world.run(&script);
    }
}
