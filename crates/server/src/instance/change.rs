//! Changes of the configuration: an event first, then the effect.

use std::sync::{Arc, PoisonError};

use event::{Actor, Event};
use registry::{Change, SYSTEM_SLUG, Scope, Secret, Slug, TokenId};
use trail::{Feed, Trail};

use super::open::parse_built_in;
use super::{Instance, InstanceError, OpenTrail, keys, uuid7};

impl Instance {
    /// The person at the command line, as far as the system knows them.
    pub fn operator() -> Actor<'static> {
        let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| {
            std::env::var(name).ok().filter(|user| !user.is_empty() && user.len() < 256)
        });
        Self::operator_called(name.as_deref().unwrap_or("operator"))
    }

    /// The person at the command line, by their name.
    pub fn operator_called(name: &str) -> Actor<'static> {
        Actor {
            kind: "user".into(),
            id: Some(name.to_owned().into()),
            roles: vec!["operator".into()],
            ..Actor::default()
        }
    }

    /// Makes a trail.
    ///
    /// # Errors
    /// [`InstanceError::TrailExists`].
    pub fn create_trail(
        &self,
        slug: &Slug,
        by: &Actor<'static>,
    ) -> Result<Arc<OpenTrail>, InstanceError> {
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if slug.is_built_in() || self.registry().trail(slug).is_some() {
            return Err(InstanceError::TrailExists { slug: slug.clone() });
        }
        let origin = format!("{}/{slug}", self.origin);
        let keys = keys::create(&self.directory, slug, &origin)?;
        let vkey = keys.verifier().to_string();
        let made = Trail::create(
            Arc::clone(&self.store),
            slug.as_str(),
            &origin,
            keys,
            self.around.clone(),
            self.trail_options(slug),
        );
        match made {
            // An attempt that was cut short before its event: the trail is there and empty.
            Ok(_) | Err(trail::Error::Unavailable(store::Error::Conflict { .. })) => {}
            Err(error) => return Err(error.into()),
        }
        self.change(&Change::TrailCreate { slug: slug.clone(), origin, vkey }, by, None)?;
        drop(changing);
        self.trail(slug)
    }

    /// Says on the `system` trail that a built-in trail exists.
    pub(super) fn note_built_in(&self, slug: &Slug) -> Result<(), InstanceError> {
        let origin = format!("{}/{slug}", self.origin);
        let vkey = keys::read(&self.directory, slug)?.verifier().to_string();
        self.change(
            &Change::TrailCreate { slug: slug.clone(), origin, vkey },
            &Self::operator(),
            None,
        )
    }

    /// Makes a token and gives its secret, which cannot be had again.
    ///
    /// # Errors
    /// [`InstanceError::NoTrail`] for a token of a trail that does not exist; [`InstanceError::Order`]
    /// for one that would be over when it is made.
    pub fn create_token(
        &self,
        label: &str,
        trail: Option<Slug>,
        scopes: Vec<Scope>,
        expires_at_micros: Option<i64>,
        by: &Actor<'static>,
    ) -> Result<(TokenId, Secret), InstanceError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slug) = trail.as_ref().filter(|slug| self.registry().trail(slug).is_none()) {
            return Err(InstanceError::NoTrail { slug: slug.clone() });
        }
        if let Some(at) = expires_at_micros.filter(|at| *at <= self.now_micros()) {
            let message = format!(
                "is over already at {}; name a later time, or none for a token that does not end",
                event::format_micros(at)
            );
            return Err(InstanceError::Order { member: "expires_at", message });
        }
        let mut random = zeroize::Zeroizing::new([0; 38]);
        getrandom::fill(random.as_mut_slice()).map_err(|error| {
            InstanceError::file("the system's randomness")(std::io::Error::other(error.to_string()))
        })?;
        let secret = Secret::new(&random);
        let change = Change::TokenCreate {
            secret: secret.clone(),
            label: label.to_owned(),
            trail,
            scopes,
            expires_at_micros,
        };
        self.change(&change, by, None)?;
        Ok((secret.id(), secret))
    }

    /// Ends a token. It is refused from the moment this returns. One that was revoked before stays so
    /// since then, and nothing is recorded.
    ///
    /// # Errors
    /// [`InstanceError::NoToken`].
    pub fn revoke_token(
        &self,
        id: &TokenId,
        by: &Actor<'static>,
        reason: Option<&str>,
    ) -> Result<(), InstanceError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let token = self.registry().token(id).map(Arc::clone);
        let token = token.ok_or_else(|| InstanceError::NoToken { id: id.to_string() })?;
        if token.revoked_at_micros.is_some() {
            return Ok(());
        }
        self.change(&Change::TokenRevoke { id: id.clone() }, by, reason)
    }

    /// Records a change and folds it in.
    pub(super) fn change(
        &self,
        change: &Change,
        by: &Actor<'static>,
        reason: Option<&str>,
    ) -> Result<(), InstanceError> {
        let now = self.now_micros();
        self.record_and_apply(&change.event(uuid7(now), now, by.clone(), reason))
    }

    /// Records an event on the `system` trail and folds it in.
    pub(super) fn record_and_apply(&self, event: &Event<'static>) -> Result<(), InstanceError> {
        let index = self.record(event)?;
        let system = self.trail(&parse_built_in(SYSTEM_SLUG))?;
        for recorded in system.trail.read_many(&[index])? {
            self.registry.write().unwrap_or_else(PoisonError::into_inner).apply(&recorded);
        }
        Ok(())
    }
}
