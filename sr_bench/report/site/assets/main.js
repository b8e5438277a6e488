// Theme, summary, and the sections in their order.
const THEMES = ["system", "light", "dark"];

function theme() {
  const button = byId("theme");
  let now = 0;
  button.addEventListener("click", () => {
    now = (now + 1) % THEMES.length;
    document.documentElement.dataset.theme = THEMES[now];
    button.textContent = `Theme: ${THEMES[now]}`;
  });
}

function summary() {
  const runs = DATA.runs.length;
  const counts = VERDICTS.map((v) => [v, LEDGER.filter((row) => row.verdict === v).length]).filter(([, n]) => n);
  const published = counts.length ? ` Of ${LEDGER.length} published numbers: ${counts.map(([v, n]) => `${n} ${v}`).join(", ")}.` : "";
  byId("summary").textContent = `${runs} super-resolution runs on ${DATA.datasets.map((d) => d.name).join(", ")}. Each number stands under the protocol that made it; two protocols never share a table.${published}`;
}

theme();
summary();
leaderboard(byId("leaderboard"));
plot(byId("speed"));
ledger(byId("ledger"));
viewer(byId("viewer"));
