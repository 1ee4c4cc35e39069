// A reviewer watches events arrive.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { append, lab, until } from "./lab.mjs";
import { close, open, question, shown, visiting } from "./reader.mjs";

let server;
before(async () => { server = await lab(); await open(); });
after(async () => { await close(); await server?.stop(); });

test("follow_the_live_tail_with_pause_and_resume_and_without_a_gap", () => visiting(server, {}, async (page) => {
  await question(page, "action:tail.*");
  const note = (number) => ({ action: "tail.note", target: { type: "note", id: `n${number}` } });
  const seen = async () => (await page.locator("#events .c-target .main").allInnerTexts()).toReversed();
  const names = (from, to) => Array.from({ length: to - from }, (_, at) => `n${from + at}`);
  await page.locator("#live").click();
  await append(server, note(0), note(1));
  await until(async () => (await seen()).length === 2);
  await append(server, { action: "other.note", target: { type: "note", id: "not-asked-for" } });
  await page.locator("#live").click();
  await append(server, note(2), note(3), note(4));
  await page.getByRole("button", { name: /Resume \(3 new\)/ }).waitFor();
  assert.deepEqual(await seen(), names(0, 2), "nothing moves while it is paused");
  await page.locator("#live").click();
  await until(async () => (await seen()).length === 5);
  // The connection is lost for a while: what was recorded meanwhile comes all the same, once.
  await page.context().setOffline(true);
  await page.evaluate(() => window.dispatchEvent(new Event("test-offline")));
  await append(server, note(5), note(6));
  await page.context().setOffline(false);
  await append(server, note(7));
  await until(async () => (await seen()).length === 8);
  assert.deepEqual(await seen(), names(0, 8));
  // A reload shows the same rows: the tail left out nothing, and the same cells.
  const cells = async () => page.locator("#events tr.row").evaluateAll((rows) => rows.map((row) => row.innerText.replace(/recorded, checkpoint follows|in a checkpoint/, "").trim()));
  const live = await cells();
  const indexes = await shown(page);
  await page.reload();
  assert.deepEqual(await shown(page), indexes);
  assert.deepEqual(await cells(), live);
}));
