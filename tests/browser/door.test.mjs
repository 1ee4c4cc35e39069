// A reader comes in, and sees what they may see.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lab } from "./lab.mjs";
import { close, open, visiting } from "./reader.mjs";

let server;
before(async () => { server = await lab(); await open(); });
after(async () => { await close(); await server?.stop(); });

// The browser tells of every answer that is not a success; here they are asked for.
const refused = [/status of 4\d\d/];

test("sign_in_and_out_and_be_led_back", () => visiting(server, { expected: refused }, async (page) => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto("/t/lab?q=actor:ana");
  await page.waitForURL(/signin\?to=/);
  await page.getByLabel("API token").fill("idl_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  assert.match(await page.getByRole("alert").innerText(), /not known, was revoked, or is over/);
  await page.getByLabel("API token").fill(server.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/t/lab?q=actor:ana");
}));

test("errors_help", () => visiting(server, { expected: refused }, async (page) => {
  for (const [path, expected] of [["/t/other", /may not/i], ["/t/lab/e/999999", /no event/i], ["/t/lab/history", /target_id/]]) {
    await page.goto(path);
    assert.match(await page.locator("main").innerText(), expected, path);
    assert.ok(await page.getByRole("link", { name: "All trails" }).isVisible());
  }
  await page.goto("/t/lab?q=actor:nobody");
  assert.match(await page.locator(".empty").innerText(), /No event matches/);
}));

test("an_administrator_sees_all_trails_and_what_people_did", () => visiting(server, { token: server.adminToken }, async (page) => {
  await page.goto("/");
  for (const name of ["lab", "system", "access"]) await page.getByRole("link", { name, exact: true }).waitFor();
  await page.getByRole("link", { name: "access", exact: true }).click();
  await page.waitForURL(/\/t\/access/);
  assert.match(await page.locator("#events").innerText(), /sign-in/);
}));
