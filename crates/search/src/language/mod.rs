//! The one query language, in the box and in the URL.
//!
//! A question is conditions with white space between them, all of which must hold:
//!
//! ```text
//! field:value        like the value, but for case      actor:ana
//! field:=value       the value to the byte             action:=Update
//! field:value*       beginning with it                 action:delete*
//! field:~value       matching a regular expression     target.id:~^S-[0-9]+$
//! field:(a|b)        one of several                    action:(create|update)
//! field:none         the field is missing              reason:none
//! has:field          it is there                       has:before
//! word  "a phrase"   anywhere in the event             "lot 42"
//! from:  to:         when it happened, [from, to)      from:2026-01-01
//! recorded_from:  recorded_to:                         when it was recorded
//! during:a..b        within one of several spans, [a, b)    during:(2026-01-01..2026-02-01|2026-03-01..)
//! hours:days/from-to@zone    the time of the week           hours:mon-fri/7:30-19@Europe/Madrid
//! late:duration      recorded that long after it happened, or longer   late:1h
//! index:a..b         leaf indexes, [a, b); index:a     index:100..200
//! -condition         the opposite                      -source:seqera
//! ```
//!
//! `action:` also finds what the platform recorded under another name of the same act, such as a
//! deprecated one; `action:=` does not.
//!
//! A field whose values are all known (`outcome`, `via`, `imported`, and `kind` by the catalogues) takes
//! none that it never has; `outcome:f*` and `outcome:~^f` are not compared with them.
//!
//! `hours:` takes days, hours or both, by the clocks of the reader's zone unless it names one; `22-6`
//! goes over midnight and means the late and the early hours of each day.
//!
//! `late:` takes a whole number of seconds (`s`), minutes (`m`), hours (`h`) or days (`d`); `-late:0s`
//! means what is said to have happened after it was recorded.
//!
//! A value with white space, quotes or one of `()|*=~` in it is quoted; in quotes, `\"` and `\\` stand
//! for `"` and `\`. A quoted value is never a keyword: `reason:"none"` asks for the word.

mod lex;
mod parse;
mod print;
mod time;

pub use parse::{Fault, KEYWORDS, parse, parse_among};
pub use print::is_condition;
pub use time::Zone;
