// Pictures of every page in light, dark, narrow and on paper, to be looked at:
// `node tests/browser/shots.mjs FOLDER [NAME…]`.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { lab } from "./lab.mjs";
import { pages } from "./pages.mjs";
import { close, open, visiting } from "./reader.mjs";

const [folder, ...names] = process.argv.slice(2);
const ways = {
  light: {},
  dark: { colorScheme: "dark" },
  narrow: { viewport: { width: 400, height: 860 } },
  paper: { viewport: { width: 1031, height: 730 } },
};
const server = await lab();
await open();
try {
  await mkdir(folder, { recursive: true });
  for (const [way, options] of Object.entries(ways)) {
    await visiting(server, { token: server.adminToken, expected: [/./], ...options }, async (page) => {
      for (const [name, path, prepare] of await pages(server)) {
        if (names.length && !names.includes(name)) continue;
        await page.goto(path);
        if (prepare) await prepare(page);
        if (way === "paper") await page.emulateMedia({ media: "print" });
        await page.screenshot({ path: join(folder, `${name}-${way}.png`), fullPage: way !== "light" || name !== "list", timeout: 90_000 });
        if (way === "paper") await page.emulateMedia({ media: "screen" });
      }
    });
  }
} finally {
  await close();
  await server.stop();
}
