//! `trail`: make and list trails.

use anyhow::Result;
use registry::Slug;
use serde::Deserialize;
use serde_json::json;
use server::instance::Instance;

use super::source::status;
use super::{Opened, explain, open};
use crate::cli::{Place, Trail};
use crate::exit::Exit;
use crate::output::{self, Cell};

/// A trail as the API shows it.
#[derive(Deserialize)]
struct Shown {
    slug: Slug,
    verifier_key: String,
    created_at: String,
}

/// The trails as the API lists them.
#[derive(Deserialize)]
struct List {
    trails: Vec<Shown>,
}

pub(crate) fn run(command: Trail) -> Result<Exit> {
    match command {
        Trail::Create { slug, place } => {
            let vkey = match open(&place)? {
                Opened::Here(instance) => {
                    let made =
                        instance.create_trail(&slug, &Instance::operator()).map_err(explain)?;
                    instance.stop();
                    made.trail.verifier().to_string()
                }
                Opened::There(server) => {
                    let new = json!({"slug": slug.as_str()});
                    server.post::<Shown>("/api/v1/trails", &[], &new)?.verifier_key
                }
            };
            output::line(&vkey)?;
            output::note(&format!("made the trail {slug}; its public key is on stdout"));
        }
        Trail::List { place, output } => {
            output::rows(output, &["trail", "events", "created", "vkey"], &list(&place)?)?;
        }
    }
    Ok(Exit::Done)
}

fn list(place: &Place) -> Result<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    match open(place)? {
        Opened::Here(instance) => {
            for record in instance.trails() {
                let size = trail::Feed::committed_size(&*instance.trail(&record.slug)?.trail);
                rows.push(vec![
                    record.slug.to_string().into(),
                    size.into(),
                    event::format_micros(record.created_at_micros).into(),
                    record.vkey.clone().into(),
                ]);
            }
        }
        Opened::There(server) => {
            for Shown { slug, verifier_key, created_at } in
                server.json::<List>("/api/v1/trails")?.trails
            {
                let size = status(&server, &slug)?.committed_size;
                rows.push(vec![
                    slug.to_string().into(),
                    size.into(),
                    created_at.into(),
                    verifier_key.into(),
                ]);
            }
        }
    }
    Ok(rows)
}
