//! From a platform's record to an event, proving on the way that it would come back.
//!
//! A record is one JSON object, whatever file it stood in. Credentials leave it first. Then a
//! platform's mapping makes the event; what the caller knows is added; what the caller wants redacted
//! goes. Last, the event is written as a record again: where that is not the same record, the record
//! stays beside the event.

use std::borrow::Cow;

use event::json::{Edit, edit};
use event::{Event, Json};

use crate::columns::{EXTRA, Header};
use crate::json::{Normal, Syntax, collapse, has_token, normalise};
use crate::members::{Members, Value};
use crate::{Fault, Mapped, ReadOptions, Rejection};

/// Why a record is not an event; its line is known elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    fault: Fault,
    message: Cow<'static, str>,
}

impl Refused {
    pub(crate) fn new(fault: Fault, message: impl Into<Cow<'static, str>>) -> Self {
        Self { fault, message: message.into() }
    }

    /// A field that every event needs is not there, or is no text of a sensible length.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new(Fault::Missing, format!("`{field}` is missing, empty or no plain text; add it"))
    }

    /// A field does not hold a time.
    pub(crate) fn time(field: &str) -> Self {
        let message = format!("`{field}` is no time between 1970 and 2199; correct it");
        Self::new(Fault::Time, message)
    }

    /// The rejection of the record that begins on that line.
    pub(crate) fn at(self, line: u64) -> Rejection {
        Rejection::new(line, self.fault, self.message)
    }
}

/// A kind of record: its mapping both ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Pointers of an event's free values, and where they stand in the record; that of `/attributes`
    /// is last, and empty.
    pub(crate) pointers: &'static [(&'static str, &'static str)],
    /// Paths of members that are named like a credential and hold no more than its ending.
    pub(crate) endings: &'static [&'static [&'static str]],
    /// A record as an event.
    pub(crate) to_event: fn(Members<'_>) -> Result<Event<'static>, Refused>,
    /// An event as a record.
    pub(crate) to_record: fn(&Event<'_>) -> Members<'static>,
}

/// The most characters that the ending of a credential may have. A real one is longer.
const ENDING_CHARS_MAX: usize = 16;

/// How many of the last characters of a longer one are kept.
const ENDING_CHARS_KEPT: usize = 7;

/// Records of fewer bytes cannot become events that are too large.
const SMALL_BYTES: usize = 1024 * 1024;

/// The ending of a credential that a record names, and whether that is all it named.
fn ending(content: Cow<'_, str>) -> (Cow<'_, str>, bool) {
    let count = content.chars().count();
    if count <= ENDING_CHARS_MAX && !has_token(&content) {
        return (content, true);
    }
    let kept = content.chars().skip(count.saturating_sub(ENDING_CHARS_KEPT)).collect();
    (Cow::Owned(kept), false)
}

impl Form {
    /// A JSON record as an event of that format.
    pub(crate) fn map(
        &self,
        format: &'static str,
        text: &str,
        options: &ReadOptions,
    ) -> Result<Mapped, Refused> {
        let Normal { text: normal, mut redacted } = normalise(text, Syntax::Json)?;
        let mut record = Members::parse(&normal)
            .ok_or_else(|| Refused::new(Fault::Shape, "is no JSON object; expected a record"))?;
        let original = if redacted.is_empty() { None } else { Members::parse(text.trim_ascii()) };
        self.keep_endings(&mut record, &mut redacted, |path| {
            original.as_ref()?.at(path)?.content().map(|content| Cow::Owned(content.into_owned()))
        });
        let kept = record.clone();
        let mut event = self.event(Some(format), record, &redacted, options)?;
        let kept = self.redact(&mut event, kept, options);
        let again = (self.to_record)(&event);
        let native = if again.is_same(&kept) { None } else { own_json(&kept.to_json()) };
        finish(event, native, text.len())
    }

    /// A row of a table as an event of that format; with none, the mapping has named it.
    ///
    /// The row comes back when every cell does. `exact` says that the platform defined the table;
    /// where it did not, it is enough that the record comes back.
    pub(crate) fn map_row(
        &self,
        format: Option<&'static str>,
        header: &Header,
        cells: &[&str],
        options: &ReadOptions,
        exact: bool,
    ) -> Result<Mapped, Refused> {
        let all = || cells.iter().copied();
        let (mut record, mut redacted) = header.record(all())?;
        collapse(&mut redacted);
        self.keep_endings(&mut record, &mut redacted, |path| header.cell(path, cells));
        let is_plain = redacted.is_empty() && options.redact.is_empty();
        let extra = record.peek(EXTRA).map(ToOwned::to_owned);
        // Most rows come back cell by cell, and need no second copy.
        let kept = (!is_plain || !exact).then(|| record.clone());
        let mut event = self.event(format, record, &redacted, options)?;
        let kept = kept.map(|kept| self.redact(&mut event, kept, options));
        let again = (self.to_record)(&event);
        let is_redacted = !event.redacted.is_empty();
        let native = match &kept {
            Some(kept) if !exact => {
                if again.is_same(kept) {
                    None
                } else {
                    own_json(&kept.to_json())
                }
            }
            Some(kept) if is_redacted => {
                if header.gives_back(all(), kept.peek(EXTRA), &again, Some(kept)) {
                    None
                } else {
                    own_json(&header.native_of(all(), kept).to_json())
                }
            }
            _ if header.gives_back(all(), extra.as_deref(), &again, None) => None,
            _ => own_json(&header.native(all()).to_json()),
        };
        finish(event, native, cells.iter().map(|cell| cell.len()).sum())
    }

    /// The event of a record without secrets.
    fn event(
        &self,
        format: Option<&'static str>,
        record: Members<'_>,
        redacted: &[String],
        options: &ReadOptions,
    ) -> Result<Event<'static>, Refused> {
        let mut event = (self.to_event)(record)?;
        if let Some(format) = format {
            event.source.format = Some(format.into());
        }
        event.redacted = redacted.iter().map(|at| self.event_pointer(at).into()).collect();
        add_known(&mut event, options);
        Ok(event)
    }

    /// Puts back what was dropped for its name and is only an ending, and the ending of the rest.
    fn keep_endings<'r>(
        &self,
        record: &mut Members<'r>,
        redacted: &mut Vec<String>,
        content_at: impl Fn(&'static [&'static str]) -> Option<Cow<'r, str>>,
    ) {
        if redacted.is_empty() {
            return;
        }
        for path in self.endings {
            let whole = format!("/{}", path.join("/"));
            let dropped = |at: &String| {
                whole
                    .strip_prefix(&**at)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !redacted.iter().any(dropped) {
                continue;
            }
            let Some(content) = content_at(path) else { continue };
            let (kept, is_all) = ending(content);
            record.put_at(path, Value::string(kept));
            if is_all {
                redacted.retain(|at| !dropped(at));
            }
        }
    }

    /// Where a record's value stands in the event.
    fn event_pointer(&self, at: &str) -> String {
        self.pointers
            .iter()
            .find_map(|(event, record)| Some(format!("{event}{}", at.strip_prefix(record)?)))
            .unwrap_or_else(|| at.to_owned())
    }

    /// Drops what the caller wants dropped from the event and from the record.
    fn redact<'r>(
        &self,
        event: &mut Event<'static>,
        record: Members<'r>,
        options: &ReadOptions,
    ) -> Members<'r> {
        if options.redact.is_empty() {
            return record;
        }
        let mut record = record.to_json();
        for pointer in &options.redact {
            let Some((root, prefix, rest)) = self.pointers.iter().find_map(|(root, prefix)| {
                let rest = pointer.strip_prefix(root)?;
                rest.starts_with('/').then_some((*root, *prefix, rest))
            }) else {
                continue;
            };
            let slot = match root {
                "/before" => &mut event.before,
                "/after" => &mut event.after,
                _ => &mut event.attributes,
            };
            let Some(json) = slot else { continue };
            let (without, found) = drop_at(json.as_str(), rest);
            if !found {
                continue;
            }
            *slot = Json::parse(&without).ok().map(Json::into_owned);
            record = drop_at(&record, &format!("{prefix}{rest}")).0;
            event.redacted.push(pointer.clone().into());
        }
        if event.attributes.as_ref().is_some_and(|json| json.as_str() == "{}") {
            event.attributes = None;
        }
        Members::parse(&record).map(Members::into_owned).unwrap_or_default()
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::new(rejection.fault, rejection.message)
    }
}

