// The list: keys, ticks, rows that open in place, the chart's zoom, the order of columns.
const table = document.getElementById("events");
const rows = () => [...(table?.querySelectorAll("tr.row") ?? [])];
let at = -1;

const go = (to) => {
  const list = rows();
  if (!list.length) return;
  list[at]?.classList.remove("at");
  at = Math.max(0, Math.min(list.length - 1, to));
  const row = list[at];
  row.classList.add("at");
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a")?.focus({ preventScroll: true });
};

// A row opens in place: the server renders what is shown.
const toggle = async (row) => {
  const opener = row.querySelector(".opener");
  const open = row.nextElementSibling?.classList.contains("more") ? row.nextElementSibling : null;
  if (open) {
    open.remove();
  } else {
    const answer = await fetch(`${row.dataset.href}/glance`, { credentials: "same-origin" });
    if (!answer.ok) { location.assign(row.dataset.href); return; }
    const more = document.createElement("tr");
    more.className = "more";
    const cell = more.insertCell();
    cell.colSpan = row.cells.length;
    // Markup of our own server, in which every value is escaped; no policy would let it run code.
    cell.innerHTML = await answer.text();
    const link = document.createElement("a");
    link.href = row.dataset.href;
    link.textContent = "Open the whole event, its proof and its operation";
    cell.append(link);
    row.after(more);
  }
  opener.setAttribute("aria-expanded", String(!open));
  opener.textContent = open ? "▸" : "▾";
};
table?.addEventListener("click", (event) => {
  const opener = event.target.closest(".opener");
  if (!opener || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  toggle(opener.closest("tr"));
});

// Ticks: shift takes all between; the button says how many.
const boxes = () => [...(table?.querySelectorAll("td.c-tick input") ?? [])];
const csv = document.getElementById("csv");
const tell = () => {
  const ticked = boxes().filter((box) => box.checked).length;
  csv.textContent = ticked ? `Export ${ticked} ${ticked === 1 ? "selection" : "selections"} to CSV` : "Export all data to CSV";
  document.getElementById("taken").textContent = ticked ? `${ticked} of ${boxes().length} rows on this page are selected.` : "";
  const all = document.getElementById("all");
  if (all) {
    all.checked = ticked > 0 && ticked === boxes().length;
    all.indeterminate = ticked > 0 && ticked < boxes().length;
  }
};
let last = null;
const tick = (box, shift) => {
  const list = boxes();
  if (shift && last !== null && list.includes(last)) {
    const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
    for (const between of list.slice(from, to + 1)) between.checked = box.checked;
  }
  last = box;
  tell();
};
if (csv) {
  const head = table.querySelector("th.c-tick");
  head.innerHTML = '<input type="checkbox" id="all" aria-label="Select all rows of this page">';
  head.firstChild.addEventListener("change", (event) => {
    for (const box of boxes()) box.checked = event.target.checked;
    tell();
  });
  table.addEventListener("click", (event) => {
    if (event.target.matches("td.c-tick input")) tick(event.target, event.shiftKey);
  });
  addEventListener("pageshow", tell);
  tell();
}

const typing = (element) => element.closest("input:not([type=checkbox]), select, textarea");
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const row = rows()[at];
  if (event.key === "j") go(at + 1);
  else if (event.key === "k") go(at - 1);
  else if (event.key.toLowerCase() === "x" && row) {
    const box = row.querySelector("td.c-tick input");
    box.checked = !box.checked;
    tick(box, event.shiftKey);
  } else if (event.key === " " && row && !event.target.closest("summary, button, input")) {
    event.preventDefault();
    toggle(row);
  }
});

// The chart: drag, or arrows with shift, to zoom over several bars.
const chart = document.querySelector("svg.histogram");
if (chart) {
  const bars = [...chart.querySelectorAll("a")];
  let anchor = null;
  let end = null;
  for (const [place, bar] of bars.entries()) bar.setAttribute("tabindex", place ? "-1" : "0");
  const paint = () => {
    const [from, to] = [Math.min(anchor, end), Math.max(anchor, end)];
    for (const [place, bar] of bars.entries()) bar.classList.toggle("picked", place >= from && place <= to);
  };
  const zoom = () => {
    const [from, to] = [Math.min(anchor, end), Math.max(anchor, end)];
    const url = new URL(bars[from].getAttribute("href"), location.href);
    const stop = new URL(bars[to].getAttribute("href"), location.href);
    const until = stop.searchParams.get("q").match(/(?:^| )(to:\S+)$/)?.[1];
    url.searchParams.set("q", url.searchParams.get("q").replace(/to:\S+$/, until));
    location.assign(url);
  };
  const barAt = (event) => {
    const box = chart.getBoundingClientRect();
    return Math.max(0, Math.min(bars.length - 1, Math.floor(((event.clientX - box.left) / box.width) * bars.length)));
  };
  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    anchor = end = barAt(event);
    chart.setPointerCapture(event.pointerId);
    paint();
  });
  chart.addEventListener("pointermove", (event) => {
    if (!chart.hasPointerCapture(event.pointerId)) return;
    end = barAt(event);
    paint();
  });
  chart.addEventListener("pointerup", (event) => {
    if (!chart.hasPointerCapture(event.pointerId)) return;
    chart.releasePointerCapture(event.pointerId);
    zoom();
  });
  chart.addEventListener("dragstart", (event) => event.preventDefault());
  chart.addEventListener("click", (event) => event.preventDefault());
  chart.addEventListener("keydown", (event) => {
    const place = bars.indexOf(document.activeElement);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = Math.max(0, Math.min(bars.length - 1, place + step));
      anchor = event.shiftKey ? anchor ?? place : next;
      end = next;
      for (const bar of bars) bar.setAttribute("tabindex", "-1");
      bars[next].setAttribute("tabindex", "0");
      bars[next].focus();
      paint();
    } else if (event.key === "Enter") {
      event.preventDefault();
      anchor ??= place;
      end ??= place;
      zoom();
    }
  });
}

// Columns: Alt with an arrow moves one.
for (const list of document.querySelectorAll("ul.choose")) {
  const number = () => {
    for (const [place, box] of [...list.querySelectorAll("input")].entries()) {
      box.value = `${place + 1}.${box.value.split(".")[1]}`;
    }
  };
  list.addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const item = event.target.closest("li");
    if (event.key === "ArrowUp") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    event.target.focus();
    number();
  });
}

// The form's filters act when they are chosen; the actions depend on the type of entity.
document.querySelector("#ask select[name='f.type']")?.addEventListener("change", (event) => {
  const action = event.target.form.querySelector("select[name='f.action']");
  if (action) action.value = "";
});
document.getElementById("when")?.addEventListener("change", (event) => {
  const filters = document.querySelector("details.filters");
  if (event.target.value === "custom") {
    filters.open = true;
    filters.querySelector("input[type=date]").focus();
  } else {
    event.target.form.requestSubmit();
  }
});
