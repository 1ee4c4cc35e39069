//! From clauses and texts to what is looked up in the dictionaries.

use tantivy::query::{BooleanQuery, EmptyQuery, PhraseQuery, Query as Lookup};
use tantivy::schema::Term;

use crate::error::Result;
use crate::lookup;
use crate::schema::{Layout, Part, Tag};
use crate::view::View;
use crate::words::words;
use crate::{Clause, Field, Kinds, Pattern, Test, Text};

fn union(mut parts: Vec<Box<dyn Lookup>>) -> Box<dyn Lookup> {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => Box::new(EmptyQuery),
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            Box::new(BooleanQuery::union(parts))
        }
    }
}

fn both(one: Box<dyn Lookup>, other: Box<dyn Lookup>) -> Box<dyn Lookup> {
    Box::new(BooleanQuery::intersection(vec![one, other]))
}

/// What all of these ask for; `None` when there are none.
pub(crate) fn intersection(mut parts: Vec<Box<dyn Lookup>>) -> Option<Box<dyn Lookup>> {
    if parts.len() > 1 {
        return Some(Box::new(BooleanQuery::intersection(parts)));
    }
    // One alone knows its number of events without going through them.
    parts.pop()
}

/// What a clause asks for, negated or not.
pub(crate) fn clause_lookup(
    clause: &Clause,
    view: &View,
    kinds: &dyn Kinds,
) -> Result<Box<dyn Lookup>> {
    let field = clause.field;
    Ok(match &clause.test {
        Test::Present => present(field),
        Test::Any(patterns) if field == Field::Kind => {
            let parts = patterns.iter().map(|pattern| kind(pattern, view, kinds));
            union(parts.collect::<Result<_>>()?)
        }
        Test::Any(patterns) if field == Field::Action => {
            union(patterns.iter().map(|pattern| action(pattern, kinds)).collect())
        }
        Test::Any(patterns) => {
            union(patterns.iter().map(|pattern| admitted(field, pattern)).collect())
        }
    })
}

fn present(field: Field) -> Box<dyn Lookup> {
    match field {
        Field::Kind => return lookup::present(Tag::Action),
        Field::UserAgent => return lookup::present(Tag::UserAgent),
        _ => {}
    }
    match part(field).filter(|_| field.is_words()) {
        Some(part) => lookup::exactly(Tag::Has, &[part as u8]),
        None => union(tags(field).iter().map(|tag| lookup::present(*tag)).collect()),
    }
}

fn admitted(field: Field, pattern: &Pattern) -> Box<dyn Lookup> {
    if field == Field::Ip {
        return match lookup::network(pattern.text()) {
            Some((from, to)) => lookup::addresses(from, to),
            None => lookup::like(&[Tag::AddressText], pattern),
        };
    }
    let mut parts = Vec::new();
    if !tags(field).is_empty() {
        parts.push(lookup::like(tags(field), pattern));
    }
    if field == Field::UserAgent {
        return lookup::with_words(Tag::UserAgent, pattern);
    }
    if let Some(part) = part(field) {
        parts.extend(phrase(&[part], pattern));
    }
    for (kind, id) in
        if matches!(field, Field::Target | Field::Related) { pattern.splits() } else { Vec::new() }
    {
        if field == Field::Related {
            parts.push(lookup::like(&[Tag::RelatedWhole], pattern));
            break;
        }
        if kind.text().is_empty() {
            continue;
        }
        let id = if id.text().is_empty() {
            // Only `type/*` means any id: no id is empty.
            if !matches!(id, Pattern::Prefix(_)) {
                continue;
            }
            lookup::present(Tag::TargetId)
        } else {
            lookup::like(&[Tag::TargetId], &id)
        };
        parts.push(both(lookup::like(&[Tag::TargetType], &kind), id));
    }
    union(parts)
}

/// The members whose whole values a text is compared with: all that a person sees in an event, but
/// not what the server notes of how it came. The UUID of a study is among the study's values.
const COMPARED: [Tag; 32] = [
    Tag::Id,
    Tag::ActorId,
    Tag::ActorType,
    Tag::ActorName,
    Tag::ActorEmail,
    Tag::Role,
    Tag::Credential,
    Tag::AuthorizedBy,
    Tag::Session,
    Tag::AddressText,
    Tag::Host,
    Tag::Action,
    Tag::TargetType,
    Tag::TargetId,
    Tag::TargetName,
    Tag::TargetUuid,
    Tag::Related,
    Tag::Organization,
    Tag::Workspace,
    Tag::Project,
    Tag::Study,
    Tag::User,
    Tag::Context,
    Tag::Outcome,
    Tag::OutcomeCode,
    Tag::Operation,
    Tag::ReasonCode,
    Tag::System,
    Tag::Instance,
    Tag::Format,
    Tag::Version,
    Tag::Region,
];

/// What a text asks for, negated or not.
pub(crate) fn text_lookup(text: &Text) -> Box<dyn Lookup> {
    let pattern = if text.prefix {
        Pattern::Prefix(text.text.clone())
    } else {
        Pattern::Like(text.text.clone())
    };
    let mut parts = phrase(&Part::SEARCHED, &pattern);
    if !parts.is_empty() {
        parts.push(lookup::with_words(Tag::UserAgent, &pattern));
    }
    parts.push(lookup::like(&COMPARED, &pattern));
    let network = lookup::network(&text.text);
    parts.extend(network.map(|(from, to)| lookup::addresses(from, to)));
    union(parts)
}

