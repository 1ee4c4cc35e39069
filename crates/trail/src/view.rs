//! What readers see of a trail: the published tree, and the committed events that are not in it yet.

use std::collections::VecDeque;
use std::sync::Arc;

use tlog::Checkpoint;

use crate::stage::Chunk;

/// Committed chunks that stay in memory after they were published, for the followers close behind.
const WARM_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A published checkpoint and its note.
#[derive(Clone, Debug)]
pub struct Published {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note, byte for byte.
    pub note: Arc<str>,
}

/// The published tree and the tail.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) published: Arc<Published>,
    pub(crate) committed_size: u64,
    /// Committed chunks without a gap, oldest first; the last one ends at `committed_size`.
    tail: VecDeque<Arc<Chunk>>,
    tail_bytes: usize,
    unpublished_bytes: usize,
}

impl View {
    pub(crate) fn new(published: Published, committed_size: u64) -> Self {
        let published = Arc::new(published);
        Self {
            published,
            committed_size,
            tail: VecDeque::new(),
            tail_bytes: 0,
            unpublished_bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, chunk: Arc<Chunk>) {
        self.committed_size = chunk.end();
        let bytes = chunk.size_bytes();
        self.tail_bytes += bytes;
        if chunk.end() > self.published.checkpoint.size().get() {
            self.unpublished_bytes += bytes;
        }
        self.tail.push_back(chunk);
    }

    /// The chunk that has this index, if it is in memory.
    pub(crate) fn chunk(&self, index: u64) -> Option<&Arc<Chunk>> {
        let after = self.tail.partition_point(|chunk| chunk.end() <= index);
        self.tail.get(after).filter(|chunk| chunk.first <= index)
    }

    /// The chunks from an index on that are in memory.
    pub(crate) fn chunks_from(&self, index: u64) -> Vec<Arc<Chunk>> {
        let after = self.tail.partition_point(|chunk| chunk.end() <= index);
        self.tail.iter().skip(after).cloned().collect()
    }

    /// Bytes that are committed but not yet published.
    pub(crate) fn unpublished_bytes(&self) -> usize {
        self.unpublished_bytes
    }

    /// Takes a new checkpoint, and drops chunks below it that are too many to stay.
    pub(crate) fn publish(&mut self, published: Published) {
        let size = published.checkpoint.size().get();
        let after = self.tail.partition_point(|chunk| chunk.end() <= size);
        self.unpublished_bytes = self.tail.iter().skip(after).map(|chunk| chunk.size_bytes()).sum();
        self.published = Arc::new(published);
        self.trim(WARM_BYTES_MAX);
    }

    /// Drops published chunks until the tail has at most this many bytes.
    pub(crate) fn trim(&mut self, bytes_max: usize) {
        let size = self.published.checkpoint.size().get();
        while self.tail_bytes > bytes_max {
            let Some(chunk) = self.tail.pop_front_if(|chunk| chunk.end() <= size) else { break };
            self.tail_bytes -= chunk.size_bytes();
        }
    }
}
