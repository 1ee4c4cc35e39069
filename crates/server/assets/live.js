// The live tail: events that match appear at the top as they are recorded. It goes on where it was
// after a pause or a lost connection, by the index of the last event.
const button = document.getElementById("live");
const body = document.querySelector("#events tbody");

if (button && body && window.EventSource && !new URLSearchParams(location.search).get("after")) {
  button.hidden = false;
  let source = null;
  let seen = Math.max(-1, ...[...body.querySelectorAll("tr.row")].map((row) => Number(row.dataset.index)));
  const waiting = [];
  let paused = false;

  const cell = (row, column, main, sub) => {
    const td = row.insertCell();
    td.className = `c-${column}`;
    for (const [name, text] of [["main", main], ["sub", sub]]) {
      if (text === undefined || text === "") continue;
      const span = document.createElement("span");
      span.className = name;
      span.textContent = text.length > 120 ? `${text.slice(0, 120)}…` : text;
      td.append(span);
    }
    return td;
  };
  const columns = [...document.querySelectorAll("#events thead th")].map((th) => th.className.replace("c-", ""));
  const show = (event) => {
    const row = document.createElement("tr");
    row.className = `row fresh s-${event.outcome?.status ?? "unknown"}`;
    const href = `${location.pathname}/e/${event.index}`;
    row.dataset.index = event.index;
    row.dataset.href = href;
    for (const column of columns) {
      if (column === "tick") {
        const box = document.createElement("input");
        Object.assign(box, { type: "checkbox", name: "index", value: String(event.index) });
        box.setAttribute("aria-label", `Select event ${event.index}`);
        cell(row, column).append(box);
      } else if (column === "open") {
        const link = document.createElement("a");
        Object.assign(link, { href, className: "opener", textContent: "▸" });
        link.setAttribute("aria-label", `Details of event ${event.index}`);
        cell(row, column).append(link);
      } else if (column === "time" || column === "recorded") {
        const td = row.insertCell();
        td.className = `c-${column}`;
        const link = document.createElement("a");
        Object.assign(link, { href, className: "main when", textContent: column === "time" ? event.occurred_at : event.recorded_at });
        td.append(link);
      } else {
        const place = event.scope?.study ?? event.scope?.project ?? event.scope?.workspace ?? event.scope?.organization;
        const [main, sub] = {
          actor: [event.actor?.name ?? event.actor?.id ?? "–", event.actor?.type],
          ip: [event.client?.ip ?? "–"],
          action: [event.action],
          target: [event.target?.name ?? event.target?.id ?? event.target?.type ?? "–", event.target?.type],
          scope: [place?.name ?? place?.id ?? "–"],
          outcome: [event.outcome?.status ?? "unknown", event.outcome?.message],
          reason: [event.reason?.text ?? "none given"],
          source: [event.source.system, event.source.instance],
          proof: [`#${event.index}`, "recorded"],
        }[column] ?? [""];
        cell(row, column, main, sub);
      }
    }
    body.prepend(row);
  };
  const label = () => {
    button.setAttribute("aria-pressed", String(!!source && !paused));
    button.textContent = !source ? "▸ Live" : paused ? `▸ Resume (${waiting.length} new)` : "❚❚ Pause live";
  };
  const take = (message) => {
    const event = JSON.parse(message.data);
    if (event.index <= seen) return;
    seen = event.index;
    if (paused) waiting.push(event);
    else show(event);
    label();
  };
  button.addEventListener("click", () => {
    if (!source) {
      const url = new URL(button.dataset.url, location.href);
      if (seen >= 0) url.searchParams.set("after", seen);
      source = new EventSource(url);
      source.addEventListener("message", take);
    } else if (paused) {
      paused = false;
      for (const event of waiting.splice(0)) show(event);
    } else {
      paused = true;
    }
    label();
  });
}
