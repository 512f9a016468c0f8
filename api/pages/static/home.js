// The page of a home brings itself up to date while it is looked at: what is new takes the place of what was there, but not of
// what somebody is filling in. Without this file the page is read, worked and reloaded all the same.

const live = document.getElementById("live");
const APART_MS = 4_000; // between two looks, so that a storm of events is one look
const POLL_MS = 60_000; // where there is no stream
const RETRY_MS = 5_000;
const LOST_MS = 30_000; // after a stream that was refused

const isTouched = (field) =>
  field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
    : field.type === "file" ? field.files.length > 0
      : "defaultValue" in field && field.value !== field.defaultValue;
const isInUse = (part) =>
  part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select, button")
  || [...part.querySelectorAll("input, textarea, select")].some(isTouched);
const tell = () => { document.getElementById("told").textContent = live.dataset.changed; };

// Forms carry a random key of their page, which is no news.
const plain = (part) => {
  const copy = part.cloneNode(true);
  for (const one of copy.querySelectorAll("input[type=hidden]")) one.remove();
  for (const one of copy.querySelectorAll("details")) one.removeAttribute("open");
  return copy.innerHTML;
};

function change(part, fresh) {
  if (plain(part) === plain(fresh)) return false;
  if (isInUse(part)) { document.getElementById("stale").hidden = false; return true; }
  for (const one of part.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${CSS.escape(one.id)}`)?.setAttribute("open", "");
  }
  part.replaceWith(fresh);
  return true;
}

async function look() {
  const answer = await fetch(live.dataset.here, { headers: { Accept: "text/html" } });
  if (answer.status === 401 || answer.status === 403) { stream?.close(); return; } // the link holds no more
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  live.dataset.at = page.getElementById("live").dataset.at; // where a new stream goes on
  let changed = false;
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (fresh && change(part, fresh)) changed = true;
  }
  if (changed) tell();
}

let waiting = null, looked = 0, stream = null;

function soon() {
  const wait = Math.max(250, looked + APART_MS - Date.now()) * (0.75 + Math.random() / 2); // spread over the phones of a town
  waiting ??= setTimeout(() => {
    waiting = null;
    looked = Date.now();
    look().catch(() => {});
  }, wait);
}

function comeBack() {
  setTimeout(() => { if (visible() && stream?.readyState === EventSource.CLOSED) listen(); }, RETRY_MS * (0.5 + Math.random()));
}

function listen() {
  stream?.close();
  stream = new EventSource(`${live.dataset.events}&after=${encodeURIComponent(live.dataset.at)}`);
  let first = true; // the state of the home comes at once, and is on the page already
  stream.addEventListener("home", () => { if (first) first = false; else soon(); });
  for (const kind of ["ticket", "flag", "reset"]) stream.addEventListener(kind, soon);
  stream.addEventListener("end", () => { stream.close(); comeBack(); });
}

// A page in the background holds no stream; one that comes back may have missed something.
const visible = () => document.visibilityState !== "hidden";
let left = false;
document.addEventListener("visibilitychange", () => {
  if (!visible()) { stream?.close(); left = true; return; }
  if (left) soon();
  listen();
});
if (visible()) listen();
// Refused, ended or cut for good: the page asks now and then, and tries the stream again.
setInterval(() => { if (visible() && stream?.readyState === EventSource.CLOSED) listen(); }, LOST_MS * (1 + Math.random()));
setInterval(() => { if (visible() && stream?.readyState !== EventSource.OPEN) soon(); }, POLL_MS * (1 + Math.random()));
