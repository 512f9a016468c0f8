// What is shown of the outbox: what waits, what was refused and what can be done about it, and one line above all.

import { all, drop, moveOf, put, randomKey } from "./crew-outbox.js";
import { clock, dated, isOld, job, madeAt, now, owner, words } from "./crew-page.js";
import { flush, showBy, standing } from "./crew-sending.js";
import { fill } from "./time-left.js";

const ANY_VERSION = "999999999"; // a note is no move that somebody else's could stand against

const list = document.querySelector("#outbox .outbox"), line = document.getElementById("standing");

export function tell(text, fine = false) {
  if (line.textContent !== text) line.firstElementChild.textContent = text;
  line.hidden = !text;
  line.classList.toggle("fine", fine);
}

export async function show() {
  const entries = await all(), mine = entries.filter((entry) => entry.owner === owner);
  list.replaceChildren(...mine.map(shownEntry));
  document.getElementById("outbox").hidden = !mine.length;
  for (const button of document.querySelectorAll(".at-once button")) {
    const kind = button.form.elements.move.value;
    button.disabled = mine.some((entry) => entry.number === job && entry.state === "waiting" && moveOf(entry) === kind);
  }
  const waiting = mine.filter((entry) => entry.state === "waiting").length, others = entries.length - mine.length;
  const refused = mine.length - waiting;
  const said = [
    standing.signedOut ? words.signed_out : standing.lost ? words.offline : "",
    (standing.lost || standing.wasKept) && isOld() ? fill(words.kept_at, { at: clock(madeAt) }) : "",
    waiting ? fill(words.waiting, { n: waiting }) : "",
    refused ? fill(words.refused_left, { n: refused }) : "",
    others ? fill(words.others_left, { n: others }) : "",
  ];
  tell(said.filter(Boolean).join(" "));
  line.firstElementChild.href = standing.signedOut ? "/sign-in?next=/crew" : "#outbox";
}

function shownEntry(entry) {
  const item = document.createElement("li");
  item.className = entry.state;
  item.append(paragraph(`${entry.name} · ${clock(entry.made)}`, "event-head"));
  item.append(paragraph([entry.number, entry.says].filter(Boolean).join(" · "), "meta"));
  const isRefused = entry.state === "refused";
  item.append(paragraph(isRefused ? fill(words.refused, { why: entry.why }) : words.waits, "why"));
  if (isRefused) item.append(entry.file ? button(words.again, () => sendAgain(entry)) : button(words.as_note, () => asNote(entry)));
  item.append(button(words.discard, () => discard(entry)));
  return item;
}

function paragraph(text, name) {
  return Object.assign(document.createElement("p"), { textContent: text, className: name });
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, className: "plain-button" });
  made.addEventListener("click", act);
  return made;
}

async function asNote(entry) {
  const what = [entry.name, entry.says].filter(Boolean).join(": ");
  const remark = fill(words.note, { at: dated(entry.made), what }).slice(0, 2_000);
  const fields = [["move", "remark"], ["version", ANY_VERSION], ["remark", remark]];
  const path = `/crew/jobs/${entry.number}`;
  await put({ ...entry, once: randomKey(), path, fields, made: now(), state: "waiting", why: "" });
  await flush();
}

async function sendAgain(entry) {
  await put({ ...entry, made: now(), state: "waiting", why: "" });
  await flush();
}

async function discard(entry) {
  if (!confirm(words.discard_sure)) return;
  await drop(entry.id);
  await show();
}

showBy(show);
