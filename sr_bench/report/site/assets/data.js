// What the page shows. Cells are [run, dataset, protocol, metric, value, values of images].
const DATA = JSON.parse(byId("data").textContent);
const real = (value) => (value === "inf" ? Infinity : value);
const CELLS = DATA.cells.map(([run, dataset, protocol, metric, value, images]) => ({
  run: DATA.runs[run],
  dataset: DATA.datasets[dataset],
  protocol: DATA.protocols[protocol],
  metric: DATA.metrics[metric],
  value: real(value),
  images: images.map((v) => (v === null ? null : real(v) === Infinity ? Infinity : v / 10 ** DATA.imageDecimals)),
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
const trainedOn = (run) => (run.maker ? `${run.data} (${run.maker})` : run.data === "none" ? "–" : run.data);
const runCount = (protocol) => unique(CELLS.filter((c) => c.protocol === protocol).map((c) => c.run)).length;
const PROTOCOLS = [...DATA.protocols].sort((a, b) => runCount(b) - runCount(a)); // what most runs share comes first
const scalesOf = (runs) => unique(runs.map((run) => run.scale)).sort();

// Positions of the pictures that the viewer has, and the address of its state.
const pictureOf = (dataset, image, scale) =>
  DATA.viewer?.pictures.find((p) => p.dataset === dataset && p.image === image && p.scale === scale);
const viewAddress = (...parts) => "#view/" + parts.map((part) => encodeURIComponent(part)).join("/");
