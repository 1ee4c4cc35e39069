//! From a platform's record to an event, proving on the way that it would come back.
//!
//! A record is one JSON object, whatever file it stood in. Credentials leave it first. Then a
//! platform's mapping makes the event; what the caller knows is added; what the caller wants redacted
//! goes. Last, the event is written as a record again: where that is not the same record, the record
//! stays beside the event.

use std::borrow::Cow;

use event::json::{Edit, edit};
use event::{Event, Json};

use crate::columns::Header;
use crate::json::{Normal, Syntax, has_token, normalise};
use crate::members::{Members, same_json, string};
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

impl Form {
    /// A JSON record as an event of that format.
    pub(crate) fn map(
        &self,
        format: &'static str,
        text: &str,
        options: &ReadOptions,
    ) -> Result<Mapped, Refused> {
        let (mut event, mut record) = self.begin(Some(format), text, options)?;
        self.redact(&mut event, &mut record, options);
        let again = (self.to_record)(&event).to_json();
        let native = if same_json(&again, &record) { None } else { own_json(&record) };
        finish(event, native)
    }

    /// A row of a table as an event of that format; with none, the mapping has named it.
    ///
    /// The row comes back when every cell does. `exact` says that the platform defined the table;
    /// where it did not, it is enough that the record comes back.
    pub(crate) fn map_row<'c>(
        &self,
        format: Option<&'static str>,
        header: &Header,
        cells: impl Iterator<Item = &'c str> + Clone,
        options: &ReadOptions,
        exact: bool,
    ) -> Result<Mapped, Refused> {
        let text = header.record(cells.clone()).to_json();
        let (mut event, mut record) = self.begin(format, &text, options)?;
        self.redact(&mut event, &mut record, options);
        let again = (self.to_record)(&event);
        let members = Members::parse(&record).unwrap_or_default();
        let redacted = !event.redacted.is_empty();
        let native = if !exact {
            if same_json(&again.to_json(), &record) { None } else { own_json(&record) }
        } else if header.gives_back(cells.clone(), &members, &again, redacted) {
            None
        } else if redacted {
            own_json(&header.native_of(cells, &members).to_json())
        } else {
            own_json(&header.native(cells).to_json())
        };
        finish(event, native)
    }

    /// The event, and the record that it should give back.
    fn begin(
        &self,
        format: Option<&'static str>,
        text: &str,
        options: &ReadOptions,
    ) -> Result<(Event<'static>, String), Refused> {
        let normal = normalise(text, Syntax::Json)
            .map_err(|rejection| Refused::new(rejection.fault, rejection.message))?;
        let (record, redacted) = self.keep_endings(text, normal);
        let members = Members::parse(&record)
            .ok_or_else(|| Refused::new(Fault::Shape, "is no JSON object; expected a record"))?;
        let mut event = (self.to_event)(members)?;
        if let Some(format) = format {
            event.source.format = Some(format.into());
        }
        event.redacted = redacted.iter().map(|at| self.event_pointer(at).into()).collect();
        add_known(&mut event, options);
        Ok((event, record))
    }

    /// Puts back what was dropped for its name and is only an ending, and the ending of the rest.
    fn keep_endings(&self, text: &str, normal: Normal) -> (String, Vec<String>) {
        let Normal { text: mut record, mut redacted } = normal;
        for path in self.endings {
            let whole = format!("/{}", path.join("/"));
            let dropped = |at: &String| whole == *at || whole.starts_with(&format!("{at}/"));
            if !redacted.iter().any(dropped) {
                continue;
            }
            let original = Members::parse(text.trim_ascii()).unwrap_or_default();
            let Some(content) = original.peek_at(path).and_then(|json| string(&json)) else {
                continue;
            };
            let count = content.chars().count();
            let harmless = count <= ENDING_CHARS_MAX && !has_token(&content);
            let kept: String = if harmless {
                content
            } else {
                content.chars().skip(count.saturating_sub(ENDING_CHARS_KEPT)).collect()
            };
            let mut members = Members::parse(&record).map(Members::into_owned).unwrap_or_default();
            members.put_at(path, Json::string(&kept).as_str());
            record = members.to_json();
            if harmless {
                redacted.retain(|at| !dropped(at));
            }
        }
        (record, redacted)
    }

    /// Where a record's value stands in the event.
    fn event_pointer(&self, at: &str) -> String {
        self.pointers
            .iter()
            .find_map(|(event, record)| Some(format!("{event}{}", at.strip_prefix(record)?)))
            .unwrap_or_else(|| at.to_owned())
    }

    /// Drops what the caller wants dropped from the event and from the record.
    fn redact(&self, event: &mut Event<'static>, record: &mut String, options: &ReadOptions) {
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
            *record = drop_at(record, &format!("{prefix}{rest}")).0;
            event.redacted.push(pointer.clone().into());
        }
        if event.attributes.as_ref().is_some_and(|json| json.as_str() == "{}") {
            event.attributes = None;
        }
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

pub(crate) fn finish(
    event: Event<'static>,
    native: Option<Json<'static>>,
) -> Result<Mapped, Refused> {
    event.check().map_err(|invalid| Refused::new(Fault::Value, invalid.to_string()))?;
    Ok(Mapped { event, native })
}
