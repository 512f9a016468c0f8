// A crew's phone: what is done is kept here first and sent when there is a network, each once; the jobs of the day are
// kept to be read without one. Without this file the pages are worked with a network all the same.

import { countOn, fill } from "./time-left.js";

const crew = document.getElementById("crew");
const words = JSON.parse(crew.dataset.words);
const owner = Number(crew.dataset.owner), job = crew.dataset.job;
const PAGES = "crew-pages", ASSETS = "crew-assets"; // as in crew-worker.js
const STORE = "crew-outbox";
const MOST_KEPT = 40; // jobs
const FRESH_MS = 10 * 60_000; // a job that was kept so lately is not asked for again
const OLD_MS = 120_000; // a page that was read longer ago says when
const AGAIN_MS = 30_000, TICK_MS = 10_000;
const SEND_MS = 120_000; // a photo over a bad network
const LONGEST_SIDE = 2_000, JPEG_QUALITY = 0.85;
const MOST_BYTES = Number(crew.dataset.mostBytes); // of a photo
const NOT_NOW = [408, 425, 502, 503, 504];
const ANY_VERSION = "999999999"; // a note is no move that somebody else's could stand against

// The server's clock, as it was last known: the phone's own may be wrong.

let ahead = Number(localStorage.getItem("crew-ahead") ?? 0);
const now = () => Date.now() + ahead;
const zone = { timeZone: crew.dataset.zone, hourCycle: "h23" };
const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { ...zone, hour: "2-digit", minute: "2-digit" });

function remember(name, value) {
  try { localStorage.setItem(`crew-${name}`, value); } catch { /* the storage is full: nothing depends on it */ }
}

// The outbox: one entry for each form that was sent and that the server has not taken yet.

let database = null;

function opened() {
  database ??= new Promise((done, fail) => {
    const asked = indexedDB.open(STORE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("entries", { keyPath: "id", autoIncrement: true });
    asked.onsuccess = () => {
      asked.result.onversionchange = () => { asked.result.close(); database = null; };
      done(asked.result);
    };
    asked.onerror = () => { database = null; fail(asked.error); };
  });
  return database;
}

async function inStore(mode, act) {
  const entries = (await opened()).transaction("entries", mode, { durability: "strict" });
  const asked = act(entries.objectStore("entries"));
  return new Promise((done, fail) => {
    entries.oncomplete = () => done(asked.result);
    entries.onerror = entries.onabort = () => fail(entries.error);
  });
}

const all = () => inStore("readonly", (store) => store.getAll());
const one = (id) => inStore("readonly", (store) => store.get(id));
const put = (entry) => inStore("readwrite", (store) => store.put(entry));
const drop = (id) => inStore("readwrite", (store) => store.delete(id));

async function entryOf(form) {
  const fields = [], hidden = ["key", "code"]; // the seal of the session is put on when it is sent
  let file = null;
  for (const [name, value] of new FormData(form)) {
    if (value instanceof File) file = value.size ? await shrunk(value) : null;
    else if (!hidden.includes(name)) fields.push([name, value]);
  }
  const told = [...form.elements].filter((field) => field.offsetParent && field.name && field.type !== "file" && field.value);
  const made = Math.max(now(), Date.parse(crew.dataset.now)); // a clock that was set back meanwhile
  return {
    once: randomKey(), owner, number: job, path: new URL(form.action).pathname, name: form.dataset.name,
    says: told.map(textOf).filter(Boolean).join(", "), fields, file, made, state: "waiting", why: "",
  };
}

function textOf(field) {
  if (field.type === "radio" || field.type === "checkbox") return field.checked ? field.labels[0]?.textContent : "";
  return field.selectedOptions ? field.selectedOptions[0]?.textContent : field.value;
}

function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A photo of a phone has more pixels than are kept, and a network in a cellar has none to give away.
async function shrunk(file) {
  if (!file.type.startsWith("image/")) return file;
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(image.width * scale), height: Math.round(image.height * scale),
    });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob((made) => done(made ?? file), "image/jpeg", JPEG_QUALITY));
  } catch {
    return file; // the server says what is wrong with it
  }
}

