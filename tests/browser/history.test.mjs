// A reviewer reads what happened to one thing, and what it was.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { append, daysAgo, lab } from "./lab.mjs";
import { close, open, question, shown, visiting } from "./reader.mjs";

let server;
before(async () => { server = await lab(); await open(); });
after(async () => { await close(); await server?.stop(); });

// Days back to last Tuesday, today not being it.
const toTuesday = (new Date().getUTCDay() + 7 - 2) % 7 || 7;

test("what_happened_to_this_sample_and_what_it_was_last_tuesday", async () => {
  const target = { type: "sample", id: "S-42", name: "Lot 43, vial 1" };
  const step = (action, days, more) => ({ action, target, actor: { type: "user", id: "ana", name: "Ana Smith" }, occurred_at: daysAgo(days).toISOString(), ...more });
  const [made, moved] = await append(
    server,
    step("sample.create", toTuesday + 3, { after: { storage: "A-01", volume_ml: 5 } }),
    step("sample.update", toTuesday + 1, { before: { storage: "A-01", volume_ml: 5 }, after: { storage: "B-02", volume_ml: 5 } }),
    step("sample.update", Math.max(toTuesday - 1, 0), { before: { storage: "C-09", volume_ml: 5 }, after: { storage: "C-09", volume_ml: 4.5 } }),
  );
  await visiting(server, {}, async (page) => {
    await question(page, "target:S-42");
    await page.locator(`#e${made} .c-target a`).click();
    await page.waitForURL(/history/);
    assert.equal(await page.locator("ol.steps > li").count(), 3);
    const steps = await page.locator("ol.steps > li").allInnerTexts();
    assert.match(steps[0], /Ana Smith did “sample.create” on sample Lot 43, vial 1/);
    assert.match(steps[2], /changed it without an event/, "a change that left no event is called out");
    await page.getByLabel("As of", { exact: true }).fill(`${daysAgo(toTuesday).toISOString().slice(0, 10)}T12:00`);
    await page.getByLabel("compared with").fill(`${daysAgo(toTuesday + 2).toISOString().slice(0, 10)}`);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.waitForURL(/at=/);
    const pane = page.locator("section.asof");
    assert.match(await pane.innerText(), new RegExp(`By event ${moved}`));
    assert.match(await pane.locator(".tree").first().innerText(), /B-02/);
    assert.match(await pane.locator(".diff").innerText(), /storage[\s\S]*A-01[\s\S]*B-02/, "two moments are compared");
    await page.locator("details.field", { hasText: "storage" }).locator("summary").click();
    assert.match(await page.locator("details.field[open]").innerText(), /A-01[\s\S]*B-02[\s\S]*without an event[\s\S]*C-09/, "one field through time");
  });
});

test("everything_one_user_did_and_one_operation", () => visiting(server, {}, async (page) => {
  await question(page, "action:run.finish");
  await page.locator("#events .c-open a").first().focus();
  await page.locator("#events a.when").first().click();
  await page.waitForURL(/\/e\/\d+$/);
  assert.equal(await page.locator("ul.cascade ul > li").count(), 5, "the other events of the operation");
  await page.getByRole("link", { name: "HPLC 3" }).first().click();
  await page.waitForURL(/history\?actor=/);
  assert.match(await page.locator("p.lead").innerText(), /^10 events/);
  await page.getByRole("link", { name: /As a list/ }).click();
  await page.waitForURL(/\/t\/lab\?q=/);
  assert.equal((await shown(page)).length, 10);
}));

test("compare_before_and_after_in_three_ways", () => visiting(server, {}, async (page) => {
  await question(page, "action:policy.update");
  await page.locator("#events a.when").click();
  await page.waitForURL(/\/e\//);
  assert.match(await page.locator("table.diff").innerText(), /results[\s\S]*optional[\s\S]*required/);
  await page.getByRole("link", { name: "Side by side" }).click();
  assert.match(await page.locator("table.side td.removed").innerText(), /optional/);
  assert.match(await page.locator("table.side td.added").innerText(), /required/);
  await page.getByRole("link", { name: "Unified" }).click();
  assert.match(await page.locator("table.unified tr.added").innerText(), /required/);
}));
