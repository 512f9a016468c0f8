// A form is kept in the outbox first, with its photo and the time at which it was sent.

import { moveOf, one, put, randomKey } from "./crew-outbox.js";
import { job, madeAt, mostBytes, now, owner, remember, words } from "./crew-page.js";
import { flush, session, standing } from "./crew-sending.js";
import { tell } from "./crew-shown.js";

const LONGEST_SIDE = 2_000, JPEG_QUALITY = 0.85;

export async function keepForm(form) {
  let entry;
  try {
    entry = await entryOf(form);
    if (entry.file?.size > mostBytes) return tell(words.too_large);
    entry.id = await put(entry);
  } catch {
    const isThere = await session().then(() => true, () => false);
    return isThere ? form.submit() : tell(words.unkept); // a browser that keeps nothing
  }
  for (const field of form.querySelectorAll("[data-remember]")) remember(field.dataset.remember, field.value);
  form.reset();
  form.closest("details")?.removeAttribute("open");
  tell(words.saved, true);
  standing.keeping = true;
  await flush().finally(() => { standing.keeping = false; });
  const isSent = !(await one(entry.id));
  if (isSent && job) location.replace(`/crew/jobs/${job}?done=${moveOf(entry) ?? (entry.file ? "attached" : "measured")}`);
}

async function entryOf(form) {
  const fields = [], hidden = ["key", "code"]; // the seal of the session is put on when it is sent
  let file = null;
  for (const [name, value] of new FormData(form)) {
    if (value instanceof File) file = value.size ? await shrunk(value) : null;
    else if (!hidden.includes(name)) fields.push([name, value]);
  }
  const told = [...form.elements].filter((field) => field.offsetParent && field.name && field.type !== "file" && field.value);
  const made = Math.max(now(), madeAt); // a clock that was set back meanwhile
  return {
    once: randomKey(), owner, number: job, path: new URL(form.action).pathname, name: form.dataset.name,
    says: told.map(textOf).filter(Boolean).join(", "), fields, file, made, state: "waiting", why: "",
  };
}

function textOf(field) {
  if (field.type === "radio" || field.type === "checkbox") return field.checked ? field.labels[0]?.textContent : "";
  return field.selectedOptions ? field.selectedOptions[0]?.textContent : field.value;
}

// A photo of a phone has more pixels than are kept, and a network in a cellar has none to give away.
async function shrunk(file) {
  if (!file.type.startsWith("image/")) return file;
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(image.width * scale), height: Math.round(image.height * scale),
    });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob((made) => done(made ?? file), "image/jpeg", JPEG_QUALITY));
  } catch {
    return file; // the server says what is wrong with it
  }
}
