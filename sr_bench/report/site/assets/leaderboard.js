// One protocol at a time, one table for each scale: numbers of two protocols don't compare.
function leaderboard(root) {
  const tables = el("div");
  const words = search("search", "q", draw);
  const protocol = choice("protocol", "protocol", () => { filters(); draw(); });
  const scale = choice("scale", "scale", draw);
  const metrics = choice("metrics", "metrics", draw);
  const method = choice("method", "method", draw);
  const data = choice("trained on", "data", draw);
  const more = el("div", { class: "filters" });
  let datasets;
  const both = ["main", MAIN.map(metricName).join(" and ")], first = [QUALITY, metricName(QUALITY)];
  protocol.set(PROTOCOLS.map((p) => [p.name, p.name]));
  metrics.set([...(innerWidth < 640 ? [first, both] : [both, first]), ["all", "all"]]); // a phone has room for one

  const mine = () => CELLS_OF.get(protocol.value) ?? [];
  function filters() {
    const runs = unique(mine().map((c) => c.run));
    scale.set([...scalesOf(runs).map((s) => [String(s), `x${s}`]), ["all", "all"]]);
    const options = (values) => values.sort((a, b) => a[1].localeCompare(b[1], "en", { numeric: true }));
    method.set([["", "all methods"], ...options(unique(runs.map((r) => r.method)).map((m) => [m, DATA.methods[m].title]))]);
    data.set([["", "all training sets"], ...options(unique(runs.map((r) => r.data)).map((d) => [d, d === "none" ? "nothing" : d]))]);
    datasets = ticks("datasets", "datasets", unique(mine().map((c) => c.dataset.name)).map((d) => [d, d]), () => true, draw);
    more.replaceChildren(datasets.node);
  }
  const wanted = (metric) => metrics.value === "all" || metrics.value === metric || (metrics.value === "main" && MAIN.includes(metric));
  const fits = (run) => (scale.value === "all" || String(run.scale) === scale.value) && (!method.value || run.method === method.value)
    && (!data.value || run.data === data.value) && words.fits(`${runTitle(run)} ${methodOf(run).title} ${run.name}`);
  function draw() {
    const [ticked, runs] = [datasets.value, new Set(unique(mine().map((c) => c.run)).filter(fits))];
    const cells = mine().filter((c) => runs.has(c.run) && ticked.has(c.dataset.name) && wanted(c.metric));
    const known = DATA.protocols.find((p) => p.name === protocol.value);
    tables.replaceChildren(...(cells.length ? boards(cells, known) : [notice("No run is left: change the search or a filter, or tick a dataset.")]));
  }
  root.append(el("div", { class: "controls" }, ...[words, protocol, scale, method, data, metrics].map((c) => c.node)), more, tables, ...notRun());
  if (!CELLS.length) return tables.append(notice("There are no scores."));
  filters();
  draw();
}

const notice = (text) => el("p", { class: "notice", role: "status" }, text);

function boards(cells, protocol) {
  const scales = scalesOf(cells.map((c) => c.run));
  const table = (file) => el("a", { href: `${DATA.links.reports}tables/${file}` }, file);
  return [
    el("p", { class: "caption" }, `${protocol.name}: ${protocol.summary}. Bold: the best of the runs shown, underlined: the second; †: not significantly worse than the best of all runs.`),
    ...scales.map((scale) => boardTable(scale, cells.filter((c) => c.run.scale === scale), protocol)),
    el("p", { class: "signature" }, "Signature ", el("code", {}, protocol.signature)),
    el("p", { class: "hint" }, "A number opens its images, a name opens its paper, file, citation and rows to copy. Arrow keys go from one to the next. This table as files: ",
      table(`${protocol.name}.csv`), ", ", table(`${protocol.name}.tex`), "; the sources of all numbers: ", table("sources.bib"), "."),
  ];
}

function boardTable(scale, cells, protocol) {
  const columns = [{ name: "method, trained on, by", text: (row) => `${row.run.short} ${trainedOn(row.run)}`, node: (row) => runButton(row.run) }];
  const pairs = new Map(cells.map((c) => [columnKey(c), c])), grades = gradesOf(cells);
  for (const { dataset, metric } of pairs.values()) columns.push(boardColumn(dataset, metric, protocol, grades));
  const rows = unique(cells.map((c) => c.run)).map((run) => ({ run }));
  const table = sortable({ caption: `x${scale}`, columns, rows, sort: [1, factsOf(cells[0].metric).higherIsBetter], key: "sort" });
  table.classList.add("block");
  return table;
}

const columnKey = (cell) => `${cell.dataset.name}\n${cell.metric}`;

// How each column of cells grades a printed number, as the report's tables do.
function gradesOf(cells) {
  const columns = new Map();
  for (const c of cells) {
    if (!Number.isFinite(c.value)) continue;
    const key = columnKey(c);
    if (!columns.has(key)) columns.set(key, { metric: c.metric, values: [] });
    columns.get(key).values.push(c.value);
  }
  return new Map([...columns].map(([key, { metric, values }]) => [key, graded(metric, values)]));
}

// The best, unless all are; and second what exactly one number beats, among three or more.
function graded(metric, values) {
  const top = (some) => some.reduce((a, b) => (isBetter(metric, b, a) ? b : a));
  const best = top(values), text = shown(metric, best), step = 10 ** -factsOf(metric).decimals;
  const rest = values.filter((v) => Math.abs(v - best) > step || shown(metric, v) !== text);
  if (!rest.length) return new Map();
  const second = values.length > 2 && values.length - rest.length === 1 ? [[shown(metric, top(rest)), "second"]] : [];
  return new Map([[text, "best"], ...second]);
}

function runButton(run) {
  return el("button", { type: "button", class: "run", onclick: () => openRun(run) }, el("span", { class: "name" }, run.short), " ", el("span", { class: "made" }, trainedOn(run)));
}

function boardColumn(dataset, metric, protocol, grades) {
  const cell = (row) => cellOf(row.run.name, dataset.name, protocol.name, metric);
  return {
    name: `${dataset.name} ${metricName(metric)}`,
    value: (row) => cell(row)?.value,
    text: () => "–",
    node: (row) => {
      const found = cell(row);
      if (!found) return null;
      const text = shown(metric, found.value);
      const grade = Number.isFinite(found.value) ? grades.get(columnKey(found))?.get(text) : undefined;
      const said = [text, grade, found.dagger ? "not significantly worse than the best of all" : null].filter(Boolean).join(", ");
      const button = { type: "button", class: grade ? `cell ${grade}` : "cell", "aria-label": `${said}: ${metricName(metric)} of ${dataset.name}, ${runTitle(row.run)}` };
      return el("button", { ...button, onclick: () => openDrill(found) }, text, found.dagger ? el("span", { class: "dagger" }, "†") : null);
    },
  };
}

function notRun() {
  const reasons = Object.entries(DATA.notRun);
  if (!reasons.length) return [];
  const names = (runs) => runs.flatMap((run, i) => (i ? [", ", el("code", {}, run)] : [el("code", {}, run)]));
  return [el("details", { class: "notice", open: true },
    el("summary", {}, `${reasons.reduce((n, [, runs]) => n + runs.length, 0)} runs have no scores`),
    el("p", {}, "What is missing, or what makes it, and the runs that wait for it:"),
    el("ul", {}, ...reasons.map(([why, runs]) => el("li", {}, `${why}: `, ...names(runs)))))];
}