/// The text without what stands at a pointer, and whether anything did.
fn drop_at(text: &str, pointer: &str) -> (String, bool) {
    let mut found = false;
    let without = edit(text, &mut |at| {
        if at == pointer {
            found = true;
            Edit::Drop
        } else {
            Edit::Keep
        }
    });
    (without, found)
}

/// Adds what the caller knows and the record does not say.
pub(crate) fn add_known(event: &mut Event<'static>, options: &ReadOptions) {
    let own = |text: &Option<String>| text.clone().map(Cow::Owned);
    event.source.instance = own(&options.instance);
    event.source.region = own(&options.region);
    if let Some(id) = own(&options.organization) {
        let scope = event.scope.get_or_insert_default();
        scope.organization.get_or_insert_default().id.get_or_insert(id);
    }
}

pub(crate) fn own_json(text: &str) -> Option<Json<'static>> {
    Json::parse(text).ok().map(Json::into_owned)
}

/// The event of a record of so many bytes. Its mapping takes only what fits; what it cannot know is
/// the sum of it all, and what it lists as redacted.
pub(crate) fn finish(
    event: Event<'static>,
    native: Option<Json<'static>>,
    size: usize,
) -> Result<Mapped, Refused> {
    if size > SMALL_BYTES || !event.redacted.is_empty() {
        event.check().map_err(|invalid| Refused::new(Fault::Value, invalid.to_string()))?;
    }
    debug_assert!(event.check().is_ok(), "{:?}", event.check());
    Ok(Mapped { event, native })
}
