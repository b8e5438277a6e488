// Published numbers with their verdicts, a folded block for each source; numbers that weren't run are
// hidden until asked for. A block's table is made when it is opened.
const VERDICTS = ["reproduced", "close", "differs", "not run"];
const SIGNS = { reproduced: "✓", close: "≈", differs: "✗", "not run": "·" };

function verdictMark(verdict) {
  return el("span", { class: `verdict ${verdict.replace(" ", "-")}` }, `${SIGNS[verdict] ?? ""} ${verdict}`);
}

function ledger(root) {
  if (!LEDGER.length) return root.append(notice("This project has no ledger of published numbers."));
  const count = (verdict) => LEDGER.filter((row) => row.verdict === verdict).length;
  const verdicts = ticks("verdict", "verdict", VERDICTS.map((v) => [v, `${v} (${count(v)})`]), (v) => v !== "not run", draw);
  const filter = (label, column, name) => {
    const made = choice(label, `ledger-${column}`, draw);
    const values = unique(LEDGER.map((row) => row[column]));
    made.set([["", "all"], ...values.map((v) => [v, name(v)]).sort((a, b) => a[1].localeCompare(b[1]))]);
    return { ...made, fits: (row) => !made.select.value || row[column] === made.select.value };
  };
  const words = search("search", "ledger-q", draw);
  const textOf = (row) => `${DATA.sources[row.source].title} ${row.network} ${row.dataset} x${row.scale} ${metricName(row.metric)} ${row.published} ${row.protocol} ${row.where} ${row.note}`;
  const filters = [
    filter("source", "source", (key) => DATA.sources[key].title),
    filter("method", "method", (key) => DATA.methods[key].title),
    filter("dataset", "dataset", (name) => name),
  ];
  const blocks = el("div");
  function draw() {
    const rows = LEDGER.filter((row) => verdicts.value.has(row.verdict) && filters.every((f) => f.fits(row)) && words.fits(textOf(row)));
    const sources = unique(rows.map((row) => row.source));
    const caption = el("p", { class: "caption" }, `${rows.length} of ${LEDGER.length} published numbers that are known; ${LEDGER.filter((row) => row.verifiable === "yes").length} can be verified here: a run measured them, or could.`);
    const made = sources.map((key) => sourceBlock(key, rows.filter((row) => row.source === key), sources.length === 1));
    blocks.replaceChildren(caption, ...(made.length ? made : [notice("No published number is left: tick a verdict, or choose other filters.")]));
  }
  root.append(el("div", { class: "controls" }, words.node, ...filters.map((f) => f.node)), el("div", { class: "filters" }, verdicts.node), blocks);
  draw();
}

function sourceBlock(key, rows, open) {
  const { title, link } = DATA.sources[key];
  const counts = VERDICTS.map((v) => [v, rows.filter((row) => row.verdict === v).length]).filter(([, n]) => n);
  const block = el("details", { class: "source" }, el("summary", {}, el("strong", {}, title), ` ${counts.map(([v, n]) => `${n} ${v}`).join(", ")}`));
  const fill = () => {
    if (block.open && !block.querySelector("table")) {
      const columns = LEDGER_COLUMNS.filter((c) => !c.optional || rows.some((row) => c.text(row)));
      block.append(...(link ? [el("p", { class: "hint" }, el("a", { href: link }, link))] : []), sortable({ caption: title, columns, rows }));
    }
  };
  block.addEventListener("toggle", fill);
  block.open = open;
  fill();
  return block;
}

// Two digits more than were printed, as the report's README has it.
const measuredDigits = (row) => (row.published.split(".")[1] ?? "").length + 2;
const LEDGER_COLUMNS = [
  { name: "verdict", text: (row) => row.verdict, node: (row) => verdictMark(row.verdict) },
  { name: "method", text: (row) => row.network, class: "wrap" },
  { name: "dataset", text: (row) => `${row.dataset} x${row.scale}` },
  { name: "metric", text: (row) => metricName(row.metric) },
  { name: "published", text: (row) => row.published, value: (row) => Number(row.published) },
  { name: "measured", text: (row) => (row.measured === null ? "–" : fixed(real(row.measured), measuredDigits(row))), value: (row) => real(row.measured) },
  { name: "delta", text: (row) => (row.delta === null ? "–" : signed(real(row.delta), measuredDigits(row))), value: (row) => real(row.delta) },
  { name: "protocol", text: (row) => row.protocol },
  { name: "where", text: (row) => row.where, class: "wrap", optional: true },
  { name: "note", text: (row) => row.note, class: "note", optional: true },
  { name: "measure it", text: (row) => row.command, node: (row) => el("code", {}, row.command), class: "note", optional: true },
];
