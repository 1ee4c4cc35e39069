//! Clients that append without a pause, and send again what nobody acknowledged.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

/// Where an acknowledged event is, by its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) index: u64,
    pub(crate) leaf_hash: String,
}

/// What all clients share.
#[derive(Debug, Default)]
struct Shared {
    /// Where the server is now; nowhere while it is down.
    url: Mutex<Option<String>>,
    stop: AtomicBool,
    /// Receipts by trail and id.
    receipts: Mutex<HashMap<(String, String), Receipt>>,
    /// Requests that had to be sent again.
    retries: Mutex<u64>,
}

/// Clients at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What was acknowledged in the end.
pub(crate) struct Acknowledged {
    pub(crate) receipts: HashMap<(String, String), Receipt>,
    pub(crate) retries: u64,
}

impl Load {
    /// One client for each of these: its trail and how many events it sends at once.
    pub(crate) fn start(token: &str, clients: &[(&str, usize)]) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = clients
            .iter()
            .enumerate()
            .map(|(number, (trail, size))| {
                let client = Client {
                    shared: Arc::clone(&shared),
                    agent: agent(),
                    token: token.to_owned(),
                    trail: (*trail).to_owned(),
                    name: format!("w{number}"),
                    size: *size,
                };
                thread::spawn(move || client.run())
            })
            .collect();
        Self { shared, threads }
    }

    /// Says where the server is, or that it is down.
    pub(crate) fn point_at(&self, url: Option<&str>) {
        *self.shared.url.lock().unwrap() = url.map(ToOwned::to_owned);
    }

    /// How many events were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.shared.receipts.lock().unwrap().len()
    }

    /// Lets every client finish the request that it is at, however often it has to be sent.
    pub(crate) fn finish(self) -> Acknowledged {
        self.shared.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().unwrap();
        }
        let receipts = std::mem::take(&mut *self.shared.receipts.lock().unwrap());
        Acknowledged { receipts, retries: *self.shared.retries.lock().unwrap() }
    }
}

/// An HTTP client that tells refusals from failures and does not wait for ever.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

struct Client {
    shared: Arc<Shared>,
    agent: ureq::Agent,
    token: String,
    trail: String,
    name: String,
    size: usize,
}

impl Client {
    fn run(&self) {
        let mut next = 0;
        while !self.shared.stop.load(Ordering::SeqCst) {
            // Sizes vary, so that frames end anywhere in a tile.
            let count = if self.size == 1 { 1 } else { 1 + next * 7 % self.size };
            let events: Vec<Value> =
                (next..next + count).map(|number| self.event(number)).collect();
            let body = if count == 1 { events[0].clone() } else { Value::from(events) };
            self.send_until_acknowledged(&body.to_string());
            next += count;
        }
    }

    fn event(&self, number: usize) -> Value {
        // Now and then one that is too large for the log and is detached.
        let note = if number % 97 == 50 { "x".repeat(20_000) } else { format!("run {number}") };
        json!({
            "id": format!("{}-{number}", self.name),
            "occurred_at": "2026-11-21T08:00:00Z",
            "source": {"system": "lims"},
            "actor": {"type": "user", "id": self.name},
            "action": "sample.update",
            "target": {"type": "sample", "id": format!("S-{}", number % 50)},
            "params": {"note": note},
        })
    }

    fn send_until_acknowledged(&self, body: &str) {
        loop {
            let url = self.shared.url.lock().unwrap().clone();
            if let Some(answer) = url.and_then(|url| self.send(&url, body)) {
                let mut receipts = self.shared.receipts.lock().unwrap();
                for receipt in answer["receipts"].as_array().unwrap() {
                    let id = receipt["id"].as_str().unwrap().to_owned();
                    let receipt = Receipt {
                        index: receipt["index"].as_u64().unwrap(),
                        leaf_hash: receipt["leaf_hash"].as_str().unwrap().to_owned(),
                    };
                    let before = receipts.insert((self.trail.clone(), id), receipt);
                    assert!(before.is_none(), "each is acknowledged once");
                }
                return;
            }
            *self.shared.retries.lock().unwrap() += 1;
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The answer, if there is one; anything but a success or a failure to answer is a bug.
    fn send(&self, url: &str, body: &str) -> Option<Value> {
        let mut response = self
            .agent
            .post(&format!("{url}/api/v1/trails/{}/events", self.trail))
            .header("Authorization", &format!("Bearer {}", self.token))
            .header("Content-Type", "application/json")
            .send(body)
            .ok()?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().ok()?;
        assert!(matches!(status, 200 | 201 | 429 | 503), "{status}: {text}");
        if status >= 400 { None } else { serde_json::from_str(&text).ok() }
    }
}
