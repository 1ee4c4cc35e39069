//! The columns of a list.

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// When it happened.
    Time,
    /// When it was recorded.
    Recorded,
    /// Who.
    Actor,
    /// From which address.
    Ip,
    /// What was done.
    Action,
    /// To what.
    Target,
    /// Where it belongs.
    Scope,
    /// What came of it.
    Outcome,
    /// Why.
    Reason,
    /// Which system says so.
    Source,
    /// Its place in the trail, and whether a checkpoint covers it.
    Proof,
}

impl Column {
    /// Every column, in the usual order.
    pub(crate) const ALL: [Self; 11] = [
        Self::Time,
        Self::Recorded,
        Self::Actor,
        Self::Ip,
        Self::Action,
        Self::Target,
        Self::Scope,
        Self::Outcome,
        Self::Reason,
        Self::Source,
        Self::Proof,
    ];

    /// The columns that a list has by itself.
    pub(crate) const USUAL: [Self; 9] = [
        Self::Time,
        Self::Actor,
        Self::Action,
        Self::Target,
        Self::Scope,
        Self::Outcome,
        Self::Reason,
        Self::Source,
        Self::Proof,
    ];

    /// The word in the URL.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Recorded => "recorded",
            Self::Actor => "actor",
            Self::Ip => "ip",
            Self::Action => "action",
            Self::Target => "target",
            Self::Scope => "scope",
            Self::Outcome => "outcome",
            Self::Reason => "reason",
            Self::Source => "source",
            Self::Proof => "proof",
        }
    }

    /// The heading.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Time => "Happened",
            Self::Recorded => "Recorded",
            Self::Actor => "Who",
            Self::Ip => "Address",
            Self::Action => "Action",
            Self::Target => "Target",
            Self::Scope => "Where",
            Self::Outcome => "Outcome",
            Self::Reason => "Reason",
            Self::Source => "Source",
            Self::Proof => "Proof",
        }
    }

    /// Reads the columns of a URL: words with commas, in one parameter or several, each with its
    /// place before it or not (`3.actor`). None that is known means the usual ones.
    pub(crate) fn read(values: &[String]) -> Vec<Self> {
        let mut columns: Vec<(u32, Self)> = Vec::new();
        for word in values.iter().flat_map(|value| value.split(',')) {
            let (place, word) = word.split_once('.').unwrap_or(("", word));
            let found = Self::ALL.into_iter().find(|column| column.word() == word);
            if let Some(column) = found
                && !columns.iter().any(|(_, other)| *other == column)
            {
                columns.push((place.parse().unwrap_or(0), column));
            }
        }
        columns.sort_by_key(|(place, _)| *place);
        if columns.is_empty() {
            return Self::USUAL.to_vec();
        }
        columns.into_iter().map(|(_, column)| column).collect()
    }

    /// The columns as [`Column::read`] reads them.
    pub(crate) fn write(columns: &[Self]) -> String {
        columns.iter().map(|column| column.word()).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_chosen_and_ordered() {
        let read = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
            Column::write(&Column::read(&values))
        };
        assert_eq!(read(&["actor,time"]), "actor,time");
        assert_eq!(read(&["3.actor", "1.time", "2.ip", "2.ip"]), "time,ip,actor");
        assert_eq!(read(&["colour"]), Column::write(&Column::USUAL));
        assert_eq!(read(&[]), Column::write(&Column::USUAL));
    }
}
