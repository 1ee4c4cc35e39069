//! What every store must do, as functions that panic where one does not.
//!
//! [`contract_tests!`](crate::contract_tests) makes each of them a test of its own:
//!
//! ```ignore
//! mod memory {
//!     store::contract_tests!(super::MemorySubject::default());
//! }
//! ```

mod journals;
mod objects;

use std::sync::Arc;

use crate::{ObjectPath, Store};

pub use journals::*;
pub use objects::*;

/// A store under test, empty to begin with, whose bytes can also be reached behind its back.
pub trait Subject {
    /// Opens the store; what was opened before has been dropped, and its bytes are still there.
    fn open(&self) -> Arc<dyn Store>;
    /// The bytes at a path, which is there.
    fn read_raw(&self, path: &ObjectPath) -> Vec<u8>;
    /// Puts bytes at a path, whatever was there.
    fn write_raw(&self, path: &ObjectPath, bytes: &[u8]);
    /// Takes away what is at a path.
    fn remove_raw(&self, path: &ObjectPath);
}

/// Makes a test of each function of the contract, for a subject that an expression makes.
#[macro_export]
macro_rules! contract_tests {
    ($subject:expr) => {
        $crate::contract_tests! { $subject;
            an_object_is_created_once
            a_batch_of_many_is_created_whole
            a_batch_that_conflicts_creates_nothing
            a_batch_may_name_an_object_twice
            objects_are_listed_below_their_folder
            an_object_and_a_folder_never_share_a_name
            a_replaced_object_has_the_last_bytes
            removed_objects_are_gone
            a_journal_is_created_once
            a_folder_without_a_journal_has_none
            a_commit_needs_the_current_head
            everything_committed_is_replayed_in_order
            a_frame_has_limits
            a_new_segment_goes_on_from_the_head
            retired_segments_are_gone
            a_torn_last_frame_is_reported_and_cut
            tails_from_one_place_are_all_set_aside
            a_flipped_byte_in_the_last_frame_is_damage
            a_segment_may_end_in_padding
            a_byte_in_padding_is_noticed
            a_frame_cut_short_in_padding_is_torn
            a_flipped_byte_before_the_last_frame_is_damage
            a_frame_that_moved_is_damage
            a_lost_segment_is_damage
            a_damaged_header_is_damage
            segments_that_do_not_continue_are_damage
            a_writer_left_behind_is_refused
        }
    };
    ($subject:expr; $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::contract::$name(&$subject);
            }
        )*
    };
}

/// A path that is known to be well-formed.
fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).expect("the contract's own paths are well-formed")
}
