//! Making and opening an instance, and finding its trails.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use registry::{ACCESS_SLUG, Registry, SYSTEM_SLUG, Scope, Secret, Slug, TokenRecord, TrailRecord};
use search::{Projection, Scheduler};
use store::{Disk, Store};
use tokio::sync::Notify;
use trail::{
    Cache, Clock, DiskIds, Feed, FileWatermark, Options, Runs, Surroundings, SystemClock, Trail,
    WatchedClock,
};

use super::background::{OneAtATime, is_behind};
use super::checking::Checking;
use super::deposits::DepositWork;
use super::{InstanceError, keys};

/// How soon an event is in a signed checkpoint.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// Space that stays free for publishing and for the server's own trails.
const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// Inflated pieces of trails that are kept in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Threads that index, all trails together. They run at low priority.
const INDEX_THREADS: usize = 2;

/// Events read at once while the registry is folded.
const FOLD_COUNT: usize = 4_096;

/// What an instance needs to know beside its directory.
#[derive(Clone, Debug)]
pub struct InstanceOptions {
    /// Where the highest checkpoints are remembered, outside of the data directory.
    pub state_folder: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Appends stop while less space than this is free.
    pub reserve_bytes: u64,
    /// How often what is new is published, unless there is much of it.
    pub publish_every: Duration,
    /// Whether checkpoints, tiles and bundles can be read without a token.
    pub public_read_path: bool,
    /// The folders below which daily deposits may be put.
    pub deposit_roots: Vec<PathBuf>,
}

impl InstanceOptions {
    /// What a server uses unless it is told otherwise.
    pub fn new(state_folder: PathBuf) -> Self {
        Self {
            state_folder,
            clock: Arc::new(SystemClock::default()),
            reserve_bytes: RESERVE_BYTES,
            publish_every: PUBLISH_EVERY,
            public_read_path: false,
            deposit_roots: Vec::new(),
        }
    }
}

/// The folder for state that must not be copied with the data: `$XDG_STATE_HOME/indelible`, or
/// `~/.local/state/indelible`, or `/var/lib/indelible-state` where there is no home.
pub fn default_state_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".local/state")));
    base.map_or_else(|| PathBuf::from("/var/lib/indelible-state"), |base| base.join("indelible"))
}

/// A trail in use, and the projection that follows it.
#[derive(Debug)]
pub struct OpenTrail {
    /// Its short name.
    pub slug: Slug,
    /// The trail.
    pub trail: Arc<Trail>,
    /// Its search.
    pub projection: Arc<Projection>,
    /// What recovery did when it was opened.
    pub recovery: trail::Recovery,
    /// Whether somebody publishes it now.
    pub(super) publishing: OneAtATime,
}

/// A data directory, opened by one process.
#[derive(Debug)]
pub struct Instance {
    pub(super) directory: PathBuf,
    pub(super) options: InstanceOptions,
    pub(super) store: Arc<dyn Store>,
    pub(super) around: Surroundings,
    pub(super) origin: String,
    pub(super) registry: RwLock<Registry>,
    /// Held while configuration changes, so that changes are decided one after the other.
    pub(super) changing: Mutex<()>,
    pub(super) open: RwLock<HashMap<Slug, Arc<OpenTrail>>>,
    /// Held while a trail is opened, so that none is opened twice.
    opening: Mutex<()>,
    scheduler: Scheduler,
    /// Told when a trail has much to publish.
    pub(super) behind: Arc<Notify>,
    pub(super) deposit_work: DepositWork,
    pub(super) checking: Checking,
}

