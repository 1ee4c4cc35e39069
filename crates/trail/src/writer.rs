//! The only place where a trail grows: stage, then commit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use event::{Entry, Stamp};
use store::Journal;
use tlog::{Frontier, Hash, TreeSize};

use crate::head::Head;
use crate::ids::IdKey;
use crate::stage::{Chunk, Stage};
use crate::time_keeper::TimeKeeper;
use crate::trail::lock;
use crate::{Answer, Batch, Error, Recorded, Trail};

/// The state that only the thread which appends may touch.
#[derive(Debug)]
pub(crate) struct Writer {
    journal: Box<dyn Journal>,
    head: Head,
    head_bytes: Vec<u8>,
    frontier: Frontier,
    time: TimeKeeper,
    /// Keys of committed events that the id index does not have yet.
    fresh_ids: HashMap<IdKey, u64>,
    /// The newest segment, and the size that it begins behind.
    rotated: Option<(TreeSize, u64)>,
    /// There was no space to set a bad tail aside: it is cut before anything else is written.
    uncut: bool,
    /// Shared with the trail, which tells it while this is busy.
    stopped: Arc<AtomicBool>,
}

/// What will happen to one event of a batch, before anything happens.
enum Plan {
    New,
    Replay(u64, Hash),
    /// The same event stands earlier in this batch.
    Twin(usize),
    Different(Option<u64>),
}

/// Recorded events that are read together, because what is told again comes in its old order.
#[derive(Debug, Default)]
struct Ahead {
    run: Vec<Recorded>,
    /// The index after the one that was asked for last.
    next: Option<u64>,
}

/// How many events are read at once when they are asked for one after the other. Each may have
/// megabytes that were detached from it.
const AHEAD_COUNT: usize = 16;

impl Ahead {
    fn read(&mut self, trail: &Trail, index: u64) -> Result<Option<&Recorded>, Error> {
        let in_order = self.next.replace(index.saturating_add(1)) == Some(index);
        if !self.run.iter().any(|recorded| recorded.index == index) {
            self.run.clear();
            let count = if in_order { AHEAD_COUNT } else { 1 };
            trail.read_run(index, count, &mut self.run)?;
        }
        Ok(self.run.iter().find(|recorded| recorded.index == index))
    }
}

impl Writer {
    pub(crate) fn new(
        journal: Box<dyn Journal>,
        head: Head,
        head_bytes: Vec<u8>,
        frontier: Frontier,
    ) -> Self {
        let time = TimeKeeper::new(head.recorded_at_micros);
        let fresh_ids = HashMap::new();
        let (rotated, uncut, stopped) = (None, false, Arc::default());
        Self { journal, head, head_bytes, frontier, time, fresh_ids, rotated, uncut, stopped }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether it is stopped, for those who must not wait for it.
    pub(crate) fn stopped(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopped)
    }

