// The session has ended: a page on which nobody writes leads to signing in. What somebody writes stays, with a word about it;
// its form can be sent by whoever has signed in meanwhile in another tab.
const template = document.getElementById("signed-out");
let notice = null;

const isTouched = (field) =>
  field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
    : field.type === "file" ? field.files.length > 0
      : field.nodeName === "SELECT" ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected))
        : field.value !== field.defaultValue;
const isWritten = () => [...document.querySelectorAll("main input:not([type=hidden]), main textarea, main select")].some(isTouched);

export function signedOut() {
  if (!isWritten()) { location.reload(); return; }
  if (notice) return;
  notice = template.content.firstElementChild.cloneNode(true);
  template.before(notice);
}

export function signedIn() {
  notice?.remove();
  notice = null;
}
