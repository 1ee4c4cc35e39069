//! Wrong tokens that were presented: told one by one while they are few, and counted beyond that.
//!
//! **Guarantee.** Every wrong token is told: by itself, or in the count of a sum that follows within a
//! minute. A server that dies takes the counts of its last minute with it. However many come, and from however many addresses, that is [`ALL`] and one sum a minute.
//!
//! **Absent on purpose.** A lock. A right token is right whatever was presented before it: 256 random
//! bits are not guessed, and a lock would be a weapon against all who share an address.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

const SECOND_MICROS: i64 = 1_000_000;

/// How many are told by themselves: so many at once, and then one each time.
#[derive(Clone, Copy, Debug)]
struct Rate {
    at_once: i64,
    every_micros: i64,
}

/// Of one address.
const ADDRESS: Rate = Rate { at_once: 10, every_micros: 30 * SECOND_MICROS };

/// Of all addresses together.
const ALL: Rate = Rate { at_once: 60, every_micros: 10 * SECOND_MICROS };

/// Addresses that are kept apart. More are held to the rate of all alone.
const ADDRESSES_MAX: usize = 1_024;

/// Addresses that one sum names.
const ADDRESSES_TOLD_MAX: usize = 16;

/// After how long a sum is told.
const SUM_AFTER_MICROS: i64 = 60 * SECOND_MICROS;

impl Rate {
    /// How long it takes until one may be told by itself; 0 when one may be now. `whole_at` is when so
    /// many may be told at once again. A clock that was set back makes nobody wait for longer.
    fn wait_micros(self, whole_at: &mut i64, now_micros: i64) -> i64 {
        let all_micros = self.at_once * self.every_micros;
        *whole_at = (*whole_at).clamp(now_micros, now_micros + all_micros);
        (*whole_at + self.every_micros - now_micros - all_micros).max(0)
    }
}

/// Wrong tokens that were presented lately.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    all_whole_at: i64,
    whole_at: HashMap<String, i64>,
    beyond: Sum,
    /// When the first of them came, or the last sum was told.
    since_micros: i64,
}

/// What becomes of a wrong token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is told by itself.
    Alone,
    /// It is counted; one that comes after so many seconds may be told by itself.
    Counted {
        /// From 1.
        retry_after_seconds: u32,
    },
}

/// Wrong tokens that are told together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    /// When the first came.
    pub(crate) from_micros: i64,
    /// When the last came.
    pub(crate) to_micros: i64,
    /// How many came from some of the addresses.
    by_address: BTreeMap<String, u64>,
}

