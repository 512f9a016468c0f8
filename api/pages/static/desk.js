// The pages of the desk come alive: times count on, what others change appears without losing one's place, and keys work.
// Everything here is convenience: without it the pages are read and worked all the same.

import { signedIn, signedOut } from "./signed-out.js";
import { countOn as countTimesOn, fill } from "./time-left.js";

const desk = document.getElementById("desk");
const words = JSON.parse(desk.dataset.words);
const ahead = Date.parse(desk.dataset.now) - Date.now(); // of the server's clock
const TICK_MS = 10_000;
const CALM_MS = 60_000; // asks anyway, in case the stream is cut and nobody says so
const GATHER_MS = 250; // changes that come together are shown together
const RETRY_MS = 5_000;

const say = (text) => { document.getElementById("said").textContent = text; };

const countOn = () => countTimesOn(words, Date.now() + ahead, "tr");

// A new picture of a part of the page takes the place of the old one, node by node: what is the same stays, with its focus.

function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeName !== to.nodeName || from.id !== to.id) { from.replaceWith(to); return; }
  if (from.nodeType !== Node.ELEMENT_NODE) { from.nodeValue = to.nodeValue; return; }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  const known = new Map([...from.children].filter((child) => child.id).map((child) => [child.id, child]));
  let at = from.firstChild;
  for (const child of [...to.childNodes]) {
    const here = at && !at.id && !child.id && at.nodeName === child.nodeName ? at : null;
    const twin = child.id ? known.get(child.id) : here;
    if (!twin) { from.insertBefore(child, at); continue; }
    if (twin === at) at = at.nextSibling; else from.insertBefore(twin, at);
    morph(twin, child);
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

function keepingPlace(change) {
  const rows = [...document.querySelectorAll(".queue tbody tr")];
  const focused = document.activeElement?.closest(".queue tr");
  const anchor = focused ?? rows.find((row) => row.getBoundingClientRect().bottom > 0);
  const { id, top } = anchor ? { id: anchor.id, top: anchor.getBoundingClientRect().top } : {};
  const place = rows.indexOf(focused), focus = document.activeElement?.id;
  change();
  const after = id && document.getElementById(id);
  if (after && scrollY > 0) scrollBy(0, after.getBoundingClientRect().top - top);
  if (focus && document.activeElement?.id !== focus) {
    const links = document.querySelectorAll(".queue .open");
    const next = document.getElementById(focus) ?? (place >= 0 ? links[Math.min(place, links.length - 1)] : null);
    next?.focus({ preventScroll: true });
  }
}

const numbers = () => new Set([...document.querySelectorAll(".queue tbody tr")].map((row) => row.id));

async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (answer.status === 401 || answer.redirected) { signedOut(); throw new Error("signed out"); }
  signedIn();
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function refreshQueue() {
  const fresh = (await fetched(`/desk/rows${location.search}`)).getElementById("live");
  const before = numbers();
  keepingPlace(() => morph(document.getElementById("live"), fresh));
  countOn();
  const now = numbers();
  const come = [...now].filter((id) => !before.has(id)), gone = [...before].filter((id) => !now.has(id));
  for (const id of come) document.getElementById(id).classList.add("arrived");
  if (come.length || gone.length) say(fill(words.live_changed, { new: come.length, gone: gone.length }));
}

// A ticket is shown anew only while nobody writes on it here; else a notice says that it has changed.

const isWriting = () => document.querySelector(".move[open]") || document.getElementById("conflict") || document.getElementById("file")?.value;

async function refreshTicket(change) {
  if (change && change.event.seq <= Number(desk.dataset.version)) return;
  const page = await fetched(`/desk/tickets/${desk.dataset.number}`);
  const fresh = page.getElementById("desk");
  if (fresh.dataset.version === desk.dataset.version && !change) return;
  if (change) {
    const latest = page.querySelector(".events > .event");
    const [who] = latest.querySelector(".meta").textContent.split("·").slice(-1);
    const text = fill(words.changed_live, { who: who.trim(), what: latest.querySelector("strong").textContent });
    if (isWriting()) {
      const notice = document.getElementById("changed");
      notice.querySelector("p").textContent = text;
      notice.hidden = false;
    } else say(text);
  }
  if (isWriting()) return morph(document.getElementById("live"), page.getElementById("live"));
  morph(desk, fresh);
  countOn();
  for (const button of document.querySelectorAll("button[data-answer]")) button.hidden = false;
}

const isQueue = desk.dataset.live === "queue";
const refresh = isQueue ? refreshQueue : refreshTicket;
let waiting = null, busy = false, again = null, lost = false;

async function look(change) {
  if (busy) { again = { change }; return; }
  busy = true;
  try {
    await refresh(change);
    if (lost) say(words.live_back);
    lost = false;
  } catch {
    if (!lost) say(words.live_lost);
    lost = true;
  }
  busy = false;
  if (again) { const next = again; again = null; look(next.change); }
}

function soon(change) {
  // Spread, so that two hundred desks do not ask in the same instant.
  waiting ??= setTimeout(() => { waiting = null; look(change); }, GATHER_MS * (0.5 + Math.random()));
}

// Who else is at a ticket: they see that somebody is at this one, too, as long as the stream is open.

function showPeople({ ticket, people }) {
  const place = document.getElementById(`here-${ticket}`);
  const others = people.filter(({ number }) => number !== Number(desk.dataset.me));
  place?.replaceChildren(...others.map(({ name, doing }) => {
    const one = document.createElement("span");
    one.className = doing;
    one.textContent = fill(words[`here_${doing}`], { name });
    return one;
  }));
}

function showPresence({ whole, tickets }) {
  const told = new Set(tickets.map(({ ticket }) => `here-${ticket}`));
  const gone = whole ? [...document.querySelectorAll(".here")].filter(({ id }) => !told.has(id)) : [];
  for (const place of gone) place.replaceChildren();
  tickets.forEach(showPeople);
}

const doing = () => (isWriting() ? "writing" : "looking");
let stream = null, saidDoing = null;

function comeBack() {
  setTimeout(() => { if (document.visibilityState !== "hidden") listen(); }, RETRY_MS * (0.5 + Math.random()));
}

function listen() {
  stream?.close();
  const { at } = document.getElementById("live").dataset; // where the page was read: nothing between is missed
  const asked = new URLSearchParams({ after: at });
  if (!isQueue) {
    saidDoing = doing();
    asked.set("ticket", desk.dataset.number);
    asked.set("doing", saidDoing);
  }
  stream = new EventSource(`/desk/events?${asked}`);
  stream.addEventListener("presence", ({ data }) => showPresence(JSON.parse(data)));
  stream.addEventListener("ticket", ({ data }) => {
    const change = JSON.parse(data);
    if (isQueue) soon(); else if (change.ticket.number === desk.dataset.number) soon(change);
  });
  stream.addEventListener("reset", () => soon());
  stream.addEventListener("end", () => { stream.close(); comeBack(); });
  stream.onerror = () => { if (stream?.readyState === EventSource.CLOSED) comeBack(); };
}

if (desk.dataset.live) {
  // A tab in the background holds no stream: browsers have few for one site.
  const visible = () => {
    if (document.visibilityState === "hidden") { stream?.close(); stream = null; } else listen();
  };
  document.addEventListener("visibilitychange", visible);
  if (document.visibilityState !== "hidden") listen();
  document.addEventListener("toggle", () => { if (stream && saidDoing && saidDoing !== doing()) listen(); }, true);
  setInterval(() => { if (document.visibilityState !== "hidden") look(); }, CALM_MS);
}
setInterval(countOn, TICK_MS);
countOn();

// The way back to the queue is the one from which one came.

if (isQueue || "list" in desk.dataset) sessionStorage.setItem("queue", location.href);
const back = document.getElementById("to-queue"), came = sessionStorage.getItem("queue");
if (back && came && new URL(came).origin === location.origin) back.href = came;

// What one press fills in: prepared answers, one's own name

for (const button of document.querySelectorAll("button[data-answer]")) button.hidden = false;

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-answer]");
  if (!link) return;
  event.preventDefault();
  const field = document.getElementById(link.dataset.into);
  field.value = link.dataset.answer;
  field.focus();
});

