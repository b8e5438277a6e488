// Theme, summary, and the sections in their order. A changed address draws all of it again.
const THEMES = ["system", "light", "dark"];
const SECTIONS = { leaderboard, viewer, speed: plot, ledger };

function theme() {
  const wanted = STATE.get("theme"), now = THEMES.includes(wanted) ? wanted : THEMES[0];
  document.documentElement.dataset.theme = now;
  byId("theme").textContent = `Theme: ${now}`;
}

function nextTheme() {
  const now = THEMES.indexOf(document.documentElement.dataset.theme);
  remember({ theme: THEMES[(now + 1) % THEMES.length] });
  theme();
}

function summary() {
  const counts = VERDICTS.map((v) => [v, LEDGER.filter((row) => row.verdict === v).length]).filter(([, n]) => n);
  const published = counts.length ? ` Of ${LEDGER.length} published numbers: ${counts.map(([v, n]) => `${n} ${v}`).join(", ")}.` : "";
  byId("summary").textContent = `${DATA.runs.length} super-resolution runs on ${DATA.datasets.map((d) => d.name).join(", ")}. Each number of the leaderboard stands under the one protocol that made it.${published}`;
}

function draw() {
  readState();
  theme();
  for (const [name, fill] of Object.entries(SECTIONS)) {
    const root = byId(name);
    root.replaceChildren(root.querySelector("h2"));
    fill(root);
  }
  if (SECTIONS[STATE.get("at")]) goTo(STATE.get("at"));
}

function goTo(name) {
  const root = byId(name);
  root.scrollIntoView();
  (root.querySelector(".stage") ?? root.querySelector("h2")).focus({ preventScroll: true });
}

summary();
draw();
byId("theme").addEventListener("click", nextTheme);
window.addEventListener("hashchange", draw);
for (const link of document.querySelectorAll("nav a, .skip")) {
  link.addEventListener("click", (event) => { // keep the rest of the address
    event.preventDefault();
    remember({ at: link.hash.slice(1) });
    goTo(link.hash.slice(1));
  });
}
