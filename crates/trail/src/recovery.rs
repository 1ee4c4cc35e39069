//! How a trail is made, and how it is opened: after a clean stop and after a crash alike.

use std::sync::{Arc, Mutex, OnceLock, RwLock};

use store::{Journal, Object, Replay, Store};
use tlog::{Checkpoint, Frontier, TreeSize};
use tokio::sync::watch;

use crate::corruption::PUBLISHED;
use crate::head::Head;
use crate::layout::Layout;
use crate::publish::Publisher;
use crate::queue::Queue;
use crate::stage::Chunk;
use crate::trail::{lock, mark};
use crate::view::View;
use crate::writer::Writer;
use crate::{Corruption, Error, Feed, Keys, Options, Published, REMEMBERED, Surroundings, Trail};

/// Entries that are read at once while the id index catches up.
const CATCH_UP_COUNT: usize = 4_096;

/// What opening a trail found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Events that had been committed but not published.
    pub republished: u64,
    /// An incomplete last frame that was cut, with its place. It was never acknowledged, or no
    /// published checkpoint covers it; its bytes are kept beside the journal.
    pub cut: Option<store::Torn>,
    /// Tails that were cut earlier.
    pub set_aside: Vec<String>,
}

impl Trail {
    /// Makes a new, empty trail in a store and publishes its empty checkpoint.
    ///
    /// # Errors
    /// [`store::Error::Conflict`] where there is one already.
    pub fn create(
        store: Arc<dyn Store>,
        slug: &str,
        origin: &str,
        keys: Keys,
        around: Surroundings,
        options: Options,
    ) -> Result<Self, Error> {
        let layout = Layout::new(Self::folder(slug)?);
        let head = Head::EMPTY.encode(origin, &keys);
        drop(store.create_journal(&layout.journal(), &head)?);
        Self::open(store, slug, origin, keys, around, options).map(|(trail, _)| trail)
    }

    /// Opens a trail: verifies the journal and the right edge, replays what was committed, finishes
    /// publishing, and brings the id index up to date.
    ///
    /// # Errors
    /// [`Error::Corrupt`] names what contradicts itself; nothing was changed then.
    pub fn open(
        store: Arc<dyn Store>,
        slug: &str,
        origin: &str,
        keys: Keys,
        around: Surroundings,
        options: Options,
    ) -> Result<(Self, Recovery), Error> {
        let layout = Layout::new(Self::folder(slug)?);
        let journal_path = layout.journal().to_string();
        let (journal, replay) = store
            .open_journal(&layout.journal())?
            .ok_or_else(|| Corruption::Missing { path: journal_path.clone() })?;
        let (published, is_there) = read_published(&*store, &layout, origin, &keys, &replay)?;
        let replayed = Replayed::new(&replay, origin, &keys, &published.checkpoint, &journal_path)?;
        refuse_rollback(&around, &keys, origin, &published.checkpoint)?;
        let recovery = Recovery {
            republished: replayed.head.size.get() - published.checkpoint.size().get(),
            cut: replay.torn.clone(),
            set_aside: replay.set_aside.iter().map(ToString::to_string).collect(),
        };
        let trail = Self::assemble(
            store, layout, origin, keys, around, options, published, &replayed, journal,
        );
        trail.replay(replayed)?;
        if !is_there {
            let note = trail.published();
            trail.store.replace(&trail.layout.checkpoint(), note.note.as_bytes())?;
        }
        if replay.torn.is_some() {
            lock(&trail.writer).cut()?;
        }
        if !replay.frames.is_empty() {
            trail.settle()?;
        }
        // The ids last: what they say is recorded must be durable before they do.
        match trail.publish() {
            // What is recorded can be read all the same, and is published when there is space.
            Err(Error::Full(_)) => {
                tracing::warn!(%origin, "the disk is full: nothing is published");
            }
            published => drop(published?),
        }
        trail.catch_up_ids()?;
        trail.sweep()?;
        Ok((trail, recovery))
    }

    /// Whether a trail was left as a clean stop leaves it. One that was not has to be opened to be
    /// whole again.
    ///
    /// # Errors
    /// When the journal cannot be read, or is damaged.
    pub fn is_at_rest(store: &dyn Store, slug: &str) -> Result<bool, Error> {
        let folder = Layout::new(Self::folder(slug)?).journal();
        let opened = store.open_journal(&folder)?;
        let (_, replay) = opened.ok_or_else(|| Corruption::Missing { path: folder.to_string() })?;
        Ok(replay.frames.is_empty() && replay.torn.is_none())
    }