// Sending

class Away extends Error {}
class SignedOut extends Error {}
class Another extends Error {} // person, who has signed in since

async function asked(address, options) {
  let answer;
  try {
    answer = await fetch(address, {
      ...options, cache: "no-store", redirect: "error", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(SEND_MS),
    });
  } catch {
    throw new Away();
  }
  if (answer.status === 401) throw new SignedOut();
  if (NOT_NOW.includes(answer.status)) throw new Away();
  return answer;
}

async function session() {
  const answer = await asked("/crew/state");
  const state = await jsonOf(answer);
  if (!answer.ok || !state.owner) throw new Away();
  ahead = Date.parse(state.now) - Date.now();
  remember("ahead", ahead);
  wasKept ??= isOld(); // where a bad network was not waited for
  if (state.owner === owner) return state;
  await self.caches?.delete(PAGES);
  location.reload(); // which takes a while
  throw new Another();
}

// A gateway may answer for the service with a page of its own: that takes nothing.
const jsonOf = (answer) => answer.json().catch(() => ({}));

async function send(entry, { seal }, isAgain = false) {
  const body = new FormData();
  for (const [name, value] of entry.fields) body.append(name, value);
  body.append("key", seal.key);
  body.append("code", seal.code);
  body.append("once", entry.once);
  body.append("made_at", new Date(Math.min(entry.made, now())).toISOString());
  if (entry.file) body.append("file", entry.file, "photo");
  const answer = await asked(entry.path, { method: "POST", body });
  const told = await jsonOf(answer);
  if (answer.ok && !told.done) throw new Away();
  if (answer.ok) {
    await drop(entry.id);
    return true;
  }
  // A fault of the server, or a limit: it waits, and what comes after is tried all the same.
  if (answer.status >= 500 || answer.status === 429) return false;
  if (answer.status === 403 && !isAgain) return send(entry, await session(), true); // another session since
  const why = told.detail ?? (answer.status === 404 ? words.gone : fill(words.not_now, { status: answer.status }));
  await put({ ...entry, state: "refused", why });
  return false;
}

let wasKept = null; // whether the page is one that the phone has kept; null: not known yet
let sending = null, again = false, keeping = false, lost = false, signedOut = false;

// Only one tab sends at a time, and what another has sent meanwhile is gone from the store. Returns how many were taken.
// Photos come last: over a bad network each takes minutes.
async function sendAll() {
  const waiting = (await all()).filter((entry) => entry.owner === owner && entry.state === "waiting");
  waiting.sort((one, other) => Boolean(one.file) - Boolean(other.file));
  const state = await session();
  let taken = 0;
  for (const { id } of waiting) {
    const entry = await one(id);
    if (entry?.state === "waiting" && (await send(entry, state))) taken += 1;
  }
  return taken;
}

// What was kept while others are being sent follows them.
function flush() {
  if (sending) {
    again = true;
    return sending;
  }
  const alone = () => (navigator.locks ? navigator.locks.request(STORE, sendAll) : sendAll());
  sending = alone()
    .then((taken) => {
      lost = signedOut = false;
      if (taken && !keeping && !document.querySelector(".act[open]")) location.reload(); // nobody writes here
    })
    .catch((fault) => {
      if (fault instanceof SignedOut) { signedOut = true; self.caches?.delete(PAGES); } else if (fault instanceof Away) lost = true;
      else if (!(fault instanceof Another)) throw fault;
    })
    .finally(() => {
      const once = again;
      sending = null;
      again = false;
      return once && !lost ? flush() : show();
    });
  return sending;
}

// What is shown of it

const list = document.querySelector("#outbox .outbox"), line = document.getElementById("standing");

function tell(text, fine = false) {
  if (line.textContent !== text) line.firstElementChild.textContent = text;
  line.hidden = !text;
  line.classList.toggle("fine", fine);
}

