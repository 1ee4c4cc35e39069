//! The trail page: what is asked, what was found, and over which time.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use search::{Cursor, Query, Split};
use serde_json::json;
use trail::Feed as _;

use super::bars::{axis, bars, edges};
use super::columns::Column;
use super::condition::{CheckView, last_checks};
use super::criteria::{Criteria, ORDERS, SIZES, SPLITS, encoded};
use super::event::Glance;
use super::filters::{FacetView, Input, facets, inputs, submitted};
use super::row::{Row, Setting};
use super::svg::Bars;
use super::text::{self, Html, grouped};
use super::views::{View, views_of};
use super::visit::{Frame, Shown, Visit, page, see_other};
use super::when::{Clock, Period};
use crate::fitting::{PAGE_BYTES_MAX, each_fitting};
use crate::instance::OpenTrail;
use crate::problem::Problem;
use crate::{Catalogues, Links};

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    trail: String,
    criteria: Criteria,
    /// The whole question as text, period included, for exports and the live tail.
    question: String,
    fault: Option<FaultView>,
    chips: Vec<(Html, String)>,
    cleared: String,
    periods: [(&'static str, &'static str); 8],
    period_words: String,
    inputs: Vec<Input>,
    facets: Vec<FacetView>,
    count: u64,
    histogram: Html,
    axis: Vec<String>,
    legend: Vec<(String, String, String)>,
    peak: String,
    splits: Vec<(&'static str, &'static str, String)>,
    columns: Vec<(Column, usize, bool)>,
    orders: Vec<(&'static str, &'static str)>,
    sizes: [usize; 4],
    rows: Rows,
    heads: Vec<Head>,
    /// How far this page has looked: the live tail goes on from there.
    searched: String,
    next: String,
    /// Whether the page ends early, because its events are large.
    cut: bool,
    first: String,
    cover: Cover,
    /// The last check of the whole trail.
    check: Option<CheckView>,
    print: String,
    live: String,
    here: String,
    views: Vec<View>,
    may_save: bool,
    /// The words that a condition can begin with, for completion.
    fields: String,
    /// In whose files the events can be taken away.
    platforms: Vec<Platform>,
}

/// Rows as they stand in the table.
#[derive(Debug, Default, Template)]
#[template(path = "rows.html")]
struct Rows {
    rows: Vec<RowView>,
    /// Columns of the table, those for ticking and opening among them.
    span: usize,
}

/// One row, and what it opens to.
#[derive(Debug)]
struct RowView {
    row: Row,
    open: Option<Glance>,
    /// Where a click opens or closes it.
    toggle: String,
}

/// The head of a column.
#[derive(Debug)]
struct Head {
    column: Column,
    /// Where a click sorts by it; empty where lists cannot be sorted so.
    href: String,
    /// `ascending`, `descending`, `none`; empty where lists cannot be sorted so.
    sorted: &'static str,
}

impl Head {
    fn all(criteria: &Criteria, trail: &str) -> Vec<Self> {
        criteria.columns.iter().map(|column| Self::new(*column, criteria, trail)).collect()
    }

    fn new(column: Column, criteria: &Criteria, trail: &str) -> Self {
        let (up, down) = match column {
            Column::Time => ("oldest", "newest"),
            Column::Recorded => ("first_recorded", "last_recorded"),
            _ => return Self { column, href: String::new(), sorted: "" },
        };
        let order = if criteria.order == down { up } else { down };
        let next = Criteria { order, ..criteria.first_page() };
        let sorted = match criteria.order {
            order if order == up => "ascending",
            order if order == down => "descending",
            _ => "none",
        };
        Self { column, href: format!("/t/{trail}{}", next.href()), sorted }
    }

    fn sign(&self) -> &'static str {
        match self.sorted {
            "ascending" => "▲",
            "descending" => "▼",
            _ => "⇅",
        }
    }
}

/// What is wrong with the text in the box, and where.
#[derive(Debug)]
struct FaultView {
    before: String,
    word: String,
    after: String,
    message: Html,
}

