// The page of a call: finds homes as one types, and shows one without leaving the page. Without this file the form works too.
import { signedIn, signedOut } from "./signed-out.js";

const form = document.getElementById("call-search");
const typed = document.getElementById("call-q");
const found = document.getElementById("call-found");
const panel = document.getElementById("call-panel");
const PAUSE_MS = 80; // between keys of somebody who types fast

let asking = null; // what is under way for the present text: {text, done, stop}
let pause = 0;
let arrow = false; // whether an arrow key is down, which also clicks a choice

async function part(address, options) {
  const answer = await fetch(address, { credentials: "same-origin", ...options });
  if (answer.status === 401) signedOut(); else signedIn();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

// Ask for the homes of the present text, once; an answer to an older text is dropped.
function search() {
  clearTimeout(pause);
  const text = typed.value.trim();
  if (asking && asking.text === text) return asking.done;
  if (asking) asking.stop.abort();
  const stop = new AbortController();
  const done = text ? ask(stop.signal) : Promise.resolve(void found.replaceChildren());
  asking = { text, stop, done };
  return done;
}

async function ask(signal) {
  const body = new FormData(form);
  body.set("part", "found");
  try {
    const html = await part(form.action, { method: "POST", body: new URLSearchParams(body), signal });
    if (!signal.aborted) found.innerHTML = html;
  } catch (error) {
    if (error.name !== "AbortError") asking = null;
  }
}

// Show a home in place of the one before, ready to write down what is said. What was written already is of the same caller.
const WRITTEN = ["words", "contact", "responsible"];

async function open(link) {
  const home = link.dataset.home;
  const field = (chosen) => panel.querySelector(`#call-form ${chosen}`);
  let kind, written;
  try {
    const html = await part(`/desk/call/panel?home=${encodeURIComponent(home)}`);
    kind = field("[name=kind]:checked")?.value;
    written = WRITTEN.map((name) => [name, field(`[name=${name}]`)?.value]);
    panel.innerHTML = html;
  } catch {
    location.assign(link.href);
    return;
  }
  history.replaceState(null, "", link.href);
  for (const [name, value] of written) if (value) field(`[name=${name}]`).value = value;
  const number = typed.value.replace(/[^0-9+]/g, "");
  const contact = document.getElementById("call-contact");
  if (number.length >= 7 && /^[0-9+ ()./-]+$/.test(typed.value.trim())) contact.value = number;
  found.replaceChildren();
  const again = kind && field(`[name=kind][value="${CSS.escape(kind)}"]`);
  if (again) again.click(); else field("[name=kind]").focus();
}

// What it is about is one key; then come the words. What is open of the same class is likely what it belongs to.
panel.addEventListener("click", (event) => {
  const { name, value } = event.target;
  if (name === "kind") {
    const same = panel.querySelector(`[name=about][data-class="${CSS.escape(value)}"]`) ?? document.getElementById("call-about-new");
    if (same) same.checked = true;
  }
  const byKey = event.detail === 0 && !arrow;
  if (byKey && (name === "kind" || name === "about")) document.getElementById("call-words").focus();
});

typed.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(search, PAUSE_MS);
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await search();
  const first = found.querySelector("a[data-home]");
  if (first) open(first);
});

found.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-home]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link);
});

// The arrow keys go from the text to the homes and back.
document.addEventListener("keyup", () => { arrow = false; });
document.addEventListener("keydown", (event) => {
  arrow = event.key.startsWith("Arrow");
  const links = [...found.querySelectorAll("a[data-home]")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown" && (at >= 0 || document.activeElement === typed) && links.length) {
    event.preventDefault();
    links[Math.min(at + 1, links.length - 1)].focus();
  } else if (event.key === "ArrowUp" && at >= 0) {
    event.preventDefault();
    (at ? links[at - 1] : typed).focus();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    document.activeElement?.closest("#call-form")?.requestSubmit();
  }
});
