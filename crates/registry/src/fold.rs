//! The registry: what the events of the `system` trail add up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::Entry;
use serde::Deserialize;
use trail::Recorded;

use crate::{
    CheckRecord, Checked, DepositId, DepositRecord, SYSTEM, Scope, Secret, Slug, TokenId, checked,
};

/// One trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailRecord {
    /// Its short name.
    pub slug: Slug,
    /// Its name in checkpoints.
    pub origin: String,
    /// Its public key.
    pub vkey: String,
    /// When it was made, in microseconds since the epoch.
    pub created_at_micros: i64,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its public id.
    pub id: TokenId,
    /// What people call it.
    pub label: String,
    /// The one trail it is for; all when absent.
    pub trail: Option<Slug>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made, in microseconds since the epoch.
    pub created_at_micros: i64,
    /// When it ends, in microseconds since the epoch.
    pub expires_at_micros: Option<i64>,
    /// When it was revoked, in microseconds since the epoch.
    pub revoked_at_micros: Option<i64>,
    sha256: String,
}

impl TokenRecord {
    /// What the operator at the machine may do: everything. Nobody can present it.
    pub fn operator() -> Self {
        Self {
            id: TokenId::operator(),
            label: String::new(),
            trail: None,
            scopes: Scope::ALL.to_vec(),
            created_at_micros: 0,
            expires_at_micros: None,
            revoked_at_micros: None,
            sha256: String::new(),
        }
    }

    /// Whether it may do something to a trail. The server's own trails are never appended to.
    pub fn may(&self, scope: Scope, slug: &Slug) -> bool {
        self.scopes.contains(&scope)
            && self.trail.as_ref().is_none_or(|trail| trail == slug)
            && !(scope == Scope::Append && slug.is_built_in())
    }

    /// Whether it may change the configuration of all trails.
    pub fn is_admin(&self) -> bool {
        self.scopes.contains(&Scope::Admin) && self.trail.is_none()
    }

    /// Whether it is neither revoked nor over.
    pub fn is_valid_at(&self, now_micros: i64) -> bool {
        self.revoked_at_micros.is_none()
            && self.expires_at_micros.is_none_or(|end| now_micros < end)
    }
}

/// Trails, tokens and deposits, and when each trail was last checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    trails: BTreeMap<Slug, Arc<TrailRecord>>,
    tokens: BTreeMap<TokenId, Arc<TokenRecord>>,
    deposits: BTreeMap<DepositId, Arc<DepositRecord>>,
    checks: BTreeMap<Slug, Arc<CheckRecord>>,
    unknown: u64,
}

#[derive(Deserialize)]
struct TrailAfter {
    slug: Slug,
    origin: String,
    vkey: String,
}

#[derive(Deserialize)]
struct TokenAfter {
    label: String,
    scopes: Vec<Scope>,
    sha256: String,
    trail: Option<Slug>,
    expires_at: Option<String>,
}

impl Registry {
    /// Takes the next event of the `system` trail.
    pub fn apply(&mut self, recorded: &Recorded) {
        if self.understand(&recorded.text()).is_none() {
            self.unknown += 1;
        }
    }

    fn understand(&mut self, text: &str) -> Option<()> {
        let entry = Entry::parse(text).ok()?;
        let event = &entry.event;
        if event.source.system != SYSTEM {
            return None;
        }
        let at = entry.recorded_at_micros;
        let after = event.after.as_ref().map(event::Json::as_str);
        match event.action.as_ref() {
            "trail.create" => {
                let TrailAfter { slug, origin, vkey } = serde_json::from_str(after?).ok()?;
                let record =
                    TrailRecord { slug: slug.clone(), origin, vkey, created_at_micros: at };
                // The first one stands: a trail is made once.
                self.trails.entry(slug).or_insert_with(|| Arc::new(record));
            }
            "token.create" => {
                let id = TokenId::parse(event.target.as_ref()?.id.as_deref()?)?;
                let after: TokenAfter = serde_json::from_str(after?).ok()?;
                let expires_at_micros = match after.expires_at {
                    Some(at) => Some(event::parse_rfc3339(&at)?),
                    None => None,
                };
                let record = TokenRecord {
                    id: id.clone(),
                    label: after.label,
                    trail: after.trail,
                    scopes: after.scopes,
                    created_at_micros: at,
                    expires_at_micros,
                    revoked_at_micros: None,
                    sha256: after.sha256,
                };
                self.tokens.entry(id).or_insert_with(|| Arc::new(record));
            }
            "token.revoke" => {
                let id = TokenId::parse(event.target.as_ref()?.id.as_deref()?)?;
                let token = Arc::make_mut(self.tokens.get_mut(&id)?);
                token.revoked_at_micros.get_or_insert(at);
            }
            "deposit.create" => {
                let id = DepositId::parse(event.target.as_ref()?.id.as_deref()?)?;
                let record = DepositRecord {
                    id: id.clone(),
                    order: serde_json::from_str(after?).ok()?,
                    created_at_micros: at,
                    removed_at_micros: None,
                };
                self.deposits.entry(id).or_insert_with(|| Arc::new(record));
            }
            "deposit.remove" => {
                let id = DepositId::parse(event.target.as_ref()?.id.as_deref()?)?;
                let deposit = Arc::make_mut(self.deposits.get_mut(&id)?);
                deposit.removed_at_micros.get_or_insert(at);
            }
            checked::ACTION => {
                let (slug, checked) = Checked::of(event)?;
                self.checks.insert(slug, Arc::new(CheckRecord { at_micros: at, checked }));
            }
            // Not configuration: a clock that was set.
            _ => {}
        }
        Some(())
    }