/// What a page covers, so that nobody takes a part for the whole.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    /// Entries that are recorded.
    pub(crate) committed: u64,
    /// The same for a person.
    pub(crate) recorded: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) lag: u64,
    pub(crate) published: String,
    pub(crate) unpublished: u64,
}

impl Cover {
    /// What a trail covers now.
    pub(crate) fn of(open: &OpenTrail, clock: &Clock) -> Result<Self, Problem> {
        let span = open.projection.span(&Query::default())?;
        let committed = open.trail.committed_size();
        let published = open.trail.published().checkpoint.size().get();
        let moment = |micros: Option<i64>| {
            micros.map_or_else(String::new, |micros| clock.stamp_micros(micros).to_string())
        };
        Ok(Self {
            committed,
            recorded: grouped(committed),
            first: moment(span.map(|span| span.0)),
            last: moment(span.map(|span| span.1)),
            lag: open.projection.lag(),
            published: grouped(published),
            unpublished: committed.saturating_sub(published),
        })
    }
}

/// `GET /t/{trail}`.
pub(crate) async fn list(visit: Visit) -> Shown {
    show(&visit).await.map_err(|problem| visit.failed(problem))
}

async fn show(visit: &Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let mut params = visit.call.params()?;
    let clock = visit.taste.clock.clone();
    let criteria = Criteria::read(&mut params, &clock)?;
    if let Some(query) = submitted(&mut params, &criteria, visit)? {
        // A fault stays in the box: there it can be mended.
        let next = if criteria.fault.is_some() { criteria } else { criteria.asking(query) };
        return Ok(see_other(&format!("/t/{}{}", open.slug, next.href())));
    }
    let question = criteria.question(visit.now(), &clock);
    visit.call.record_read("search", &open, &json!({"q": question.to_string()}));
    let mut page = ListPage::new(visit, &open, criteria, &question);
    let links = visit.call.app.options().links.clone();
    let instance = Arc::clone(visit.call.app.instance());
    page.views = views_of(visit, open.slug.as_str()).await?;
    visit
        .call
        .app
        .blocking(move || {
            if page.fault.is_none() {
                page.fill(&open, &question, &clock, &links)?;
            }
            page.cover = Cover::of(&open, &clock)?;
            page.check = last_checks(&instance, &open, &clock, 1)?.pop();
            Ok::<_, Problem>(self::page(&page))
        })
        .await
}

impl ListPage {
    /// The page without anything that has to be looked up.
    fn new(visit: &Visit, open: &Arc<OpenTrail>, criteria: Criteria, question: &Query) -> Self {
        let trail = open.slug.to_string();
        let link = |criteria: &Criteria| format!("/t/{trail}{}", criteria.href());
        let fault = criteria.fault.as_ref().map(|fault| FaultView::new(&criteria.text, fault));
        let chips = criteria
            .conditions()
            .into_iter()
            .map(|(text, rest)| (text::clipped(&text, 80), link(&criteria.asking(rest))))
            .collect();
        let splits = SPLITS.into_iter().map(|(word, title)| {
            (word, title, link(&Criteria { split: word, ..criteria.clone() }))
        });
        let chosen = |column: Column| criteria.columns.iter().position(|other| *other == column);
        let mut columns: Vec<(Column, usize, bool)> = Column::ALL
            .into_iter()
            .enumerate()
            .map(|(at, column)| match chosen(column) {
                Some(place) => (column, place + 1, true),
                None => (column, at + criteria.columns.len() + 1, false),
            })
            .collect();
        columns.sort_by_key(|(_, place, _)| *place);
        let print = format!("/t/{trail}/print{}", criteria.first_page().href());
        Self {
            frame: visit.frame(&format!("{trail}: the trail"), "events"),
            question: question.to_string(),
            fault,
            chips,
            cleared: format!("/t/{trail}"),
            periods: Period::PRESETS,
            period_words: criteria.period.words(visit.now(), &visit.taste.clock),
            inputs: Vec::new(),
            facets: Vec::new(),
            count: 0,
            histogram: Html::default(),
            axis: Vec::new(),
            legend: Vec::new(),
            peak: String::new(),
            splits: splits.collect(),
            columns,
            orders: ORDERS.into_iter().map(|(word, title, _)| (word, title)).collect(),
            sizes: SIZES,
            rows: Rows::default(),
            heads: Head::all(&criteria, &trail),
            searched: String::new(),
            next: String::new(),
            cut: false,
            first: if criteria.after.is_empty() {
                String::new()
            } else {
                link(&criteria.first_page())
            },
            cover: Cover::default(),
            check: None,
            print,
            live: format!(
                "/t/{trail}/live?q={}&cols={}",
                encoded(&question.to_string()),
                Column::write(&criteria.columns)
            ),
            here: link(&criteria),
            views: Vec::new(),
            may_save: true,
            fields: condition_words().join(" "),
            platforms: platforms(),
            trail,
            criteria,
        }
    }

