// The demo, started on a free port over a new directory, and what the tests do with it beside the
// pages: more tokens, and events over the API.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const binary = process.env.INDELIBLE ?? "target/debug/indelible";
const run = promisify(execFile);

// How many events the demo has when its lab has played.
const LAB_EVENTS = 29;

const demo = async (directory) => {
  const child = spawn(binary, ["demo", directory, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"] });
  let noise = "";
  child.stderr.on("data", (data) => { noise += data; });
  const ended = new Promise((done) => { child.once("exit", done); });
  const found = {};
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise((done, fail) => {
    lines.on("line", (line) => {
      const [, name, value] = line.match(/^(page|sign in) +(\S+)$/) ?? [];
      if (name) found[name] = value;
      if (found.page && found["sign in"]) done();
    });
    ended.then((code) => fail(new Error(`the demo ended with ${code}: ${noise}`)));
  });
  await ready;
  const stop = async () => { child.kill("SIGTERM"); await ended; };
  return { url: new URL(found.page).origin, token: found["sign in"], stop };
};

// Starts the demo, plays it to its end, and starts it again: the second start is the one that is
// tested, so that the pages have a stop and a start to show.
export const lab = async () => {
  const folder = await mkdtemp(join(tmpdir(), "indelible-browser-"));
  const directory = join(folder, "demo");
  const fs = await import("node:fs/promises");
  await fs.mkdir(directory);
  const place = ["--data", join(directory, "data"), "--state-dir", join(directory, "state-outside")];
  const first = await demo(directory);
  await until(async () => (await ask(first, "count?q=source:(lims|pipelines)")).count === LAB_EVENTS);
  await first.stop();
  const second = await run(binary, ["token", "create", ...place, "--trail", "lab", "--scope", "read", "--label", "second reader"]);
  const admin = await run(binary, ["token", "create", ...place, "--scope", "read,admin", "--label", "admin"]);
  const server = await demo(directory);
  const stop = async () => { await server.stop(); await rm(folder, { recursive: true, force: true }); };
  return { ...server, stop, secondToken: second.stdout.trim(), adminToken: admin.stdout.trim() };
};

// Asks until it is so.
export const until = async (holds, seconds = 30) => {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not so within ${seconds} s: ${holds}`);
    await new Promise((done) => { setTimeout(done, 50); });
  }
};

const api = async ({ url, token }, path, options = {}) => {
  const answer = await fetch(`${url}/api/v1/trails/lab/${path}`, {
    ...options,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

// A question over the API.
export const ask = (server, path) => api(server, path);

// Appends events, and waits until they can be found and proven. Gives their indexes.
export const append = async (server, ...events) => {
  const body = events.map((event) => ({ source: { system: "lims" }, occurred_at: new Date().toISOString(), action: "note.add", ...event }));
  const { receipts } = await api(server, "events?wait=published", { method: "POST", body: JSON.stringify(body) });
  const indexes = receipts.map(({ index }) => index);
  await ask(server, `events?limit=1&at_least=${Math.max(...indexes)}`);
  return indexes;
};

// A moment so many days ago, at an hour of UTC.
export const daysAgo = (days, hour = 10) => {
  const moment = new Date();
  moment.setUTCDate(moment.getUTCDate() - days);
  moment.setUTCHours(hour, 0, 0, 0);
  return moment;
};
