// A box that is dragged on the map becomes what the page shows. Without this file its links lead closer and beside.
const city = document.getElementById("city");
const LEAST_PX = 12;
const [west, south, east, north] = city.dataset.box.split(",").map(Number);
const { width, height } = city.viewBox.baseVal;
let from = null, drawn = null;

function at(event) {
  const box = city.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height];
}

function sides(to) {
  return [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])];
}

city.addEventListener("dragstart", (event) => event.preventDefault());
city.addEventListener("pointerdown", (event) => {
  if (event.pointerType === "touch" || event.button) return;
  from = at(event);
});

addEventListener("pointermove", (event) => {
  if (!from) return;
  const [left, top, right, bottom] = sides(at(event));
  if (Math.max(right - left, bottom - top) < LEAST_PX) return;
  if (!drawn) {
    drawn = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    drawn.setAttribute("class", "drawn");
    city.append(drawn);
  }
  for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) drawn.setAttribute(name, value);
});

addEventListener("pointerup", (event) => {
  if (from && drawn) {
    const [left, top, right, bottom] = sides(at(event));
    const lon = (x) => west + x / width * (east - west), lat = (y) => north - y / height * (north - south);
    const asked = new URLSearchParams(location.search);
    asked.set("bbox", [lon(left), lat(bottom), lon(right), lat(top)].map((degrees) => degrees.toFixed(6)).join(","));
    location.assign(`/desk/map?${asked}`);
  }
  from = drawn = null;
});

// What follows a drag is no click on the mark below it.
city.addEventListener("click", (event) => { if (city.querySelector(".drawn")) event.preventDefault(); }, true);
document.getElementById("drag-hint").hidden = !matchMedia("(pointer: fine)").matches;
