// Receipts, checked here with the browser's own cryptography. It shares no code with the server, and
// follows the specifications alone: RFC 6962 section 2.1, c2sp.org/tlog-proof, tlog-checkpoint and
// signed-note, and docs/format.md for detached values.

const utf8 = new TextEncoder();
export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
export const unbase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const join = (...parts) => {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
};
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

export class Wrong extends Error {}
const must = (holds, message) => { if (!holds) throw new Wrong(message); };

export const leafHash = (entry) => sha256([0], utf8.encode(entry));
const nodeHash = (left, right) => sha256([1], left, right);

// A verifier key: name+id+base64(type ‖ key), where id is the first 4 bytes of
// SHA-256(name ‖ "\n" ‖ type ‖ key).
export const readKey = async (text) => {
  const [name, id, ...rest] = text.split("+");
  const bytes = unbase64(rest.join("+"));
  must(bytes[0] === 1 && bytes.length === 33, "the verifier key is not an Ed25519 key");
  const hash = await sha256(utf8.encode(`${name}\n`), bytes);
  const own = [...hash.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  must(own === id, "the verifier key’s own checksum is wrong");
  const key = await crypto.subtle.importKey("raw", bytes.slice(1), "Ed25519", false, ["verify"]);
  return { name, id: hash.slice(0, 4), key };
};

// A signed checkpoint: origin, size and root, under a signature of the key.
export const openCheckpoint = async (note, key, origin) => {
  const cut = note.lastIndexOf("\n\n");
  must(cut > 0, "the checkpoint has no signature");
  const text = note.slice(0, cut + 1);
  const lines = note.slice(cut + 2).split("\n").filter((line) => line);
  let signed = false;
  for (const line of lines) {
    const [dash, name, value] = line.split(" ");
    if (dash !== "—" || name !== key.name || !value) continue;
    const bytes = unbase64(value);
    if (!same(bytes.slice(0, 4), key.id)) continue;
    must(await crypto.subtle.verify("Ed25519", key.key, bytes.slice(4), utf8.encode(text)), "the checkpoint’s signature does not verify");
    signed = true;
  }
  must(signed, "the checkpoint is not signed by this trail’s key");
  const [name, size, root] = text.split("\n");
  must(name === origin, `the checkpoint is of another trail: ${name}`);
  must(/^(0|[1-9][0-9]*)$/.test(size), "the checkpoint’s size is not a number");
  return { origin: name, size: BigInt(size), root: unbase64(root) };
};

// From the leaf to the root, as RFC 9162 section 2.1.3.2 says.
export const rootFrom = async (leaf, index, size, hashes) => {
  must(index < size, "the event lies beyond the checkpoint");
  let [fn, sn, hash] = [index, size - 1n, leaf];
  for (const sibling of hashes) {
    must(sn !== 0n, "the inclusion proof is too long");
    if (fn & 1n || fn === sn) {
      hash = await nodeHash(sibling, hash);
      while (!(fn & 1n) && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else {
      hash = await nodeHash(hash, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  must(sn === 0n, "the inclusion proof is too short");
  return hash;
};

// That a tree of one size begins with the tree of an older size (RFC 9162 section 2.1.4.2).
export const isContinued = async (oldSize, oldRoot, newSize, newRoot, hashes) => {
  if (oldSize === newSize) return hashes.length === 0 && same(oldRoot, newRoot);
  if (oldSize === 0n) return true;
  let [fn, sn] = [oldSize - 1n, newSize - 1n];
  while (fn & 1n) { fn >>= 1n; sn >>= 1n; }
  const list = [...hashes];
  const first = fn === 0n ? oldRoot : list.shift();
  if (!first) return false;
  let [one, other] = [first, first];
  for (const hash of list) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      one = await nodeHash(hash, one);
      other = await nodeHash(hash, other);
      while (!(fn & 1n) && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else {
      other = await nodeHash(other, hash);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && same(one, oldRoot) && same(other, newRoot);
};

// A receipt: what it says. Nothing in it is to be believed before it is checked.
export const readReceipt = (text) => {
  const [header, ...rest] = text.split("\n");
  must(header === "c2sp.org/tlog-proof@v1", "this is not a receipt");
  const cut = text.indexOf("\n\n");
  must(cut > 0, "the receipt has no checkpoint");
  const lines = text.slice(header.length + 1, cut).split("\n");
  must(rest.length > 2, "the receipt is cut off");
  const extra = lines[0].startsWith("extra ") ? lines.shift().slice(6) : null;
  must(extra !== null, "the receipt has no entry");
  const index = lines.shift()?.match(/^index (0|[1-9][0-9]*)$/)?.[1];
  must(index !== undefined, "the receipt has no index");
  const { entry, openings = [] } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(unbase64(extra)));
  return { entry, openings, index: BigInt(index), hashes: lines.map(unbase64), note: text.slice(cut + 2) };
};

// A detached value is the one that the entry commits to:
// SHA-256("indelible/detached/v1" 00 ‖ salt ‖ u32be len(at) ‖ at ‖ value).
export const admits = async (detached, opening) => {
  const at = utf8.encode(opening.at);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, at.length);
  const digest = await sha256(utf8.encode("indelible/detached/v1\0"), unbase64(opening.salt), length, at, utf8.encode(opening.value));
  return base64(digest) === detached.digest && utf8.encode(opening.value).length === detached.size;
};

// What an entry says with its detached values back in their places, as JSON. Each opening must be of
// a value that was detached: an entry does not commit to its members one by one.
export const restored = (entry, openings) => {
  const whole = JSON.parse(entry);
  const { detached = [] } = whole;
  for (const { at, value } of openings) {
    must(detached.some((one) => one.at === at) && openings.filter((one) => one.at === at).length === 1, `nothing was detached at ${at}`);
    const names = at.split("/").slice(1).map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = names.pop();
    const place = names.reduce((place, name) => place?.[name], whole);
    must(last !== undefined && place?.[last] === null, `there is no place for a value at ${at}`);
    place[last] = JSON.parse(value);
  }
  return JSON.stringify(whole);
};

export const equal = same;
export const check = must;
