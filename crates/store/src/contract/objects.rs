//! Objects: created once, listed, replaced, removed.
#![expect(clippy::unwrap_used, reason = "a store that breaks the contract is to panic")]

use bytes::Bytes;

use super::{Subject, path};
use crate::{Error, Object, Store};

fn object(at: &str, bytes: impl Into<Bytes>) -> Object {
    Object { path: path(at), bytes: bytes.into() }
}

fn get(store: &dyn Store, at: &str) -> Option<Bytes> {
    store.get(&path(at)).unwrap()
}

/// The same bytes again succeed, others are refused, and the first stay.
pub fn an_object_is_created_once(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(get(&*store, "a/b/c"), None);
    store.create(&[]).unwrap();
    store.create(&[object("a/b/c", "first")]).unwrap();
    store.create(&[object("a/b/c", "first")]).unwrap();
    let error = store.create(&[object("a/b/c", "other")]).unwrap_err();
    assert!(matches!(error, Error::Conflict { path: at } if at == path("a/b/c")));
    assert_eq!(get(&*store, "a/b/c").unwrap(), "first");
    store.create(&[object("a/empty", "")]).unwrap();
    drop(store);

    let store = subject.open();
    assert_eq!(get(&*store, "a/b/c").unwrap(), "first");
    assert_eq!(get(&*store, "a/empty").unwrap(), "");
    assert!(store.create(&[object("a/b/c", "first, and more")]).is_err());
    store.create(&[object("a/b/c", "first")]).unwrap();
}

/// More objects than are synced one by one, in several folders, twice.
pub fn a_batch_of_many_is_created_whole(subject: &dyn Subject) {
    let store = subject.open();
    let batch: Vec<Object> = (0..300)
        .map(|n| object(&format!("tile/{}/x{:03}/{n}", n % 3, n % 7), vec![b'x'; n]))
        .collect();
    let (some, _) = batch.split_at(100);
    store.create(some).unwrap();
    store.create(&batch).unwrap();
    drop(store);

    let store = subject.open();
    store.create(&batch).unwrap();
    for Object { path, bytes } in &batch {
        assert_eq!(store.get(path).unwrap().as_ref(), Some(bytes));
    }
    assert_eq!(store.list(&path("tile")).unwrap().len(), 300);
}

/// One conflict is enough.
pub fn a_batch_that_conflicts_creates_nothing(subject: &dyn Subject) {
    let store = subject.open();
    store.create(&[object("a/2", "two")]).unwrap();
    let batch = [object("a/1", "one"), object("a/2", "other"), object("a/3", "three")];
    assert!(matches!(store.create(&batch), Err(Error::Conflict { .. })));
    assert_eq!(store.list(&path("a")).unwrap(), [path("a/2")]);
    let twice = [object("b/1", "one"), object("b/1", "other")];
    assert!(matches!(store.create(&twice), Err(Error::Conflict { .. })));
    assert_eq!(store.list(&path("b")).unwrap(), []);
}

/// With the same bytes.
pub fn a_batch_may_name_an_object_twice(subject: &dyn Subject) {
    let store = subject.open();
    store.create(&[object("a", "same"), object("a", "same")]).unwrap();
    assert_eq!(get(&*store, "a").unwrap(), "same");
}

/// At every depth, sorted by their bytes, and not those of folders with a similar name.
pub fn objects_are_listed_below_their_folder(subject: &dyn Subject) {
    let store = subject.open();
    let names = ["a-b/1", "a.b", "a/b/c/d", "a/b-c", "a/b.c", "a/b/c0", "a0", "b/1"];
    for name in names {
        store.create(&[object(name, name.to_owned())]).unwrap();
    }
    let expected = ["a/b-c", "a/b.c", "a/b/c/d", "a/b/c0"].map(path);
    assert_eq!(store.list(&path("a")).unwrap(), expected);
    assert_eq!(store.list(&path("a/b")).unwrap(), ["a/b/c/d", "a/b/c0"].map(path));
    assert_eq!(store.list(&path("nothing")).unwrap(), []);
    assert_eq!(store.list(&path("a0")).unwrap(), []);
}

/// Whichever of them was first, the other is refused.
pub fn an_object_and_a_folder_never_share_a_name(subject: &dyn Subject) {
    let store = subject.open();
    store.create(&[object("a", "object"), object("f/g", "object")]).unwrap();
    assert_eq!(get(&*store, "f"), None);
    assert_eq!(get(&*store, "a/b"), None);
    for clash in ["a/b", "a/b/c", "f"] {
        let created = store.create(&[object(clash, "other")]);
        assert!(matches!(created, Err(Error::Refused { .. })), "{clash}");
        let replaced = store.replace(&path(clash), b"other");
        assert!(matches!(replaced, Err(Error::Refused { .. })), "{clash}");
    }
    assert_eq!(get(&*store, "a").unwrap(), "object");
    assert_eq!(get(&*store, "f/g").unwrap(), "object");
}

/// With or without one before, and for good.
pub fn a_replaced_object_has_the_last_bytes(subject: &dyn Subject) {
    let store = subject.open();
    store.replace(&path("deep/er/checkpoint"), b"1").unwrap();
    store.replace(&path("deep/er/checkpoint"), b"2, longer").unwrap();
    store.replace(&path("deep/er/checkpoint"), b"3").unwrap();
    store.create(&[object("created", "first")]).unwrap();
    store.replace(&path("created"), b"second").unwrap();
    drop(store);

    let store = subject.open();
    assert_eq!(get(&*store, "deep/er/checkpoint").unwrap(), "3");
    assert_eq!(get(&*store, "created").unwrap(), "second");
    assert_eq!(store.list(&path("deep")).unwrap(), [path("deep/er/checkpoint")]);
}

/// Twice is once, and a folder that they leave empty can be filled again.
pub fn removed_objects_are_gone(subject: &dyn Subject) {
    let store = subject.open();
    let batch: Vec<Object> = (0..20).map(|n| object(&format!("a/{n}.p/b/{n}"), "x")).collect();
    let paths: Vec<_> = batch.iter().map(|object| object.path.clone()).collect();
    store.create(&batch).unwrap();
    store.create(&[object("a/stays", "y")]).unwrap();
    store.remove(&[]).unwrap();
    for _ in 0..2 {
        store.remove(&paths).unwrap();
        store.remove(&[path("never/was"), path("a/stays/below")]).unwrap();
        assert_eq!(store.list(&path("a")).unwrap(), [path("a/stays")]);
    }
    store.create(&batch).unwrap();
    drop(store);
    assert_eq!(subject.open().list(&path("a")).unwrap().len(), 21);
}
