// Answers for the crew's pages where there is no network: the jobs that were kept, and what pages load.
// Moves are not its business: the page keeps them itself, and sends them when there is a network (crew-sending.js).
// Pages are kept in the cache of one person, that of who signed in last: nobody is shown those of somebody else, however
// slow the network is.

const PAGES = "crew-pages-", ASSETS = "crew-assets"; // as in crew-kept.js
const PATIENCE_MS = 6_000; // with a bad network, if the page was kept
const KEPT_MS = 24 * 3_600_000; // jobs of the day

const isPage = (path) => path === "/crew" || /^\/crew\/jobs\/[^/]+$/.test(path);
const isPicture = (path) => /^\/crew\/tickets\/[^/]+\/files\/\d+\/thumbnail$/.test(path);
const isAsset = (path) => path.startsWith("/pages/");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === "/crew/begin") event.respondWith(beginning(request, url));
  else if (isAsset(url.pathname)) event.respondWith(asset(request, url));
  else if (isPicture(url.pathname)) event.respondWith(picture(request, url));
  else if (isPage(url.pathname) && request.mode === "navigate") event.respondWith(page(request, url));
});

async function activate() {
  await caches.delete("crew-pages"); // of before caches had persons
  await self.clients.claim();
}

// Somebody has signed in: it is their cache from now on. An answer to somebody else that is still under way finds none.
async function beginning(request, url) {
  const own = `${PAGES}${url.searchParams.get("person")}`;
  await forgetPages(own).then(() => caches.open(own)).catch(() => null); // the storage is full: nothing is kept
  return fetch(request);
}

async function forgetPages(but = "") {
  for (const name of await caches.keys()) if (name.startsWith(PAGES) && name !== but) await caches.delete(name);
}

const nameOfPages = async () => (await caches.keys()).find((name) => name.startsWith(PAGES));

async function page(request, url) {
  const name = await nameOfPages(), cache = name && (await caches.open(name));
  const kept = cache && ((await keptOf(cache, url.pathname)) ?? (await keptOf(cache, "/crew")));
  try {
    const answer = await (kept ? soon(fetch(request)) : fetch(request));
    if (answer.status >= 500 && kept) return kept; // a proxy speaks for a server that is away
    const signedOut = answer.type === "opaqueredirect" && !url.searchParams.has("lang");
    const whose = answer.headers.get("hearth-person"); // none: it is of a gateway
    if (signedOut || answer.status === 403 || (whose && name !== PAGES + whose)) await forgetPages();
    else if (answer.ok && whose && name === (await nameOfPages())) await keep(cache, url.pathname, answer);
    return answer;
  } catch {
    return kept ?? Response.error();
  }
}

async function keptOf(cache, path) {
  const kept = await cache.match(path);
  if (!kept || Date.now() - Date.parse(kept.headers.get("date")) < KEPT_MS) return kept;
  await cache.delete(path);
  return undefined;
}

async function picture(request, url) {
  const name = await nameOfPages(), cache = name && (await caches.open(name));
  try {
    const answer = await fetch(request);
    if (answer.ok && name && name === (await nameOfPages())) await keep(cache, url.pathname, answer);
    return answer;
  } catch {
    return (cache && (await keptOf(cache, url.pathname))) ?? Response.error();
  }
}

function soon(answer) {
  const late = new Promise((_, refuse) => setTimeout(() => refuse(new Error("no network")), PATIENCE_MS));
  return Promise.race([answer, late]);
}

async function asset(request, url) {
  const cache = await caches.open(ASSETS);
  const kept = await cache.match(request);
  if (kept && url.pathname.startsWith("/pages/at/")) return kept; // its address changes with it
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await keepAsset(cache, request, url, answer);
    return answer;
  } catch {
    return kept ?? Response.error();
  }
}

// The version before stays: pages that were kept before an update of the service are its own.
async function keepAsset(cache, request, url, answer) {
  const older = (await cache.keys()).filter((one) => fileOf(new URL(one.url)) === fileOf(url) && one.url !== request.url);
  for (const one of older.slice(0, -1)) await cache.delete(one);
  await keep(cache, request, answer);
}

const fileOf = (url) => url.pathname.replace(/.*\//, "");

// Where the storage is full, nothing is kept, and the answer is shown all the same.
async function keep(cache, request, answer) {
  await cache.put(request, answer.clone()).catch(() => null);
}