    /// Takes the tree that the head names, once recovery has verified it.
    pub(crate) fn begin(&mut self, frontier: Frontier) {
        self.frontier = frontier;
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Cuts a bad tail of the journal, if there is one. On a full disk that is left for later: what is
    /// recorded can be read meanwhile.
    pub(crate) fn cut(&mut self) -> Result<(), Error> {
        self.uncut = true;
        match self.cut_first() {
            Err(Error::Full(_)) => Ok(()),
            cut => cut,
        }
    }

    /// Cuts what could not be cut at the start.
    fn cut_first(&mut self) -> Result<(), Error> {
        if self.uncut {
            self.journal.cut().inspect_err(|error| self.notice(error))?;
            self.uncut = false;
        }
        Ok(())
    }

    /// Begins a journal segment for what comes after the head, and gives the head and its number. One
    /// that has nothing yet is taken again: who cannot publish tries every second.
    pub(crate) fn rotate(&mut self) -> Result<(Head, u64), Error> {
        if self.is_stopped() {
            return Err(Error::Stopped);
        }
        self.cut_first()?;
        let size = self.head.size;
        let segment = match self.rotated {
            Some((begins, segment)) if begins == size => segment,
            _ => self.journal.rotate().inspect_err(|error| self.notice(error))?,
        };
        self.rotated = Some((size, segment));
        Ok((self.head.clone(), segment))
    }

    /// Drops the journal's segments below one, and the keys that the id index now has.
    pub(crate) fn retire(&mut self, segment: u64, projected_size: u64) -> Result<(), Error> {
        self.journal.retire(segment).inspect_err(|error| self.notice(error))?;
        self.fresh_ids.retain(|_, index| *index >= projected_size);
        self.fresh_ids.shrink_to(4 * self.fresh_ids.len() + 64);
        Ok(())
    }

    fn notice(&self, error: &store::Error) {
        if matches!(error, store::Error::Unknown { .. } | store::Error::Conflict { .. }) {
            self.stop();
        }
    }

    /// Commits a stage as one frame and moves the head. On an error nothing moved.
    fn commit(&mut self, stage: &Stage, at_micros: i64, trail: &Trail) -> Result<(), Error> {
        self.cut_first()?;
        let mut frontier = self.frontier.clone();
        for leaf in &stage.leaves {
            frontier.push(*leaf);
        }
        let head = Head {
            size: TreeSize::new(stage.next_index()),
            root: frontier.root(),
            recorded_at_micros: at_micros,
        };
        let head_bytes = head.encode(&trail.origin, &trail.keys);
        let (before, after) = stage.frame_ends();
        self.journal
            .commit(&self.head_bytes, &[&before, &stage.framed, &after], &head_bytes)
            .inspect_err(|error| self.notice(error))?;
        (self.head, self.head_bytes, self.frontier) = (head, head_bytes, frontier);
        self.time.recorded(at_micros);
        Ok(())
    }
}

impl Trail {
    /// Appends batches as one frame: each is answered for itself, all that are new become durable
    /// together. Blocks on the disk.
    pub fn append_all(&self, batches: &[Batch]) -> Vec<Result<Vec<Answer>, Error>> {
        let mut writer = lock(&self.writer);
        match self.stage_and_commit(&mut writer, batches) {
            Ok(answers) => answers,
            Err(error) => {
                let again = |_: &Batch| Err(repeat(&error));
                batches.iter().map(again).collect()
            }
        }
    }

    /// Appends one batch. Blocks on the disk.
    ///
    /// # Errors
    /// Nothing was recorded, but for [`Error::Stopped`], where that is not known.
    pub fn append(&self, batch: Batch) -> Result<Vec<Answer>, Error> {
        self.append_all(&[batch]).pop().unwrap_or(Err(Error::Stopped))
    }

    /// Appends one batch that is decided when its place and its time are known: `decide` is given
    /// the index of the next entry and the time that it will be recorded at, in microseconds since
    /// the epoch. Nothing can come between the decision and the entry. Blocks on the disk.
    ///
    /// `decide` may read the trail below that index. It must neither append nor publish, and it
    /// holds up every append while it runs. `None` when it decides to append nothing.
    ///
    /// # Errors
    /// As [`Self::append`], and what `decide` fails with.
    pub fn append_when(
        &self,
        decide: impl FnOnce(u64, i64) -> Result<Option<Batch>, Error>,
    ) -> Result<Option<Vec<Answer>>, Error> {
        let mut writer = lock(&self.writer);
        let at_micros = self.ready(&writer)?;
        let Some(batch) = decide(writer.head.size.get(), at_micros)? else { return Ok(None) };
        let mut answers = self.stage_and_commit_at(&mut writer, &[batch], at_micros)?;
        answers.pop().unwrap_or(Err(Error::Stopped)).map(Some)
    }

    /// The index of the event with this source system and id, if it is recorded. Exact over the
    /// whole history.
    ///
    /// # Errors
    /// [`Error::Ids`].
    pub fn index_of(&self, system: &str, id: &str) -> Result<Option<u64>, Error> {
        let key = self.id_key(event::id_key(system, id));
        self.find(&lock(&self.writer), &HashMap::new(), &key)
    }

