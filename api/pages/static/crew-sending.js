// What waits in the outbox is sent when there is a network: each once, in order, under the session of its person.

import { forgetPages } from "./crew-kept.js";
import { all, drop, one, put, STORE } from "./crew-outbox.js";
import { isOld, now, owner, setClock, words } from "./crew-page.js";
import { fill } from "./time-left.js";

const ASK_MS = 20_000, SEND_MS = 120_000; // a photo over a bad network
const NOT_NOW = [408, 425, 502, 503, 504];

class Away extends Error {}
class SignedOut extends Error {}
class Another extends Error {} // person, who has signed in since
class TooMany extends Error {} // at a time

async function asked(address, options) {
  const signal = AbortSignal.timeout(options ? SEND_MS : ASK_MS);
  let answer;
  try {
    answer = await fetch(address, { ...options, signal, cache: "no-store", redirect: "error", headers: { Accept: "application/json" } });
  } catch {
    throw new Away();
  }
  if (answer.status === 401) throw new SignedOut();
  if (NOT_NOW.includes(answer.status)) throw new Away();
  return answer;
}

export async function session() {
  const answer = await asked("/crew/state");
  if (answer.status === 403) throw new SignedOut(); // it is a session of another role
  const state = await jsonOf(answer);
  if (!answer.ok || !state.owner) throw new Away();
  setClock(Date.parse(state.now));
  standing.wasKept ??= isOld(); // where a bad network was not waited for
  if (state.owner === owner) return state;
  await forgetPages();
  leaving = true;
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
  if (answer.status === 429) throw new TooMany(); // what comes after would overtake it
  if (answer.status >= 500) return false; // a fault of the server: it waits, and what comes after is tried all the same
  if (answer.status === 403 && !isAgain) return send(entry, await session(), true); // another session since
  const why = told.detail ?? (answer.status === 404 ? words.gone : fill(words.not_now, { status: answer.status }));
  await put({ ...entry, state: "refused", why });
  return false;
}

// `wasKept`: whether the page is one that the phone has kept; null: not known yet. `keeping`: a form is being kept.
export const standing = { wasKept: null, keeping: false, lost: false, signedOut: false };
let sending = null, again = false, show = async () => {};
let leaving = false; // the page of another person is on its way: to ask once more would only begin it anew

export function showBy(act) {
  show = act;
}

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
export function flush() {
  if (leaving) return show();
  if (sending) {
    again = true;
    return sending;
  }
  const alone = () => (navigator.locks ? navigator.locks.request(STORE, sendAll) : sendAll());
  sending = alone()
    .then((taken) => {
      standing.lost = standing.signedOut = false;
      if (taken && !standing.keeping && !document.querySelector(".act[open]")) location.reload(); // nobody writes here
    })
    .catch(async (fault) => {
      if (![Away, SignedOut, Another, TooMany].includes(fault.constructor)) throw fault;
      again &&= standing.lost; // the network may have come back meanwhile; a limit is not asked at once
      standing.lost = fault instanceof Away;
      standing.signedOut = fault instanceof SignedOut;
      if (standing.signedOut) await forgetPages();
    })
    .finally(() => {
      const once = again;
      sending = null;
      again = false;
      return once ? flush() : show();
    });
  return sending;
}
