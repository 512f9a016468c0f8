// What the page tells of itself, and the server's clock as it was last known: the phone's own may be wrong.

const crew = document.getElementById("crew");

export const words = JSON.parse(crew.dataset.words);
export const owner = Number(crew.dataset.owner), job = crew.dataset.job, isList = "list" in crew.dataset;
export const mostBytes = Number(crew.dataset.mostBytes); // of a photo
export const madeAt = Date.parse(crew.dataset.now);
const OLD_MS = 120_000; // a page that was read longer ago says when

let ahead = Number(recalled("ahead") ?? 0);
const zone = { timeZone: crew.dataset.zone, hourCycle: "h23" };

export const now = () => Date.now() + ahead;
export const isOld = () => now() - madeAt > OLD_MS;
export const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { ...zone, hour: "2-digit", minute: "2-digit" });
export const dated = (at) => new Date(at).toLocaleString(document.documentElement.lang, zone);

export function setClock(server) {
  ahead = server - Date.now();
  remember("ahead", ahead);
}

export function remember(name, value) {
  try { localStorage.setItem(`crew-${name}`, value); } catch { /* the storage is full: nothing depends on it */ }
}

export function recalled(name) {
  return localStorage.getItem(`crew-${name}`);
}

export function forgetAll() {
  for (const name of Object.keys(localStorage)) if (name.startsWith("crew-")) localStorage.removeItem(name);
}
