// The drill-down: one cell's images, beside the baseline's and the best run's, and where to see them.
function rivals(cell) {
  const same = CELLS.filter((c) => c.dataset === cell.dataset && c.protocol === cell.protocol && c.metric === cell.metric && c.run.scale === cell.run.scale);
  const ranked = same.filter((c) => Number.isFinite(c.value)); // an infinite mean does not rank
  const best = (ranked.length ? ranked : same).reduce((a, b) => (isBetter(cell.metric, b.value, a.value) ? b : a));
  return { base: same.find((c) => c.run.method === DATA.baseline), best };
}

function drillColumns(cell, { base, best }, seen) {
  const value = (name, from) => {
    const images = from.images;
    return { name, text: (row) => fixed(images[row.i] ?? NaN, DATA.imageDecimals), value: (row) => images[row.i] };
  };
  const own = cell.images, columns = [{ name: "image", text: (row) => row.image }, value("this run", cell)];
  if (base && base !== cell) {
    const others = base.images, gain = (row) => own[row.i] - others[row.i];
    columns.push(value(base.run.short, base), { name: "gain", text: (row) => signed(gain(row), factsOf(cell.metric).decimals), value: gain });
  }
  if (best !== cell) columns.push(value(`best: ${best.run.short}, ${trainedOn(best.run)}`, best));
  if (seen) columns.push({ name: "view", text: () => "–", node: (row) => viewLink(cell, row.image, base) });
  return columns;
}

function viewLink(cell, image, base) {
  const picture = pictureOf(cell.dataset.name, image, cell.run.scale);
  if (!picture?.sr[cell.run.name]) return null;
  const left = base && base !== cell && picture.sr[base.run.name] ? base.run.name : "hr";
  const href = viewAddress(cell.dataset.name, image, cell.run.scale, left, cell.run.name);
  return el("a", { href, "aria-label": `view ${image}`, onclick: () => byId("drill").close() }, "view");
}

// Why a number leads to no picture; nothing where it does.
function whyUnseen(cell) {
  const { viewer, free } = DATA, set = cell.dataset.name;
  const make = "sr-bench report in a clone that has upscaled them writes build/page/index.html";
  if (!viewer) return `This page was written without images: ${make} with them.`;
  if (!PICTURES.some((p) => p.dataset === set)) {
    return free.includes(set) ? `This page holds no pictures of ${set}: ${make} with them.` : `Pictures of ${set} may not be redistributed: ${make} with them.`;
  }
  if (viewer.protocol !== cell.protocol.name) return `The viewer shows images made under ${viewer.protocol}; these were made under ${cell.protocol.name}.`;
  if (!PICTURES.some((p) => p.dataset === set && p.sr[cell.run.name])) return `This page holds pictures of ${set} for some runs only, and this is none of them: ${make} for all runs.`;
  return "";
}

function openDrill(cell) {
  const facts = `${metricName(cell.metric)} of each image of ${cell.dataset.name}, x${cell.run.scale}, ${cell.protocol.name}; mean ${fixed(cell.value, DATA.imageDecimals)}`;
  const [own, why, printed] = [cell.images, whyUnseen(cell), publishedText(cell)];
  const rows = cell.dataset.images.map((image, i) => ({ image, i })).filter((row) => (own[row.i] ?? null) !== null);
  openDialog(runTitle(cell.run),
    ...(printed ? [el("p", {}, `Published: ${printed}.`)] : []),
    ...(why ? [el("p", { class: "notice" }, why), ...picturesOf(cell.run)] : []),
    sortable({ caption: facts, columns: drillColumns(cell, rivals(cell), !why), rows }),
    el("p", { class: "signature" }, el("code", {}, cell.protocol.signature)),
    el("p", {}, el("button", { type: "button", onclick: () => openRun(cell.run) }, "All of this run: paper, file, citation, rows to copy")),
  );
}
