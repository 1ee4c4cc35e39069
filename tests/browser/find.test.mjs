// A reviewer finds things.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { append, daysAgo, lab } from "./lab.mjs";
import { close, open, question, shown, visiting } from "./reader.mjs";

let server;
before(async () => { server = await lab(); await open(); });
after(async () => { await close(); await server?.stop(); });

test("find_who_deleted_a_sample", () => visiting(server, {}, async (page) => {
  await question(page, "kind:delete target:sample/S-20");
  assert.equal((await shown(page)).length, 2, "one attempt was denied, one went through");
  await page.getByRole("link", { name: "success", exact: true }).click();
  await page.waitForURL(/outcome/);
  const row = page.locator("#events tr.row");
  assert.equal(await row.count(), 1);
  assert.match(await row.locator(".c-actor").innerText(), /Ana Smith\s+user ana/);
  assert.match(await row.locator(".c-reason").innerText(), /vial broken on arrival/);
  // The row opens in place and says it in a sentence, with what was there before.
  await row.locator(".opener").click();
  const more = page.locator("#events tr.more");
  assert.match(await more.innerText(), /Ana Smith did “sample.delete” on sample Lot 42, vial 4 .*saying “vial broken on arrival”/);
  assert.match(await more.innerText(), /A-07/);
  await page.keyboard.press("Escape");
}));

test("find_failed_sign_ins_this_week", () => visiting(server, {}, async (page) => {
  await page.getByRole("link", { name: "Views", exact: true }).click();
  await page.getByRole("link", { name: "Failed sign-ins" }).click();
  await page.locator("#when").selectOption("7d");
  await page.waitForURL(/when=7d/);
  const who = await page.locator("#events td.c-actor").allInnerTexts();
  assert.equal(who.length, 2);
  assert.ok(who.every((text) => text.includes("Ben Jones")), who.join());
  assert.match(await page.locator("p.scope").innerText(), /both days whole \(UTC\)/, "what the period means is said");
}));

test("ask_by_filters_facets_and_chips", () => visiting(server, {}, async (page) => {
  await page.locator("details.filters > summary").click();
  await page.getByLabel("Entity type").selectOption("result");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/target.type:result/);
  const results = (await shown(page)).length;
  assert.equal(results, 8);
  await page.locator("details.filters > summary").click();
  const actions = await page.locator("select[name='f.action'] option").allInnerTexts();
  assert.deepEqual(actions.map((text) => text.replace(/ \(.*/, "")), ["Any", "result.approve", "result.create", "result.reject", "result.update"], "actions are those of the type");
  await page.getByRole("link", { name: "Without result.create" }).click();
  await page.waitForURL(/-action/);
  assert.equal((await shown(page)).length, 4);
  await page.getByRole("link", { name: "Take away target.type:result" }).click();
  await page.waitForURL((url) => !url.searchParams.get("q").includes("target.type"));
  assert.ok((await shown(page)).length > 4);
}));

test("a_question_that_cannot_be_read_points_at_its_word", () => visiting(server, {}, async (page) => {
  await page.locator("#q").fill("actor:ana actoin:delete");
  await page.locator("#q").press("Enter");
  const fault = page.locator("#fault");
  await fault.waitFor();
  assert.match(await fault.innerText(), /did you mean action\?/);
  assert.equal(await fault.locator("mark").innerText(), "actoin");
  assert.equal(await page.locator("#q").inputValue(), "actor:ana actoin:delete", "the text stays to be mended");
}));

