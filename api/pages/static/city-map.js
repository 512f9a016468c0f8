// Draws the map with MapLibre in place of the drawing of the server, where the browser has WebGL. The list below, its
// links and its forms stay those of the page: what is chosen on the map is asked of the server, and stands in the address.
const MAP = "/desk/map";
const EVERY_MS = 15_000; // as old as the figures of buildings may be
const NEAREST = 19, LEAST_PX = 12, STEP_PX = 6, MOST_CORNERS = 80;
const stage = document.getElementById("stage"), city = document.getElementById("city");
const card = document.getElementById("map-card"), pen = document.getElementById("pen"), said = document.getElementById("map-said");
const words = JSON.parse(stage.dataset.words), signs = JSON.parse(stage.dataset.signs);
const GROUNDS = { severe: "--severe-ground", cold: "--cold-ground", unknown: "--unknown-ground", warm: "--fine-ground", not_judged: "--card" };
const INKS = { severe: "--severe", cold: "--cold", unknown: "--unknown", warm: "--fine", not_judged: "--unknown" };
const WIDTHS = { severe: 4, cold: 3 };
// As domain/building_state.py has it, for a building and for several together.
const STATE = ["case", [">", ["get", "severe"], 0], "severe", [">", ["get", "cold"], 0], "cold",
  ["==", ["+", ["get", "compliant"], ["get", "unknown"]], 0], "not_judged",
  [">", ["get", "unknown"], ["get", "compliant"]], "unknown", "warm"];
const JOBS = ["case", ["==", ["get", "tickets"], 0], "none", ["==", ["get", "tickets"], ["get", "underway"]], "underway", "waiting"];
const SUMS = ["severe", "cold", "unknown", "compliant", "homes", "tickets", "underway"];
let likely = new Map(), map, tag = null, bounds = null, asked = 0, looked = 0;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const fill = (text, fields) => text.replace(/\{(\w+)\}/g, (_, name) => fields[name]);
const gathered = (features) => ({ type: "FeatureCollection", features });

// The page has begun to load the layers before this script ran; its first request finds that answer.
async function read() {
  const answer = await fetch(`${MAP}/areas`, tag === null ? {} : { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const now = answer.headers.get("etag");
  if (now && now === tag) return null;
  tag = now;
  return sorted((await answer.json()).features);
}

// The layers by kind; the filters of the page hold for buildings here too.
function sorted(features) {
  const wanted = new URLSearchParams(location.search), station = wanted.get("station"), show = wanted.get("show");
  const layers = { supply: [], building: [], job: [], area: [] };
  for (const one of features) {
    const { kind } = one.properties;
    if (kind === "building" && ((station && one.properties.station !== station) || (show && one.properties.state !== show))) continue;
    (layers[kind] ?? layers.area).push(one);
  }
  return layers;
}

async function ground(library) {
  const own = { version: 8, sources: {}, layers: [{ id: "nothing", type: "background", paint: { "background-color": colour("--card") } }] };
  if (!stage.dataset.style) return own;
  try {
    const text = await (await fetch(stage.dataset.style)).text();
    if (text.includes("pmtiles://")) await usePmtiles(library);
    return JSON.parse(text);
  } catch (error) {
    console.warn("no basemap:", error);
    return own;
  }
}

function usePmtiles({ addProtocol }) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = stage.dataset.pmtiles;
    script.onload = () => { addProtocol("pmtiles", new window.pmtiles.Protocol().tile); resolve(); };
    script.onerror = reject;
    document.head.append(script);
  });
}

