// The form of an outage: places appear as one types, and the preview of who will be told follows the form.
// Without this file the same is done by its buttons.
import { signedIn, signedOut } from "./signed-out.js";

const form = document.getElementById("outage-form");
const typed = document.getElementById("place-q");
const chosen = document.getElementById("chosen"), found = document.getElementById("found");
const PAUSE_MS = 250;
const timers = new Map();

async function part(name, into) {
  const body = new URLSearchParams(new FormData(typed.form));
  const answer = await fetch(`/desk/outages/draft?part=${name}`, { method: "POST", body });
  if (answer.status === 401) signedOut(); else signedIn();
  if (answer.ok) into.innerHTML = await answer.text();
}

function soon(name, into) {
  clearTimeout(timers.get(name));
  timers.set(name, setTimeout(() => part(name, into).catch(() => {}), PAUSE_MS));
}

function preview() {
  const shown = document.getElementById("preview");
  if (shown) soon("preview", shown);
}

typed?.addEventListener("input", (event) => {
  event.stopPropagation();
  if (typed.value.trim()) soon("found", found); else found.replaceChildren();
});

// Enter in the search is no wish to announce.
typed?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  const first = found.querySelector("input");
  if (first) first.focus(); else soon("found", found);
});

// A place that is ticked moves to the chosen ones, and stays there unticked until the page is left.
found?.addEventListener("change", ({ target }) => {
  if (!target.checked) return;
  document.getElementById("chosen-none")?.remove();
  chosen.append(target.closest("li"));
  typed.focus();
  typed.select();
});

form?.addEventListener("input", preview);
form?.addEventListener("change", preview);
form?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
if (form) document.getElementById("show-preview").hidden = true;