    #[expect(clippy::too_many_arguments, reason = "each is one field of the trail")]
    fn assemble(
        store: Arc<dyn Store>,
        layout: Layout,
        origin: &str,
        keys: Keys,
        around: Surroundings,
        options: Options,
        published: Published,
        replayed: &Replayed,
        journal: Box<dyn Journal>,
    ) -> Self {
        let size = published.checkpoint.size();
        let writer = Writer::new(
            journal,
            replayed.head.clone(),
            replayed.head_bytes.clone(),
            Frontier::new(),
        );
        Self {
            origin: origin.to_owned(),
            mark: mark(&keys.verifier()),
            keys,
            layout,
            store,
            around,
            options,
            stopped: writer.stopped(),
            writer: Mutex::new(writer),
            publisher: Mutex::new(Publisher::new(replayed.published_at_micros)),
            view: RwLock::new(View::new(published, size.get())),
            edge: Mutex::default(),
            queue: Mutex::new(Queue::default()),
            listener: OnceLock::new(),
            committed: watch::Sender::new(replayed.head.size.get()),
            published: watch::Sender::new(size.get()),
        }
    }

    /// Makes durable the checkpoint that was read: a process that died may have given it its name and
    /// not yet made that durable. What only an older one needs is removed after this. To create what
    /// is there already needs no space.
    fn settle(&self) -> Result<(), Error> {
        let bytes = self.published().note.as_bytes().to_vec().into();
        Ok(self.store.create(&[Object { path: self.layout.checkpoint(), bytes }])?)
    }

    /// Verifies the right edge, and each replayed chunk against the head that it leads to.
    fn replay(&self, replayed: Replayed) -> Result<(), Error> {
        let published = self.published();
        let tiles = self.load_tiles(published.checkpoint.size(), published.checkpoint.root())?;
        let mut frontier = tiles.frontier().clone();
        let detached = || Corruption::JournalDetached { path: self.layout.journal().to_string() };
        for (head, stage) in replayed.frames {
            let first = frontier.size().get();
            let (mut chunk, leaves) = Chunk::decode(first, &stage).ok_or_else(detached)?;
            for leaf in leaves {
                frontier.push(leaf);
            }
            if frontier.size() != head.size || frontier.root() != head.root {
                return Err(detached().into());
            }
            // The head is authentic, and so are the entries that lead to it; what is beside them is
            // believed as they commit to it.
            if let Some((index, at)) = chunk.unadmitted() {
                let path = self.layout.journal().to_string();
                return Err(Corruption::OpeningMismatch { path, index, at }.into());
            }
            chunk.keys = self.keys_of(&chunk);
            self.admit(chunk);
        }
        let mut writer = lock(&self.writer);
        if frontier.size() != writer.head().size || frontier.root() != writer.head().root {
            return Err(detached().into());
        }
        writer.begin(frontier);
        Ok(())
    }

    fn keys_of(&self, chunk: &Chunk) -> Vec<(crate::IdKey, u64)> {
        (chunk.first..)
            .zip(chunk.entries())
            .filter_map(|(index, entry)| Some((self.key_of(&entry)?, index)))
            .collect()
    }

    /// The key in the id index of an entry, if it has an id.
    fn key_of(&self, entry: &[u8]) -> Option<crate::IdKey> {
        let entry = event::Entry::parse(std::str::from_utf8(entry).ok()?).ok()?;
        let id = entry.event.id?;
        Some(self.id_key(event::id_key(&entry.event.source.system, &id)))
    }

    /// Brings the id index up to the committed size.
    pub(crate) fn catch_up_ids(&self) -> Result<(), Error> {
        let size = self.committed_size();
        let mut done = self.around.ids.projected_size(&self.mark).map_err(Error::Ids)?;
        if done > size {
            let witness = "the id index in the data directory";
            return Err(Corruption::SizeWentBack { witness, from: done, to: size }.into());
        }
        while done < size {
            let run = self.read(done, CATCH_UP_COUNT)?;
            let keys: Vec<_> = run
                .iter()
                .filter_map(|recorded| Some((self.key_of(&recorded.entry)?, recorded.index)))
                .collect();
            done += run.len() as u64;
            self.around.ids.extend(&self.mark, &keys, done).map_err(Error::Ids)?;
            // It is asked, to say so when it could write nothing for long and can hold no more.
            self.around.ids.projected_size(&self.mark).map_err(Error::Ids)?;
        }
        Ok(())
    }

    /// Removes partial objects of sizes that are no longer published: a crash may have left them.
    fn sweep(&self) -> Result<(), Error> {
        let kept = self.layout.partials(self.published().checkpoint.size());
        let mut gone = self.store.list(&self.layout.folder().join("tile")?)?;
        gone.retain(|path| {
            path.parent().is_some_and(|parent| parent.name().contains(".p")) && !kept.contains(path)
        });
        Ok(self.store.remove(&gone)?)
    }
}