async function show() {
  const entries = await all(), mine = entries.filter((entry) => entry.owner === owner);
  list.replaceChildren(...mine.map(shownEntry));
  document.getElementById("outbox").hidden = !mine.length;
  for (const button of document.querySelectorAll(".at-once button")) {
    const kind = button.form.elements.move.value;
    button.disabled = mine.some((entry) => entry.number === job && entry.state === "waiting" && moveOf(entry) === kind);
  }
  const waiting = mine.filter((entry) => entry.state === "waiting").length, others = entries.length - mine.length;
  const refused = mine.length - waiting;
  const said = [
    signedOut ? words.signed_out : lost ? words.offline : "",
    (lost || wasKept) && isOld() ? fill(words.kept_at, { at: clock(Date.parse(crew.dataset.now)) }) : "",
    waiting ? fill(words.waiting, { n: waiting }) : "",
    refused ? fill(words.refused_left, { n: refused }) : "",
    others ? fill(words.others_left, { n: others }) : "",
  ];
  tell(said.filter(Boolean).join(" "));
  line.firstElementChild.href = signedOut ? "/sign-in?next=/crew" : "#outbox";
}

const isOld = () => now() - Date.parse(crew.dataset.now) > OLD_MS;
const moveOf = (entry) => entry.fields.find(([name]) => name === "move")?.[1];

function shownEntry(entry) {
  const item = document.createElement("li");
  item.className = entry.state;
  item.append(paragraph(`${entry.name} · ${clock(entry.made)}`, "event-head"));
  item.append(paragraph([entry.number, entry.says].filter(Boolean).join(" · "), "meta"));
  const isRefused = entry.state === "refused";
  item.append(paragraph(isRefused ? fill(words.refused, { why: entry.why }) : words.waits, "why"));
  if (isRefused) item.append(entry.file ? button(words.again, () => sendAgain(entry)) : button(words.as_note, () => asNote(entry)));
  item.append(button(words.discard, () => discard(entry)));
  return item;
}

function paragraph(text, name) {
  return Object.assign(document.createElement("p"), { textContent: text, className: name });
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, className: "plain-button" });
  made.addEventListener("click", act);
  return made;
}

async function asNote(entry) {
  const what = [entry.name, entry.says].filter(Boolean).join(": ");
  const remark = fill(words.note, { at: new Date(entry.made).toLocaleString(document.documentElement.lang, zone), what }).slice(0, 2_000);
  const fields = [["move", "remark"], ["version", ANY_VERSION], ["remark", remark]];
  const path = `/crew/jobs/${entry.number}`;
  await put({ ...entry, once: randomKey(), path, fields, made: now(), state: "waiting", why: "" });
  await flush();
}

async function sendAgain(entry) {
  await put({ ...entry, made: now(), state: "waiting", why: "" });
  await flush();
}

async function discard(entry) {
  if (!confirm(words.discard_sure)) return;
  await drop(entry.id);
  await show();
}

// Forms

async function keepForm(form) {
  let entry;
  try {
    entry = await entryOf(form);
    if (entry.file?.size > MOST_BYTES) return tell(words.too_large);
    entry.id = await put(entry);
  } catch {
    const isThere = await session().then(() => true, () => false);
    return isThere ? form.submit() : tell(words.unkept); // a browser that keeps nothing
  }
  for (const field of form.querySelectorAll("[data-remember]")) remember(field.dataset.remember, field.value);
  form.reset();
  form.closest("details")?.removeAttribute("open");
  tell(words.saved, true);
  keeping = true;
  await flush().finally(() => { keeping = false; });
  const isSent = !(await one(entry.id));
  if (isSent && job) location.replace(`/crew/jobs/${job}?done=${moveOf(entry) ?? (entry.file ? "attached" : "measured")}`);
}

function sign(glass) {
  const canvas = glass.querySelector("canvas"), drawn = glass.querySelector("[name=drawn]"), pen = canvas.getContext("2d");
  const paper = glass.closest("form").elements.confirmation; // the number of a paper, if that is what is asked for
  const clear = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    drawn.value = "";
    if (paper) paper.required = true;
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    // A busy browser tells of several places at once.
    for (const moment of [...event.getCoalescedEvents(), event]) pen.lineTo(...at(moment));
    pen.stroke();
  });
  canvas.addEventListener("pointerup", () => {
    drawn.value = canvas.toDataURL("image/png");
    if (paper) paper.required = false;
  });
  Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
  glass.querySelector(".clear").addEventListener("click", clear);
  glass.closest("form").addEventListener("reset", clear);
  glass.hidden = false;
  clear();
}