    /// One trail.
    pub fn trail(&self, slug: &Slug) -> Option<&Arc<TrailRecord>> {
        self.trails.get(slug)
    }

    /// Every trail, by slug.
    pub fn trails(&self) -> impl Iterator<Item = &Arc<TrailRecord>> {
        self.trails.values()
    }

    /// One token.
    pub fn token(&self, id: &TokenId) -> Option<&Arc<TokenRecord>> {
        self.tokens.get(id)
    }

    /// Every token, by id, also those that are over.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<TokenRecord>> {
        self.tokens.values()
    }

    /// One deposit.
    pub fn deposit(&self, id: &DepositId) -> Option<&Arc<DepositRecord>> {
        self.deposits.get(id)
    }

    /// Every deposit, by id, also those that were ended.
    pub fn deposits(&self) -> impl Iterator<Item = &Arc<DepositRecord>> {
        self.deposits.values()
    }

    /// The last check of a trail.
    pub fn last_check(&self, slug: &Slug) -> Option<&Arc<CheckRecord>> {
        self.checks.get(slug)
    }

    /// The token that a client presents, if it is one that may be used now.
    pub fn authenticate(&self, presented: &str, now_micros: i64) -> Option<&Arc<TokenRecord>> {
        let (id, secret) = Secret::parse(presented)?;
        let token = self.tokens.get(&id)?;
        (secret.has_hash(&token.sha256) && token.is_valid_at(now_micros)).then_some(token)
    }

    /// Events of the `system` trail that this version does not understand.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, DepositOrder, Download};
    use event::{Actor, Draft, Received, Stamp};

    fn record(registry: &mut Registry, change: &Change, at: i64) {
        let actor = Actor { kind: "service".into(), id: Some("t".into()), ..Actor::default() };
        let event = change.event(format!("e{at}"), at, actor, Some("because"));
        event.check().unwrap();
        apply(registry, &event, at);
    }

    fn apply(registry: &mut Registry, event: &event::Event<'static>, at: i64) {
        let draft = Draft::new(event, None, &mut || [0; 32]).unwrap();
        let received = Received { via: "server".into(), ..Received::default() };
        let mut entry = Vec::new();
        Stamp::new(at, "t", &received).write(&draft, &mut entry);
        registry.apply(&Recorded { index: 0, entry: entry.into(), openings: Vec::new() });
    }

    #[test]
    fn a_token_works_from_its_creation_to_its_revocation() {
        let mut registry = Registry::default();
        let secret = Secret::new(&[1; 38]);
        let slug = Slug::parse("lab").unwrap();
        assert!(registry.authenticate(secret.expose(), 1).is_none());
        let create = Change::TokenCreate {
            secret: secret.clone(),
            label: "ci".to_owned(),
            trail: Some(slug.clone()),
            scopes: vec![Scope::Append],
            expires_at_micros: Some(5_000_000),
        };
        record(&mut registry, &create, 1_000_000);
        let token = registry.authenticate(secret.expose(), 2_000_000).unwrap();
        assert!(token.may(Scope::Append, &slug));
        assert!(!token.may(Scope::Read, &slug));
        assert!(!token.may(Scope::Append, &Slug::parse("other").unwrap()));
        assert!(!token.is_admin());
        assert!(registry.authenticate(secret.expose(), 5_000_000).is_none(), "it is over");
        let mut forged = secret.expose().to_owned();
        forged.replace_range(forged.len() - 1.., "A");
        assert!(registry.authenticate(&forged, 2_000_000).is_none() || forged == secret.expose());
        record(&mut registry, &Change::TokenRevoke { id: secret.id() }, 3_000_000);
        assert!(registry.authenticate(secret.expose(), 3_000_001).is_none());
        assert_eq!(registry.unknown(), 0);
    }

    #[test]
    fn a_deposit_lasts_from_its_order_to_its_end_and_its_rule_says_who_takes_files() {
        let slug = Slug::parse("lab").unwrap();
        let token = |scopes: &[Scope]| TokenRecord {
            id: TokenId::parse("0123456789ab").unwrap(),
            label: String::new(),
            trail: Some(slug.clone()),
            scopes: scopes.to_vec(),
            created_at_micros: 0,
            expires_at_micros: None,
            revoked_at_micros: None,
            sha256: String::new(),
        };
        let mut registry = Registry::default();
        for (number, (download, [admin, read])) in [
            (Download::Nobody, [false, false]),
            (Download::Admin, [true, false]),
            (Download::Read, [true, true]),
        ]
        .into_iter()
        .enumerate()
        {
            let id = DepositId::new([u8::try_from(number).unwrap(); 6]);
            let order = DepositOrder {
                trail: slug.clone(),
                destination: "/srv/deposits/lab".to_owned(),
                dialect: "dnanexus".to_owned(),
                format: "csv".to_owned(),
                region_column: false,
                formula_guard: false,
                imports: false,
                download,
                from: None,
            };
            record(
                &mut registry,
                &Change::DepositCreate { id: id.clone(), order: order.clone() },
                5,
            );
            let deposit = Arc::clone(registry.deposit(&id).unwrap());
            assert_eq!((deposit.order.clone(), deposit.removed_at_micros), (order, None));
            assert_eq!(deposit.may_download(&token(&[Scope::Admin])), admin);
            assert_eq!(deposit.may_download(&token(&[Scope::Read])), read);
            assert!(!deposit.may_download(&token(&[Scope::Append])));
            record(&mut registry, &Change::DepositRemove { id: id.clone() }, 9);
            record(&mut registry, &Change::DepositRemove { id: id.clone() }, 11);
            assert_eq!(registry.deposit(&id).unwrap().removed_at_micros, Some(9), "the first one");
        }
        assert_eq!((registry.deposits().count(), registry.unknown()), (3, 0));
    }

    #[test]
    fn the_last_check_of_a_trail_is_known() {
        let mut registry = Registry::default();
        let slug = Slug::parse("lab").unwrap();
        assert!(registry.last_check(&slug).is_none());
        let sound = Checked { published_size: 7, committed_size: 8, ..Checked::default() };
        let damaged =
            Checked { problems: 30, first_problems: vec!["x".repeat(2_000); 30], ..sound.clone() };
        for (at, checked) in [(1_000_000, &sound), (2_000_000, &damaged)] {
            let actor = Actor { kind: "system".into(), ..Actor::default() };
            let event = checked.event(format!("c{at}"), at, actor, &slug);
            event.check().unwrap();
            apply(&mut registry, &event, at);
            let last = registry.last_check(&slug).unwrap();
            assert_eq!((last.at_micros, last.checked.problems), (at, checked.problems));
            assert_eq!(last.checked.is_sound(), at == 1_000_000);
        }
        let told = &registry.last_check(&slug).unwrap().checked.first_problems;
        assert_eq!((told.len(), told[0].len()), (20, 500));
        assert_eq!(registry.unknown(), 0);
    }

    #[test]
    fn nobody_appends_to_the_built_in_trails() {
        let token = TokenRecord {
            id: TokenId::parse("0123456789ab").unwrap(),
            label: String::new(),
            trail: None,
            scopes: Scope::ALL.to_vec(),
            created_at_micros: 0,
            expires_at_micros: None,
            revoked_at_micros: None,
            sha256: String::new(),
        };
        for slug in [crate::SYSTEM_SLUG, crate::ACCESS_SLUG] {
            assert!(!token.may(Scope::Append, &Slug::parse(slug).unwrap()));
            assert!(token.may(Scope::Read, &Slug::parse(slug).unwrap()));
        }
    }
}
