// Two images of one scene at the same place and zoom. No pixel is read (a page on disk may not):
// the difference is blended by the browser itself.
const ZOOMS = [0.125, 16];

function viewer(root) {
  const pictures = PICTURES;
  if (!pictures.length) {
    return root.append(notice("This page was written without images. A clone that has them in build/sr writes a page that compares them: see docs/page.md."));
  }
  const pick = Object.fromEntries([["dataset", chosen], ["image", chosen], ["scale", chosen], ["left", turned], ["right", turned]].map(([name, changed]) => [name, choice(name, null, changed)]));
  pick.mode = choice("view", "mode", onMode);
  const stage = makeStage();
  const scores = el("p", { class: "scores", role: "status" });
  pick.mode.set([["slider", "slider"], ["sides", "side by side"], ["difference", "difference"]]);
  const swap = el("button", { type: "button", onclick: () => { show(pick.right.value, pick.left.value); keep(); } }, "Swap");
  root.append(el("div", { class: "controls" }, ...Object.values(pick).map((p) => p.node), swap), stage.node, scores, help());

  // The address holds the five choices as one value, so that a link can name them all.
  const PARTS = ["dataset", "image", "scale", "left", "right"];
  function keep() { remember({ view: viewOf(...PARTS.map((part) => pick[part].value)) }); }
  function chosen() { onPicture(); keep(); }
  function turned() { onRun(); keep(); }
  const names = (list) => unique(list).map((v) => [String(v), String(v)]);
  const current = () => pictureOf(pick.dataset.value, pick.image.value, Number(pick.scale.value));
  function onPicture() {
    const [left, right] = [pick.left.value, pick.right.value];
    pick.dataset.set(names(pictures.map((p) => p.dataset)));
    const ofSet = pictures.filter((p) => p.dataset === pick.dataset.value);
    pick.image.set(names(ofSet.map((p) => p.image)));
    pick.scale.set(ofSet.filter((p) => p.image === pick.image.value).map((p) => [String(p.scale), `x${p.scale}`]));
    const runs = Object.keys(current().sr);
    const options = [["hr", "HR (the reference)"], ...runs.map((run) => [run, RUNS.has(run) ? runTitle(RUNS.get(run)) : run])];
    pick.left.set(options);
    pick.right.set(options);
    stage.resize(current());
    const known = (name, other) => (options.some(([value]) => value === name) ? name : other);
    show(known(left, runs[0] ?? "hr"), known(right, bestOf(runs)));
  }
  const scoreOf = (run, metric) => {
    const cell = cellOf(run, pick.dataset.value, DATA.viewer.protocol, metric);
    return cell?.images[cell.dataset.images.indexOf(pick.image.value)];
  };
  const isScored = (run, metric) => (scoreOf(run, metric) ?? null) !== null;
  const bestOf = (runs) => runs.filter((run) => isScored(run, QUALITY)).reduce((a, b) => (a === "hr" || isBetter(QUALITY, scoreOf(b, QUALITY), scoreOf(a, QUALITY)) ? b : a), "hr");
  function show(left, right) {
    pick.left.select.value = left;
    pick.right.select.value = right;
    onRun();
  }
  function onRun() {
    const address = (name) => (name === "hr" ? current().hr : current().sr[name]);
    const title = (name) => (name === "hr" ? "HR" : RUNS.has(name) ? runTitle(RUNS.get(name)) : name);
    stage.load(...[pick.left.value, pick.right.value].map((name) => [title(name), address(name)]));
    const text = (name) => (name === "hr" ? "HR" : `${title(name)}: ${scoreText(name)}`);
    scores.textContent = `Left ${text(pick.left.value)}. Right ${text(pick.right.value)}. (${DATA.viewer.protocol})`;
  }
  const scoreText = (run) => {
    const known = MAIN.filter((metric) => isScored(run, metric));
    return known.map((metric) => withUnit(metric, scoreOf(run, metric))).join(" / ") || "not scored";
  };
  function onMode() { stage.mode(pick.mode.value); }
  function onView() {
    const [dataset, image, scale, left, right] = (STATE.get("view") ?? "").split("/").map(decodeURIComponent);
    if (!pictureOf(dataset, image, Number(scale))) return;
    for (const [part, value] of [["dataset", dataset], ["image", image], ["scale", scale]]) {
      pick[part].select.value = value;
      onPicture();
    }
    show(left, right);
  }
  stage.key("d", () => { pick.mode.select.value = pick.mode.value === "difference" ? "slider" : "difference"; onMode(); });
  stage.key("s", () => { show(pick.right.value, pick.left.value); keep(); });
  onPicture();
  onMode();
  onView();
}

const help = () => el("details", { class: "hint" }, el("summary", {}, "Mouse, touch and keys"), el("p", {},
  "Drag to pan, wheel (with the picture focused) or pinch to zoom, drag the bar or use the slider. Keys on the picture: arrows pan, + and − zoom, 0 fits, 1 is one pixel to one, [ and ] move the bar, d shows the difference, s swaps. hr is cut to sr's size, as modcrop does. The difference is of the colours shown, brightened as many times as it says."));
