// The glass of the telephone, on which a user signs.

export function sign(glass) {
  const canvas = glass.querySelector("canvas"), drawn = glass.querySelector("[name=drawn]"), pen = canvas.getContext("2d");
  const paper = glass.closest("form").elements.confirmation; // the number of a paper, if that is what is asked for
  const clear = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    drawn.value = "";
    if (paper) paper.required = true;
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    // A busy browser tells of several places at once.
    for (const moment of [...event.getCoalescedEvents(), event]) pen.lineTo(...at(moment));
    pen.stroke();
  });
  canvas.addEventListener("pointerup", () => {
    drawn.value = canvas.toDataURL("image/png");
    if (paper) paper.required = false;
  });
  Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
  glass.querySelector(".clear").addEventListener("click", clear);
  glass.closest("form").addEventListener("reset", clear);
  glass.hidden = false;
  clear();
}