impl Refusals {
    /// Takes note of a wrong token.
    pub(crate) fn count(&self, from: Option<IpAddr>, now_micros: i64) -> Seen {
        let mut state = self.lock();
        let address = from.map(shared);
        match state.take(address.as_deref(), now_micros) {
            Ok(()) => Seen::Alone,
            Err(wait_micros) => {
                if state.beyond.count == 0 {
                    state.since_micros = now_micros;
                }
                state.beyond.add(address, now_micros);
                let seconds = wait_micros.unsigned_abs().div_ceil(SECOND_MICROS.unsigned_abs());
                Seen::Counted { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
            }
        }
    }

    /// What is to be told together now: after a minute, or at once.
    pub(crate) fn take_sum(&self, now_micros: i64, at_once: bool) -> Option<Sum> {
        let mut state = self.lock();
        let waits = (0..SUM_AFTER_MICROS).contains(&(now_micros - state.since_micros));
        if state.beyond.count == 0 || (waits && !at_once) {
            return None;
        }
        Some(std::mem::take(&mut state.beyond))
    }

    /// Keeps a sum that could not be told for the next one.
    pub(crate) fn put_back(&self, sum: Sum, now_micros: i64) {
        let mut state = self.lock();
        let newer = std::mem::replace(&mut state.beyond, sum);
        state.beyond.extend(newer);
        state.since_micros = now_micros;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes one of what may be told by itself; or says how long it takes, in microseconds, until
    /// one may be.
    fn take(&mut self, address: Option<&str>, now_micros: i64) -> Result<(), i64> {
        let mut wait_micros = ALL.wait_micros(&mut self.all_whole_at, now_micros);
        let known = address.and_then(|address| self.whole_at.get_mut(address));
        let is_known = known.is_some();
        if let Some(whole_at) = known {
            wait_micros = wait_micros.max(ADDRESS.wait_micros(whole_at, now_micros));
            if wait_micros == 0 {
                *whole_at += ADDRESS.every_micros;
            }
        }
        if wait_micros > 0 {
            return Err(wait_micros);
        }
        self.all_whole_at += ALL.every_micros;
        let new = address.filter(|_| !is_known);
        if let Some(address) = new {
            if self.whole_at.len() >= ADDRESSES_MAX {
                self.whole_at.retain(|_, whole_at| *whole_at > now_micros);
            }
            if self.whole_at.len() < ADDRESSES_MAX {
                self.whole_at.insert(address.to_owned(), now_micros + ADDRESS.every_micros);
            }
        }
        Ok(())
    }
}

impl Sum {
    fn add(&mut self, address: Option<String>, now_micros: i64) {
        if self.count == 0 {
            self.from_micros = now_micros;
        }
        self.count += 1;
        self.to_micros = now_micros;
        if let Some(address) = address {
            self.add_from(address, 1);
        }
    }

    fn add_from(&mut self, address: String, count: u64) {
        if self.by_address.len() < ADDRESSES_TOLD_MAX || self.by_address.contains_key(&address) {
            *self.by_address.entry(address).or_default() += count;
        }
    }

    fn extend(&mut self, newer: Self) {
        if newer.count == 0 {
            return;
        }
        self.count += newer.count;
        self.to_micros = newer.to_micros;
        for (address, count) in newer.by_address {
            self.add_from(address, count);
        }
    }

    /// The address that all of them came from, if it was one.
    pub(crate) fn only_address(&self) -> Option<&str> {
        let (address, count) = self.by_address.first_key_value()?;
        (*count == self.count).then_some(address)
    }

    /// The sum as the attributes of an event.
    pub(crate) fn to_json(&self) -> Value {
        let told: u64 = self.by_address.values().sum();
        let addresses: Vec<Value> = self
            .by_address
            .iter()
            .map(|(address, count)| json!({"ip": address, "count": count}))
            .collect();
        json!({
            "count": self.count,
            "from": event::format_micros(self.from_micros),
            "to": event::format_micros(self.to_micros),
            "addresses": addresses,
            "elsewhere": self.count - told,
        })
    }
}

/// The address as those who share it have it: whoever has one of IPv6 has 2^64 of them.
fn shared(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let network = Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX));
            format!("{network}/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000_000;

    fn ip(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    fn alone(refusals: &Refusals, from: IpAddr, count: usize, now: i64) -> usize {
        (0..count).filter(|_| refusals.count(Some(from), now) == Seen::Alone).count()
    }

    #[test]
    fn one_address_is_told_ten_times_and_then_every_half_minute() {
        let refusals = Refusals::default();
        assert_eq!(alone(&refusals, ip(1), 1_000, NOW), 10);
        let seen = refusals.count(Some(ip(1)), NOW + 1);
        assert_eq!(seen, Seen::Counted { retry_after_seconds: 30 });
        assert_eq!(alone(&refusals, ip(2), 5, NOW), 5, "others are told as before");
        assert_eq!(alone(&refusals, ip(1), 9, NOW + 30 * SECOND_MICROS), 1);
        assert_eq!(alone(&refusals, ip(1), 99, NOW + 3_600 * SECOND_MICROS), 10);
        assert_eq!(alone(&refusals, ip(1), 99, NOW), 0, "the clock was set back");
        assert_eq!(alone(&refusals, ip(1), 99, NOW + 31 * SECOND_MICROS), 1);
    }

    #[test]
    fn a_day_from_any_number_of_addresses_is_bounded() {
        let refusals = Refusals::default();
        let (mut told, mut sums, mut counted) = (0, 0, 0);
        for second in 0..86_400 {
            let now = NOW + second * SECOND_MICROS;
            for number in 0..5 {
                let from = ip(u32::try_from(second).unwrap() * 5 + number);
                told += u64::from(refusals.count(Some(from), now) == Seen::Alone);
            }
            if let Some(sum) = refusals.take_sum(now, false) {
                (sums, counted) = (sums + 1, counted + sum.count);
                assert!(sum.to_json().to_string().len() < 1_024);
            }
        }
        counted += refusals.take_sum(NOW, true).unwrap().count;
        assert_eq!(told + counted, 5 * 86_400, "each is told");
        assert!(told <= 60 + 8_640 && sums <= 1_440, "{told} {sums}");
        assert!(refusals.lock().whole_at.len() <= ADDRESSES_MAX);
    }

    #[test]
    fn a_sum_says_how_many_came_when_and_from_where() {
        let refusals = Refusals::default();
        let v6 = |host: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host));
        for host in 0..13 {
            refusals.count(Some(v6(host)), NOW);
        }
        assert_eq!(refusals.take_sum(NOW + 1, false), None);
        let sum = refusals.take_sum(NOW + SUM_AFTER_MICROS, false).unwrap();
        assert_eq!((sum.count, sum.only_address()), (3, Some("2001:db8:0:1::/64")));
        assert_eq!(refusals.take_sum(NOW + SUM_AFTER_MICROS, true), None);
        // One that could not be told is told with the next.
        refusals.count(Some(v6(1)), NOW + SECOND_MICROS);
        refusals.put_back(sum, NOW + SECOND_MICROS);
        alone(&refusals, ip(1), 11, NOW + SECOND_MICROS);
        assert_eq!(refusals.take_sum(NOW + SUM_AFTER_MICROS, false), None);
        let sum = refusals.take_sum(NOW + 2 * SUM_AFTER_MICROS, false).unwrap();
        assert_eq!((sum.count, sum.only_address()), (5, None));
        assert_eq!((sum.from_micros, sum.to_micros), (NOW, NOW + SECOND_MICROS));
        assert_eq!(sum.to_json()["addresses"][1], json!({"ip": "2001:db8:0:1::/64", "count": 4}));
        assert_eq!(sum.to_json()["elsewhere"], 0);
    }
}
