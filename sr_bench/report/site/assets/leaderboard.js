// One protocol at a time: numbers of two protocols don't compare.
function leaderboard(root) {
  const table = el("div");
  const protocol = choice("protocol", () => { filters(); draw(); });
  const scale = choice("scale", () => draw());
  const metrics = choice("metrics", () => draw());
  const more = el("div", { class: "filters" });
  let datasets, data;
  protocol.set(PROTOCOLS.map((p) => [p.name, p.name]));
  metrics.set([["main", MAIN.map(metricName).join(" and ")], [QUALITY, metricName(QUALITY)], ["all", "all"]]);

  const mine = () => CELLS.filter((c) => c.protocol.name === protocol.value);
  function filters() {
    const runs = unique(mine().map((c) => c.run));
    scale.set([...scalesOf(runs).map((s) => [String(s), `x${s}`]), ["all", "all"]]);
    datasets = ticks("datasets", unique(mine().map((c) => c.dataset.name)).map((d) => [d, d]), () => true, draw);
    data = ticks("trained on", unique(runs.map((r) => r.data)).map((d) => [d, d === "none" ? "nothing" : d]), () => true, draw);
    more.replaceChildren(datasets.node, data.node);
  }
  const wanted = (metric) => metrics.value === "all" || metrics.value === metric || (metrics.value === "main" && MAIN.includes(metric));
  function draw() {
    const cells = mine().filter((c) => datasets.value.has(c.dataset.name) && data.value.has(c.run.data)
      && wanted(c.metric) && (scale.value === "all" || c.run.scale === Number(scale.value)));
    table.replaceChildren(...boardTable(cells, DATA.protocols.find((p) => p.name === protocol.value)));
  }
  root.append(el("div", { class: "controls" }, protocol.node, scale.node, metrics.node), more, table, ...notRun());
  if (!CELLS.length) return table.append(notice("There are no scores."));
  filters();
  draw();
}

const notice = (text) => el("p", { class: "notice", role: "status" }, text);

function boardTable(cells, protocol) {
  if (!cells.length) return [notice("No run is left: tick a dataset and a training set.")];
  const columns = [
    { name: "run", text: (row) => row.run.short, node: (row) => el("span", { title: row.run.name }, row.run.short) },
  ];
  const scaled = scalesOf(cells.map((c) => c.run)).length > 1;
  if (scaled) columns.push({ name: "scale", text: (row) => `x${row.run.scale}`, value: (row) => row.run.scale });
  const bests = new Map();
  for (const c of cells.filter((c) => Number.isFinite(c.value))) {
    const best = bests.get(bestKey(c));
    if (best === undefined || isBetter(c.metric, c.value, best)) bests.set(bestKey(c), c.value);
  }
  const pairs = new Map(cells.map((c) => [JSON.stringify([c.dataset.name, c.metric]), c]));
  for (const { dataset, metric } of pairs.values()) columns.push(boardColumn(dataset, metric, protocol, bests));
  columns.push({ name: "trained on", text: (row) => trainedOn(row.run) });
  const rows = unique(cells.map((c) => c.run)).map((run) => ({ run }));
  return [
    sortable({ caption: `${protocol.name}: ${protocol.summary}. Bold: the best of the runs shown, at each scale.`, columns, rows, sort: [scaled ? 2 : 1, factsOf(cells[0].metric).higherIsBetter] }),
    el("p", { class: "signature" }, "Signature ", el("code", {}, protocol.signature)),
    el("p", { class: "hint" }, "A number opens its images. Arrow keys go from number to number."),
  ];
}

const bestKey = (cell) => JSON.stringify([cell.run.scale, cell.dataset.name, cell.metric]);

function boardColumn(dataset, metric, protocol, bests) {
  const cell = (row) => cellOf(row.run.name, dataset.name, protocol.name, metric);
  return {
    name: `${dataset.name} ${metricName(metric)}`,
    value: (row) => cell(row)?.value,
    text: () => "–",
    node: (row) => {
      const found = cell(row);
      if (!found) return null;
      const text = shown(metric, found.value);
      const best = Number.isFinite(found.value) && text === shown(metric, bests.get(bestKey(found)));
      const button = { type: "button", class: best ? "cell best" : "cell", "aria-label": `${text}${best ? ", best" : ""}: images of ${dataset.name}, ${row.run.name}` };
      return el("button", { ...button, onclick: () => openDrill(found) }, text);
    },
  };
}

function notRun() {
  const runs = Object.entries(DATA.notRun);
  if (!runs.length) return [];
  return [el("details", { class: "notice", open: true }, el("summary", {}, `${runs.length} runs have no scores`),
    el("ul", {}, ...runs.map(([run, why]) => el("li", {}, el("code", {}, run), `: ${why}`))))];
}
