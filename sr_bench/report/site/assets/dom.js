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

// A labelled <select>; options are [value, text] pairs. `set` replaces them and keeps the choice.
let choices = 0;
function choice(label, changed) {
  const id = `choice-${(choices += 1)}`;
  const select = el("select", { id, onchange: () => changed() });
  const node = el("div", { class: "choice" }, el("label", { for: id }, label), select);
  const set = (options, wanted = select.value) => {
    select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
    if (options.some(([value]) => value === wanted)) select.value = wanted;
    node.hidden = options.length < 2;
  };
  return { node, set, select, get value() { return select.value; } };
}

// A labelled group of checkboxes; `value` is the set of what is ticked.
function ticks(label, options, ticked, changed) {
  const boxes = options.map(([value, text]) => {
    const box = el("input", { type: "checkbox", value, onchange: () => changed() });
    box.checked = ticked(value);
    return [box, el("label", {}, box, text)];
  });
  const node = el("fieldset", {}, el("legend", {}, label), ...boxes.map(([, text]) => text));
  return { node, get value() { return new Set(boxes.filter(([b]) => b.checked).map(([b]) => b.value)); } };
}

const fixed = (value, decimals) => (Number.isFinite(value) ? value.toFixed(decimals) : value > 0 ? "∞" : "–");
const signed = (value, decimals) => (value > 0 ? "+" : value < 0 ? "−" : "") + fixed(Math.abs(value), decimals);
