// Whatever a source sends is text: on every page, in every way to see it, and in every export.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { append, ask, lab, until } from "./lab.mjs";
import { cells, close, downloaded, open, visiting } from "./reader.mjs";

const word = "w".repeat(64 * 1024);
const hostile = {
  html: '<b class="hostile">bold</b><img class="hostile" src=x onerror="globalThis.pwned=1">',
  script: "</pre></script><script class=\"hostile\">globalThis.pwned=1</script>",
  attribute: "\"' autofocus onfocus=globalThis.pwned=1 class=hostile x='",
  template: "{{ 7*7 }}${7*7}{% raw %}",
  bidi: "report\u202egpj.exe\u2066\u200b",
  formula: "=HYPERLINK(\"http://evil.example\",\"x\")",
  plus: "+1+cmd|'/c calc'!A0",
  at: "@SUM(1)",
  url: "javascript:globalThis.pwned=1",
  word,
};

let server;
let indexes;
const everywhere = (name, text) => ({
  id: `hostile-${name}`,
  action: text.slice(0, 200),
  source: { system: "hostile", instance: text.slice(0, 200), version: text.slice(0, 200) },
  actor: { type: "user", id: text.slice(0, 200), name: text.slice(0, 900), email: text.slice(0, 200), roles: [text.slice(0, 200)] },
  client: { ip: text.slice(0, 60), user_agent: text.slice(0, 900) },
  session: text.slice(0, 200),
  target: { type: text.slice(0, 200), id: text.slice(0, 200), name: text.slice(0, 900), url: text.slice(0, 900) },
  scope: { organization: { id: text.slice(0, 200), name: text.slice(0, 900) }, study: { id: text.slice(0, 200) } },
  outcome: { status: "failure", code: text.slice(0, 200), message: text },
  operation: text.slice(0, 200),
  reason: { text },
  params: { [text.slice(0, 100)]: text },
  before: { [text.slice(0, 100)]: text, same: [text] },
  after: { [text.slice(0, 100)]: `${text}!`, same: [text] },
  attributes: { [text.slice(0, 100)]: [text] },
});

before(async () => {
  server = await lab();
  indexes = await append(server, ...Object.entries(hostile).map(([name, text]) => everywhere(name, text)));
  await open();
});
after(async () => { await close(); await server?.stop(); });

const harmless = async (page, where) => {
  const found = await page.evaluate(() => ({
    pwned: globalThis.pwned,
    elements: document.querySelectorAll(".hostile, img:not(header img), script:not([src]), [onerror], [onfocus], a[href^=javascript]").length,
    inline: document.querySelectorAll("[style]").length,
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    override: document.body.innerText.includes("\u202e"),
  }));
  assert.deepEqual(found, { pwned: undefined, elements: 0, inline: 0, wider: 0, override: false }, where);
};

const paths = () => {
  const about = encodeURIComponent;
  const events = Object.values(hostile).flatMap((text, at) => [
    `/t/lab/e/${indexes[at]}`,
    `/t/lab/e/${indexes[at]}?diff=side`,
    `/t/lab/e/${indexes[at]}?diff=unified`,
    `/t/lab/history?target_type=${about(text.slice(0, 200))}&target_id=${about(text.slice(0, 200))}`,
    `/t/lab/history?actor=${about(text.slice(0, 200))}`,
    `/t/lab/history?operation=${about(text.slice(0, 200))}`,
  ]);
  return ["/t/lab?q=source:hostile", `/t/lab?q=source:hostile&open=${indexes[0]}`, "/t/lab?q=source:hostile&cols=time,recorded,actor,ip,action,target,scope,outcome,reason,source,proof", "/t/lab/print?q=source:hostile", "/t/lab/views", "/t/lab/integrity", "/t/lab/accounts?least=1&q=source:hostile", ...events];
};

for (const width of [1400, 420]) {
  test(`hostile_values_are_text_on_every_page_at_${width}_pixels`, () => visiting(server, { viewport: { width, height: 900 } }, async (page) => {
    for (const path of paths()) {
      await page.goto(path);
      if (page.url().includes("/print")) await page.emulateMedia({ media: width > 1000 ? "print" : "screen" });
      await harmless(page, path);
      await page.emulateMedia({ media: "screen" });
    }
    await page.goto(`/t/lab/e/${indexes[0]}`);
    assert.ok((await page.locator("main").innerText()).includes(hostile.html), "it can be read as it came");
    await page.goto(`/t/lab/e/${indexes[Object.keys(hostile).indexOf("bidi")]}`);
    assert.match(await page.locator("main").innerText(), /reportU\+202Egpj\.exe/, "what cannot be seen is made visible");
  }));
}

test("hostile_values_are_text_in_facets_completions_chips_and_the_live_tail", () => visiting(server, { expected: [/status of 4\d\d/] }, async (page) => {
  await page.goto("/t/lab?q=source:hostile");
  for (const opener of await page.locator("#events .opener").all()) await opener.click();
  await until(async () => (await page.locator("#events tr.more").count()) === indexes.length);
  await harmless(page, "rows that are open");
  await page.goto("/t/lab?q=source:hostile");
  const facet = page.locator(".facets section", { hasText: "User" }).locator("li > a:first-child").first();
  await facet.click();
  await page.waitForURL(/actor/);
  await harmless(page, "a chip");
  await page.locator("#q").fill("");
  await page.locator("#q").pressSequentially("action:<");
  await page.locator("#suggestions li").first().waitFor();
  await harmless(page, "completions");
  await page.goto("/t/lab?q=source:hostile");
  await page.locator("#live").click();
  await append(server, ...Object.entries(hostile).map(([name, text]) => everywhere(`live-${name}`, text)));
  await until(async () => (await page.locator("#events tr.fresh").count()) === indexes.length);
  await harmless(page, "the live tail");
  // As the name of a view, and as a question.
  await page.locator("details.pop summary", { hasText: "Views" }).click();
  await page.getByLabel("Save this view as").fill(hostile.html.slice(0, 80));
  await page.getByRole("button", { name: "Save the view" }).click();
  await page.goto("/t/lab/views");
  await harmless(page, "a view’s name");
  for (const text of Object.values(hostile)) {
    await page.goto(`/t/lab?q=${encodeURIComponent(text.slice(0, 2_000))}`);
    await harmless(page, "a question");
    await page.goto(`/signin?to=${encodeURIComponent(text.slice(0, 2_000))}`);
    await harmless(page, "the way back");
  }
}));

test("exports_hold_hostile_values_as_they_are_and_run_nothing", () => visiting(server, {}, async (page) => {
  await page.goto("/t/lab?q=id:hostile-*&size=100");
  const csv = await downloaded(page, () => page.locator("#csv").click());
  const [head, ...rows] = cells(csv.text);
  for (const row of rows) {
    assert.equal(row.length, head.length);
    for (const cell of row) assert.ok(!/^[=@\t\r]/.test(cell) && !/^[+-](?![\d.]+$)/.test(cell), `a spreadsheet would run ${cell.slice(0, 40)}`);
  }
  const reasons = rows.map((row) => row[head.indexOf("reason")].replace(/^'/, ""));
  for (const text of Object.values(hostile)) assert.ok(reasons.includes(text), text.slice(0, 40));
  const lines = await downloaded(page, () => page.locator("#jsonl").click());
  const events = lines.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const [name, text] of Object.entries(hostile)) {
    const event = events.find(({ id }) => id === `hostile-${name}`);
    assert.equal(event.reason.text, text);
    assert.deepEqual(event.after.same, [text]);
  }
  assert.equal((await ask(server, "count?q=id:hostile-*")).count, events.length);
}));
