// Answers for the crew's pages where there is no network: the jobs that were kept, and what pages load.
// Moves are not its business: the page keeps them itself, and sends them when there is a network (crew.js).

const PAGES = "crew-pages", ASSETS = "crew-assets"; // as in crew.js
const PATIENCE_MS = 6_000; // with a bad network, if the page was kept
const KEPT_MS = 24 * 3_600_000; // jobs of the day

const isPage = (path) => path === "/crew" || /^\/crew\/jobs\/[^/]+$/.test(path);
const isPicture = (path) => /^\/crew\/tickets\/[^/]+\/files\/\d+\/thumbnail$/.test(path);
const isAsset = (path) => path.startsWith("/pages/");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (isAsset(url.pathname)) event.respondWith(asset(request, url));
  else if (isPicture(url.pathname)) event.respondWith(picture(request, url));
  else if (isPage(url.pathname) && request.mode === "navigate") event.respondWith(page(request, url));
});

async function page(request, url) {
  const cache = await caches.open(PAGES);
  const kept = (await keptOf(cache, url.pathname)) ?? (await keptOf(cache, "/crew"));
  try {
    const answer = await (kept ? soon(fetch(request)) : fetch(request));
    if (answer.status >= 500 && kept) return kept; // a proxy speaks for a server that is away
    const signedOut = answer.type === "opaqueredirect" && !url.searchParams.has("lang");
    if (signedOut || answer.status === 403) await caches.delete(PAGES);
    else if (answer.ok) await keep(cache, url.pathname, answer);
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
  const cache = await caches.open(PAGES);
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(cache, url.pathname, answer);
    return answer;
  } catch {
    return (await keptOf(cache, url.pathname)) ?? Response.error();
  }
}

function soon(answer) {
  const late = new Promise((_, refuse) => setTimeout(() => refuse(new Error("no network")), PATIENCE_MS));
  return Promise.race([answer, late]);
}

async function asset(request, url) {
  const cache = await caches.open(ASSETS);
  const kept = await cache.match(request);
  if (kept && url.searchParams.has("v")) return kept; // its address changes with it
  try {
    const answer = await fetch(request);
    if (answer.ok) await keepAsset(cache, request, url, answer);
    return answer;
  } catch {
    // A page that was kept before the service was updated asks for a file of before.
    return kept ?? (await cache.match(request, { ignoreSearch: true })) ?? Response.error();
  }
}

// The version before stays: pages that were kept before an update of the service are its own.
async function keepAsset(cache, request, url, answer) {
  const older = (await cache.keys()).filter((one) => new URL(one.url).pathname === url.pathname && one.url !== request.url);
  for (const one of older.slice(0, -1)) await cache.delete(one);
  await keep(cache, request, answer);
}

// Where the storage is full, nothing is kept, and the answer is shown all the same.
async function keep(cache, request, answer) {
  await cache.put(request, answer.clone()).catch(() => null);
}
