// A reviewer takes things away: files, paper, proofs, views.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { append, ask, lab, until } from "./lab.mjs";
import { cells, close, downloaded, open, question, shown, visiting } from "./reader.mjs";

let server;
before(async () => { server = await lab(); await open(); });
after(async () => { await close(); await server?.stop(); });

test("export_three_selected_rows", () => visiting(server, {}, async (page) => {
  await question(page, "source:lims");
  const button = page.locator("#csv");
  assert.equal(await button.innerText(), "Export all data to CSV");
  const boxes = page.locator("#events td.c-tick input");
  await boxes.nth(1).click();
  await boxes.nth(3).click({ modifiers: ["Shift"] });
  assert.equal(await button.innerText(), "Export 3 selections to CSV");
  const { name, text } = await downloaded(page, () => button.click());
  assert.match(name, /selected\.csv$/);
  const [head, ...rows] = cells(text);
  assert.equal(head[0], "index");
  const indexes = await shown(page);
  assert.deepEqual(rows.map((row) => Number(row[0])), indexes.slice(1, 4).sort((a, b) => a - b));
  await page.getByLabel("Select all rows of this page").uncheck();
  await page.getByLabel("Select all rows of this page").check();
  assert.equal(await button.innerText(), `Export ${indexes.length} selections to CSV`);
  // The export is itself on record, with who took what away from where.
  const recorded = async () => {
    const answer = await fetch(`${server.url}/api/v1/trails/access/events?q=action:export&limit=1`, { headers: { Authorization: `Bearer ${server.adminToken}` } });
    return (await answer.json()).events[0];
  };
  await until(async () => (await recorded())?.params.indexes.length === 3);
  const { actor, client, params, target } = await recorded();
  assert.deepEqual(params, { format: "csv", indexes: indexes.slice(1, 4).sort((a, b) => a - b) });
  assert.deepEqual([actor.name, client.ip, target.id], ["demo", "127.0.0.1", "lab"]);
}));

test("export_all_that_was_asked_for", () => visiting(server, {}, async (page) => {
  await question(page, "kind:access");
  const indexes = await shown(page);
  const csv = await downloaded(page, () => page.locator("#csv").click());
  assert.deepEqual(cells(csv.text).slice(1).map((row) => Number(row[0])), indexes.toSorted((a, b) => a - b));
  const lines = await downloaded(page, () => page.locator("#jsonl").click());
  assert.deepEqual(lines.text.trimEnd().split("\n").map((line) => JSON.parse(line).index), indexes.toSorted((a, b) => a - b));
}));

