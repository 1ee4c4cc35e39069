// The button that verifies: fetches the receipt, recomputes everything in this browser, and says what
// it checked. The browser remembers the key and the last checkpoint that it verified: a trail that is
// rewritten later does not continue them.
import { Wrong, admits, base64, check, equal, isContinued, leafHash, openCheckpoint, readKey, readReceipt, restored, rootFrom, unbase64 } from "./proof.js";

const verdict = document.getElementById("verdict");

const say = (kind, title, lines) => {
  const box = document.createElement("div");
  box.className = `verdict ${kind}`;
  const head = document.createElement("h3");
  head.textContent = title;
  const list = document.createElement("ol");
  for (const line of lines) {
    const item = document.createElement("li");
    item.textContent = line;
    list.append(item);
  }
  box.append(head, list);
  verdict.replaceChildren(box);
};

const short = (bytes) => `${base64(bytes).slice(0, 12)}…`;

// The key and the checkpoint that this browser saw last. Gives a line for the verdict.
const remember = async (trail, vkey, checkpoint) => {
  const place = `indelible:${checkpoint.origin}`;
  let known = null;
  try { known = JSON.parse(localStorage.getItem(place)); } catch { /* begin anew */ }
  const lines = [];
  if (known) {
    check(known.vkey === vkey, `the trail’s key is not the one that this browser saw on ${known.seen}: ${known.vkey}`);
    const [size, root] = [BigInt(known.size), unbase64(known.root)];
    if (size <= checkpoint.size) {
      const answer = await fetch(`/t/${trail}/consistency?from=${size}&to=${checkpoint.size}`, { credentials: "same-origin" });
      if (answer.ok) {
        const { hashes } = await answer.json();
        check(await isContinued(size, root, checkpoint.size, checkpoint.root, hashes.map(unbase64)), `the trail does not continue the checkpoint of ${size} events that this browser verified on ${known.seen}: it was rewritten`);
        lines.push(`The trail continues the checkpoint of ${size} events that this browser verified on ${known.seen}.`);
      } else {
        lines.push(`Whether it continues the checkpoint that this browser saw on ${known.seen} could not be asked.`);
      }
    } else {
      lines.push(`This browser has verified a longer trail before (${size} events); this older checkpoint was not compared with it.`);
    }
  } else {
    lines.push("This browser sees the trail’s key for the first time and will remember it. Compare it with one that you were given in another way.");
  }
  if (!known || BigInt(known.size) <= checkpoint.size) {
    const seen = new Date().toISOString().slice(0, 10);
    localStorage.setItem(place, JSON.stringify({ vkey, size: String(checkpoint.size), root: base64(checkpoint.root), seen }));
  }
  return lines;
};

const ready = () => {
  if (globalThis.crypto?.subtle) return true;
  say("unsure", "Cannot be verified here", ["This browser offers its cryptography only over https or on localhost. Download the receipt and use `indelible verify`."]);
  return false;
};

const fault = (error) => {
  if (error?.name === "NotSupportedError") {
    say("unsure", "Cannot be verified here", ["This browser does not know Ed25519 signatures. Download the receipt and use `indelible verify`."]);
  } else if (error instanceof Wrong) {
    say("bad", "✕ NOT verified", [`Do not rely on this: ${error.message}.`, "Keep the receipt, and tell whoever answers for this trail."]);
  } else {
    say("bad", "✕ NOT verified", [`The receipt could not be checked: ${error?.message ?? error}.`]);
  }
};

const proof = document.getElementById("proof");
const button = document.getElementById("verify");
if (proof && button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (!ready()) return;
    button.disabled = true;
    try {
      const { trail, index, vkey, origin, leaf } = proof.dataset;
      const answer = await fetch(`/t/${trail}/e/${index}/receipt?wait=published`, { credentials: "same-origin" });
      check(answer.ok, `the server gave no receipt (${answer.status})`);
      const receipt = readReceipt(await answer.text());
      check(receipt.index === BigInt(index), `the receipt is of event ${receipt.index}, not of this one`);
      const hash = await leafHash(receipt.entry);
      check(base64(hash) === leaf, "the entry in the receipt is not the one that this page shows");
      const { detached = [] } = JSON.parse(receipt.entry);
      const withheld = [];
      for (const value of detached) {
        const opening = receipt.openings.find((one) => one.at === value.at);
        if (opening) check(await admits(value, opening), `the value at ${value.at} is not the one that was recorded`);
        else withheld.push(value.at);
      }
      const shown = document.getElementById("entry").textContent;
      if (detached.length === 0) {
        check(shown === receipt.entry, "the entry in the receipt is not the text that this page shows");
      } else {
        const whole = restored(receipt.entry, receipt.openings);
        check(whole === JSON.stringify(JSON.parse(shown)), "the entry and the values in the receipt are not what this page shows");
      }
      const key = await readKey(vkey);
      const checkpoint = await openCheckpoint(receipt.note, key, origin);
      const root = await rootFrom(hash, receipt.index, checkpoint.size, receipt.hashes);
      check(equal(root, checkpoint.root), "the inclusion proof does not lead to the checkpoint’s root");
      const remembered = await remember(trail, vkey, checkpoint);
      say("", "✓ Verified in this browser", [
        `The entry’s ${new TextEncoder().encode(receipt.entry).length} bytes hash to the leaf ${short(hash)}, and are what this page shows.`,
        ...(detached.length ? [`${detached.length - withheld.length} values beside the entry are the ones it commits to${withheld.length ? `; withheld: ${withheld.join(", ")}` : ""}.`] : []),
        `${receipt.hashes.length} hashes lead from it, at place ${receipt.index}, to the root ${short(root)} of ${checkpoint.size} events.`,
        `The Ed25519 signature of ${key.name} on that checkpoint verifies.`,
        ...remembered,
      ]);
    } catch (error) {
      fault(error);
    } finally {
      button.disabled = false;
    }
  });
}

const note = document.getElementById("note");
const whole = document.getElementById("verify-checkpoint");
if (note && whole) {
  whole.hidden = false;
  whole.addEventListener("click", async () => {
    if (!ready()) return;
    try {
      const { trail, vkey, origin } = note.dataset;
      const key = await readKey(vkey);
      const checkpoint = await openCheckpoint(note.textContent, key, origin);
      const remembered = await remember(trail, vkey, checkpoint);
      say("", "✓ Verified in this browser", [
        `The Ed25519 signature of ${key.name} on this checkpoint of ${checkpoint.size} events verifies.`,
        ...remembered,
      ]);
    } catch (error) {
      fault(error);
    }
  });
}

const copies = document.getElementById("copies");
if (copies && navigator.clipboard) {
  copies.hidden = false;
  copies.addEventListener("click", async (event) => {
    const what = event.target.dataset.copy;
    if (!what) return;
    const text = {
      json: () => document.getElementById("json").textContent,
      link: () => location.origin + location.pathname,
      citation: () => document.getElementById("citation").textContent,
    }[what]();
    await navigator.clipboard.writeText(text);
    const before = event.target.textContent;
    event.target.textContent = "✓ Copied";
    setTimeout(() => { event.target.textContent = before; }, 1500);
  });
}
