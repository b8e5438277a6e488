// Quality against a cost on a logarithmic axis. Colour and shape both tell the method.
const DISC = "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0";
const polygon = (corners, radius, turned = 0, inner = radius) => "M" + Array.from({ length: corners }, (_, i) => {
  const [r, angle] = [i % 2 ? inner : radius, ((i + turned) / corners) * 2 * Math.PI];
  return `${(r * Math.sin(angle)).toFixed(2)} ${(-r * Math.cos(angle)).toFixed(2)}`;
}).join("L") + "Z";
const SHAPES = { // by the markers of matplotlib's that methods ask for; any other is a disc
  s: "M-5-5h10v10h-10z", "^": "M0-6L6 5H-6Z", v: "M0 6L6-5H-6Z", D: "M0-6.5L6.5 0L0 6.5L-6.5 0Z", P: "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
  X: "M-6-3.5L-3.5-6L0-2.5L3.5-6L6-3.5L2.5 0L6 3.5L3.5 6L0 2.5L-3.5 6L-6 3.5L-2.5 0Z",
  ">": "M6 0L-5 6V-6Z", "<": "M-6 0L5 6V-6Z", d: "M0-6.5L4 0L0 6.5L-4 0Z", p: polygon(5, 6.2), h: polygon(6, 6.2), H: polygon(6, 6.2, 0.5), 8: polygon(8, 6, 0.5), "*": polygon(10, 7.5, 0, 3),
};
const INK = "#000000"; // black is the letters' colour, which is light on a dark page
const FRAME = { width: 760, height: 400, left: 56, right: 24, top: 16, bottom: 44 };
const PLACES = new Map(DATA.machines.map(([machine, device, title]) => [JSON.stringify([machine, device]), title]));
const TIMINGS = DATA.timings.map((row) => ({ ...row, place: PLACES.get(JSON.stringify([row.machine, row.device])) ?? `${row.machine}, ${row.device}` }));
const [TIME, WHERE] = ["median_s", ["place", "precision", "input"]]; // a time is of one machine, precision and image
const COSTS = {
  [TIME]: { name: "time an image", axis: "seconds an image (log)", unit: " s", rows: TIMINGS },
  macs: { name: "multiply-adds", axis: "multiply-adds for 1280 × 720 (log)", unit: "", rows: DATA.networks },
  params: { name: "parameters", axis: "parameters (log)", unit: "", rows: DATA.networks },
};
const short = (n) => (n >= 1e9 ? `${+(n / 1e9).toPrecision(3)} G` : n >= 1e6 ? `${+(n / 1e6).toPrecision(3)} M` : n >= 1e3 ? `${+(n / 1e3).toPrecision(3)} k` : `${+n.toPrecision(3)}`);

function plot(root) {
  if (!TIMINGS.length && !DATA.networks.length) {
    return root.append(notice("No timings yet, and so no speed to plot against. sr-bench time measures this machine; the next report draws them."));
  }
  const draw = () => refresh();
  const pick = Object.fromEntries(["protocol", "dataset", "scale", "cost", ...WHERE].map((name) => [name, choice(name, `plot-${name}`, draw)]));
  const out = el("div");
  root.append(el("div", { class: "controls" }, ...Object.values(pick).map((p) => p.node)), out);
  pick.protocol.set(PROTOCOLS.map((p) => [p.name, p.name]));
  function narrow(name, rows) { // first what most runs were timed with: the most to compare
    const runs = (value) => unique(rows.filter((row) => row[name] === value).map((row) => row.run)).length;
    const values = unique(rows.map((row) => row[name])).sort((a, b) => runs(b) - runs(a));
    pick[name].set(values.map((v) => [v, v]));
    return rows.filter((row) => row[name] === pick[name].value);
  }
  function refresh() {
    FRAME.width = Math.min(760, Math.max(300, out.clientWidth || 760)); // letters keep their size on a phone
    const cells = CELLS.filter((c) => c.metric === QUALITY && c.protocol.name === pick.protocol.value && Number.isFinite(c.value));
    pick.dataset.set(unique(cells.map((c) => c.dataset.name)).map((d) => [d, d]));
    pick.scale.set(scalesOf(cells.map((c) => c.run)).map((s) => [String(s), `x${s}`]));
    const known = Object.keys(COSTS).filter((cost) => COSTS[cost].rows.some((row) => row[cost] > 0));
    pick.cost.set(known.map((cost) => [cost, COSTS[cost].name]));
    const timed = WHERE.reduce((left, name) => narrow(name, left), TIMINGS);
    const rows = pick.cost.value === TIME ? timed : DATA.networks;
    if (rows !== timed) for (const name of WHERE) pick[name].node.hidden = true; // a count is the same everywhere
    const chosen = cells.filter((c) => c.dataset.name === pick.dataset.value && String(c.run.scale) === pick.scale.value);
    out.replaceChildren(...picture(joined(chosen, rows, pick.cost.value), pick.cost.value, pick));
  }
  refresh();
}

