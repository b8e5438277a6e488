// The viewer's stage: two panes that share one position, zoom and bar.
function makeStage() {
  const pane = (side) => {
    const image = el("img", { alt: "", draggable: "false" });
    const label = el("span", { class: `tag ${side}` });
    const error = el("p", { class: "missing", role: "alert", hidden: true });
    const sheet = el("div", { class: "sheet" }, image);
    return { image, label, error, sheet, node: el("div", { class: `pane ${side}` }, sheet, error) };
  };
  const [left, right] = [pane("left"), pane("right")];
  const bar = el("div", { class: "bar", "aria-hidden": "true" });
  const blend = el("div", { class: "blend" }, left.node, right.node);
  const view = el("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Pictures: arrows pan, plus and minus zoom, brackets move the bar" }, blend, bar, left.label, right.label);
  const slider = el("input", { type: "range", min: "0", max: "100", value: "50", "aria-label": "bar between left and right", oninput: () => draw() });
  const gain = el("input", { type: "range", min: "1", max: "32", value: "8", "aria-label": "brightness of the difference", oninput: () => draw() });
  const gainLabel = el("label", { class: "gain" }, "difference x", el("output"), gain);
  const zoomText = el("output", { class: "zoom", "aria-live": "polite" });
  const button = (text, label, action) => el("button", { type: "button", "aria-label": label, onclick: action }, text);
  const tools = el("div", { class: "controls tools" }, slider, gainLabel, button("−", "zoom out", () => zoomBy(0.5)), zoomText,
    button("+", "zoom in", () => zoomBy(2)), button("Fit", "fit the picture", () => fit()), button("1:1", "1:1, one pixel to one", () => zoomTo(1)));
  const size = { width: 1, height: 1 };
  let [x, y, zoom, mode] = [0, 0, 1, "slider"];

  const width = () => view.clientWidth / (mode === "sides" ? 2 : 1);
  const clampTo = (value, low, high) => Math.min(high, Math.max(low, value));
  function settle() {
    const inside = (at, room, length) => (length <= room ? (room - length) / 2 : clampTo(at, room - length, 0));
    x = inside(x, width(), size.width * zoom);
    y = inside(y, view.clientHeight, size.height * zoom);
  }
  function draw() {
    settle();
    for (const { sheet } of [left, right]) sheet.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
    view.dataset.mode = mode;
    view.style.touchAction = size.height * zoom <= view.clientHeight + 1 ? "pan-y" : "none";
    view.style.setProperty("--at", `${slider.value}%`);
    view.style.setProperty("--gain", gain.value);
    gainLabel.hidden = mode !== "difference";
    slider.hidden = mode !== "slider";
    gainLabel.querySelector("output").textContent = gain.value;
    zoomText.textContent = `${Math.round(zoom * 100)} %`;
  }
  function zoomTo(wanted, px = width() / 2, py = view.clientHeight / 2) {
    const next = clampTo(wanted, ...ZOOMS);
    [x, y, zoom] = [px - (px - x) * (next / zoom), py - (py - y) * (next / zoom), next];
    draw();
  }
  const zoomBy = (factor, px, py) => zoomTo(zoom * factor, px, py);
  function fit() {
    zoom = Math.min(width() / size.width, view.clientHeight / size.height);
    draw();
  }
  function slide(by) {
    slider.value = Number(slider.value) + by;
    draw();
  }
  const keys = { ArrowLeft: () => pan(40, 0), ArrowRight: () => pan(-40, 0), ArrowUp: () => pan(0, 40), ArrowDown: () => pan(0, -40),
    "+": () => zoomBy(2), "=": () => zoomBy(2), "-": () => zoomBy(0.5), 0: fit, 1: () => zoomTo(1), "[": () => slide(-5), "]": () => slide(5) };
  function pan(dx, dy) {
    [x, y] = [x + dx, y + dy];
    draw();
  }
  view.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
  gestures(view, { pan, zoomBy, bar: () => mode === "slider" && Number(slider.value) / 100, slideTo: (share) => { slider.value = share * 100; draw(); }, width });
  new ResizeObserver(draw).observe(view);

  function load(...named) {
    [left, right].forEach((side, i) => {
      const [name, address] = named[i];
      side.label.textContent = name;
      side.error.hidden = true;
      side.image.alt = `${side === left ? "left" : "right"}: ${name}`;
      side.image.onerror = () => { side.error.hidden = false; side.error.textContent = `${address} is not beside this page.`; };
      side.image.src = address;
    });
  }
  function resize(picture) {
    if (size.width === picture.width && size.height === picture.height) return;
    Object.assign(size, { width: picture.width, height: picture.height });
    for (const { sheet } of [left, right]) Object.assign(sheet.style, { width: `${size.width}px`, height: `${size.height}px` });
    fit();
  }
  return { node: el("div", {}, tools, view), load, resize, focus: () => view.focus({ preventScroll: true }), key: (name, action) => { keys[name] = action; },
    mode: (name) => { const rooms = width(); mode = name; width() === rooms ? draw() : fit(); } };
}

// Pointers to movements: one pans, or moves the bar where it starts on it; two pinch.
function gestures(view, { pan, zoomBy, bar, slideTo, width }) {
  const held = new Map();
  let onBar = false;
  const place = (event) => {
    const box = view.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, share: (event.clientX - box.left) / box.width };
  };
  const apart = () => { const [a, b] = [...held.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  view.addEventListener("pointerdown", (event) => {
    const at = place(event), share = bar();
    held.set(event.pointerId, at);
    onBar = share !== false && Math.abs(at.share - share) * view.clientWidth < 22;
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const at = place(event), wide = held.size > 1 && apart();
    held.set(event.pointerId, at);
    if (wide) {
      const [a, b] = [...held.values()];
      zoomBy(apart() / wide, ((a.x + b.x) / 2) % width(), (a.y + b.y) / 2);
    } else if (onBar) slideTo(Math.min(1, Math.max(0, at.share)));
    else pan(at.x - before.x, at.y - before.y);
  });
  for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, (event) => held.delete(event.pointerId));
  view.addEventListener("wheel", (event) => {
    if (document.activeElement !== view && !event.ctrlKey) return;
    event.preventDefault();
    const at = place(event);
    zoomBy(2 ** (-event.deltaY / 240), at.x % width(), at.y);
  }, { passive: false });
}
