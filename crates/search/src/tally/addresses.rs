//! Accounts and the addresses that they were used from.

use std::collections::HashMap;

use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, DocId, TantivyError};

use super::columns::counted;
use super::matched::{Docs, Matched};
use super::terms::term_text;
use crate::Field;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::lookup::terms_of;
use crate::plan::Plan;
use crate::schema::{Layout, Tag};
use crate::segment::{Opened, Segment};
use crate::view::View;

/// The most pairs of an account and an address that are counted; memory grows with them.
const PAIRS_MAX: usize = 2_000_000;

/// Accounts by the number of addresses that they were used from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Those with the most addresses first; then by the number of events, then by account.
    pub accounts: Vec<Account>,
    /// How many accounts were used from so many addresses, those that are left out among them.
    pub distinct: u64,
    /// How many events of the trail were searched: all below this index.
    pub projected_size: u64,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The actor's id, else e-mail address, else name.
    pub account: String,
    /// How many different addresses it was used from.
    pub distinct: u64,
    /// How many events say so.
    pub events: u64,
    /// The most frequent addresses with the number of events from each; then by address.
    pub addresses: Vec<(String, u64)>,
}

/// How much of the accounts is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Accounts with fewer addresses are left out.
    pub addresses_min: u64,
    /// The most accounts.
    pub accounts: usize,
    /// The most addresses of one account.
    pub addresses: usize,
}

/// Counts what a plan means by account and address.
pub(crate) fn accounts(view: &View, plan: &Plan, wanted: Wanted) -> Result<Accounts> {
    let matched = Matched::new(view, plan)?;
    let mut pairs = Pairs::default();
    for (segment, docs) in &matched.segments {
        pairs.add_segment(segment, docs)?;
    }
    Ok(pairs.finish(wanted, view.size()))
}

/// Counts of pairs, with the texts of each side kept once.
#[derive(Debug, Default)]
struct Pairs {
    accounts: HashMap<String, u32>,
    addresses: HashMap<Vec<u8>, u32>,
    counts: HashMap<(u32, u32), u64>,
}

impl Pairs {
    fn add_segment(&mut self, segment: &Segment, docs: &Docs) -> Result<()> {
        let opened = segment.open()?;
        let Some(labels) = counted(opened, Field::Actor) else { return Ok(()) };
        let meant = docs.set(segment);
        let mut known = Known { labels, numbers: vec![None; labels.distinct()] };
        for tag in [Tag::Address, Tag::AddressText] {
            self.add_terms(opened, tag, meant.as_ref(), &mut known)?;
        }
        Ok(())
    }

    fn add_terms(
        &mut self,
        opened: &Opened,
        tag: Tag,
        meant: Option<&BitSet>,
        known: &mut Known<'_>,
    ) -> Result<()> {
        let inverted = opened.reader.inverted_index(Layout::current().terms)?;
        let mut stream = terms_of(inverted.terms(), tag).map_err(TantivyError::from)?;
        while stream.advance() {
            let mut block = inverted
                .read_block_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)
                .map_err(TantivyError::from)?;
            let mut address = None;
            while !block.docs().is_empty() {
                for doc in block.docs() {
                    if meant.is_some_and(|set| !set.contains(*doc)) {
                        continue;
                    }
                    let Some(account) = known.account(*doc, &mut self.accounts)? else { continue };
                    // An address gets its number when an event that is meant has it.
                    let address = *address.get_or_insert_with(|| {
                        let next = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
                        *self.addresses.entry(stream.key().to_vec()).or_insert(next)
                    });
                    *self.counts.entry((account, address)).or_default() += 1;
                }
                block.advance();
            }
            if self.counts.len() > PAIRS_MAX {
                let message = format!(
                    "more than {PAIRS_MAX} pairs of an account and an address; ask for a shorter \
                     time or fewer accounts"
                );
                return Err(Error::Question(message));
            }
        }
        Ok(())
    }

    fn finish(self, wanted: Wanted, projected_size: u64) -> Accounts {
        let mut by_account: Vec<Vec<(u32, u64)>> = vec![Vec::new(); self.accounts.len()];
        for ((account, address), count) in self.counts {
            let place = usize::try_from(account).ok().and_then(|at| by_account.get_mut(at));
            if let Some(list) = place {
                list.push((address, count));
            }
        }
        let mut texts = vec![String::new(); self.addresses.len()];
        for (key, number) in &self.addresses {
            let place = usize::try_from(*number).ok().and_then(|at| texts.get_mut(at));
            if let Some(text) = place {
                *text = address_text(key);
            }
        }
        let mut accounts: Vec<Account> = self
            .accounts
            .into_iter()
            .filter_map(|(account, number)| {
                let pairs = by_account.get(usize::try_from(number).ok()?)?;
                let text = |number: u32| texts.get(usize::try_from(number).ok()?).cloned();
                let mut addresses: Vec<(String, u64)> = pairs
                    .iter()
                    .filter_map(|(address, count)| Some((text(*address)?, *count)))
                    .collect();
                let distinct = addresses.len() as u64;
                if distinct < wanted.addresses_min.max(1) {
                    return None;
                }
                let events = addresses.iter().map(|(_, count)| count).sum();
                addresses.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                addresses.truncate(wanted.addresses);
                Some(Account { account, distinct, events, addresses })
            })
            .collect();
        accounts.sort_unstable_by(|a, b| {
            let most = b.distinct.cmp(&a.distinct).then(b.events.cmp(&a.events));
            most.then_with(|| a.account.cmp(&b.account))
        });
        let distinct = accounts.len() as u64;
        accounts.truncate(wanted.accounts);
        Accounts { accounts, distinct, projected_size }
    }
}

fn address_text(key: &[u8]) -> String {
    let (tag, value) = key.split_first().unwrap_or((&0, &[]));
    term_text(if *tag == Tag::Address as u8 { Tag::Address } else { Tag::AddressText }, value)
}

/// The accounts of a segment, by the ordinals of its labels.
struct Known<'a> {
    labels: &'a Labels,
    numbers: Vec<Option<u32>>,
}

impl Known<'_> {
    fn account(&mut self, doc: DocId, all: &mut HashMap<String, u32>) -> Result<Option<u32>> {
        let Some(ord) = self.labels.ords().first(doc) else { return Ok(None) };
        let place = usize::try_from(ord).ok().and_then(|at| self.numbers.get_mut(at));
        let Some(place) = place else { return Ok(None) };
        if place.is_none() {
            let next = u32::try_from(all.len()).unwrap_or(u32::MAX);
            *place = Some(*all.entry(self.labels.name(ord)?).or_insert(next));
        }
        Ok(*place)
    }
}