/// Events with the words of a pattern in a row in one of these members.
fn phrase(parts: &[Part], pattern: &Pattern) -> Vec<Box<dyn Lookup>> {
    let column = Layout::current().text;
    let words = words(pattern.text());
    let marked = |part: Part, word: &str| format!("{}{word}", part.mark());
    let term = |part: Part, word: &str| Term::from_field_text(column, &marked(part, word));
    parts
        .iter()
        .filter_map(|part| -> Option<Box<dyn Lookup>> {
            match (pattern, words.as_slice()) {
                (Pattern::Prefix(_), [word]) => Some(lookup::word_prefix(&marked(*part, word))),
                (Pattern::Exactly(_) | Pattern::Prefix(_) | Pattern::Matching(_), _) | (_, []) => {
                    None
                }
                (Pattern::Like(_), [word]) => Some(lookup::word(&marked(*part, word))),
                (Pattern::Like(_), words) => {
                    let terms = words.iter().map(|word| term(*part, word)).collect();
                    Some(Box::new(PhraseQuery::new(terms)))
                }
            }
        })
        .collect()
}

/// Events with an action, also under the other names that its system has for it.
fn action(pattern: &Pattern, kinds: &dyn Kinds) -> Box<dyn Lookup> {
    let mut parts = vec![admitted(Field::Action, pattern)];
    if let Pattern::Like(name) = pattern {
        parts.extend(kinds.also_called(name).into_iter().map(|(system, other)| {
            let other = lookup::like(&[Tag::Action], &Pattern::Like(other.to_owned()));
            both(lookup::exactly(Tag::System, system.as_bytes()), other)
        }));
    }
    union(parts)
}

/// Events whose action is of a kind: for each system, its actions of that kind. Systems that have no
/// words of their own are looked at together: there may be any number of them.
fn kind(pattern: &Pattern, view: &View, kinds: &dyn Kinds) -> Result<Box<dyn Lookup>> {
    let systems = view.terms_of(Tag::System)?;
    let actions = view.terms_of(Tag::Action)?;
    let (own, common): (Vec<String>, Vec<String>) =
        systems.into_iter().partition(|system| kinds.has_own(system));
    let groups = own.into_iter().map(|system| vec![system]).chain([common]);
    let parts = groups.filter_map(|systems| {
        let system = systems.first()?.clone();
        let is_of_kind = |action: &&String| pattern.admits(&kinds.kind_of(&system, action));
        let mut of_kind = actions.iter().filter(is_of_kind).cloned().peekable();
        of_kind.peek()?;
        let of_systems = lookup::any_of(Tag::System, systems.into_iter());
        Some(both(of_systems, lookup::any_of(Tag::Action, of_kind)))
    });
    Ok(union(parts.collect()))
}

/// The member whose words a field's patterns are also searched in.
const fn part(field: Field) -> Option<Part> {
    match field {
        Field::Actor => Some(Part::ActorName),
        Field::Target => Some(Part::TargetName),
        Field::Reason => Some(Part::Reason),
        Field::Params => Some(Part::Params),
        Field::Before => Some(Part::Before),
        Field::After => Some(Part::After),
        Field::Attributes => Some(Part::Attributes),
        _ => None,
    }
}

/// The members whose whole values a field's patterns are compared with.
pub(crate) const fn tags(field: Field) -> &'static [Tag] {
    match field {
        Field::Id => &[Tag::Id],
        Field::Actor => &[Tag::ActorId, Tag::ActorName, Tag::ActorEmail],
        Field::ActorId => &[Tag::ActorId],
        Field::ActorType => &[Tag::ActorType],
        Field::ActorName => &[Tag::ActorName],
        Field::ActorEmail => &[Tag::ActorEmail],
        Field::Role => &[Tag::Role],
        Field::Credential => &[Tag::Credential],
        Field::AuthorizedBy => &[Tag::AuthorizedBy],
        Field::Session => &[Tag::Session],
        Field::Ip => &[Tag::Address, Tag::AddressText],
        Field::Host => &[Tag::Host],
        Field::Action => &[Tag::Action],
        Field::Target => &[Tag::TargetId, Tag::TargetName, Tag::TargetUuid],
        Field::TargetType => &[Tag::TargetType],
        Field::TargetId => &[Tag::TargetId],
        Field::TargetName => &[Tag::TargetName],
        Field::TargetUuid => &[Tag::TargetUuid],
        Field::Related => &[Tag::Related],
        Field::Organization => &[Tag::Organization],
        Field::Workspace => &[Tag::Workspace],
        Field::Project => &[Tag::Project],
        Field::Study => &[Tag::Study],
        Field::StudyUuid => &[Tag::StudyUuid],
        Field::User => &[Tag::User],
        Field::Context => &[Tag::Context],
        Field::Outcome => &[Tag::Outcome],
        Field::OutcomeCode => &[Tag::OutcomeCode],
        Field::Operation => &[Tag::Operation],
        Field::Reason => &[Tag::ReasonCode],
        Field::System => &[Tag::System],
        Field::Instance => &[Tag::Instance],
        Field::Format => &[Tag::Format],
        Field::Version => &[Tag::Version],
        Field::Region => &[Tag::Region],
        Field::Via => &[Tag::Via],
        Field::Dialect => &[Tag::Dialect],
        Field::Import => &[Tag::Import],
        Field::Imported => &[Tag::Imported],
        Field::RecordedBy => &[Tag::RecordedBy],
        Field::Kind
        | Field::UserAgent
        | Field::Params
        | Field::Before
        | Field::After
        | Field::Attributes => &[],
    }
}
