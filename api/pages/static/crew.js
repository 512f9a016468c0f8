// A crew's phone: what is done is kept here first and sent when there is a network, each once; the jobs of the day are
// kept to be read without one. Without this file the pages are worked with a network all the same.

import { keepForm } from "./crew-forms.js";
import { sign } from "./crew-glass.js";
import { forgetCaches, keepAssets, keepJobs } from "./crew-kept.js";
import { all, forgetOutbox } from "./crew-outbox.js";
import { forgetAll, isList, now, recalled, words } from "./crew-page.js";
import { flush, standing } from "./crew-sending.js";
import { show, tell } from "./crew-shown.js";
import { countOn, fill } from "./time-left.js";

const AGAIN_MS = 30_000, TICK_MS = 10_000;

async function leave(form) {
  const left = (await all().catch(() => [])).length;
  if (left && !confirm(fill(words.sign_out_sure, { n: left }))) return;
  await forget().catch(() => null); // the answer has the browser clear what is left
  form.submit();
}

async function forget() {
  await forgetCaches();
  forgetAll();
  await forgetOutbox();
}

async function begin() {
  for (const field of document.querySelectorAll("[data-remember]")) {
    field.value ||= recalled(field.dataset.remember) ?? "";
  }
  for (const glass of document.querySelectorAll(".glass")) sign(glass);
  document.addEventListener("submit", (event) => {
    const form = event.target, isKept = form.matches("form[data-queue]"), isLeaving = form.matches('[action="/sign-out"]');
    if (isKept || isLeaving || standing.lost) event.preventDefault();
    if (isKept) keepForm(form);
    else if (standing.lost) flush().then(() => { if (standing.lost) tell(words.needs_network); });
    else if (isLeaving) leave(form);
  });
  if (!location.search.includes("done=")) document.getElementById("done")?.remove(); // a page that was kept says so once more
  navigator.storage?.persist?.(); // else a browser that needs room may delete what waits
  addEventListener("online", flush);
  addEventListener("offline", () => { standing.lost = true; show(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") flush(); });
  setInterval(flush, AGAIN_MS);
  await show();
  await flush();
  if (!standing.lost && !standing.signedOut && "serviceWorker" in navigator) {
    await navigator.serviceWorker.register("/pages/crew/worker.js", { scope: "/crew" });
    const kept = isList ? keepAssets().then(keepJobs) : keepAssets();
    await kept.catch(() => null); // the storage is full, or the network gone
  }
}

const tick = () => countOn(words, now(), ".job");
setInterval(tick, TICK_MS);
begin().then(tick);
