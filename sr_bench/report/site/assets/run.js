// What is known of a run: its paper, file, numbers, and rows to copy.
function openDialog(title, ...content) {
  const dialog = byId("drill");
  dialog.replaceChildren(
    el("form", { method: "dialog" }, el("button", { class: "close", "aria-label": "Close" }, "×")),
    el("h2", { id: "drill-title" }, title), ...content,
  );
  dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); dialog.close(); });
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function openRun(run) {
  const cells = CELLS.filter((c) => c.run === run && MAIN.includes(c.metric));
  openDialog(runTitle(run), runFacts(run), ...picturesOf(run), runTable(run, cells),
    copyable("CSV, as in scores.csv", csvOf(run)), ...PROTOCOLS.filter((p) => cells.some((c) => c.protocol === p)).map((p) => copyable(`LaTeX, ${p.name}`, latexOf(run, p))),
    ...(methodOf(run).bibtex ? [copyable("BibTeX of the method", methodOf(run).bibtex)] : []));
}

function runFacts(run) {
  const { reference, paper, file } = methodOf(run);
  const link = (href, text) => (href ? el("a", { href }, text) : text);
  const facts = [["paper", reference ? link(paper, reference) : null], ["file", file ? link(DATA.links.root + file, file) : null],
    ["network", costText(run)], ["run", el("code", {}, run.name)]].filter(([, node]) => node);
  return el("dl", { class: "facts" }, ...facts.flatMap(([name, node]) => [el("dt", {}, name), el("dd", {}, node)]));
}

function costText(run) {
  const cost = COSTS_OF.get(run.name);
  if (!cost) return null;
  return cost.params ? `${cost.params.toLocaleString("en")} parameters, ${short(cost.macs)} multiply-adds for an image of 1280 × 720` : "none";
}

// The free photos of which the viewer has this run's picture.
function picturesOf(run) {
  const found = PICTURES.filter((p) => p.scale === run.scale && p.sr[run.name]);
  if (!found.length) return [];
  const link = (p) => el("a", { href: viewAddress(p.dataset, p.image, p.scale, "hr", run.name), onclick: () => byId("drill").close() }, p.image);
  return [el("p", {}, "Its pictures: ", ...found.flatMap((p, i) => [i ? ", " : "", link(p)]), ".")];
}

const publishedText = (c) => publishedOf(c).map((row) => `${row.published} ${DATA.sources[row.source].title}${row.where ? `, ${row.where}` : ""} (${row.verdict})`).join("; ");

function runTable(run, cells) {
  const columns = [
    { name: "number", text: (c) => `${c.dataset.name} ${metricName(c.metric)}` },
    { name: "measured", text: (c) => shown(c.metric, c.value), value: (c) => c.value, node: (c) => el("button", { type: "button", class: "cell", onclick: () => openDrill(c) }, shown(c.metric, c.value)) },
    { name: "published", text: (c) => publishedText(c) || "–", class: "note" },
    { name: "protocol", text: (c) => c.protocol.name },
  ];
  return sortable({ caption: "Its numbers, and what was published for the same weights", columns, rows: cells });
}

const CSV_COLUMNS = ["run", "dataset", "protocol", "metric", "value", "signature"];
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function csvOf(run) {
  const rows = CELLS.filter((c) => c.run === run).map((c) => [run.name, c.dataset.name, c.protocol.name, c.metric, String(c.value), c.protocol.signature]);
  return [CSV_COLUMNS, ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

const TEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
const tex = (text) => text.replace(/[\\~^&%$#_{}]/g, (c) => TEX[c] ?? `\\${c}`);

function latexOf(run, protocol) {
  const cells = CELLS.filter((c) => c.run === run && c.protocol === protocol && MAIN.includes(c.metric));
  const heads = ["method", "trained on", "by", ...cells.map((c) => `${c.dataset.name} ${metricName(c.metric)}`)];
  const row = [run.short, run.data === "none" ? "" : run.data, run.maker, ...cells.map((c) => shown(c.metric, c.value))];
  return `% x${run.scale}, ${protocol.signature}\n% ${heads.join(" & ")}\n${row.map(tex).join(" & ")} \\\\\n`;
}
