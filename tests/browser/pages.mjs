// Every page and state there is, for those who look at all of them.
import { ask } from "./lab.mjs";

const indexOf = async (server, question) => (await ask(server, `events?limit=1&q=${encodeURIComponent(question)}`)).events[0].index;

// Name, path, and what is done before it is looked at.
export const pages = async (server) => {
  const changed = await indexOf(server, "action:policy.update");
  const imported = await indexOf(server, "source:opencga has:params");
  const run = await indexOf(server, "action:run.start");
  const open = (selector) => (page) => page.locator(selector).first().click();
  return [
    ["trails", "/"],
    ["list", "/t/lab"],
    ["list-lims", "/t/lab?q=source:lims&split=kind"],
    ["list-open", `/t/lab?q=source:lims&open=${changed}`],
    ["list-filters", "/t/lab?q=outcome:failure%20-source:opencga&when=7d", open("details.filters > summary")],
    ["list-columns", "/t/lab?q=actor:ben", open("details.pop > summary")],
    ["list-forms", "/t/lab?q=actor:ben", open("details.pop > summary:has-text('platform')")],
    ["list-views", "/t/lab?q=actor:ben", open("details.pop > summary:has-text('Views')")],
    ["list-late", "/t/lab?q=late:1h%20imported:no&order=last_recorded&cols=time,recorded,actor,action,target,outcome,source,proof"],
    ["list-fault", "/t/lab?q=actoin:delete"],
    ["list-empty", "/t/lab?q=actor:nobody"],
    ["event-change", `/t/lab/e/${changed}`],
    ["event-side", `/t/lab/e/${changed}?diff=side`],
    ["event-unified", `/t/lab/e/${changed}?diff=unified`],
    ["event-operation", `/t/lab/e/${run}`],
    ["event-imported", `/t/lab/e/${imported}`],
    ["history-sample", "/t/lab/history?target_type=sample&target_id=S-17"],
    ["history-result", "/t/lab/history?target_type=result&target_id=R-881%2FS-18"],
    ["history-user", "/t/lab/history?actor=ben"],
    ["history-nothing", "/t/lab/history?target_type=sample&target_id=S-99"],
    ["integrity", "/t/lab/integrity"],
    ["views", "/t/lab/views"],
    ["accounts", "/t/lab/accounts"],
    ["print", "/t/lab/print?q=source:lims"],
    ["help", "/help"],
    ["access", "/t/access"],
    ["error", "/t/lab/e/999999"],
    ["signin", "/signin"],
  ];
};
