//! Walks a journal from the published tree on.

use store::Replay;
use tlog::{Checkpoint, Frontier, TreeSize};

use crate::Keys;
use crate::head::Head;
use crate::stage::Chunk;

/// Why a journal does not continue a published tree.
pub(crate) enum Walk {
    /// A head was not written by this trail.
    Forged,
    /// The frames do not lead from the published tree to their heads.
    Detached,
    /// What a frame has beside an entry is not what the entry commits to.
    Unopened { index: u64, at: String },
    /// The journal ends before the published tree does.
    Back { from: u64, to: u64 },
}

/// Checks every head and frame, and gives the sizes of the heads: the base's first, the committed
/// size last.
pub(crate) fn walk(
    replay: &Replay,
    origin: &str,
    keys: &Keys,
    checkpoint: Option<&Checkpoint>,
    mut frontier: Frontier,
) -> Result<Vec<TreeSize>, Walk> {
    let published = checkpoint.map_or(TreeSize::ZERO, Checkpoint::size);
    let mut head = Head::decode(&replay.base, origin, keys).ok_or(Walk::Forged)?;
    let mut met = head.size == published && head.root == frontier.root();
    let mut sizes = vec![head.size];
    for frame in &replay.frames {
        let next = Head::decode(&frame.head, origin, keys).ok_or(Walk::Forged)?;
        if next.size <= head.size {
            return Err(Walk::Detached);
        }
        if next.size == published {
            met = next.root == frontier.root();
        }
        if next.size > published {
            let (chunk, leaves) =
                Chunk::decode(frontier.size().get(), &frame.stage).ok_or(Walk::Detached)?;
            frontier.extend(leaves);
            if frontier.size() != next.size || frontier.root() != next.root {
                return Err(Walk::Detached);
            }
            if let Some((index, at)) = chunk.unadmitted() {
                return Err(Walk::Unopened { index, at });
            }
        }
        sizes.push(next.size);
        head = next;
    }
    if head.size < published {
        return Err(Walk::Back { from: published.get(), to: head.size.get() });
    }
    if met { Ok(sizes) } else { Err(Walk::Detached) }
}
