// Time left on clocks, counted on by the pages of the desk and of crews with the words of their language.

export const fill = (text, fields) => text.replace(/\{(\w+)\}/g, (_, name) => fields[name]);

function span(words, minutes) {
  if (minutes < 1) return words.span_under;
  if (minutes >= 48 * 60) return fill(words.span_days, { d: Math.floor(minutes / 1440) });
  const h = Math.floor(minutes / 60), m = minutes % 60;
  if (!h) return fill(words.span_minutes, { m });
  return fill(m ? words.span_hours_minutes : words.span_hours, { h, m });
}

function urgencyOf(left) {
  return left <= 0 ? "late" : left < 30 * 60_000 ? "soon" : left < 120 * 60_000 ? "near" : "calm";
}

// `now`: the server's clock in milliseconds; `row`: a selector of what is coloured by the urgency.
export function countOn(words, now, row) {
  for (const shown of document.querySelectorAll("[data-due]")) {
    const left = Date.parse(shown.dataset.due) - now;
    const urgency = urgencyOf(left);
    const text = fill(left <= 0 ? words.late : words.left, { span: span(words, Math.floor(Math.abs(left) / 60_000)) });
    if (shown.textContent !== text) shown.textContent = text;
    shown.className = `left left-${urgency}`;
    const coloured = shown.closest(row);
    if (coloured) coloured.className = coloured.className.replace(/urgency-\w+/, `urgency-${urgency}`);
  }
}
