// The live tail: rows that match appear at the top as they are recorded, as the server renders them.
// It goes on where the page ended, and after a pause or a lost connection where it was.
const button = document.getElementById("live");
const body = document.querySelector("#events tbody");

// Rows that are added at most; older ones leave at the other end.
const ADDED_MAX = 1_000;

if (button && body && window.EventSource && !new URLSearchParams(location.search).get("after")) {
  button.hidden = false;
  const empty = document.querySelector(".empty");
  const table = document.getElementById("rows");
  let source = null;
  let paused = false;
  let waiting = [];
  let seen = button.dataset.after === "" ? -1 : Number(button.dataset.after);

  const show = (markup) => {
    // Markup of our own server, in which every value is escaped; no policy would let it run code.
    const rows = document.createElement("template");
    rows.innerHTML = markup;
    for (const row of rows.content.querySelectorAll("tr.row")) row.classList.add("fresh");
    body.prepend(rows.content);
    const added = body.querySelectorAll("tr.fresh");
    for (const row of [...added].slice(ADDED_MAX)) row.remove();
    table.hidden = false;
    if (empty) empty.hidden = true;
  };
  const label = () => {
    button.setAttribute("aria-pressed", String(!!source && !paused));
    button.textContent = !source ? "▸ Live" : paused ? `▸ Resume (${waiting.length} new)` : "❚❚ Pause live";
  };
  const take = (message) => {
    const index = Number(message.lastEventId);
    if (index <= seen) return;
    seen = index;
    if (paused) waiting.push(message.data);
    else show(message.data);
    waiting = waiting.slice(-ADDED_MAX);
    label();
  };
  button.addEventListener("click", () => {
    if (!source) {
      const url = new URL(button.dataset.url, location.href);
      if (seen >= 0) url.searchParams.set("after", seen);
      else url.searchParams.set("start", "first");
      source = new EventSource(url);
      source.addEventListener("message", take);
    } else if (paused) {
      paused = false;
      for (const markup of waiting.splice(0)) show(markup);
    } else {
      paused = true;
    }
    label();
  });
}