/// The journal's heads, checked, from the published size on.
struct Replayed {
    head: Head,
    head_bytes: Vec<u8>,
    /// Frames beyond the published size.
    frames: Vec<(Head, bytes::Bytes)>,
    published_at_micros: i64,
}

impl Replayed {
    fn new(
        replay: &Replay,
        origin: &str,
        keys: &Keys,
        published: &Checkpoint,
        path: &str,
    ) -> Result<Self, Error> {
        let forged = || Corruption::HeadForged { path: path.to_owned() };
        let mut head = Head::decode(&replay.base, origin, keys).ok_or_else(forged)?;
        let mut head_bytes = replay.base.to_vec();
        if head.size > published.size() {
            return Err(Corruption::JournalDetached { path: path.to_owned() }.into());
        }
        let mut published_at_micros = None;
        let mut note_published = |head: &Head| {
            if head.size == published.size() {
                published_at_micros = Some(head.recorded_at_micros);
                return head.root == published.root();
            }
            true
        };
        let mut sound = note_published(&head);
        let mut frames = Vec::new();
        for frame in &replay.frames {
            let next = Head::decode(&frame.head, origin, keys).ok_or_else(forged)?;
            sound &= next.size > head.size && note_published(&next);
            if next.size > published.size() {
                frames.push((next.clone(), frame.stage.clone()));
            }
            (head, head_bytes) = (next, frame.head.to_vec());
        }
        if head.size < published.size() {
            let (from, to) = (published.size().get(), head.size.get());
            return Err(Corruption::SizeWentBack { witness: PUBLISHED, from, to }.into());
        }
        let Some(published_at_micros) = published_at_micros.filter(|_| sound) else {
            return Err(Corruption::JournalDetached { path: path.to_owned() }.into());
        };
        Ok(Self { head, head_bytes, frames, published_at_micros })
    }
}

/// The public checkpoint, verified. A trail that was made but never published has none yet: then it is
/// the empty one, which is not written before all else is known to be right. Also whether it is there.
fn read_published(
    store: &dyn Store,
    layout: &Layout,
    origin: &str,
    keys: &Keys,
    replay: &Replay,
) -> Result<(Published, bool), Error> {
    let path = layout.checkpoint();
    if let Some(note) = store.get(&path)? {
        return open_note(&note, origin, keys, path.as_str())
            .map(|read| (read, true))
            .map_err(Into::into);
    }
    let base = Head::decode(&replay.base, origin, keys);
    if base.is_none_or(|base| base.size > TreeSize::ZERO) {
        return Err(Corruption::Missing { path: path.to_string() }.into());
    }
    let checkpoint = Checkpoint::new(origin, TreeSize::ZERO, tlog::Hash::EMPTY_ROOT)
        .map_err(|_| Error::Stopped)?;
    let note = checkpoint.sign(std::slice::from_ref(keys.signing()));
    Ok((Published { checkpoint, note: note.into() }, false))
}

fn open_note(note: &[u8], origin: &str, keys: &Keys, path: &str) -> Result<Published, Corruption> {
    let unsigned = || Corruption::CheckpointUnsigned { path: path.to_owned() };
    let note = std::str::from_utf8(note).map_err(|_| unsigned())?;
    let checkpoint =
        Checkpoint::open(note, Some(origin), &[keys.verifier()]).map_err(|_| unsigned())?;
    Ok(Published { checkpoint, note: note.into() })
}

/// Refuses a trail that is shorter than the checkpoint remembered outside of it.
fn refuse_rollback(
    around: &Surroundings,
    keys: &Keys,
    origin: &str,
    published: &Checkpoint,
) -> Result<(), Error> {
    let vkey = keys.verifier().to_string();
    let remembered = around.watermark.recall(&vkey).map_err(|source| {
        Error::Unavailable(store::Error::Refused { path: REMEMBERED.into(), source })
    })?;
    let Some(note) = remembered else { return Ok(()) };
    let known = open_note(note.as_bytes(), origin, keys, REMEMBERED)?.checkpoint;
    if known.size() > published.size() {
        let (from, to) = (known.size().get(), published.size().get());
        return Err(Corruption::SizeWentBack { witness: REMEMBERED, from, to }.into());
    }
    if known.size() == published.size() && known.root() != published.root() {
        let path = REMEMBERED.to_owned();
        return Err(Corruption::RootMismatch { path, size: known.size().get() }.into());
    }
    Ok(())
}