    fn stage_and_commit(
        &self,
        writer: &mut Writer,
        batches: &[Batch],
    ) -> Result<Vec<Result<Vec<Answer>, Error>>, Error> {
        let at_micros = self.ready(writer)?;
        self.stage_and_commit_at(writer, batches, at_micros)
    }

    /// Whether an append may begin now, and the time that it will be recorded at.
    fn ready(&self, writer: &Writer) -> Result<i64, Error> {
        if writer.is_stopped() {
            return Err(Error::Stopped);
        }
        if self.options.reserve_bytes > 0
            && self.store.free_bytes()?.is_some_and(|free| free < self.options.reserve_bytes)
        {
            return Err(Error::Full(None));
        }
        let look = self.around.clock.look();
        match look.ahead_micros.filter(|_| !self.options.goes_on) {
            Some(ahead) => Err(Error::ClockUntrusted { ahead_seconds: ahead / 1_000_000 }),
            None => Ok(writer.time.at(look)),
        }
    }

    fn stage_and_commit_at(
        &self,
        writer: &mut Writer,
        batches: &[Batch],
        at_micros: i64,
    ) -> Result<Vec<Result<Vec<Answer>, Error>>, Error> {
        let bytes = batches.iter().flat_map(|batch| &batch.drafts).map(|d| d.entry_bytes() + 256);
        let mut stage = Stage::new(writer.head.size.get(), bytes.sum());
        let mut ids = HashMap::new();
        let answers: Vec<_> = batches
            .iter()
            .map(|batch| self.stage(writer, &mut stage, &mut ids, batch, at_micros))
            .collect();
        if !stage.leaves.is_empty() {
            writer.commit(&stage, at_micros, self)?;
            writer.fresh_ids.extend(ids);
            let chunk = Arc::new(stage.into_chunk());
            let size = chunk.end();
            self.view.write().unwrap_or_else(PoisonError::into_inner).push(chunk);
            self.committed.send_replace(size);
            if let Some(listener) = self.listener.get() {
                (listener.0)();
            }
        }
        Ok(answers)
    }

    /// Adds what is new in a batch to the stage; or nothing, if the batch is refused.
    fn stage(
        &self,
        writer: &Writer,
        stage: &mut Stage,
        ids: &mut HashMap<IdKey, u64>,
        batch: &Batch,
        at_micros: i64,
    ) -> Result<Vec<Answer>, Error> {
        let plans = self.plan(writer, stage, ids, batch)?;
        let stamp = Stamp::new(at_micros, &batch.recorded_by, &batch.received);
        let mut answers: Vec<Answer> = Vec::with_capacity(plans.len());
        for (draft, plan) in batch.drafts.iter().zip(plans) {
            let answer = match plan {
                Plan::New => {
                    let (index, leaf_hash) = stage.push(|out| stamp.write(draft, out));
                    let openings = draft.openings().iter().map(|opening| (index, opening.clone()));
                    stage.openings.extend(openings);
                    if let Some(key) = draft.key().map(|key| self.id_key(key)) {
                        ids.insert(key, index);
                        stage.keys.push((key, index));
                    }
                    Answer::Recorded { index, leaf_hash, replayed: false }
                }
                Plan::Replay(index, leaf_hash) => {
                    Answer::Recorded { index, leaf_hash, replayed: true }
                }
                Plan::Twin(position) => match answers.get(position) {
                    Some(Answer::Recorded { index, leaf_hash, .. }) => {
                        let (index, leaf_hash) = (*index, *leaf_hash);
                        Answer::Recorded { index, leaf_hash, replayed: true }
                    }
                    _ => Answer::Different { index: None },
                },
                Plan::Different(index) => Answer::Different { index },
            };
            answers.push(answer);
        }
        Ok(answers)
    }

