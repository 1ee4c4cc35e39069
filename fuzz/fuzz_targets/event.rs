#![no_main]

use event::{Event, Items, Shape};

// What is read is written as JSON that reads as the same.
libfuzzer_sys::fuzz_target!(|text: &str| {
    for shape in [Shape::One, Shape::Lines, Shape::of_json(text)] {
        for event in Items::new(text, shape).flatten() {
            let json = event.to_json();
            let again = Event::parse(&json).expect("what was written is read again");
            assert_eq!(again, event);
        }
    }
});