    fn fill(
        &mut self,
        open: &OpenTrail,
        question: &Query,
        clock: &Clock,
        links: &Links,
    ) -> Result<(), Problem> {
        let published = open.trail.published().checkpoint.size().get();
        let setting = Setting { trail: open.slug.as_str(), clock, published, links };
        self.fill_rows(open, question, setting)?;
        (self.facets, self.count) = facets(open, question, &self.criteria)?;
        self.inputs = inputs(open, &self.criteria.query)?;
        self.fill_histogram(open, question, clock)
    }

    fn fill_rows(
        &mut self,
        open: &OpenTrail,
        question: &Query,
        setting: Setting<'_>,
    ) -> Result<(), Problem> {
        // A cursor of another order begins the list anew.
        let after: Option<Cursor> = self.criteria.after.parse().ok();
        let order = self.criteria.sort();
        let found = open.projection.search(question, order, self.criteria.size, after.as_ref());
        let mut found = match found {
            Err(search::Error::Cursor) => {
                open.projection.search(question, order, self.criteria.size, None)?
            }
            found => found?,
        };
        self.searched =
            found.projected_size.checked_sub(1).map(|last| last.to_string()).unwrap_or_default();
        self.rows.span = self.criteria.columns.len() + 2;
        let asked = found.indexes.len();
        each_fitting(&open.trail, &mut found, PAGE_BYTES_MAX, &mut |recorded| {
            let index = recorded.index;
            let opened =
                (self.criteria.open == Some(index)).then(|| Glance::new(&recorded, "rows"));
            let toggled = Criteria {
                open: if opened.is_some() { None } else { Some(index) },
                ..self.criteria.clone()
            };
            let toggle = format!("/t/{}{}#e{index}", self.trail, toggled.href());
            let row = Row::new(&recorded, &self.criteria.columns, setting);
            self.rows.rows.push(RowView { row, open: opened, toggle });
        })?;
        self.cut = found.indexes.len() < asked;
        if let Some(next) = found.next {
            let next = Criteria { after: next.to_string(), ..self.criteria.first_page() };
            self.next = format!("/t/{}{}", self.trail, next.href());
        }
        Ok(())
    }

    fn fill_histogram(
        &mut self,
        open: &OpenTrail,
        question: &Query,
        clock: &Clock,
    ) -> Result<(), Problem> {
        let Some(found) = open.projection.span(question)? else { return Ok(()) };
        let edges = edges(found, question.occurred, &clock.zone());
        let split = if self.criteria.split == "kind" { Split::Kind } else { Split::Outcome };
        if edges.len() < 2 {
            return Ok(());
        }
        let counted = open.projection.histogram(question, &edges, split)?;
        let drawn = bars(&counted, &edges, &self.criteria, clock, &self.trail);
        self.histogram = drawn.svg();
        self.peak = grouped(drawn.peak());
        self.axis = axis(&edges, clock);
        self.legend = drawn
            .parts
            .iter()
            .enumerate()
            .map(|(at, part)| {
                let total: u64 = drawn.bars.iter().filter_map(|bar| bar.counts.get(at)).sum();
                (Bars::class(part), part.clone(), grouped(total))
            })
            .collect();
        Ok(())
    }

    fn counted(&self) -> String {
        grouped(self.count)
    }
}

impl FaultView {
    fn new(text: &str, fault: &search::Fault) -> Self {
        let piece = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
        Self {
            before: piece(0..fault.place.start),
            word: piece(fault.place.clone()),
            after: piece(fault.place.end.min(text.len())..text.len()),
            message: text::prose(&fault.message),
        }
    }
}

