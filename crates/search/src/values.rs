//! What the engine is given of one event: its values, one behind the other in a few buffers.
//!
//! The engine's own document would copy every value once more and take it apart again each time that
//! it goes through them, which it does three times.

use std::sync::Arc;

use tantivy::schema::document::{Document as EngineDocument, ReferenceValue, ReferenceValueLeaf};
use tantivy::schema::{Field as Column, Value as EngineValue};

use crate::schema::{Layout, Part, Tag};

/// The values of one event. What is cloned is a handle, so that the buffers come back when the engine
/// is done with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document(Arc<Values>);

/// The values that a document has of each kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    terms: Vec<u8>,
    term_ends: Vec<usize>,
    texts: String,
    text_ends: Vec<usize>,
    labels: String,
    /// Which of the counted fields, and where its label ends.
    label_ends: Vec<(usize, usize)>,
    pub(crate) occurred: i64,
    pub(crate) recorded: i64,
}

impl Document {
    /// Begins the next document: in the same buffers, if nobody holds this one.
    pub(crate) fn begin(&mut self) -> &mut Values {
        let values = Arc::make_mut(&mut self.0);
        values.clear();
        values
    }
}

impl Values {
    fn clear(&mut self) {
        self.terms.clear();
        self.term_ends.clear();
        self.texts.clear();
        self.text_ends.clear();
        self.labels.clear();
        self.label_ends.clear();
    }

    /// Adds a term of a member.
    pub(crate) fn term(&mut self, tag: Tag, value: &[u8]) {
        self.terms.push(tag as u8);
        self.terms.extend_from_slice(value);
        self.term_ends.push(self.terms.len());
    }

    /// Adds a text of a member, which `write` appends.
    pub(crate) fn text(&mut self, part: Part, write: impl FnOnce(&mut String)) {
        self.texts.push(part.mark());
        write(&mut self.texts);
        self.text_ends.push(self.texts.len());
    }

    /// Adds the label of one of the counted fields, given by its place among them.
    pub(crate) fn label(&mut self, counted: usize, label: &str) {
        self.labels.push_str(label);
        self.label_ends.push((counted, self.labels.len()));
    }

    /// The value at a place: the terms, the texts, the two moments, the labels. It is the order of
    /// their columns, which the engine sorts by.
    fn at(&self, place: usize) -> Option<(Column, Value<'_>)> {
        let layout = Layout::current();
        if let Some(end) = self.term_ends.get(place) {
            let start = before(&self.term_ends, place);
            return Some((layout.terms, Value::Bytes(self.terms.get(start..*end)?)));
        }
        let place = place - self.term_ends.len();
        if let Some(end) = self.text_ends.get(place) {
            let start = before(&self.text_ends, place);
            return Some((layout.text, Value::Text(self.texts.get(start..*end)?)));
        }
        match place - self.text_ends.len() {
            0 => Some((layout.occurred, Value::Moment(self.occurred))),
            1 => Some((layout.recorded, Value::Moment(self.recorded))),
            place => {
                let place = place - 2;
                let (counted, end) = *self.label_ends.get(place)?;
                let previous = place.checked_sub(1).and_then(|place| self.label_ends.get(place));
                let start = previous.map_or(0, |(_, end)| *end);
                let label = self.labels.get(start..end)?;
                Some((*layout.counted.get(counted)?, Value::Text(label)))
            }
        }
    }
}

/// Where what is before a place ends.
fn before(ends: &[usize], place: usize) -> usize {
    place.checked_sub(1).and_then(|place| ends.get(place)).copied().unwrap_or(0)
}

/// One value, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Microseconds since the epoch.
    Moment(i64),
}

impl<'a> EngineValue<'a> for Value<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match *self {
            Self::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes),
            Self::Text(text) => ReferenceValueLeaf::Str(text),
            Self::Moment(micros) => ReferenceValueLeaf::I64(micros),
        })
    }
}

/// Goes through the values of a document.
#[derive(Debug)]
pub(crate) struct Iter<'a> {
    values: &'a Values,
    next: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Column, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.values.at(self.next)?;
        self.next += 1;
        Some(value)
    }
}

impl EngineDocument for Document {
    type Value<'a> = Value<'a>;
    type FieldsValuesIter<'a> = Iter<'a>;

    fn iter_fields_and_values(&self) -> Iter<'_> {
        Iter { values: &self.0, next: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_added_in_the_order_of_their_columns() {
        let layout = Layout::current();
        let mut document = Document::default();
        for round in 0..2 {
            let values = document.begin();
            values.label(2, "read");
            values.term(Tag::Action, b"read");
            values.text(Part::Names, |text| text.push_str("Ana"));
            values.term(Tag::Session, b"");
            values.label(0, "ana");
            (values.occurred, values.recorded) = (round, round + 1);
            let told: Vec<String> = document
                .iter_fields_and_values()
                .map(|(column, value)| match value {
                    Value::Bytes(bytes) => format!("{column:?} {}", bytes.escape_ascii()),
                    other => format!("{column:?} {other:?}"),
                })
                .collect();
            let (action, session) = (char::from(Tag::Action as u8), char::from(Tag::Session as u8));
            let expected = [
                format!("{:?} {action}read", layout.terms),
                format!("{:?} {session}", layout.terms),
                format!("{:?} Text(\"NAna\")", layout.text),
                format!("{:?} Moment({round})", layout.occurred),
                format!("{:?} Moment({})", layout.recorded, round + 1),
                format!("{:?} Text(\"read\")", layout.counted[2]),
                format!("{:?} Text(\"ana\")", layout.counted[0]),
            ];
            assert_eq!(told, expected);
        }
    }
}