function painted() {
  const line = (id, source, kind, paint) => ({ id, type: "line", source, ...(kind && { filter: ["==", ["get", "kind"], kind] }), paint });
  const area = (id, source, kind, paint) => ({ ...line(id, source, kind, paint), type: "fill" });
  const severe = colour("--severe"), accent = colour("--accent");
  return [
    area("supply", "supply", null, { "fill-color": colour("--ground"), "fill-opacity": stage.dataset.style ? 0.35 : 1 }),
    line("supply-line", "supply", null, { "line-color": colour("--line"), "line-width": 2 }),
    area("incident", "area", "incident", { "fill-color": severe, "fill-opacity": 0.18 }),
    line("incident-line", "area", "incident", { "line-color": severe, "line-width": 3 }),
    area("outage", "area", "outage", { "fill-color": accent, "fill-opacity": 0.18 }),
    line("outage-line", "area", "outage", { "line-color": accent, "line-width": 3, "line-dasharray": [3, 2] }),
    area("chosen", "chosen", null, { "fill-color": accent, "fill-opacity": 0.08 }),
    line("chosen-line", "chosen", null, { "line-color": accent, "line-width": 2, "line-dasharray": [1, 2] }),
    { id: "hatch", type: "symbol", source: "hatch", layout: { "icon-image": "hatch", "icon-allow-overlap": true, "icon-ignore-placement": true } },
    { id: "job", type: "symbol", source: "job", layout: { "icon-image": ["concat", "job|", JOBS], "icon-allow-overlap": true } },
    { id: "mark", type: "symbol", source: "building", layout: {
      "icon-image": ["concat", "mark|", STATE, "|", ["case", ["has", "point_count"], ["to-string", ["get", "point_count_abbreviated"]], ""], "|", JOBS],
      "icon-allow-overlap": true, "icon-padding": 0, "symbol-sort-key": ["+", ["*", 1000, ["get", "severe"]], ["get", "cold"]],
    } },
  ];
}

function furnish(layers) {
  const sums = Object.fromEntries(SUMS.map((name) => [name, ["+", ["get", name]]]));
  map.addSource("supply", { type: "geojson", data: gathered(layers.supply) });
  map.addSource("area", { type: "geojson", data: gathered(layers.area) });
  map.addSource("chosen", { type: "geojson", data: gathered([]) });
  map.addSource("hatch", { type: "geojson", data: gathered([]) });
  map.addSource("job", { type: "geojson", data: gathered(layers.job) });
  // Its tiles go deeper than groups do, so that what is apart at the nearest is apart there.
  map.addSource("building", { type: "geojson", data: gathered(layers.building), maxzoom: NEAREST + 1, cluster: true, clusterRadius: 44, clusterMaxZoom: NEAREST, clusterProperties: sums });
  for (const layer of painted()) map.addLayer(layer);
  if (stage.dataset.area) outline(stage.dataset.area.split(" ").map((one) => one.split(",").map(Number)));
}