/// `GET /t/{trail}/live?q=&cols=`: rows of the list as their events are recorded.
pub(crate) async fn live(visit: Visit) -> Result<Response<Body>, Problem> {
    let mut params = visit.call.params()?;
    let columns = Column::read(&params.take_all("cols"));
    let clock = visit.taste.clock.clone();
    let links = visit.call.app.options().links.clone();
    let render = move |open: &OpenTrail, recorded: &trail::Recorded| {
        let published = open.trail.published().checkpoint.size().get();
        let setting =
            Setting { trail: open.slug.as_str(), clock: &clock, published, links: &links };
        let row = Row::new(recorded, &columns, setting);
        let rows = vec![RowView { toggle: row.href.clone(), row, open: None }];
        // A row that cannot be rendered is told by its index alone.
        Rows { rows, span: columns.len() + 2 }.render().unwrap_or_default()
    };
    crate::api::follow(visit.call, params, Arc::new(render)).await
}

/// A platform, and the forms of the files that it writes: the word in the URL, a name, and what it is.
#[derive(Debug)]
struct Platform {
    title: &'static str,
    forms: Vec<(String, &'static str, Html)>,
}

/// The platforms whose files can be written.
fn platforms() -> Vec<Platform> {
    let form = |dialect: &dyn dialect::Dialect, format: &dialect::Format| {
        let word = format!("{}/{}", dialect.name(), format.name);
        (word, format.name, text::prose(format.about))
    };
    let platform = |dialect: &&'static dyn dialect::Dialect| Platform {
        title: dialect.catalogue().title,
        forms: dialect.formats().iter().map(|format| form(*dialect, format)).collect(),
    };
    dialect::ALL.iter().map(platform).collect()
}

/// The words that a condition can begin with.
fn condition_words() -> Vec<&'static str> {
    let fields = search::Field::ALL.into_iter().map(search::Field::name);
    let mut words: Vec<&str> = fields.chain(search::KEYWORDS).collect();
    words.sort_unstable();
    words
}

/// What can stand behind a word whatever the trail has: the catalogue of kinds, and what the language
/// itself knows.
fn known_values(word: &str) -> Option<Vec<&'static str>> {
    Some(match word.to_ascii_lowercase().as_str() {
        "has" => search::Field::ALL.into_iter().map(search::Field::name).collect(),
        "hours" => vec!["mon-fri/7-19", "sat-sun", "22-6"],
        "late" => vec!["15m", "1h", "1d", "7d"],
        "kind" => Catalogues::words(),
        "from" | "to" | "recorded_from" | "recorded_to" | "during" | "index" => Vec::new(),
        word => search::Field::parse(word)?.vocabulary()?.to_vec(),
    })
}

/// `GET /t/{trail}/complete?field=&prefix=`: values that a text can be completed to.
pub(crate) async fn complete(visit: Visit) -> Result<Response<Body>, Problem> {
    /// Values that are offered.
    const COUNT: usize = 12;
    let open = visit.call.trail().await?;
    let mut params = visit.call.params()?;
    let word = params.required("field")?;
    let prefix = params.take("prefix")?.unwrap_or_default();
    if let Some(known) = known_values(&word) {
        let list = known.into_iter().filter(|value| value.starts_with(&prefix.to_lowercase()));
        let list: Vec<_> = list.take(COUNT).map(|value| json!({"value": value})).collect();
        return Ok(crate::call::json(serde_json::Value::Array(list).to_string()));
    }
    // Words of a text are not offered: there are too many of them.
    let Some(field) = search::Field::parse(&word).filter(|field| field.is_facet()) else {
        return Ok(crate::call::json("[]".to_owned()));
    };
    visit
        .call
        .app
        .blocking(move || {
            let found = open.projection.distinct(field, &prefix, COUNT)?;
            let list: Vec<serde_json::Value> = found
                .into_iter()
                .map(|(value, count)| json!({"value": value, "count": count}))
                .collect();
            Ok::<_, Problem>(crate::call::json(serde_json::Value::Array(list).to_string()))
        })
        .await
}
