//! Hashes of leaves and nodes, and their text.

use proptest::prelude::*;
use tlog::{Error, Frontier, Hash, leaf_hash};

/// Inputs of the Certificate Transparency reference tests, and the root after each.
const CLASSIC: [(&[u8], &str); 8] = [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (b"\x40\x41\x42\x43", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ),
    (
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn the_roots_of_the_reference_tests_come_out() {
    let mut frontier = Frontier::new();
    assert_eq!(format!("{:?}", frontier.root()), EMPTY);
    for (input, root) in CLASSIC {
        frontier.push(leaf_hash(input));
        assert_eq!(format!("{:?}", frontier.root()), root, "{}", frontier.size());
    }
}

#[test]
fn the_root_of_another_implementation_comes_out() {
    let words =
        "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten";
    let mut frontier = Frontier::new();
    frontier.extend(words.split(' ').map(|word| leaf_hash(word.as_bytes())));
    assert_eq!(frontier.root().to_string(), "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
}

#[test]
fn a_hash_has_one_text() {
    let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(Hash::parse_base64(zero), Ok(Hash::from_bytes([0; 32])));
    let refused = [
        "",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "____________________________________________",
    ];
    for text in refused {
        assert_eq!(Hash::parse_base64(text), Err(Error::HashMalformed), "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_hash_survives_its_text(bytes: [u8; 32]) {
        let hash = Hash::from_bytes(bytes);
        prop_assert_eq!(Hash::parse_base64(&hash.to_string()), Ok(hash));
        prop_assert_eq!(Hash::try_from(bytes.as_slice()), Ok(hash));
    }

    #[test]
    fn any_text_that_is_a_hash_is_its_own_print(text in ".{40,48}|[A-Za-z0-9+/]{42,44}=?") {
        if let Ok(hash) = Hash::parse_base64(&text) {
            prop_assert_eq!(hash.to_string(), text);
        }
    }
}