test("complete_a_question_from_the_catalogue_and_the_data", () => visiting(server, {}, async (page) => {
  const box = page.locator("#q");
  await box.focus();
  await page.keyboard.type("outc");
  await page.locator("#suggestions li", { hasText: "outcome:" }).first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  assert.equal(await box.inputValue(), "outcome:");
  await page.keyboard.type("den");
  await page.locator("#suggestions li", { hasText: "outcome:denied" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.equal(await box.inputValue(), "outcome:denied");
  await page.keyboard.type(" kind:perm");
  await page.locator("#suggestions li", { hasText: "kind:permission" }).waitFor();
  await page.keyboard.press("Escape");
  await box.fill("outcome:denied");
  await box.press("Enter");
  await page.waitForURL(/outcome:denied/);
  assert.equal((await shown(page)).length, 1);
}));

test("a_late_completion_keeps_the_choice_and_opens_nothing_that_was_closed", () => visiting(server, {}, async (page) => {
  const shut = () => {
    const gate = {};
    gate.opened = new Promise((open) => { gate.open = open; });
    return gate;
  };
  let gate = shut();
  await page.route(/\/complete\?.*prefix=de/, async (route) => {
    await gate.opened;
    await route.continue();
  });
  const arrive = async () => {
    const answered = page.waitForResponse(/\/complete\?.*prefix=den/);
    gate.open();
    await answered;
    // The page never reads an answer that it drops, so one that is read whole tells that both were heard.
    await page.evaluate(() => fetch("/t/lab/complete?field=outcome&prefix=x").then((answer) => answer.text()));
    gate = shut();
  };
  const box = page.locator("#q");
  const denied = page.locator("#suggestions li", { hasText: "outcome:denied" });
  await box.focus();
  await page.keyboard.type("outcome:d");
  await denied.waitFor();
  await page.keyboard.type("en");
  await page.keyboard.press("ArrowDown");
  await arrive();
  await page.locator("#suggestions li[aria-selected=true]", { hasText: "outcome:denied" }).waitFor();
  await page.keyboard.press("Enter");
  assert.equal(await box.inputValue(), "outcome:denied");
  await box.fill("");
  await page.keyboard.type("outcome:d");
  await denied.waitFor();
  await page.keyboard.type("en");
  await page.keyboard.press("Escape");
  await arrive();
  assert.ok(await page.locator("#suggestions").isHidden());
}));

test("order_the_list_choose_its_columns_and_open_rows_by_keyboard", () => visiting(server, {}, async (page) => {
  await question(page, "actor:ben");
  const newest = await shown(page);
  await page.getByRole("link", { name: /^Happened/ }).click();
  await page.waitForURL(/order=oldest/);
  assert.deepEqual(await shown(page), newest.toReversed());
  assert.equal(await page.locator("th.c-time").getAttribute("aria-sort"), "ascending");
  await page.getByText("Columns", { exact: true }).click();
  await page.getByRole("checkbox", { name: "Address" }).check();
  await page.getByRole("checkbox", { name: "Where" }).uncheck();
  await page.getByRole("button", { name: "Show these" }).click();
  await page.waitForURL(/cols=/);
  const heads = await page.locator("#events thead th").evaluateAll((list) => list.map((th) => th.className));
  assert.ok(heads.includes("c-ip") && !heads.includes("c-scope"), heads.join());
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Space");
  await page.locator("#events tr.more").waitFor();
  const opened = await page.locator("#events tr.more").evaluate((row) => Number(row.previousElementSibling.dataset.index));
  assert.equal(opened, (await shown(page))[1]);
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/e/${opened}$`));
}));

test("find_what_happened_out_of_hours", () => visiting(server, {}, async (page) => {
  const moment = (text) => ({ action: "door.open", occurred_at: text });
  // 20 November 2026 is a Friday.
  const [early, noon, late, saturday] = await append(server, moment("2026-11-20T06:59:59Z"), moment("2026-11-20T12:00:00Z"), moment("2026-11-20T19:00:00Z"), moment("2026-11-21T12:00:00Z"));
  await page.getByRole("link", { name: "Views", exact: true }).click();
  await page.getByRole("link", { name: "Out of hours" }).click();
  await page.waitForURL(/hours/);
  await question(page, "action:door.open -hours:mon-fri/7-19@UTC");
  assert.deepEqual(await shown(page), [saturday, late, early]);
  await question(page, "action:door.open hours:mon-fri/7-19@UTC");
  assert.deepEqual(await shown(page), [noon]);
  // In Tokyo that noon was nine in the evening.
  await question(page, "action:door.open hours:20-22@Asia/Tokyo");
  assert.deepEqual(await shown(page), [saturday, noon]);
}));

test("find_what_was_recorded_much_later_than_it_happened", () => visiting(server, {}, async (page) => {
  const ago = (minutes) => ({ action: "probe.read", occurred_at: new Date(Date.now() - minutes * 60_000).toISOString() });
  const [, late] = await append(server, ago(50), ago(70));
  await page.getByRole("link", { name: "Views", exact: true }).click();
  await page.getByRole("link", { name: "Late arrivals" }).click();
  await page.waitForURL(/late/);
  const found = await shown(page);
  assert.equal(found[0], late, "the last recorded comes first");
  assert.match(await page.locator("#q").inputValue(), /^late:1h imported:no$/);
  assert.doesNotMatch(await page.locator("#events").innerText(), /opencga/, "what was imported is no late arrival");
  await question(page, "action:probe.read late:40m");
  assert.deepEqual(await shown(page), [late, late - 1]);
  await question(page, "action:probe.read -late:1h");
  assert.deepEqual(await shown(page), [late - 1]);
}));

test("pick_days_without_choosing_a_period_first", () => visiting(server, {}, async (page) => {
  await page.locator("details.filters > summary").click();
  await page.getByLabel("From day").fill("2025-03-19");
  await page.getByLabel("To day").fill("2025-03-19");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/when=custom&from=2025-03-19&to=2025-03-19/);
  assert.match(await page.locator(".scope").innerText(), /19 Mar 2025/);
  await page.locator("#when").selectOption("today");
  await page.waitForURL(/when=today/);
}));

test("find_one_account_used_from_many_addresses", () => visiting(server, {}, async (page) => {
  await page.getByRole("link", { name: "Views", exact: true }).click();
  await page.getByRole("link", { name: "One account from many addresses" }).click();
  await page.waitForURL(/accounts/);
  const row = page.locator("tbody tr", { hasText: "ben" });
  assert.match(await row.innerText(), /ben\s+2\s+5\s+198\.51\.100\.7 3\s+10\.20\.0\.14 2/);
  await row.getByRole("link", { name: /198\.51\.100\.7/ }).click();
  await page.waitForURL(/ip/);
  assert.equal((await shown(page)).length, 3);
}));

test("see_by_ones_own_clock", () => visiting(server, { timezoneId: "Asia/Tokyo" }, async (page) => {
  const [index] = await append(server, { action: "clock.read", occurred_at: "2026-07-01T23:30:00.5-05:00" });
  await question(page, "action:clock.read");
  const time = () => page.locator(`#e${index} .c-time`).innerText();
  assert.match(await time(), /2026-07-02 04:30:00.500\s+UTC/);
  await page.getByLabel("Times").selectOption("local");
  await page.waitForFunction(() => document.querySelector("#events .c-time .zone").textContent.includes("+09:00"));
  assert.match(await time(), /2026-07-02 13:30:00.500\s+\+09:00/);
  await page.getByLabel("Times").selectOption("own");
  await page.waitForFunction(() => document.querySelector("#events .c-time .zone").textContent.includes("-05:00"));
  assert.match(await time(), /2026-07-01 23:30:00.5\s+-05:00/);
}));

test("zoom_the_histogram_by_keyboard_and_by_dragging", () => visiting(server, {}, async (page) => {
  await append(server, ...Array.from({ length: 24 }, (_, hour) => ({ action: "hour.note", occurred_at: daysAgo(1, hour).toISOString() })));
  await question(page, "action:hour.note");
  const all = (await shown(page)).length;
  const bars = page.locator("svg.histogram a");
  await bars.first().focus();
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  assert.equal(await page.locator("svg.histogram a.picked").count(), 3);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => / from:.* to:/.test(url.searchParams.get("q")));
  assert.equal((await shown(page)).length, 3, "three hours");
  await page.goBack();
  const box = await page.locator("svg.histogram").boundingBox();
  await page.mouse.move(box.x + box.width * 0.501, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.749, box.y + 20, { steps: 5 });
  const picked = await page.locator("svg.histogram a.picked").count();
  await Promise.all([page.waitForURL((url) => / from:.* to:/.test(url.searchParams.get("q"))), page.mouse.up()]);
  const dragged = (await shown(page)).length;
  assert.ok(dragged > 3 && dragged < all && picked >= dragged, `${dragged} of ${all} in ${picked} bars`);
}));

test("the_list_shows_its_proofs_at_1280", () => visiting(server, { viewport: { width: 1280, height: 900 } }, async (page) => {
  const table = () => page.locator("#events").evaluate((events) => ({ needs: events.scrollWidth, has: events.closest(".scroll").clientWidth }));
  for (const zone of ["utc", "local", "own"]) {
    await page.getByLabel("Times").selectOption(zone);
    await page.waitForFunction((chosen) => document.cookie.includes(`zone=${chosen}`), zone);
    await page.goto("/t/lab");
    const { needs, has } = await table();
    assert.ok(needs <= has, `${needs} of ${has} px with times in ${zone}`);
  }
  // With more columns than there is room for, the others go by below the proof and the opener.
  await page.goto("/t/lab?cols=time,recorded,actor,ip,action,target,scope,outcome,reason,source,proof");
  const { needs, has } = await table();
  assert.ok(needs > has);
  for (const column of ["c-proof", "c-open"]) {
    for (const cell of ["th", "td"]) {
      const box = await page.locator(`#events ${cell}.${column}`).first().boundingBox();
      assert.ok(box.x + box.width <= 1280, `${cell}.${column}`);
    }
  }
}));

test("keys_do_not_break_within_words", () => visiting(server, { viewport: { width: 1280, height: 900 } }, async (page) => {
  const params = { counts: { recorded: 75, already: { alreadyRecordedElsewhere: { numberOfAlternateAlleles: 4 } } }, list: [{ key: "v" }] };
  const [index] = await append(server, { action: "keys.note", params });
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`/t/lab/e/${index}`);
    const broken = await page.locator(".tree dt").evaluateAll((keys) => keys.filter((key) => {
      const range = document.createRange();
      range.selectNodeContents(key);
      return range.getClientRects().length > 1;
    }).map((key) => key.textContent));
    assert.deepEqual(broken, [], `at ${width}`);
  }
}));