test("take_events_away_as_a_platform_writes_them", () => visiting(server, {}, async (page) => {
  await question(page, "source:opencga");
  await page.locator("#events td.c-tick input").nth(0).check();
  await page.locator("#events td.c-tick input").nth(1).check();
  await page.getByText("As a platform’s file").click();
  const { text } = await downloaded(page, () => page.getByRole("button", { name: "OpenCGA, mongo" }).click());
  assert.match(text, /^\{"_id":ObjectId\(/, "as MongoDB’s shell writes them");
  const indexes = (await shown(page)).slice(0, 2);
  for (const index of indexes) assert.ok(text.includes((await ask(server, `events/${index}`)).id), `event ${index} is in the file`);
}));

test("print_a_filtered_list", () => visiting(server, {}, async (page) => {
  await question(page, "target.type:result");
  await page.getByRole("link", { name: "Print" }).click();
  await page.waitForURL(/print/);
  const paper = await page.locator("main").innerText();
  for (const expected of [/target\.type:result/, /Times\s+UTC/, /8 of \d+ recorded events/, /root\s+\S+/, /by demo/]) assert.match(paper, expected);
  assert.equal(await page.locator("table.paper tr.row").count(), 8);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("header.top").isVisible(), false);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
}));

test("save_share_and_reuse_a_view", async () => {
  await visiting(server, {}, async (page) => {
    for (const [name, shared] of [["Results without a reason", true], ["Only mine", false]]) {
      await question(page, "kind:update reason:none target.type:result");
      await page.locator("details.pop summary", { hasText: "Views" }).click();
      await page.getByLabel("Save this view as").fill(name);
      if (shared) await page.getByLabel(/Share it/).check();
      await page.getByRole("button", { name: "Save the view" }).click();
      await page.waitForURL(/\/t\/lab\?q=/);
    }
  });
  await visiting(server, { token: server.secondToken }, async (page) => {
    await page.getByRole("link", { name: "Views", exact: true }).click();
    assert.equal(await page.getByRole("link", { name: "Only mine" }).count(), 0);
    await page.getByRole("link", { name: "Results without a reason" }).click();
    await page.waitForURL(/reason:none/);
    assert.equal((await shown(page)).length, 1);
    await page.goto("/t/lab/views");
    assert.equal(await page.getByRole("button", { name: /Remove/ }).count(), 0, "another’s view");
  });
  await visiting(server, {}, async (page) => {
    await page.goto("/t/lab/views");
    await page.getByRole("button", { name: "Remove the view Only mine" }).click();
    await page.goto("/t/lab/views");
    assert.equal(await page.getByRole("link", { name: "Only mine" }).count(), 0);
  });
});

test("verify_an_events_proof_and_see_a_tampered_one_in_red", async () => {
  const [index] = await append(server, { action: "result.update", reason: { text: "as measured" }, after: { value: 98.4 } });
  await visiting(server, {}, async (page) => {
    await page.goto(`/t/lab/e/${index}`);
    const verdict = page.locator("#verdict .verdict");
    await page.getByRole("button", { name: "Verify in this browser" }).click();
    await verdict.waitFor();
    assert.match(await verdict.innerText(), /✓ Verified in this browser[\s\S]*Ed25519 signature/);
    const green = await verdict.evaluate((box) => getComputedStyle(box).borderLeftColor);
    // Someone between the server and the page changes one digit of the entry.
    const forge = (change) => page.route("**/receipt?*", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: change(await answer.text()) });
    });
    const changed = (text) => text.replace(/^extra (.*)$/m, (_, extra) => {
      const inside = Buffer.from(extra, "base64").toString().replace("98.4", "99.4");
      return `extra ${Buffer.from(inside).toString("base64")}`;
    });
    const flipped = (text) => text.replace(/— (\S+) (\S{20})/, (_, name, start) => `— ${name} ${start.slice(0, 19)}${start.endsWith("A") ? "B" : "A"}`);
    const moved = (text) => text.replace(/^index \d+$/m, `index ${index - 1}`);
    for (const [change, reason] of [[changed, /not the one that this page shows/], [flipped, /signature does not verify/], [moved, /is of event/]]) {
      await forge(change);
      await page.getByRole("button", { name: "Verify in this browser" }).click();
      await page.locator("#verdict .verdict.bad").waitFor();
      assert.match(await verdict.innerText(), /✕ NOT verified/);
      assert.match(await verdict.innerText(), reason);
      assert.notEqual(await verdict.evaluate((box) => getComputedStyle(box).borderLeftColor), green);
      await page.unroute("**/receipt?*");
      await page.getByRole("button", { name: "Verify in this browser" }).click();
      await page.locator("#verdict .verdict:not(.bad)").waitFor();
    }
    // The page itself shows another value than was recorded.
    await page.evaluate(() => { const entry = document.getElementById("entry"); entry.textContent = entry.textContent.replace("98.4", "99.9"); });
    await page.getByRole("button", { name: "Verify in this browser" }).click();
    await page.locator("#verdict .verdict.bad").waitFor();
  });
});

test("see_when_the_trail_was_on_and_what_a_check_finds", () => visiting(server, {}, async (page) => {
  await page.getByRole("link", { name: "Integrity", exact: true }).click();
  const main = page.locator("main");
  assert.match(await main.innerText(), /nothing was mended/);
  const turns = (await page.locator("table.turns").last().locator("tbody tr").allInnerTexts()).map((text) => text.split("\t").at(-1));
  assert.deepEqual(turns, ["on", "off: the server had been stopped", "on"]);
  await page.getByRole("button", { name: "Check now" }).click();
  await page.getByText("✓ as it should be").first().waitFor();
  assert.match(await main.innerText(), /entries, every tile, root and signature recomputed/);
  await page.getByRole("link", { name: "lab", exact: true }).click();
  assert.match(await page.locator(".strip").innerText(), /nothing missing/);
}));

test("verify_a_checkpoint_and_that_the_trail_continues_it", () => visiting(server, {}, async (page) => {
  const verdict = page.locator("#verdict .verdict");
  await page.goto("/t/lab/integrity");
  await page.getByRole("button", { name: "Verify in this browser" }).click();
  await verdict.waitFor();
  assert.match(await verdict.innerText(), /first time/);
  await append(server, { action: "note.add" });
  await page.reload();
  await page.getByRole("button", { name: "Verify in this browser" }).click();
  await verdict.waitFor();
  assert.match(await verdict.innerText(), /continues the checkpoint/);
  // A browser that remembers another history says so.
  await page.evaluate(() => {
    const place = Object.keys(localStorage).find((name) => name.startsWith("indelible:"));
    localStorage.setItem(place, JSON.stringify({ ...JSON.parse(localStorage.getItem(place)), root: btoa("x".repeat(32)) }));
  });
  await append(server, { action: "note.add" });
  await page.reload();
  await page.getByRole("button", { name: "Verify in this browser" }).click();
  await page.locator("#verdict .verdict.bad").waitFor();
  assert.match(await verdict.innerText(), /rewritten/);
}));
