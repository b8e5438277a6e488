// A table that sorts by any column. A column is {name, text(row), value?(row), node?(row), group?}.
// Rows without a value stay last in both directions. Long tables are shown a page at a time; `key` is
// where the address keeps the order.
const PAGE = 50;
function sortable({ caption, columns, rows, sort, key }) {
  const body = el("tbody"), pager = pages(rows.length, draw);
  const heads = columns.map((column, i) =>
    el("th", { scope: "col", class: column.value ? "number" : null },
      el("button", { type: "button", onclick: () => turn(i) }, column.name, el("span", { class: "arrow", "aria-hidden": "true" }))));
  let [at, down] = orderOf(key, columns) ?? sort ?? [-1, false];
  const valueOf = (row) => (columns[at].value ?? columns[at].text)(row);
  const absent = (value) => value === null || value === undefined || Number.isNaN(value);

  function order(one, other) {
    const [[a], [b]] = [one, other];
    if (absent(a) || absent(b)) return absent(a) - absent(b);
    const sign = typeof a === "number" ? (a > b) - (a < b) : String(a).localeCompare(String(b), "en", { numeric: true });
    return down ? -sign : sign;
  }
  function draw() {
    const sorted = at < 0 ? rows : rows.map((row) => [valueOf(row), row]).sort(order).map(([, row]) => row);
    heads.forEach((head, i) => head.setAttribute("aria-sort", i !== at ? "none" : down ? "descending" : "ascending"));
    body.replaceChildren(...sorted.slice(pager.first, pager.first + PAGE).map((row) => el("tr", { class: row.mark ?? null }, ...columns.map((column, i) => {
      const content = column.node?.(row) ?? column.text(row);
      return el(i ? "td" : "th", { scope: i ? null : "row", class: column.value ? "number" : column.class ?? null }, content);
    }))));
    oneTabStop(body);
  }
  function turn(i) {
    down = i === at ? !down : Boolean(columns[i].value);
    at = i;
    if (key) remember({ [key]: packed([columns[at].name, down ? "down" : "up"]) });
    pager.restart();
  }
  pager.restart();
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body);
  const region = el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption }, table);
  return el("div", {}, el("p", { class: "caption" }, caption), region, pager.node);
}

// The order that the address asks for; none where it names no column of this table.
function orderOf(key, columns) {
  const [name, way] = key && STATE.has(key) ? unpacked(STATE.get(key)) : [];
  const at = columns.findIndex((column) => column.name === name);
  return at < 0 ? null : [at, way === "down"];
}

// Which rows of a long table are shown; `restart` goes back to the first ones and draws.
function pages(count, draw) {
  const said = el("span", { role: "status" });
  const step = (text, by) => el("button", { type: "button", onclick: () => go(pager.first + by) }, text);
  const [back, on] = [step("Previous", -PAGE), step("Next", PAGE)];
  const pager = { first: 0, restart: () => go(0), node: el("div", { class: "pager", hidden: count <= PAGE }, back, said, on) };
  function go(first) {
    pager.first = first;
    back.disabled = first <= 0;
    on.disabled = first + PAGE >= count;
    said.textContent = `rows ${first + 1} to ${Math.min(count, first + PAGE)} of ${count}`;
    draw();
  }
  return pager;
}

// The buttons of a table's body are one tab stop; arrow keys go from one to the next.
function oneTabStop(body) {
  const grid = [...body.rows].map((row) => [...row.querySelectorAll("button, a")]).filter((row) => row.length);
  const go = (node) => {
    grid.flat().forEach((each) => { each.tabIndex = each === node ? 0 : -1; });
    return node;
  };
  if (grid.length) go(grid[0][0]);
  body.onfocusin = (event) => { if (grid.flat().includes(event.target)) go(event.target); };
  body.onkeydown = (event) => {
    const y = grid.findIndex((row) => row.includes(event.target));
    if (y < 0) return;
    const x = grid[y].indexOf(event.target);
    const to = { ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], Home: [y, 0], End: [y, grid[y].length - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    const row = grid[to[0]];
    row?.[Math.min(to[1], row.length - 1)]?.focus();
  };
}
