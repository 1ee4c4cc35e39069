// The question box completes the names of fields, and the values that the trail has.
const box = document.getElementById("q");
const form = document.getElementById("ask");
// The words that may stand before a colon, as the server knows them.
const fields = form?.dataset.fields.split(" ") ?? [];

if (box && form) {
  const list = document.createElement("ul");
  Object.assign(list, { id: "suggestions", className: "suggest", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Completions");
  box.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", "suggestions"], ["aria-expanded", "false"]]) box.setAttribute(name, value);
  let picked = -1;
  let asked = 0;

  const word = () => {
    const before = box.value.slice(0, box.selectionStart);
    const start = Math.max(before.lastIndexOf(" "), before.lastIndexOf("|"), before.lastIndexOf("(")) + 1;
    return { start, text: before.slice(start).replace(/^-/, "") };
  };
  const close = () => {
    // An answer still under way must not open again what was closed.
    asked += 1;
    list.hidden = true;
    picked = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const quoted = (value) => (/[\s"*()|]|^=|^$/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value);
  const use = (text) => {
    const { start } = word();
    const minus = box.value[start] === "-" ? "-" : "";
    const after = box.value.slice(box.selectionStart);
    box.value = box.value.slice(0, start) + minus + text + after;
    const place = start + minus.length + text.length;
    box.setSelectionRange(place, place);
    close();
    if (text.endsWith(":")) offer();
  };
  const show = (items) => {
    if (!items.length) return close();
    // A later answer must not take the choice away that was made in an earlier one.
    const chosen = list.hidden ? undefined : list.children[picked]?.dataset.text;
    list.replaceChildren(...items.map(({ text, hint }, place) => {
      const item = document.createElement("li");
      item.id = `suggestion-${place}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.text = text;
      const name = document.createElement("span");
      name.textContent = text.length > 60 ? `${text.slice(0, 60)}…` : text;
      const count = document.createElement("span");
      count.textContent = hint ?? "";
      item.append(name, count);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); use(text); });
      return item;
    }));
    list.hidden = false;
    picked = -1;
    box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-expanded", "true");
    const place = items.findIndex(({ text }) => text === chosen);
    if (place >= 0) pick(place + 1);
  };
  const offer = async () => {
    const turn = ++asked;
    const { text } = word();
    const colon = text.indexOf(":");
    if (colon < 0) {
      return show(text ? fields.filter((name) => name.startsWith(text.toLowerCase())).slice(0, 12).map((name) => ({ text: `${name}:` })) : []);
    }
    const [field, prefix] = [text.slice(0, colon), text.slice(colon + 1).replace(/^["=]/, "")];
    if (!fields.includes(field.toLowerCase())) return close();
    const url = `/t/${form.dataset.trail}/complete?field=${encodeURIComponent(field)}&prefix=${encodeURIComponent(prefix)}`;
    const answer = await fetch(url, { credentials: "same-origin" }).catch(() => null);
    if (turn !== asked) return;
    if (!answer?.ok) return close();
    show((await answer.json()).map(({ value, count }) => ({ text: `${field}:${quoted(value)}`, hint: count?.toLocaleString("en") })));
  };
  const pick = (step) => {
    const items = [...list.children];
    items[picked]?.setAttribute("aria-selected", "false");
    picked = (picked + step + items.length) % items.length;
    items[picked].setAttribute("aria-selected", "true");
    items[picked].scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", items[picked].id);
  };
  box.addEventListener("input", () => {
    // What is typed after a choice takes the choice back.
    list.children[picked]?.setAttribute("aria-selected", "false");
    picked = -1;
    offer();
  });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown") { event.preventDefault(); pick(1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); pick(-1); }
    else if (event.key === "Escape") { event.preventDefault(); close(); }
    else if ((event.key === "Enter" || event.key === "Tab") && picked >= 0) {
      event.preventDefault();
      use(list.children[picked].dataset.text);
    }
  });
}
