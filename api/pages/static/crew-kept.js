// The jobs of the day, to be read without a network, and what pages load. Those of one person alone are kept: in a cache
// with the person's number, beside which there is none (crew-worker.js shows no other).

import { all } from "./crew-outbox.js";
import { owner } from "./crew-page.js";

const PAGES = "crew-pages-", ASSETS = "crew-assets"; // as in crew-worker.js
const MOST_KEPT = 40; // jobs
const FRESH_MS = 10 * 60_000; // a job that was kept so lately is not asked for again
const LOADED = "link[rel=stylesheet], link[rel=icon], link[rel=modulepreload], script[src]";

// The server has said just now that the session is that of the page's person.
async function ownPages() {
  const own = `${PAGES}${owner}`;
  await forgetPages(own);
  return caches.open(own);
}

export async function forgetPages(but = "") {
  for (const name of "caches" in self ? await caches.keys() : []) {
    if (name.startsWith(PAGES) && name !== but) await caches.delete(name);
  }
}

export async function keepJobs() {
  const cache = await ownPages();
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
  const isOwn = answer.headers.get("hearth-person") === String(owner); // somebody else may have signed in meanwhile
  if (answer.ok && isOwn) await cache.put(path, answer);
}

export async function keepAssets() {
  const cache = await caches.open(ASSETS);
  for (const one of document.querySelectorAll(LOADED)) {
    const address = one.href ?? one.src;
    if (!(await cache.match(address))) await cache.add(address);
  }
}

export async function forgetCaches() {
  for (const name of "caches" in self ? await caches.keys() : []) if (name.startsWith("crew-")) await caches.delete(name);
}