function joined(cells, rows, cost) {
  const byRun = new Map(rows.map((row) => [row.run, row]));
  return cells.map((c) => ({ run: c.run, y: c.value, row: byRun.get(c.run.name) }))
    .map((p) => ({ ...p, x: p.row?.[cost], spread: cost === TIME ? p.row?.spread_s ?? 0 : 0 }));
}

// Those that no other run beats: one that is better, and not slower; times whose bars overlap are equal.
function front(points) {
  const beats = (one, other) => {
    const room = (one.spread + other.spread) / 2;
    if (isBetter(QUALITY, one.y, other.y)) return one.x <= other.x + room;
    return one.y === other.y && one.x < other.x - room;
  };
  return points.filter((p) => !points.some((other) => beats(other, p))).sort((a, b) => a.x - b.x);
}

function picture(all, cost, pick) {
  const points = all.filter((p) => p.x > 0);
  const left = all.filter((p) => !(p.x > 0)).map((p) => runTitle(p.run));
  if (!points.length) return [notice("No run of this choice has a known cost; choose another, or time it with sr-bench time.")];
  const best = front(points);
  const notes = [
    cost === TIME && pick.precision.value !== "float32" ? `${metricName(QUALITY)} is that of the float32 scores; the cost is ${pick.precision.value}'s.` : null,
    left.length ? `Without this cost, not drawn: ${left.join(", ")}.` : null,
  ].filter(Boolean);
  const signature = DATA.protocols.find((p) => p.name === pick.protocol.value).signature;
  return [drawing(points, best, cost), legend(points), ...notes.map(notice), numbers(points, best, cost),
    el("p", { class: "signature" }, "Signature ", el("code", {}, signature))];
}

function axes(points) {
  const [xs, ys] = [points.flatMap((p) => [Math.max(p.x - p.spread / 2, p.x / 2), p.x + p.spread / 2]).map(Math.log10), points.map((p) => p.y)];
  const pad = (low, high, least) => { const by = Math.max((high - low) * 0.08, least); return [low - by, high + by]; };
  const [x0, x1] = pad(Math.min(...xs), Math.max(...xs), 0.15);
  const [y0, y1] = pad(Math.min(...ys), Math.max(...ys), 0.05);
  const w = FRAME.width - FRAME.left - FRAME.right, h = FRAME.height - FRAME.top - FRAME.bottom;
  return {
    x: (v) => FRAME.left + ((Math.log10(v) - x0) / (x1 - x0)) * w,
    y: (v) => FRAME.top + h - ((v - y0) / (y1 - y0)) * h,
    xTicks: logTicks(x0, x1), yTicks: linearTicks(y0, y1),
  };
}

function logTicks(low, high) {
  const per = high - low > 3 ? [1] : [1, 2, 5];
  const out = [];
  for (let e = Math.floor(low); e <= high; e++) for (const m of per) if (e + Math.log10(m) >= low && e + Math.log10(m) <= high) out.push(m * 10 ** e);
  return out;
}

function linearTicks(low, high) {
  const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const out = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) out.push(i * step);
  return out;
}

function mark(run) {
  const { colour, marker } = DATA.methods[run.method];
  return svg("path", { d: SHAPES[marker] ?? DISC, class: "mark", fill: colour === INK ? "currentColor" : colour });
}

function drawing(points, best, cost) {
  const at = axes(points), bottom = FRAME.height - FRAME.bottom, right = FRAME.width - FRAME.right;
  const text = (x, y, anchor, content) => svg("text", { x, y, "text-anchor": anchor }, content);
  const grid = svg("g", { class: "grid", "aria-hidden": "true" },
    ...at.xTicks.flatMap((v) => [svg("line", { x1: at.x(v), x2: at.x(v), y1: FRAME.top, y2: bottom }), text(at.x(v), bottom + 16, "middle", short(v))]),
    ...at.yTicks.flatMap((v) => [svg("line", { x1: FRAME.left, x2: right, y1: at.y(v), y2: at.y(v) }), text(FRAME.left - 6, at.y(v) + 4, "end", `${+v.toFixed(3)}`)]),
    text((FRAME.left + right) / 2, FRAME.height - 6, "middle", COSTS[cost].axis), text(FRAME.left, 11, "end", factsOf(QUALITY).unit));
  const path = best.map((p, i) => (i ? `H${at.x(p.x)}V${at.y(p.y)}` : `M${at.x(p.x)} ${at.y(p.y)}`)).join("");
  const tip = el("p", { class: "tip", role: "status", "aria-live": "polite" }, "Point at a mark, or move to it with Tab; a click or Enter opens the run.");
  const marks = points.map((p) => point(p, at, best, cost, tip));
  const chart = svg("svg", { viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, role: "group", "aria-label": `${metricName(QUALITY)} against cost` }, grid, svg("path", { class: "front", d: path }), ...names(best, points, at), ...marks);
  return el("div", { class: "plot" }, chart, tip);
}

