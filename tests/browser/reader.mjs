// A reader with a browser. Whatever the console complains about, and above all any breach of the
// content security policy, fails the test when the reader leaves.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

let browser;

// The one browser of a test file.
export const open = async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--disable-quic", "--disable-gpu", "--js-flags=--max-old-space-size=512"] });
  return browser;
};

export const close = () => browser?.close();

// Does something as a reader who is signed in; gives what the visit gave.
export const visiting = async (server, options, visit) => {
  const { token = server.token, expected = [], ...rest } = options;
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1400, height: 900 }, timezoneId: "UTC", locale: "en-GB", acceptDownloads: true, ...rest });
  context.setDefaultTimeout(45_000);
  const complaints = [];
  context.on("console", (message) => {
    if (message.type() === "error" || /content security policy/i.test(message.text())) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  context.on("dialog", (dialog) => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  try {
    const page = await context.newPage();
    await signIn(page, token);
    const result = await visit(page, context);
    const unexpected = complaints.filter((text) => !expected.some((pattern) => pattern.test(text)));
    assert.deepEqual(unexpected, [], "the console complains");
    return result;
  } finally {
    await context.close();
  }
};

export const signIn = async (page, token) => {
  await page.goto("/signin?to=/t/lab");
  await page.getByLabel("API token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/t/lab");
};

// Asks a question in the box.
export const question = async (page, text) => {
  const box = page.locator("#q");
  await box.fill(text);
  await box.press("Enter");
  await page.waitForURL((url) => (url.searchParams.get("q") ?? "") === text && !url.searchParams.has("was"));
};

// The indexes of the rows that are shown, from the top.
export const shown = (page) => page.locator("#events tr.row").evaluateAll((rows) => rows.map((row) => Number(row.dataset.index)));

// What a click downloads, as text.
export const downloaded = async (page, click) => {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  const stream = await download.createReadStream();
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { name: download.suggestedFilename(), text: Buffer.concat(chunks).toString("utf8") };
};

// A CSV file as rows of cells (RFC 4180), read without any help of the server's code.
export const cells = (text) => {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    const row = rows.at(-1);
    if (quoted && c === '"' && text[at + 1] === '"') { row[row.length - 1] += '"'; at += 1; }
    else if (c === '"') quoted = !quoted;
    else if (!quoted && c === ",") row.push("");
    else if (!quoted && c === "\r") continue;
    else if (!quoted && c === "\n") rows.push([""]);
    else row[row.length - 1] += c;
  }
  return rows.filter((row) => row.length > 1 || row[0] !== "");
};
