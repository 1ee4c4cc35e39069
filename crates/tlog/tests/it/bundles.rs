//! Bundles of entries.

use proptest::prelude::*;
use tlog::{BundleId, Error, MAX_ENTRY_BYTES, push_entry};

fn bundle(entries: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        push_entry(&mut bytes, entry.as_ref()).unwrap();
    }
    bytes
}

fn read(width: u16, bytes: &[u8]) -> Result<Vec<&[u8]>, Error> {
    BundleId::new(0, width).unwrap().entries(bytes).collect()
}

#[test]
fn an_entry_follows_its_length() {
    let bytes = bundle(&["one", "", "three"]);
    assert_eq!(bytes, b"\x00\x03one\x00\x00\x00\x05three");
    assert_eq!(read(3, &bytes), Ok(vec![b"one".as_slice(), b"", b"three"]));
}

#[test]
fn the_largest_entry_fits_and_one_more_byte_does_not() {
    let largest = vec![b'x'; MAX_ENTRY_BYTES];
    let mut bytes = bundle(&[&largest]);
    assert_eq!(read(1, &bytes), Ok(vec![largest.as_slice()]));
    let too_large = vec![b'x'; MAX_ENTRY_BYTES + 1];
    let before = bytes.clone();
    let refused = push_entry(&mut bytes, &too_large);
    assert_eq!(refused, Err(Error::EntryTooLarge { bytes: 65_536 }));
    assert_eq!(bytes, before, "nothing was written");
}

#[test]
fn a_bundle_has_exactly_its_entries() {
    let bytes = bundle(&["one", "two"]);
    assert_eq!(read(1, &bytes), Err(Error::BundleTrailing { bytes: 5 }));
    assert_eq!(read(3, &bytes), Err(Error::BundleTruncated { entry: 2 }));
    assert_eq!(read(1, b""), Err(Error::BundleTruncated { entry: 0 }));
    for cut in 0..bytes.len() {
        let entry = u16::from(cut >= 5);
        assert_eq!(read(2, &bytes[..cut]), Err(Error::BundleTruncated { entry }), "cut at {cut}");
    }
}

#[test]
fn a_bad_bundle_ends_with_its_error() {
    let mut entries = BundleId::new(0, 9).unwrap().entries(b"\x00\x01a\x00");
    assert_eq!(entries.next(), Some(Ok(b"a".as_slice())));
    assert_eq!(entries.next(), Some(Err(Error::BundleTruncated { entry: 1 })));
    assert_eq!(entries.next(), None);
    let mut entries = BundleId::new(0, 1).unwrap().entries(b"\x00\x01ab");
    assert_eq!(entries.next(), Some(Ok(b"a".as_slice())));
    assert_eq!(entries.next(), Some(Err(Error::BundleTrailing { bytes: 1 })));
    assert_eq!(entries.next(), None);
}

proptest! {
    #[test]
    fn entries_survive_their_bundle(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..=256)) {
        let bytes = bundle(&entries);
        let width = u16::try_from(entries.len()).unwrap();
        let read = read(width, &bytes).unwrap();
        prop_assert_eq!(read, entries.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_that_are_a_bundle_are_its_only_form(bytes in prop::collection::vec(0_u8..4, 0..40), width in 1_u16..8) {
        if let Ok(entries) = read(width, &bytes) {
            prop_assert_eq!(bundle(&entries), bytes);
        }
    }
}