// Keys

const keys = document.getElementById("keys"), keysOn = document.getElementById("keys-on");
const opener = document.getElementById("show-keys");
keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => keys.showModal());
}

function step(by) {
  const links = [...document.querySelectorAll(".queue .open")];
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + by))];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

function openMove(summary) {
  const move = summary.parentElement;
  move.open = true;
  const form = move.querySelector("form");
  const first = ["[aria-invalid]", "[required]", "textarea", "input:not([type=hidden]):not([name=remark])", "[type=submit]"];
  first.map((one) => form.querySelector(one)).find(Boolean).focus();
  move.scrollIntoView({ block: "nearest" });
}

const actions = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  ".": () => document.getElementById("next")?.click(),
  "/": () => { const find = document.getElementById("find"); if (find) find.select(); else location.href = "/desk#find"; },
  "?": () => keys.showModal(),
  q: () => back?.click(),
  h: () => { const reveal = document.getElementById("reveal"); reveal?.scrollIntoView({ block: "nearest" }); reveal?.focus(); },
};

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select");
  const form = event.target.closest(".move form, form.sheet");
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); return; }
  if (event.key === "Escape" && !keys.open) {
    const move = event.target.closest(".move[open]");
    if (move) { move.open = false; move.querySelector("summary").focus(); } else field?.blur();
    return;
  }
  if (field || form || keys.open || !keysOn.checked || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const marked = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  const arrows = event.key.startsWith("Arrow") && !isQueue;
  const action = marked
    ? () => (marked.nodeName === "SUMMARY" ? openMove(marked) : marked.type === "text" ? marked.focus() : marked.click())
    : Object.hasOwn(actions, event.key) && !arrows ? actions[event.key] : null;
  if (action) { event.preventDefault(); action(); }
});

const begun = document.querySelector(".move[open]");
if (begun) openMove(begun.querySelector("summary"));
if (location.hash === "#find") document.getElementById("find")?.select();
