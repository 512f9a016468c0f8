// The outbox: one entry for each form that was sent and that the server has not taken yet.

export const STORE = "crew-outbox";

let database = null;

function opened() {
  database ??= new Promise((done, fail) => {
    const asked = indexedDB.open(STORE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("entries", { keyPath: "id", autoIncrement: true });
    asked.onsuccess = () => {
      asked.result.onversionchange = () => { asked.result.close(); database = null; };
      done(asked.result);
    };
    asked.onerror = () => { database = null; fail(asked.error); };
  });
  return database;
}

async function inStore(mode, act) {
  const entries = (await opened()).transaction("entries", mode, { durability: "strict" });
  const asked = act(entries.objectStore("entries"));
  return new Promise((done, fail) => {
    entries.oncomplete = () => done(asked.result);
    entries.onerror = entries.onabort = () => fail(entries.error);
  });
}

export const all = () => inStore("readonly", (store) => store.getAll());
export const one = (id) => inStore("readonly", (store) => store.get(id));
export const put = (entry) => inStore("readwrite", (store) => store.put(entry));
export const drop = (id) => inStore("readwrite", (store) => store.delete(id));

export const moveOf = (entry) => entry.fields.find(([name]) => name === "move")?.[1];

export function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function forgetOutbox() {
  (await opened()).close();
  await new Promise((done) => {
    const asked = indexedDB.deleteDatabase(STORE);
    asked.onsuccess = asked.onerror = asked.onblocked = done;
  });
}
