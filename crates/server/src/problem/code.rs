//! The table of problem codes.
//!
//! A code never changes its meaning, its status or its spelling: programs branch on it. A snapshot
//! test locks the table, and `docs/api.md` is checked against it.

use axum::http::StatusCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident => $word:literal, $status:ident, $title:literal;)+) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in the order of their words.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word for programs, in kebab case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// The status that it is sent with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// The problem in one line, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// What it means and what to do, for a person.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n"),+)),+ }
            }
        }
    };
}

codes! {
    /// The server has as much to do as it can hold, or search is too far behind. Nothing was
    /// recorded. Send the same request again after the seconds that `Retry-After` names.
    Busy => "busy", TOO_MANY_REQUESTS, "The server is busy";
    /// The server's clock would move `recorded_at` more than an hour ahead. Nothing was recorded.
    /// An operator has to set the clock right, or confirm it with `indelible clock confirm`.
    ClockUntrusted => "clock-untrusted", SERVICE_UNAVAILABLE, "The clock cannot be believed";
    /// A deposited file is gone or has other bytes than were recorded. It is not handed out. Put the
    /// file back; its SHA-256 is in the trail.
    DepositDamaged => "deposit-damaged", INTERNAL_SERVER_ERROR, "The deposited file is damaged";
    /// The folder is, or was, that of another deposit. Name another folder.
    DepositExists => "deposit-exists", CONFLICT, "The folder has a deposit";
    /// The disk is full. Nothing of this request was recorded, and all that was recorded before can
    /// be read. Send the same request again when an operator has made room.
    DiskFull => "disk-full", INSUFFICIENT_STORAGE, "The disk is full";
    /// The token is valid but may not do this. The answer is the same whether or not what was asked
    /// for exists: a token for one trail learns nothing about others.
    Forbidden => "forbidden", FORBIDDEN, "This token may not do that";
    /// An event with this source system and id is recorded already and says something else, or two
    /// different events of the request have the same id. Nothing was recorded. Give the event an id
    /// of its own, or look at the recorded one.
    IdConflict => "id-conflict", CONFLICT, "Another event has this id";
    /// The import ended before its input did, because the input cannot be read or because it was strict
    /// and a record was rejected; `report` says where and counts what was recorded before. Import the
    /// corrected input: what is recorded already is not recorded twice.
    ImportIncomplete => "import-incomplete", UNPROCESSABLE_ENTITY, "The import is incomplete";
    /// The server failed in a way that it did not expect. The request id leads to the reason in its
    /// diagnostics.
    Internal => "internal", INTERNAL_SERVER_ERROR, "The server failed";
    /// The cursor was not handed out for this list. Start again without one.
    InvalidCursor => "invalid-cursor", BAD_REQUEST, "This is not a cursor of this list";
    /// An event breaks a rule; `errors` names the position in the request, the member, the rule and
    /// the fix. Nothing was recorded, unless the request said `atomic=false`.
    InvalidEvent => "invalid-event", UNPROCESSABLE_ENTITY, "An event breaks a rule";
    /// A parameter of the URL or a header is unknown, stands twice, or has a value it cannot have.
    InvalidParameter => "invalid-parameter", BAD_REQUEST, "A parameter is wrong";
    /// The question cannot be read or answered; `errors` says where and what to change.
    InvalidQuery => "invalid-query", BAD_REQUEST, "The question cannot be answered";
    /// The JSON in the body is well-formed but does not say what this resource needs.
    InvalidRequest => "invalid-request", UNPROCESSABLE_ENTITY, "The request breaks a rule";
    /// The body ended early or its compression is broken. Nothing was recorded.
    MalformedBody => "malformed-body", BAD_REQUEST, "The body cannot be read";
    /// The body is not JSON in UTF-8; `errors` names the byte. Nothing was recorded.
    MalformedJson => "malformed-json", BAD_REQUEST, "The body is not JSON";
    /// The resource exists and does not have this method; `Allow` names those that it has.
    MethodNotAllowed => "method-not-allowed", METHOD_NOT_ALLOWED, "The resource does not have this method";
    /// The trail has no event at this index.
    NoSuchEvent => "no-such-event", NOT_FOUND, "There is no such event";
    /// There is no problem, token or other thing of that name.
    NoSuchResource => "no-such-resource", NOT_FOUND, "There is no such resource";
    /// There is no trail of that name. Only a token that may do this to every trail is told.
    NoSuchTrail => "no-such-trail", NOT_FOUND, "There is no such trail";
    /// The resource cannot be sent in a form that the header `Accept` admits.
    NotAcceptable => "not-acceptable", NOT_ACCEPTABLE, "No acceptable form";
    /// The event is recorded, but no checkpoint covers it yet, so that there is no receipt. Ask
    /// again after `Retry-After`, or ask with `wait=published`.
    NotPublished => "not-published", CONFLICT, "No checkpoint covers it yet";
    /// Search has not got as far as `at_least` within the time that the server waits, or is being
    /// rebuilt. Ask again after `Retry-After`, or without `at_least`.
    SearchBehind => "search-behind", SERVICE_UNAVAILABLE, "Search is behind";
    /// The request, or one event of it, is larger than `limit` in `unit`. Nothing was recorded.
    TooLarge => "too-large", PAYLOAD_TOO_LARGE, "The request is too large";
    /// Many wrong tokens were presented lately, from this address or from all together. Each is counted
    /// on the `access` trail. A right token is let in at any time; try another one, or wait for as long
    /// as `Retry-After` says.
    TooManyAttempts => "too-many-attempts", TOO_MANY_REQUESTS, "Too many wrong tokens";
    /// A checked piece of the trail contradicts the trail's own checkpoint. Nothing of it is handed
    /// out. An operator has to run `indelible check`.
    TrailDamaged => "trail-damaged", INTERNAL_SERVER_ERROR, "The stored trail is damaged";
    /// A trail of that name exists.
    TrailExists => "trail-exists", CONFLICT, "The trail exists";
    /// A write failed in a way that leaves open whether it happened, and the trail takes no more
    /// events until it is recovered. An event of this request may be recorded: send it again, with
    /// the same id, when the server is back.
    TrailStopped => "trail-stopped", SERVICE_UNAVAILABLE, "The trail has stopped";
    /// The request has no token, or one that is unknown, over or revoked. Send
    /// `Authorization: Bearer <token>`.
    Unauthenticated => "unauthenticated", UNAUTHORIZED, "A valid token is needed";
    /// The store failed and nothing happened. Send the same request again after `Retry-After`.
    Unavailable => "unavailable", SERVICE_UNAVAILABLE, "The store cannot be used at the moment";
    /// The body is compressed in a way that the server does not know; it knows gzip and zstd.
    UnsupportedEncoding => "unsupported-encoding", UNSUPPORTED_MEDIA_TYPE, "Unknown compression";
    /// The body has a type that this resource does not take.
    UnsupportedMediaType => "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unknown type of body";
    /// The body came too slowly. Nothing was recorded.
    UploadTooSlow => "upload-too-slow", REQUEST_TIMEOUT, "The upload is too slow";
}

impl Code {
    /// The code with that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }

    /// Where it is explained: the problem's type.
    pub fn url(self) -> String {
        format!("/problems/{}", self.as_str())
    }
}
