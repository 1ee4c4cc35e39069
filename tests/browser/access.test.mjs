// Accessibility: axe finds nothing serious on any page, in light and dark, wide and narrow.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { lab } from "./lab.mjs";
import { pages } from "./pages.mjs";
import { close, open, visiting } from "./reader.mjs";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

let server;
before(async () => { server = await lab(); await open(); });
after(async () => { await close(); await server?.stop(); });

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1400, 420]) {
    test(`no_serious_barrier_in_${colorScheme}_at_${width}_pixels`, { timeout: 240_000 }, () => visiting(server, { colorScheme, viewport: { width, height: 900 }, token: server.adminToken, expected: [/status of 4\d\d/] }, async (page) => {
      for (const [name, path, prepare] of await pages(server)) {
        await page.goto(path);
        if (prepare) await prepare(page);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
        const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
          .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join("\n")}`);
        assert.deepEqual(found, [], `${name} (${path})`);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(wider, 0, `${name} is wider than the window`);
      }
    }));
  }
}