impl Instance {
    /// Makes a data directory with its built-in trails and a first token that may do everything.
    ///
    /// # Errors
    /// [`InstanceError::NotEmpty`] where there is anything already.
    pub fn init(
        directory: &Path,
        origin: &str,
        options: InstanceOptions,
    ) -> Result<(Arc<Self>, Secret), InstanceError> {
        check_origin(origin)?;
        // Events are for those who may read them, also on the machine itself.
        let mut maker = fs::DirBuilder::new();
        let made = maker.recursive(true).mode(0o700).create(directory);
        made.map_err(InstanceError::file(directory))?;
        let mut items = fs::read_dir(directory).map_err(InstanceError::file(directory))?;
        if items.next().is_some() {
            return Err(InstanceError::NotEmpty { path: directory.to_owned() });
        }
        make_private(directory)?;
        let store: Arc<dyn Store> = Arc::new(Disk::open(directory)?);
        let around = surroundings(directory, &options)?;
        for slug in [ACCESS_SLUG, SYSTEM_SLUG] {
            let slug = parse_built_in(slug);
            let origin = format!("{origin}/{slug}");
            let keys = keys::create(directory, &slug, &origin)?;
            let (store, around) = (Arc::clone(&store), around.clone());
            Trail::create(store, slug.as_str(), &origin, keys, around, options_of_built_in())?;
        }
        let instance = Self::assemble(directory, options, store, around, origin.to_owned())?;
        for slug in [SYSTEM_SLUG, ACCESS_SLUG] {
            instance.note_built_in(&parse_built_in(slug))?;
        }
        let scopes = Scope::ALL.to_vec();
        let (_, secret) = instance.create_token("init", None, scopes, None, &Self::operator())?;
        Ok((instance, secret))
    }

    /// Opens a data directory.
    ///
    /// # Errors
    /// [`InstanceError::NotInitialised`] where there is none; [`InstanceError::Denied`] where it is
    /// another user's; a `system` trail that does not verify.
    pub fn open(directory: &Path, options: InstanceOptions) -> Result<Arc<Self>, InstanceError> {
        let not_initialised = || InstanceError::NotInitialised { path: directory.to_owned() };
        match fs::metadata(directory.join("keys").join(SYSTEM_SLUG)) {
            Ok(about) if about.is_file() => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(InstanceError::Denied { path: directory.to_owned() });
            }
            _ => return Err(not_initialised()),
        }
        let store: Arc<dyn Store> = Arc::new(Disk::open(directory)?);
        let around = surroundings(directory, &options)?;
        let system = keys::read(directory, &parse_built_in(SYSTEM_SLUG))?;
        let name = system.verifier().name().to_owned();
        let origin = name.strip_suffix("/system").ok_or_else(not_initialised)?.to_owned();
        Self::assemble(directory, options, store, around, origin)
    }

    fn assemble(
        directory: &Path,
        options: InstanceOptions,
        store: Arc<dyn Store>,
        around: Surroundings,
        origin: String,
    ) -> Result<Arc<Self>, InstanceError> {
        let instance = Self {
            directory: directory.to_owned(),
            options,
            store,
            around,
            origin,
            registry: RwLock::default(),
            changing: Mutex::default(),
            open: RwLock::default(),
            opening: Mutex::default(),
            behind: Arc::new(Notify::new()),
            scheduler: Scheduler::start(INDEX_THREADS)
                .map_err(InstanceError::file("the search threads"))?,
            deposit_work: DepositWork::default(),
            checking: Checking::default(),
        };
        let system = instance.trail(&parse_built_in(SYSTEM_SLUG))?;
        let mut registry = Registry::default();
        let all = 0..system.trail.committed_size();
        for run in Runs::new(&*system.trail, all, FOLD_COUNT) {
            run?.iter().for_each(|recorded| registry.apply(recorded));
        }
        *instance.registry.write().unwrap_or_else(PoisonError::into_inner) = registry;
        Ok(Arc::new(instance))
    }

    /// The name that the origins of all trails begin with.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it was opened with.
    pub fn options(&self) -> &InstanceOptions {
        &self.options
    }

    /// The store, for reading what no trail accounts for.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Microseconds since the epoch.
    pub fn now_micros(&self) -> i64 {
        self.options.clock.now_micros()
    }

    /// The registry as it is now.
    pub fn registry(&self) -> std::sync::RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token that a client presents, if it may be used now.
    pub fn authenticate(&self, presented: &str) -> Option<Arc<TokenRecord>> {
        let now = self.now_micros();
        self.registry().authenticate(presented, now).map(Arc::clone)
    }

    /// Every trail, built-in ones too, by slug.
    pub fn trails(&self) -> Vec<Arc<TrailRecord>> {
        self.registry().trails().map(Arc::clone).collect()
    }

    /// The trails that are in use now.
    pub fn open_trails(&self) -> Vec<Arc<OpenTrail>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    /// A trail, opened when it is first asked for. Blocks on the disk then.
    ///
    /// # Errors
    /// [`InstanceError::NoTrail`], or what opening it found.
    pub fn trail(&self, slug: &Slug) -> Result<Arc<OpenTrail>, InstanceError> {
        if let Some(open) = self.find_open(slug) {
            return Ok(open);
        }
        let one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = self.find_open(slug) {
            return Ok(open);
        }
        if !slug.is_built_in() && self.registry().trail(slug).is_none() {
            return Err(InstanceError::NoTrail { slug: slug.clone() });
        }
        let open = Arc::new(self.open_trail(slug)?);
        let mut map = self.open.write().unwrap_or_else(PoisonError::into_inner);
        map.insert(slug.clone(), Arc::clone(&open));
        drop((map, one));
        self.note_recovery(slug, &open.recovery);
        Ok(open)
    }

    /// A trail that is in use already.
    pub fn find_open(&self, slug: &Slug) -> Option<Arc<OpenTrail>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(slug).map(Arc::clone)
    }

    fn open_trail(&self, slug: &Slug) -> Result<OpenTrail, InstanceError> {
        let keys = keys::read(&self.directory, slug)?;
        let origin = format!("{}/{slug}", self.origin);
        let (trail, recovery) = Trail::open(
            Arc::clone(&self.store),
            slug.as_str(),
            &origin,
            keys,
            self.around.clone(),
            self.trail_options(slug),
        )?;
        let trail = Arc::new(trail);
        let folder = self.directory.join("search").join(slug.as_str());
        let feed: Arc<dyn Feed> = Arc::clone(&trail) as Arc<dyn Feed>;
        let options = search::Options::new(Arc::new(crate::Catalogues));
        let projection = Projection::open(&folder, feed, options)?;
        self.scheduler.follow(&projection);
        let (follower, grown) = (Arc::downgrade(&projection), Arc::downgrade(&trail));
        let behind = Arc::clone(&self.behind);
        trail.on_commit(move || {
            if let Some(projection) = follower.upgrade() {
                projection.notify();
            }
            if grown.upgrade().is_some_and(|trail| is_behind(&trail)) {
                behind.notify_one();
            }
        });
        let publishing = OneAtATime::default();
        Ok(OpenTrail { slug: slug.clone(), trail, projection, recovery, publishing })
    }

    pub(super) fn trail_options(&self, slug: &Slug) -> Options {
        if slug.is_built_in() {
            return options_of_built_in();
        }
        Options { reserve_bytes: self.options.reserve_bytes, ..Options::default() }
    }
}

