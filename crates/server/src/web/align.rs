//! Two lists laid side by side: what stayed, what went, what came.

/// The most cells of the table that is worked out. Beyond it, everything between the parts that
/// both ends have in common is replaced as a whole.
const CELLS_MAX: usize = 4_000_000;

/// One step from the old list to the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The items at these places are equal.
    Same(usize, usize),
    /// The old item at this place is gone.
    Removed(usize),
    /// The new item at this place was not there.
    Added(usize),
}

/// The shortest way from one list to the other; removals go before additions.
pub(crate) fn align<T: PartialEq>(old: &[T], new: &[T]) -> Vec<Step> {
    let head = old.iter().zip(new).take_while(|(one, other)| one == other).count();
    let (old_rest, new_rest) =
        (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(one, other)| one == other)
        .count();
    let old_middle = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut steps: Vec<Step> = (0..head).map(|at| Step::Same(at, at)).collect();
    middle(old_middle, new_middle, head, &mut steps);
    let (old_tail, new_tail) = (head + old_middle.len(), head + new_middle.len());
    steps.extend((0..tail).map(|at| Step::Same(old_tail + at, new_tail + at)));
    steps
}

/// The part between what both ends have in common, by the longest common subsequence.
fn middle<T: PartialEq>(old: &[T], new: &[T], offset: usize, steps: &mut Vec<Step>) {
    let width = new.len() + 1;
    let cells = (old.len() + 1).saturating_mul(width);
    if old.is_empty() || new.is_empty() || cells > CELLS_MAX {
        steps.extend((0..old.len()).map(|at| Step::Removed(offset + at)));
        steps.extend((0..new.len()).map(|at| Step::Added(offset + at)));
        return;
    }
    // lengths[i * width + j]: the longest common subsequence of old[i..] and new[j..].
    let mut lengths = vec![0_u32; cells];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let length = if one == other {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if old.get(i).is_some() && old.get(i) == new.get(j) {
            steps.push(Step::Same(offset + i, offset + j));
            i += 1;
            j += 1;
        } else if i < old.len()
            && (j == new.len() || at(&lengths, i + 1, j) >= at(&lengths, i, j + 1))
        {
            steps.push(Step::Removed(offset + i));
            i += 1;
        } else {
            steps.push(Step::Added(offset + j));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_stays_is_found() {
        let (old, new): (Vec<char>, Vec<char>) =
            ("abcd".chars().collect(), "axcd".chars().collect());
        assert_eq!(
            align(&old, &new),
            [
                Step::Same(0, 0),
                Step::Removed(1),
                Step::Added(1),
                Step::Same(2, 2),
                Step::Same(3, 3)
            ]
        );
    }

    proptest! {
        #[test]
        fn the_steps_rebuild_both_lists(old in "[abc]{0,12}", new in "[abc]{0,12}") {
            let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for step in align(&old, &new) {
                match step {
                    Step::Same(i, j) => {
                        prop_assert_eq!(old[i], new[j]);
                        left.push(old[i]);
                        right.push(new[j]);
                    }
                    Step::Removed(i) => left.push(old[i]),
                    Step::Added(j) => right.push(new[j]),
                }
            }
            prop_assert_eq!(left, old);
            prop_assert_eq!(right, new);
        }
    }
}
