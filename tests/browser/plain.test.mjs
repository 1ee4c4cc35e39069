// The same without JavaScript: reading, filtering, paging, exporting.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { append, lab } from "./lab.mjs";
import { cells, close, downloaded, open, shown, visiting } from "./reader.mjs";

let server;
before(async () => {
  server = await lab();
  await append(server, ...Array.from({ length: 60 }, (_, at) => ({ action: "page.note", target: { type: "note", id: `n${at}` } })));
  await open();
});
after(async () => { await close(); await server?.stop(); });

const plain = { javaScriptEnabled: false };

test("read_filter_page_and_export_without_javascript", () => visiting(server, plain, async (page) => {
  await page.locator("#q").fill("action:page.note");
  await page.getByRole("button", { name: "Search" }).click();
  const first = await shown(page);
  assert.equal(first.length, 50);
  await page.getByRole("link", { name: "Next page" }).click();
  const second = await shown(page);
  assert.equal(second.length, 10);
  assert.equal(new Set([...first, ...second]).size, 60, "no row twice");
  assert.match(await page.locator(".pages").innerText(), /end of the list/);
  await page.getByRole("link", { name: /First page/ }).click();
  assert.deepEqual(await shown(page), first);
  // A row opens by a link.
  await page.locator("#events .opener").first().click();
  assert.equal(await page.locator("#events tr.more").count(), 1);
  // Filters are a form.
  await page.goto("/t/lab");
  await page.locator("details.filters > summary").click();
  await page.getByLabel("Outcome").first().selectOption("denied");
  await page.getByRole("button", { name: "Apply" }).click();
  assert.equal((await shown(page)).length, 1);
  await page.getByText("Columns", { exact: true }).click();
  await page.getByLabel("Reason", { exact: true }).last().uncheck();
  await page.getByRole("button", { name: "Show these" }).click();
  assert.equal(await page.locator("th.c-reason").count(), 0);
  const all = await downloaded(page, () => page.getByRole("button", { name: "Export all data to CSV" }).click());
  assert.equal(cells(all.text).length, 2);
  await page.goto("/t/lab?q=action:page.note");
  for (const place of [0, 2, 4]) await page.locator("#events td.c-tick input").nth(place).check();
  const chosen = await downloaded(page, () => page.getByRole("button", { name: "Export all data to CSV" }).click());
  const expected = [0, 2, 4].map((place) => first[place]).sort((a, b) => a - b);
  assert.deepEqual(cells(chosen.text).slice(1).map((row) => Number(row[0])), expected);
}));

test("take_every_form_of_every_platform_without_javascript", () => visiting(server, plain, async (page) => {
  await page.goto("/t/lab?q=action:page.note");
  await page.getByText("As a platform’s file").click();
  const forms = await page.locator("button[name=as]").evaluateAll((buttons) => buttons.map((button) => button.value));
  for (const expected of ["opencga/rest", "opencga/mongo", "dnanexus/csv", "seqera/v1-csv", "seqera/v2-csv", "tetrascience/audit-trail-csv", "tetrascience/audit-trail-csv-hyphens", "tetrascience/audit-trail-json"]) assert.ok(forms.includes(expected), `${expected} of ${forms}`);
  for (const form of forms) {
    const file = await downloaded(page, () => page.locator(`button[value="${form}"]`).click());
    assert.ok(file.name.startsWith(`lab-${form.replace("/", "-")}.`), file.name);
    if (form.endsWith("/v2-csv")) assert.equal(cells(file.text).length, 61, "a header and sixty rows");
  }
}));

test("read_a_history_a_proof_and_the_clock_without_javascript", () => visiting(server, plain, async (page) => {
  await page.goto("/t/lab/history?target_type=sample&target_id=S-17");
  assert.equal(await page.locator("ol.steps > li").count(), 2);
  await page.getByRole("link", { name: "as of then" }).first().click();
  assert.match(await page.locator("section.asof").innerText(), /A-07/);
  await page.locator("ol.steps a.when").first().click();
  assert.equal(await page.getByRole("button", { name: "Verify in this browser" }).isVisible(), false, "nothing is offered that cannot be done");
  const receipt = await downloaded(page, () => page.getByRole("link", { name: "Download receipt" }).click());
  assert.match(receipt.text, /^c2sp.org\/tlog-proof@v1\n/);
  await page.getByLabel("Times").selectOption("own");
  await page.getByRole("button", { name: "Set" }).click();
  assert.match(page.url(), /\/e\/\d+$/, "one is back where one was");
}));