/// The server's own trails go on where others stop: they have to say why.
fn options_of_built_in() -> Options {
    Options { goes_on: true, ..Options::default() }
}

pub(super) fn parse_built_in(slug: &str) -> Slug {
    Slug::parse(slug).unwrap_or_else(|_| unreachable!("the built-in names are slugs"))
}

/// Closes a directory to others. One that is somebody else's stays as it is, such as a volume that a
/// group may use.
fn make_private(directory: &Path) -> Result<(), InstanceError> {
    let mode =
        fs::metadata(directory).map_err(InstanceError::file(directory))?.permissions().mode();
    if mode & 0o777 == mode & 0o700 {
        return Ok(());
    }
    match fs::set_permissions(directory, fs::Permissions::from_mode(0o700)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tracing::warn!(directory = %directory.display(), "others may open this directory");
            Ok(())
        }
        set => set.map_err(InstanceError::file(directory)),
    }
}

/// An origin is the start of a C2SP key name and is shown in URLs.
fn check_origin(origin: &str) -> Result<(), InstanceError> {
    let letters =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'/' | b'_');
    let whole = (1..=200).contains(&origin.len())
        && origin.bytes().all(letters)
        && origin.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if whole { Ok(()) } else { Err(InstanceError::Origin { origin: origin.to_owned() }) }
}

fn surroundings(
    directory: &Path,
    options: &InstanceOptions,
) -> Result<Surroundings, InstanceError> {
    let path = directory.join("ids");
    Ok(Surroundings {
        clock: Arc::new(WatchedClock::new(Arc::clone(&options.clock))),
        ids: Arc::new(open_ids(&path).map_err(InstanceError::file(&path))?),
        watermark: Arc::new(FileWatermark::new(&options.state_folder)),
        cache: Arc::new(Cache::new(CACHE_BYTES)),
    })
}

/// The id index; one that cannot be read is thrown away, since it comes back from the trails.
fn open_ids(path: &Path) -> std::io::Result<DiskIds> {
    DiskIds::open(path).or_else(|error| {
        tracing::warn!(%error, "the id index cannot be read and is built anew");
        fs::remove_dir_all(path)?;
        DiskIds::open(path)
    })
}