// Marks are drawn here: no fonts and no pictures are fetched for them. A sign and a line stand for a state beside its colour.
function picture(id) {
  const [what, state, label, jobs] = id.split("|");
  const ratio = Math.max(1, Math.ceil(devicePixelRatio));
  const text = what === "job" ? "" : signs[state] + (label || ""), radius = what === "job" ? 9 : 12 + (label ? 3 + 3 * label.length : 0);
  const side = (radius + 5) * 2, canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.translate(side / 2, side / 2);
  if (what !== "job") {
    pen.fillStyle = colour(GROUNDS[state]);
    pen.strokeStyle = pen.shadowColor = colour(INKS[state]);
    pen.lineWidth = WIDTHS[state] ?? 2;
    pen.setLineDash(state === "unknown" ? [4, 3] : []);
    pen.beginPath();
    pen.arc(0, 0, radius, 0, 7);
    pen.fill();
    pen.stroke();
    pen.fillStyle = colour(INKS[state]);
    pen.font = `700 ${label ? 13 : 14}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(text, 0, 1);
  }
  const job = what === "job" ? state : jobs;
  if (job !== "none") badge(pen, what === "job" ? 0 : radius * 0.75, job, what === "job" ? 7 : 5);
  return [pen.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: ratio }];
}

// Lines across a circle, wider than the mark that lies on it: a home there has no sensor.
function hatching() {
  const ratio = Math.max(1, Math.ceil(devicePixelRatio)), side = 58, canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.strokeStyle = colour("--soft");
  pen.beginPath();
  pen.arc(side / 2, side / 2, side / 2 - 2, 0, 7);
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.clip();
  pen.lineWidth = 1.75;
  for (let x = -side; x < side; x += 8) { pen.beginPath(); pen.moveTo(x, side); pen.lineTo(x + side, 0); pen.stroke(); }
  return [pen.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: ratio }];
}

// What is likely in homes without a sensor is asked for what is seen; an older answer that comes later is not shown.
async function hatch() {
  if (new URLSearchParams(location.search).get("unmeasured") !== "yes") return;
  const mine = ++looked, station = new URLSearchParams(location.search).get("station");
  const answer = await fetch(`${MAP}/unmeasured?bbox=${map.getBounds().toArray().flat().map((x) => x.toFixed(6)).join(",")}`);
  if (mine !== looked) return;
  const features = answer.ok ? (await answer.json()).features : [];
  said.textContent = answer.status === 422 ? words.unmeasured_many : "";
  likely = new Map(features.map(({ properties: of }) => [of.code, of]));
  map.getSource("hatch").setData(gathered(features.filter(({ properties: of }) => !station || of.station === station)));
}

function unmeasuredIn(code) {
  const of = likely.get(code);
  if (!of) return [];
  const at = Object.fromEntries(["celsius", "low", "high"].map((name) => [name, Number(of[name]).toFixed(1)]));
  return [fill(of.celsius === null ? words.unmeasured_silent : words.unmeasured_one, { n: of.unmeasured, homes: of.homes, ...at })];
}

function badge(pen, at, job, size) {
  pen.setLineDash([]);
  pen.lineWidth = 2.5;
  pen.strokeStyle = colour("--accent");
  pen.fillStyle = job === "underway" ? colour("--card") : colour("--accent");
  pen.fillRect(at - size, -at - size, size * 2, size * 2);
  pen.strokeRect(at - size, -at - size, size * 2, size * 2);
}

function around(layers) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { geometry: { coordinates: [lon, lat] } } of layers.building) {
    box[0] = Math.min(box[0], lon); box[1] = Math.min(box[1], lat); box[2] = Math.max(box[2], lon); box[3] = Math.max(box[3], lat);
  }
  return layers.building.length ? box : null;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const layers = await read();
    if (layers) {
      for (const name of ["supply", "area", "job", "building"]) map.getSource(name).setData(gathered(layers[name]));
    }
    said.textContent = "";
  } catch {
    said.textContent = words.lost;
  }
}

// What is chosen becomes the list of the page; an older answer that comes later is not shown.
async function choose(keys) {
  const wanted = new URLSearchParams(location.search), mine = ++asked;
  for (const name of ["bbox", "area", "building", "number", "datum"]) wanted.delete(name);
  for (const [name, value] of Object.entries(keys)) wanted.set(name, value);
  const answer = await fetch(`${MAP}?${wanted}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("map-found");
  if (!answer.ok || !found) { location.assign(`${MAP}?${wanted}`); return; }
  if (mine !== asked) return;
  document.getElementById("map-found").replaceWith(found);
  history.replaceState(null, "", `${MAP}?${wanted}`);
  document.getElementById("map-list").focus({ preventScroll: true });
  found.scrollIntoView({ block: "nearest" });
}

function outline(corners) {
  const polygon = { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [[...corners, corners[0]]] } };
  map.getSource("chosen").setData(gathered(corners.length ? [polygon] : []));
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function link(text, href) {
  const line = element("li", "");
  line.append(element("a", text, { href }));
  return line;
}

function show(title, lines, links = []) {
  const close = element("button", "×", { type: "button", class: "quiet close", "aria-label": words.close });
  close.addEventListener("click", () => { card.hidden = true; map.getCanvas().focus(); });
  const list = element("ul", "");
  list.append(...links);
  card.replaceChildren(close, element("h2", title), ...lines.map((line) => element("p", line)), list);
  card.hidden = false;
}

function showBuilding(of) {
  const links = [];
  if (of.ticket) links.push(link(fill(words.tickets, { n: of.tickets, underway: of.underway }), `/desk/tickets/${encodeURIComponent(of.ticket)}`));
  links.push(link(words.homes, `${MAP}/homes?buildings=${encodeURIComponent(of.code)}`));
  if (stage.dataset.boards) links.push(link(words.board, stage.dataset.boards + encodeURIComponent(of.code)));
  const pick = element("li", ""), button = element("button", words.choose, { type: "button", class: "plain-button" });
  button.addEventListener("click", () => choose({ building: of.code }));
  pick.append(button);
  const coldest = of.coldest === null || of.coldest === undefined ? [] : [fill(words.coldest, { celsius: Number(of.coldest).toFixed(1) })];
  show(of.name, [`${signs[of.state]} ${words[`state_${of.state}`]}`, fill(words.one, { cold: of.cold + of.severe, homes: of.homes }), ...coldest, ...unmeasuredIn(of.code)], [...links, pick]);
}

async function showCluster(feature) {
  const source = map.getSource("building"), id = feature.properties.cluster_id;
  const zoom = await source.getClusterExpansionZoom(id);
  if (zoom <= NEAREST) { map.easeTo({ center: feature.geometry.coordinates, zoom: zoom + 0.2 }); return; }
  const leaves = await source.getClusterLeaves(id, 50, 0), more = feature.properties.point_count - leaves.length;
  const links = leaves.map(({ properties: of }) => link(`${signs[of.state]} ${of.name}`, `${MAP}?building=${encodeURIComponent(of.code)}`));
  show(fill(words.buildings, { n: feature.properties.point_count }), more > 0 ? [fill(words.more, { n: more })] : [], links);
}

function clicked(point) {
  const [feature] = map.queryRenderedFeatures(point, { layers: ["mark", "job", "incident", "outage"] });
  if (!feature) { card.hidden = true; return; }
  const of = feature.properties;
  if (of.point_count) showCluster(feature);
  else if (of.kind === "building") showBuilding(of);
  else if (of.kind === "job") show(of.name, [], [link(fill(words.tickets, { n: of.tickets, underway: of.underway }), `/desk/tickets/${encodeURIComponent(of.ticket)}`)]);
  else show(words[of.kind], [of.name], [link(of.number, `/desk/${of.kind}s/${encodeURIComponent(of.number)}`)]);
}

// A box or a line that is drawn over the map. On the map itself a drag moves it.
function tools() {
  const buttons = { box: document.getElementById("select-box"), draw: document.getElementById("select-draw") };
  const path = pen.querySelector("path");
  let mode = null, corners = [];
  const set = (wanted) => {
    mode = wanted; corners = [];
    path.setAttribute("d", "");
    pen.toggleAttribute("hidden", !mode);
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === mode));
    said.textContent = mode ? words.draw : "";
  };
  const at = (event) => { const box = pen.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  // A busy browser tells of several places at once: without those between, a line that is drawn fast loses its corners.
  const moments = (event) => { const all = event.getCoalescedEvents(); return all.length ? all : [event]; };
  const shape = () => {
    if (mode !== "box" || corners.length < 2) return corners;
    const [[left, top], [right, bottom]] = [corners[0], corners.at(-1)];
    return [[left, top], [right, top], [right, bottom], [left, bottom]];
  };
  for (const [name, button] of Object.entries(buttons)) button.addEventListener("click", () => set(mode === name ? null : name));
  document.getElementById("select-seen").addEventListener("click", () => {
    outline([]);
    choose({ bbox: map.getBounds().toArray().flat().map((x) => x.toFixed(6)).join(","), datum: stage.dataset.datum });
  });
  pen.addEventListener("pointerdown", (event) => { corners = [at(event)]; pen.setPointerCapture(event.pointerId); });
  pen.addEventListener("pointermove", (event) => {
    if (!corners.length) return;
    for (const [x, y] of moments(event).map(at)) {
      const [px, py] = corners.at(-1);
      if (mode === "box") corners = [corners[0], [x, y]];
      else if (Math.hypot(x - px, y - py) >= STEP_PX) corners.push([x, y]);
    }
    path.setAttribute("d", `M${shape().map((corner) => corner.join(",")).join("L")}Z`);
  });
  pen.addEventListener("pointerup", () => {
    const drawn = shape(), xs = drawn.map(([x]) => x), ys = drawn.map(([, y]) => y);
    const every = Math.ceil(drawn.length / MOST_CORNERS);
    if (drawn.length > 2 && Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) >= LEAST_PX) {
      const chosen = drawn.filter((_, n) => n % every === 0).map((corner) => map.unproject(corner).toArray());
      outline(chosen);
      choose({ area: chosen.map((corner) => corner.map((x) => x.toFixed(6)).join(",")).join(" "), datum: stage.dataset.datum });
    }
    set(null);
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape") { set(null); card.hidden = true; } });
}

// The links beside the map move it where it stands; without this script they lead to another drawing.
function links() {
  const moves = { closer: () => map.zoomIn(), farther: () => map.zoomOut(), whole: () => bounds && map.fitBounds(bounds, { padding: 40 }) };
  for (const [name, x, y] of [["west", -0.5, 0], ["east", 0.5, 0], ["north", 0, -0.5], ["south", 0, 0.5]]) {
    moves[name] = () => map.panBy([x * map.getCanvas().clientWidth, y * map.getCanvas().clientHeight]);
  }
  for (const [name, move] of Object.entries(moves)) {
    document.getElementById(`map-${name}`).addEventListener("click", (event) => { event.preventDefault(); move(); });
  }
}

function repaint() {
  if (map.hasImage("hatch")) map.updateImage("hatch", hatching()[0]);
  for (const id of map.listImages()) if (/^(mark|job)\|/.test(id)) map.updateImage(id, picture(id)[0]);
  for (const { id, paint } of painted()) for (const [name, value] of Object.entries(paint ?? {})) map.setPaintProperty(id, name, value);
  if (map.getLayer("nothing")) map.setPaintProperty("nothing", "background-color", colour("--card"));
}

async function start() {
  const coming = read();
  coming.catch(() => {}); // it is waited for below
  const library = await import(stage.dataset.library);
  library.prewarm();
  const layers = await coming;
  const style = await ground(library);
  stage.hidden = document.getElementById("map-tools").hidden = false;
  city.setAttribute("hidden", "");
  document.getElementById("map-lead").hidden = true;
  const [west, south, east, north] = stage.dataset.box.split(",").map(Number);
  map = new library.Map({
    container: "canvas", style, bounds: [west, south, east, north], maxZoom: NEAREST, attributionControl: false, boxZoom: false,
    dragRotate: false, pitchWithRotate: false, touchPitch: false, fadeDuration: 0, renderWorldCopies: false, locale: { "Map.Title": words.title },
  });
  stage.map = map; // to be looked at from outside
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.on("error", ({ error }) => console.warn(error.message));
  map.setMissingStyleImageResolver((id) => { if (id === "hatch") map.addImage(id, ...hatching()); else if (/^(mark|job)\|/.test(id)) map.addImage(id, ...picture(id)); });
  await map.once("style.load");
  bounds = around(layers);
  furnish(layers);
  map.on("moveend", hatch);
  hatch();
  map.on("click", ({ point }) => clicked(point));
  map.on("mousemove", ({ point }) => {
    map.getCanvas().style.cursor = map.queryRenderedFeatures(point, { layers: ["mark", "job", "incident", "outage"] }).length ? "pointer" : "";
  });
  tools();
  links();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  setInterval(refresh, EVERY_MS);
  addEventListener("visibilitychange", refresh);
  const wanted = new URLSearchParams(location.search).get("building");
  const here = wanted && layers.building.find(({ properties }) => properties.code === wanted);
  if (here) showBuilding(here.properties);
  map.once("idle", () => { stage.dataset.ready = String(Math.round(performance.now())); });
}

function isAble() {
  return Boolean(document.createElement("canvas").getContext("webgl2"));
}

if (isAble()) {
  start().catch((error) => {
    console.warn("the map is the drawing of the server:", error);
    stage.hidden = document.getElementById("map-tools").hidden = true;
    city.removeAttribute("hidden");
  });
}