// The names of the front's runs, each beside its mark where nothing else is; one without such a place is left out.
function names(best, points, at) {
  const right = FRAME.width - FRAME.right, bottom = FRAME.height - FRAME.bottom;
  const taken = points.map((p) => ({ x: at.x(p.x) - 7, y: at.y(p.y) - 7, width: 14, height: 14 }));
  const apart = (a, b) => a.x + a.width < b.x || b.x + b.width < a.x || a.y + a.height < b.y || b.y + b.height < a.y;
  return [...best].reverse().flatMap((p) => {
    const text = p.run.data === "none" ? p.run.short : `${p.run.short}, ${trainedOn(p.run)}`, width = text.length * 6.2;
    const places = [15, -8].flatMap((dy) => [9, -9 - width].map((dx) => ({ x: at.x(p.x) + dx, y: at.y(p.y) + dy - 11, width, height: 14 })));
    const inside = (box) => box.x >= FRAME.left && box.x + width <= right && box.y >= 0 && box.y + box.height <= bottom;
    const box = places.find((place) => inside(place) && taken.every((other) => apart(place, other)));
    if (!box) return [];
    taken.push(box);
    const after = box.x > at.x(p.x);
    return [svg("text", { class: "name", x: after ? box.x : box.x + width, y: box.y + 11, "text-anchor": after ? "start" : "end", "aria-hidden": "true" }, text)];
  });
}

function point(p, at, best, cost, tip) {
  const text = `${runTitle(p.run)}: ${withUnit(QUALITY, p.y)} at ${short(p.x)}${COSTS[cost].unit}${p.spread ? ` (processes differ by ${short(p.spread)} s)` : ""}${best.includes(p) ? ", on the Pareto front" : ""}`;
  const low = Math.max(p.x - p.spread / 2, p.x / 2);
  const bar = p.spread ? [svg("line", { class: "spread", x1: at.x(low), x2: at.x(p.x + p.spread / 2), y1: at.y(p.y), y2: at.y(p.y) })] : [];
  const symbol = mark(p.run);
  symbol.setAttribute("transform", `translate(${at.x(p.x)} ${at.y(p.y)})`);
  const node = svg("g", { class: "point", tabindex: "0", role: "button", "aria-label": text }, ...bar, symbol);
  for (const name of ["pointerenter", "focus"]) node.addEventListener(name, () => { tip.textContent = text; });
  node.addEventListener("click", () => openRun(p.run));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    openRun(p.run);
  });
  return node;
}

function legend(points) {
  const runs = unique(points.map((p) => p.run.method)).map((m) => points.find((p) => p.run.method === m).run);
  const entry = (run) => el("li", {}, svg("svg", { viewBox: "-8 -8 16 16", class: "key", "aria-hidden": "true" }, mark(run)), DATA.methods[run.method].title);
  return el("ul", { class: "legend" }, ...runs.map(entry), el("li", {}, "line: Pareto front"));
}

function numbers(points, best, cost) {
  const columns = [
    { name: "run", text: (p) => runTitle(p.run), node: (p) => runButton(p.run) },
    { name: metricName(QUALITY), text: (p) => shown(QUALITY, p.y), value: (p) => p.y },
    { name: COSTS[cost].name, text: (p) => short(p.x) + COSTS[cost].unit, value: (p) => p.x },
    ...(cost === TIME ? [{ name: "spread", text: (p) => (p.spread ? `${short(p.spread)} s` : "–"), value: (p) => p.spread }] : []),
    { name: "Pareto front", text: (p) => (best.includes(p) ? "yes" : "") },
  ];
  return el("details", {}, el("summary", {}, "The numbers of this plot"), sortable({ caption: `${metricName(QUALITY)} and cost of each run drawn`, columns, rows: points, sort: [2, false] }));
}
