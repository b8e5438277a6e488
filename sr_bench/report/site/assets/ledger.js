// Every published number with its verdict; rows that weren't run are hidden until asked for.
const VERDICTS = ["reproduced", "close", "differs", "not run"];
const SIGNS = { reproduced: "✓", close: "≈", differs: "✗", "not run": "·" };

function verdictMark(verdict) {
  return el("span", { class: `verdict ${verdict.replace(" ", "-")}` }, `${SIGNS[verdict] ?? ""} ${verdict}`);
}

function ledger(root) {
  if (!DATA.ledger.length) return root.append(notice("This project has no ledger of published numbers."));
  const count = (verdict) => DATA.ledger.filter((row) => row.verdict === verdict).length;
  const verdicts = ticks("verdict", VERDICTS.map((v) => [v, `${v} (${count(v)})`]), (v) => v !== "not run", draw);
  const source = choice("source", draw);
  source.set([["", "all"], ...unique(DATA.ledger.map((row) => row.source)).map((s) => [s, s])]);
  const table = el("div");
  function draw() {
    const rows = DATA.ledger.filter((row) => verdicts.value.has(row.verdict) && (!source.value || row.source === source.value));
    const shown = `${rows.length} of ${DATA.ledger.length} published numbers`;
    table.replaceChildren(rows.length ? sortable({ caption: shown, columns: LEDGER_COLUMNS, rows }) : notice("No published number is left: tick a verdict."));
  }
  root.append(el("div", { class: "controls" }, source.node), el("div", { class: "filters" }, verdicts.node), table);
  draw();
}

// Two digits more than were printed, as the report's README has it.
const measuredDigits = (row) => (row.published.split(".")[1] ?? "").length + 2;
const LEDGER_COLUMNS = [
  { name: "verdict", text: (row) => row.verdict, node: (row) => verdictMark(row.verdict) },
  { name: "source", text: (row) => row.source, class: "wrap" },
  { name: "method", text: (row) => `${DATA.methods[row.method].title} ${row.variant ?? ""}`.trim(), class: "wrap" },
  { name: "dataset", text: (row) => `${row.dataset} x${row.scale}` },
  { name: "metric", text: (row) => metricName(row.metric) },
  { name: "published", text: (row) => row.published, value: (row) => Number(row.published) },
  { name: "measured", text: (row) => (row.measured === null ? "–" : fixed(real(row.measured), measuredDigits(row))), value: (row) => real(row.measured) },
  { name: "delta", text: (row) => (row.delta === null ? "–" : signed(real(row.delta), measuredDigits(row))), value: (row) => real(row.delta) },
  { name: "protocol", text: (row) => row.protocol },
  { name: "note", text: (row) => row.note ?? "", class: "note" },
];