    fn plan(
        &self,
        writer: &Writer,
        stage: &Stage,
        ids: &HashMap<IdKey, u64>,
        batch: &Batch,
    ) -> Result<Vec<Plan>, Error> {
        let mut here: HashMap<IdKey, usize> = HashMap::with_capacity(batch.drafts.len());
        let mut plans = Vec::with_capacity(batch.drafts.len());
        let mut ahead = Ahead::default();
        for (position, draft) in batch.drafts.iter().enumerate() {
            let plan = match draft.key().map(|key| self.id_key(key)) {
                None => Plan::New,
                Some(key) => match self.find(writer, ids, &key)? {
                    Some(index) => match self.same_leaf(stage, index, draft, &mut ahead)? {
                        Some(leaf_hash) => Plan::Replay(index, leaf_hash),
                        None => Plan::Different(Some(index)),
                    },
                    None => match here.insert(key, position) {
                        None => Plan::New,
                        Some(first) => {
                            here.insert(key, first);
                            let same = batch.drafts.get(first).is_some_and(|twin| {
                                event::same(&twin.event_json(), &draft.event_json())
                            });
                            if same { Plan::Twin(first) } else { Plan::Different(None) }
                        }
                    },
                },
            };
            if let (Plan::Different(index), true) = (&plan, batch.atomic) {
                return Err(Error::Different { position, index: *index });
            }
            plans.push(plan);
        }
        Ok(plans)
    }

    fn find(
        &self,
        writer: &Writer,
        staged: &HashMap<IdKey, u64>,
        key: &IdKey,
    ) -> Result<Option<u64>, Error> {
        match staged.get(key).or_else(|| writer.fresh_ids.get(key)) {
            Some(index) => Ok(Some(*index)),
            // An index beyond the head was projected by a life of this trail that is gone.
            None => {
                let found = self.around.ids.find(key).map_err(Error::Ids)?;
                Ok(found.filter(|index| *index < writer.head.size.get()))
            }
        }
    }

    /// The leaf hash of the event at an index, if it is the one that a draft tells again.
    fn same_leaf(
        &self,
        stage: &Stage,
        index: u64,
        draft: &event::Draft,
        ahead: &mut Ahead,
    ) -> Result<Option<Hash>, Error> {
        let (text, leaf_hash) = if let Some(entry) = stage.entry(index) {
            let openings: Vec<_> = stage
                .openings
                .iter()
                .filter(|(at, _)| *at == index)
                .map(|(_, opening)| opening.clone())
                .collect();
            let text = event::Opening::restore(&String::from_utf8_lossy(entry), &openings);
            (text, tlog::leaf_hash(entry))
        } else {
            let missing = || Error::NoEvent { index, size: stage.first };
            let recorded = ahead.read(self, index)?.ok_or_else(missing)?;
            (recorded.text().into_owned(), tlog::leaf_hash(&recorded.entry))
        };
        let recorded = Entry::parse(&text).map(|entry| entry.event.to_json());
        let same = recorded.is_ok_and(|recorded| event::same(&recorded, &draft.event_json()));
        Ok(same.then_some(leaf_hash))
    }

    /// The key of an event in the id index that all trails share.
    pub(crate) fn id_key(&self, mut key: IdKey) -> IdKey {
        for (byte, other) in key.iter_mut().zip(self.mark) {
            *byte ^= other;
        }
        key
    }

    /// Takes a committed chunk into memory: on recovery.
    pub(crate) fn admit(&self, chunk: Chunk) {
        self.view.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(chunk));
    }
}

/// The same refusal for every batch of a group.
fn repeat(error: &Error) -> Error {
    match error {
        Error::Full(_) => Error::Full(None),
        Error::ClockUntrusted { ahead_seconds } => {
            Error::ClockUntrusted { ahead_seconds: *ahead_seconds }
        }
        Error::Corrupt(corruption) => Error::Corrupt(corruption.clone()),
        Error::Stopped => Error::Stopped,
        Error::Unavailable(store::Error::Refused { path, source }) => {
            let source = std::io::Error::new(source.kind(), source.to_string());
            Error::Unavailable(store::Error::Refused { path: path.clone(), source })
        }
        other => Error::Ids(std::io::Error::other(other.to_string())),
    }
}
