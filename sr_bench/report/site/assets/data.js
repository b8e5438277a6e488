// What the page shows. Cells are [run, dataset, protocol, metric, value, values of images, 1 with a dagger].
const DATA = JSON.parse(byId("data").textContent);
const real = (value) => (value === "inf" ? Infinity : value);
const CELLS = DATA.cells.map(([run, dataset, protocol, metric, value, images, dagger]) => ({
  run: DATA.runs[run],
  dataset: DATA.datasets[dataset],
  protocol: DATA.protocols[protocol],
  metric: DATA.metrics[metric],
  value: real(value),
  dagger: Boolean(dagger), // not significantly worse than the best of all runs
  get images() { return images.map((v) => (v === null ? null : real(v) === Infinity ? Infinity : v / 10 ** DATA.imageDecimals)); },
}));
// The ledger: each text stands once in the data, a row holds its position.
const LEDGER = DATA.ledger.rows.map((row) => Object.fromEntries(DATA.ledger.columns.map((name, i) =>
  [name, DATA.ledger.numbers.includes(name) ? row[i] : DATA.ledger.texts[row[i]]])));
// Metrics: names, decimals, units and directions are the report's own.
const MAIN = DATA.mainMetrics, QUALITY = MAIN[0]; // QUALITY is what the plot shows
const factsOf = (metric) => DATA.metricFacts[metric];
const metricName = (metric) => factsOf(metric).title;
const shown = (metric, value) => fixed(value, factsOf(metric).decimals);
const withUnit = (metric, value) => `${shown(metric, value)} ${factsOf(metric).unit}`.trim();
const isBetter = (metric, value, other) => (factsOf(metric).higherIsBetter ? value > other : value < other);
const keyOf = (run, dataset, protocol, metric) => JSON.stringify([run, dataset, protocol, metric]);
const INDEX = new Map(CELLS.map((c) => [keyOf(c.run.name, c.dataset.name, c.protocol.name, c.metric), c]));
const cellOf = (...names) => INDEX.get(keyOf(...names));
const trainedOn = (run) => (run.maker ? `${run.data}, ${run.maker}` : run.data === "none" ? "not trained" : run.data);
const runTitle = (run) => `${run.short} x${run.scale}, ${trainedOn(run)}`;
const methodOf = (run) => DATA.methods[run.method];
const COSTS_OF = new Map(DATA.networks.map((row) => [row.run, row])); // parameters and multiply-adds
const RUNS = new Map(DATA.runs.map((run) => [run.name, run]));
const runsOf = new Map(DATA.protocols.map((p) => [p, new Set()]));
const CELLS_OF = new Map(DATA.protocols.map((p) => [p.name, []]));
for (const cell of CELLS) {
  runsOf.get(cell.protocol).add(cell.run);
  CELLS_OF.get(cell.protocol.name).push(cell);
}
const PROTOCOLS = [...DATA.protocols].sort((a, b) => runsOf.get(b).size - runsOf.get(a).size); // what most runs share comes first
const scalesOf = (runs) => unique(runs.map((run) => run.scale)).sort((a, b) => a - b);

// What was published for a cell: rows of the ledger say the number measured, not the run.
const sameKey = (method, scale, dataset, protocol, metric, value) => JSON.stringify([method, scale, dataset, protocol, metric, value]);
const MEASURED = new Map();
for (const row of LEDGER.filter((row) => row.measured !== null)) {
  const key = sameKey(row.method, row.scale, row.dataset, row.protocol, row.metric, real(row.measured));
  MEASURED.set(key, [...(MEASURED.get(key) ?? []), row]);
}
const publishedOf = (c) => MEASURED.get(sameKey(c.run.method, c.run.scale, c.dataset.name, c.protocol.name, c.metric, c.value)) ?? [];

// The pictures that the viewer has, and the address that shows two of them.
const PICTURES = DATA.viewer?.pictures ?? [];
const pictureOf = (dataset, image, scale) => PICTURES.find((p) => p.dataset === dataset && p.image === image && p.scale === scale);
const viewOf = (...parts) => parts.map((part) => encodeURIComponent(part)).join("/");
const viewAddress = (...parts) => addressWith({ view: viewOf(...parts), at: "viewer" });
