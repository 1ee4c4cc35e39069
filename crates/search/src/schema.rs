//! How events stand in the index.
//!
//! One dictionary of terms holds every filter: a term is one byte that says which member it is from
//! ([`Tag`]), then the value as it came. One field of text holds every word, also under its member's
//! byte, with positions for phrases. Columns hold what is counted and sorted by. Nothing is stored,
//! and there is no column for the leaf index: a segment covers a run of indexes in order.

use std::sync::OnceLock;

use tantivy::schema::{
    BytesOptions, Field as Column, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};

use crate::Field;
use crate::words::Words;

/// Changes with anything that makes an older index wrong: fields, terms, what a word is.
pub const SCHEMA_VERSION: u32 = 4;

/// The most bytes of one term's value; the event allows no identifier this long.
pub(crate) const TERM_BYTES_MAX: usize = 4_096;

/// Which member a term is from. One byte in every term, in printable ASCII for diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Id = b'a',
    ActorId,
    ActorType,
    ActorName,
    ActorEmail,
    Role,
    Credential,
    AuthorizedBy,
    Session,
    /// An address, as sixteen bytes.
    Address,
    /// What stands for an address and is none.
    AddressText,
    Host,
    /// The whole text of a user agent: there are few, so words are looked for in the dictionary.
    UserAgent,
    Action,
    TargetType,
    TargetId,
    TargetName,
    TargetUuid,
    /// Id or name of a related thing.
    Related,
    /// Type, `/` and id of a related thing.
    RelatedWhole,
    Organization,
    Workspace,
    Project,
    Study,
    StudyUuid,
    User,
    Context,
    Outcome,
    OutcomeCode,
    Operation,
    ReasonCode,
    System,
    Instance,
    Format,
    Version,
    Region,
    Via,
    Dialect,
    Import,
    Imported,
    RecordedBy,
    /// That a member is there, whose presence no term or word shows.
    Has,
}

/// Which member a word is from: the first byte of every term of the text field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    ActorName = b'A',
    After = b'F',
    Attributes = b'X',
    Before = b'B',
    Names = b'N',
    Params = b'P',
    Reason = b'R',
    TargetName = b'T',
}

impl Part {
    /// The members that a bare word is looked for in.
    pub(crate) const SEARCHED: [Self; 8] = [
        Self::ActorName,
        Self::After,
        Self::Attributes,
        Self::Before,
        Self::Names,
        Self::Params,
        Self::Reason,
        Self::TargetName,
    ];

    pub(crate) const fn mark(self) -> char {
        self as u8 as char
    }
}

/// Fields with a column of one label an event, to count by without reading postings.
pub(crate) const COUNTED: [Field; 12] = [
    Field::Actor,
    Field::ActorType,
    Field::Action,
    Field::TargetType,
    Field::Organization,
    Field::Workspace,
    Field::Project,
    Field::Study,
    Field::User,
    Field::Outcome,
    Field::System,
    Field::Dialect,
];

/// The tantivy schema and its fields.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) schema: Schema,
    pub(crate) terms: Column,
    pub(crate) text: Column,
    pub(crate) occurred: Column,
    pub(crate) recorded: Column,
    pub(crate) counted: [Column; COUNTED.len()],
}

pub(crate) const OCCURRED: &str = "occurred";
pub(crate) const RECORDED: &str = "recorded";
const TOKENIZER: &str = "words";

impl Layout {
    /// The one layout of this version.
    pub(crate) fn current() -> &'static Self {
        static LAYOUT: OnceLock<Layout> = OnceLock::new();
        LAYOUT.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut schema = Schema::builder();
        let terms = schema.add_bytes_field("terms", BytesOptions::default().set_indexed());
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(TOKENIZER)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let text =
            schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let occurred = schema.add_i64_field(OCCURRED, NumericOptions::default().set_fast());
        let recorded = schema.add_i64_field(RECORDED, NumericOptions::default().set_fast());
        let counted = COUNTED.map(|field| {
            schema.add_text_field(&column(field), TextOptions::default().set_fast("raw"))
        });
        Self { schema: schema.build(), terms, text, occurred, recorded, counted }
    }
}

/// The column of a field that is counted by.
pub(crate) fn column(field: Field) -> String {
    // A dot would have to be escaped.
    field.name().replace('.', "_")
}

/// The tokenizers that the layout names.
pub(crate) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::new();
    manager.register(TOKENIZER, WordTokenizer::default());
    manager.register("default", WordTokenizer::default());
    manager
}

/// Cuts a value into words under the mark that it begins with.
#[derive(Clone, Debug, Default)]
struct WordTokenizer {
    token: Token,
}

#[derive(Debug)]
struct WordStream<'a> {
    mark: Option<char>,
    words: Words<'a>,
    token: &'a mut Token,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        let mut chars = text.chars();
        let mark = chars.next();
        WordStream { mark, words: Words::new(chars.as_str()), token: &mut self.token }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(mark) = self.mark else { return false };
        self.token.text.clear();
        self.token.text.push(mark);
        match self.words.next_into(&mut self.token.text) {
            Some(position) => {
                self.token.position = position;
                true
            }
            None => false,
        }
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
