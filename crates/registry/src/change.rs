//! Changes of the configuration, as events.

use std::borrow::Cow;

use event::{Actor, Event, Json, Moment, Outcome, Reason, Status, Target};
use serde_json::json;

use crate::{DepositId, DepositOrder, Scope, Secret, Slug, TokenId};

/// The `source.system` of everything that the server says of itself.
pub const SYSTEM: &str = "indelible";

/// A change, before it is recorded.
#[derive(Clone, Debug)]
pub enum Change {
    /// A trail is made.
    TrailCreate {
        /// Its short name.
        slug: Slug,
        /// Its name in checkpoints.
        origin: String,
        /// Its public key.
        vkey: String,
    },
    /// A token is made.
    TokenCreate {
        /// Its secret, of which the hash is recorded.
        secret: Secret,
        /// What people call it.
        label: String,
        /// The one trail it is for; all when absent.
        trail: Option<Slug>,
        /// What it may do.
        scopes: Vec<Scope>,
        /// When it ends, in microseconds since the epoch.
        expires_at_micros: Option<i64>,
    },
    /// A token ends now.
    TokenRevoke {
        /// Which.
        id: TokenId,
    },
    /// Daily deposits begin.
    DepositCreate {
        /// Their public id.
        id: DepositId,
        /// What was ordered.
        order: DepositOrder,
    },
    /// Daily deposits end now.
    DepositRemove {
        /// Which.
        id: DepositId,
    },
}

impl Change {
    fn action(&self) -> &'static str {
        match self {
            Self::TrailCreate { .. } => "trail.create",
            Self::TokenCreate { .. } => "token.create",
            Self::TokenRevoke { .. } => "token.revoke",
            Self::DepositCreate { .. } => "deposit.create",
            Self::DepositRemove { .. } => "deposit.remove",
        }
    }

    fn target(&self) -> Target<'static> {
        let (kind, id, name) = match self {
            Self::TrailCreate { slug, origin, .. } => {
                ("trail", slug.to_string(), Some(origin.clone()))
            }
            Self::TokenCreate { secret, label, .. } => {
                ("token", secret.id().to_string(), Some(label.clone()))
            }
            Self::TokenRevoke { id } => ("token", id.to_string(), None),
            Self::DepositCreate { id, order } => {
                ("deposit", id.to_string(), Some(order.trail.to_string()))
            }
            Self::DepositRemove { id } => ("deposit", id.to_string(), None),
        };
        Target {
            kind: kind.into(),
            id: Some(id.into()),
            name: name.filter(|name| !name.is_empty()).map(Cow::Owned),
            ..Target::default()
        }
    }

    fn after(&self) -> Option<serde_json::Value> {
        match self {
            Self::TrailCreate { slug, origin, vkey } => {
                Some(json!({"slug": slug, "origin": origin, "vkey": vkey}))
            }
            Self::TokenCreate { secret, label, trail, scopes, expires_at_micros } => {
                let mut after = json!({"label": label, "scopes": scopes, "sha256": secret.hash()});
                if let Some(members) = after.as_object_mut() {
                    if let Some(trail) = trail {
                        members.insert("trail".to_owned(), json!(trail));
                    }
                    if let Some(micros) = expires_at_micros {
                        let at = event::format_micros(*micros);
                        members.insert("expires_at".to_owned(), json!(at));
                    }
                }
                Some(after)
            }
            Self::DepositCreate { order, .. } => Some(json!(order)),
            Self::TokenRevoke { .. } | Self::DepositRemove { .. } => None,
        }
    }

    /// The event that records this change.
    pub fn event(
        &self,
        id: String,
        at_micros: i64,
        actor: Actor<'static>,
        reason: Option<&str>,
    ) -> Event<'static> {
        let after = self.after().map(|value| value.to_string());
        Event {
            id: Some(id.into()),
            actor: Some(actor),
            target: Some(self.target()),
            outcome: Some(Outcome { status: Status::Success, ..Outcome::default() }),
            reason: reason.map(|text| Reason { text: text.to_owned().into(), ..Reason::default() }),
            after: after.and_then(|text| Json::parse(&text).map(Json::into_owned).ok()),
            ..Event::new(Moment::from_micros(at_micros), SYSTEM, self.action())
        }
    }
}