// The jobs of the day, to be read without a network

async function keepJobs() {
  const cache = await caches.open(PAGES);
  const wanted = [...document.querySelectorAll(".job .open")].slice(0, MOST_KEPT).map((link) => link.pathname);
  for (const path of ["/crew", ...wanted]) await keep(cache, path);
  const kept = new Set([...wanted, ...(await all()).map((entry) => `/crew/jobs/${entry.number}`)]);
  for (const { url } of await cache.keys()) {
    const path = new URL(url).pathname;
    const page = path.replace(/^\/crew\/tickets\/([^/]+)\/.*/, "/crew/jobs/$1"); // that of a picture
    if (page !== "/crew" && !kept.has(page)) await cache.delete(path);
  }
}

async function keep(cache, path) {
  const known = await cache.match(path);
  if (known && path !== "/crew" && Date.now() - Date.parse(known.headers.get("date")) < FRESH_MS) return;
  const answer = await fetch(path, { headers: { Accept: "text/html" } });
  if (answer.ok && !answer.redirected) await cache.put(path, answer);
}

async function keepAssets() {
  const cache = await caches.open(ASSETS);
  const named = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]")].map((one) => one.href ?? one.src);
  for (const address of [...named, new URL("./time-left.js", import.meta.url).href]) {
    if (!(await cache.match(address))) await cache.add(address);
  }
}

async function leave(form) {
  const left = (await all().catch(() => [])).length;
  if (left && !confirm(fill(words.sign_out_sure, { n: left }))) return;
  await forget().catch(() => null); // the answer has the browser clear what is left
  form.submit();
}

async function forget() {
  for (const name of "caches" in self ? await caches.keys() : []) if (name.startsWith("crew-")) await caches.delete(name);
  for (const name of Object.keys(localStorage)) if (name.startsWith("crew-")) localStorage.removeItem(name);
  (await opened()).close();
  await new Promise((done) => {
    const asked = indexedDB.deleteDatabase(STORE);
    asked.onsuccess = asked.onerror = asked.onblocked = done;
  });
}

// Beginning

async function begin() {
  const before = localStorage.getItem("crew-owner");
  if (before && Number(before) !== owner) await self.caches?.delete(PAGES); // the jobs of somebody else
  remember("owner", owner);
  for (const field of document.querySelectorAll("[data-remember]")) {
    field.value ||= localStorage.getItem(`crew-${field.dataset.remember}`) ?? "";
  }
  for (const glass of document.querySelectorAll(".glass")) sign(glass);
  document.addEventListener("submit", (event) => {
    const form = event.target, isKept = form.matches("form[data-queue]"), isLeaving = form.matches('[action="/sign-out"]');
    if (isKept || isLeaving || lost) event.preventDefault();
    if (isKept) keepForm(form);
    else if (lost) flush().then(() => { if (lost) tell(words.needs_network); });
    else if (isLeaving) leave(form);
  });
  if (!location.search.includes("done=")) document.getElementById("done")?.remove(); // a page that was kept says so once more
  navigator.storage?.persist?.(); // else a browser that needs room may delete what waits
  addEventListener("online", flush);
  addEventListener("offline", () => { lost = true; show(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") flush(); });
  setInterval(flush, AGAIN_MS);
  await show();
  await flush();
  if (!lost && !signedOut && "serviceWorker" in navigator) {
    await navigator.serviceWorker.register("/pages/crew/worker.js", { scope: "/crew" });
    const kept = "list" in crew.dataset ? keepAssets().then(keepJobs) : keepAssets();
    await kept.catch(() => null); // the storage is full, or the network gone
  }
}

const tick = () => countOn(words, now(), ".job");
setInterval(tick, TICK_MS);
begin().then(tick);
