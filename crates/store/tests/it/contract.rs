//! The contract over every backend.

use std::{fs, path::PathBuf, sync::Arc};

use store::{Disk, Memory, ObjectPath, Store, contract::Subject};
use tempfile::TempDir;

#[derive(Default)]
pub(crate) struct MemorySubject(Memory);

impl Subject for MemorySubject {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    fn read_raw(&self, path: &ObjectPath) -> Vec<u8> {
        self.0.get(path).unwrap().unwrap().to_vec()
    }

    fn write_raw(&self, path: &ObjectPath, bytes: &[u8]) {
        self.0.write_raw(path, bytes.to_vec());
    }

    fn remove_raw(&self, path: &ObjectPath) {
        assert!(self.0.remove_raw(path));
    }
}

pub(crate) struct DiskSubject(TempDir);

impl Default for DiskSubject {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl DiskSubject {
    fn at(&self, path: &ObjectPath) -> PathBuf {
        self.0.path().join(path.as_str())
    }
}

impl Subject for DiskSubject {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(Disk::open(self.0.path()).unwrap())
    }

    fn read_raw(&self, path: &ObjectPath) -> Vec<u8> {
        fs::read(self.at(path)).unwrap()
    }

    fn write_raw(&self, path: &ObjectPath, bytes: &[u8]) {
        fs::write(self.at(path), bytes).unwrap();
    }

    fn remove_raw(&self, path: &ObjectPath) {
        fs::remove_file(self.at(path)).unwrap();
    }
}

mod memory {
    store::contract_tests!(super::MemorySubject::default());
}

mod disk {
    store::contract_tests!(super::DiskSubject::default());
}
