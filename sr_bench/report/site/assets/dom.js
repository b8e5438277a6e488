// Elements are built here alone, and text only ever becomes a text node: no name can turn into markup.
const byId = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const unique = (values) => [...new Set(values)];

// A labelled <select> whose choice stands in the address under `key`, if it has one; the first option
// is the default.
// Options are [value, text] pairs. `set` replaces them and keeps the choice.
let controls = 0;
function choice(label, key, changed) {
  const id = `control-${(controls += 1)}`;
  const keep = () => { if (key) remember({ [key]: select.selectedIndex ? select.value : "" }); };
  const select = el("select", { id, onchange: () => { keep(); changed(); } });
  const node = el("div", { class: "choice" }, el("label", { for: id }, label), select);
  const set = (options, wanted = STATE.get(key) ?? select.value) => {
    select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
    if (options.some(([value]) => value === wanted)) select.value = wanted;
    node.hidden = options.length < 2;
  };
  return { node, set, select, get value() { return select.value; } };
}

// A labelled group of checkboxes; `value` is the set of what is ticked.
function ticks(label, key, options, byDefault, changed) {
  const given = STATE.has(key) ? new Set(unpacked(STATE.get(key))) : null;
  const ticked = () => boxes.filter(([box]) => box.checked).map(([box]) => box.value);
  const keep = () => remember({ [key]: boxes.every(([box]) => box.checked === byDefault(box.value)) ? "" : packed(ticked()) });
  const boxes = options.map(([value, text]) => {
    const box = el("input", { type: "checkbox", value, onchange: () => { keep(); changed(); } });
    box.checked = given ? given.has(value) : byDefault(value);
    return [box, el("label", {}, box, text)];
  });
  const node = el("fieldset", {}, el("legend", {}, label), ...boxes.map(([, text]) => text));
  return { node, get value() { return new Set(ticked()); } };
}

// A search box; `fits` is whether a text holds every word of it.
function search(label, key, changed) {
  const id = `control-${(controls += 1)}`;
  const input = el("input", { id, type: "search", value: STATE.get(key) ?? "", autocomplete: "off", spellcheck: "false", oninput: () => { remember({ [key]: input.value.trim() }); changed(); } });
  const node = el("div", { class: "choice" }, el("label", { for: id }, label), input);
  const words = () => input.value.toLowerCase().split(/\s+/).filter(Boolean);
  return { node, fits: (text) => words().every((word) => text.toLowerCase().includes(word)) };
}

// A text to copy, folded; the button copies it, or selects it where the browser forbids that.
function copyable(title, text) {
  const shown = el("pre", { tabindex: "0", "aria-label": title }, text);
  const button = el("button", { type: "button", onclick: copy }, "Copy");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(shown);
      button.textContent = "Selected: copy it with the keyboard";
    }
  }
  return el("details", { class: "copyable" }, el("summary", {}, title), button, shown);
}

const fixed = (value, decimals) => (Number.isFinite(value) ? value.toFixed(decimals) : value > 0 ? "∞" : "–");
const signed = (value, decimals) => (value > 0 ? "+" : value < 0 ? "−" : "") + fixed(Math.abs(value), decimals);
