//! Places for what goes on for long: bounded in all, and for each token, so that nobody who may do
//! little can keep everybody else from doing anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry::TokenId;

/// So many places.
#[derive(Debug)]
pub(crate) struct Places {
    all: usize,
    each: usize,
    /// How many each token has; never none.
    held: Mutex<HashMap<TokenId, usize>>,
}

/// One of them, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    holder: TokenId,
}

impl Places {
    /// So many in all, and so many for each token.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { all, each, held: Mutex::default() })
    }

    /// A place for a token; `None` where it has its share, or all are taken.
    pub(crate) fn take(self: &Arc<Self>, holder: &TokenId) -> Option<Place> {
        let mut held = self.lock();
        let own = held.get(holder).copied().unwrap_or(0);
        if own >= self.each || held.values().sum::<usize>() >= self.all {
            return None;
        }
        held.insert(holder.clone(), own + 1);
        Some(Place { places: Arc::clone(self), holder: holder.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenId, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.lock();
        match held.get_mut(&self.holder) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(held.remove(&self.holder)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_cannot_take_every_place_and_what_is_left_is_free_again() {
        let places = Places::new(3, 2);
        let [one, other] = ["a", "b"].map(|digit| TokenId::parse(&digit.repeat(12)).unwrap());
        let first = places.take(&one).unwrap();
        let second = places.take(&one).unwrap();
        assert!(places.take(&one).is_none(), "its share");
        let third = places.take(&other).unwrap();
        assert!(places.take(&other).is_none(), "all are taken");
        drop(first);
        let fourth = places.take(&other).unwrap();
        drop((second, third, fourth));
        assert!(places.lock().is_empty(), "nothing is kept of those who left");
    }
}
