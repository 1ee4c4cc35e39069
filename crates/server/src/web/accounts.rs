//! Accounts and the addresses that they were used from: one account from many addresses may be one
//! that several people share, or that somebody took.

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use search::{Account, Clause, Field, Wanted};
use serde_json::json;

use super::criteria::Criteria;
use super::row::history_of;
use super::text::{self, Html, grouped};
use super::visit::{Frame, Shown, Visit, page};
use super::when::Period;
use crate::problem::Problem;

/// Accounts that are shown.
const ACCOUNTS_MAX: usize = 200;

/// Addresses of an account that are shown.
const ADDRESSES_MAX: usize = 12;

/// The numbers of addresses that are offered.
const LEAST: [u64; 5] = [2, 3, 5, 10, 1];

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    trail: String,
    criteria: Criteria,
    fault: Html,
    periods: [(&'static str, &'static str); 8],
    period_words: String,
    least: u64,
    choices: [u64; 5],
    accounts: Vec<AccountView>,
    distinct: u64,
    list: String,
}

/// One account.
#[derive(Debug)]
struct AccountView {
    name: Html,
    href: String,
    distinct: String,
    events: String,
    /// Text, count, and the list of its events from there.
    addresses: Vec<(Html, String, String)>,
    more: u64,
    all: String,
}

/// `GET /t/{trail}/accounts`.
pub(crate) async fn accounts(visit: Visit) -> Shown {
    show(&visit).await.map_err(|problem| visit.failed(problem))
}

async fn show(visit: &Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let mut params = visit.call.params()?;
    let clock = visit.taste.clock.clone();
    let least = params.take("least")?.and_then(|text| text.parse().ok());
    let least = least.filter(|least| LEAST.contains(least)).unwrap_or(2);
    let criteria = Criteria::read(&mut params, &clock)?;
    params.finish()?;
    let question = criteria.question(visit.now(), &clock);
    visit.call.record_read("accounts", &open, &json!({"q": question.to_string()}));
    let trail = open.slug.to_string();
    let mut shown = AccountsPage {
        frame: visit.frame(&format!("Accounts of {trail}"), "accounts"),
        fault: criteria.fault.as_ref().map(|f| text::prose(&f.message)).unwrap_or_default(),
        periods: Period::PRESETS,
        period_words: criteria.period.words(visit.now(), &clock),
        least,
        choices: LEAST,
        accounts: Vec::new(),
        distinct: 0,
        list: format!("/t/{trail}{}", criteria.first_page().href()),
        criteria,
        trail,
    };
    visit
        .call
        .app
        .blocking(move || {
            if shown.fault.is_empty() {
                let wanted = Wanted {
                    addresses_min: least,
                    accounts: ACCOUNTS_MAX,
                    addresses: ADDRESSES_MAX,
                };
                let found = open.projection.accounts(&question, wanted)?;
                shown.distinct = found.distinct;
                shown.accounts = found.accounts.iter().map(|account| shown.view(account)).collect();
            }
            Ok::<_, Problem>(page(&shown))
        })
        .await
}

impl AccountsPage {
    /// Whether there are more accounts than are shown.
    fn is_cut(&self) -> bool {
        self.distinct > self.accounts.len() as u64
    }

    fn view(&self, account: &Account) -> AccountView {
        let of_account =
            self.criteria.query.clone().with(Clause::exactly(Field::Actor, &account.account));
        let list = |query| format!("/t/{}{}", self.trail, self.criteria.asking(query).href());
        let addresses = account.addresses.iter().map(|(address, count)| {
            let from_there = of_account.clone().with(Clause::exactly(Field::Ip, address));
            (text::clipped(address, 60), grouped(*count), list(from_there))
        });
        AccountView {
            name: text::clipped(&account.account, 120),
            href: history_of(&self.trail, &[("actor", &account.account)]),
            distinct: grouped(account.distinct),
            events: grouped(account.events),
            addresses: addresses.collect(),
            more: account.distinct.saturating_sub(account.addresses.len() as u64),
            all: list(of_account),
        }
    }
}
