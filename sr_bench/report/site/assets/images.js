// The drill-down: one cell's images, beside the baseline's and the best run's.
function rivals(cell) {
  const same = CELLS.filter((c) => c.dataset === cell.dataset && c.protocol === cell.protocol && c.metric === cell.metric && c.run.scale === cell.run.scale);
  const ranked = same.filter((c) => Number.isFinite(c.value)); // an infinite mean does not rank
  const best = (ranked.length ? ranked : same).reduce((a, b) => (isBetter(cell.metric, b.value, a.value) ? b : a));
  return { base: same.find((c) => c.run.method === DATA.baseline), best };
}

function drillColumns(cell, { base, best }) {
  const value = (name, from) => ({
    name, text: (row) => fixed(from.images[row.i] ?? NaN, DATA.imageDecimals), value: (row) => from.images[row.i],
  });
  const gain = (row) => cell.images[row.i] - base.images[row.i];
  const columns = [{ name: "image", text: (row) => row.image }, value("this run", cell)];
  if (base && base !== cell) {
    columns.push(value(base.run.short, base), { name: "gain", text: (row) => signed(gain(row), factsOf(cell.metric).decimals), value: gain });
  }
  if (best !== cell) columns.push(value(`best: ${best.run.short}, ${trainedOn(best.run)}`, best));
  if (DATA.viewer?.protocol === cell.protocol.name) columns.push({ name: "view", text: () => "–", node: (row) => viewLink(cell, row.image, base) });
  return columns;
}

function viewLink(cell, image, base) {
  const picture = pictureOf(cell.dataset.name, image, cell.run.scale);
  if (!picture?.sr[cell.run.name]) return null;
  const left = base && base !== cell && picture.sr[base.run.name] ? base.run.name : "hr";
  const href = viewAddress(cell.dataset.name, image, cell.run.scale, left, cell.run.name);
  return el("a", { href, "aria-label": `view ${image}`, onclick: () => byId("drill").close() }, "view");
}

function openDrill(cell) {
  const dialog = byId("drill");
  const facts = `${metricName(cell.metric)} of each image of ${cell.dataset.name}, x${cell.run.scale}, ${cell.protocol.name}; mean ${fixed(cell.value, DATA.imageDecimals)}`;
  const rows = cell.dataset.images.map((image, i) => ({ image, i })).filter((row) => cell.images[row.i] !== null && cell.images[row.i] !== undefined);
  dialog.replaceChildren(
    el("form", { method: "dialog" }, el("button", { class: "close", "aria-label": "Close" }, "×")),
    el("h2", { id: "drill-title" }, cell.run.name),
    sortable({ caption: facts, columns: drillColumns(cell, rivals(cell)), rows }),
    el("p", { class: "signature" }, el("code", {}, cell.protocol.signature)),
  );
  dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); dialog.close(); });
  dialog.showModal();
}
