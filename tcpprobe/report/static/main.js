/* From the hash to the page, once at the start and whenever the hash changes. */

const pageTitle = document.title;
let listScroll = 0;
let runStarted = 0;

const started = () => runStarted;

async function show() {
  const theme = state.get("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  applyFilters();
  const row = rowOf.get(state.get("case"));
  const landing = $("#landing");
  const back = !row && landing.hidden;
  if (row && !landing.hidden) listScroll = scrollY;
  landing.hidden = Boolean(row);
  $("#detail").hidden = !row;
  const several = !row && comparing();
  $("#compare").hidden = !several;
  if (several) {
    landing.hidden = true;
    await showComparison();
    return;
  }
  if (row) {
    await showCase(row);
    return;
  }
  if (back) {
    const last = rows[view.number];
    Object.assign(view, { number: -1, result: null });
    document.title = pageTitle;
    scrollTo(0, listScroll);
    if (last) $("a", last).focus({ preventScroll: true });
  }
}

async function start() {
  document.documentElement.classList.replace("plain", "scripted");
  startList();
  startMap();
  startKeys();
  startDrop();
  for (const button of $$(".command .copy")) button.addEventListener("click", () => copy($("code", button.parentElement).textContent, button));
  $("#help-open").addEventListener("click", () => $("#help").showModal());
  $("#theme").addEventListener("click", () => {
    const dark = (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    state.set({ theme: dark ? "light" : "dark" }, true);
  });
  $("#save-results").addEventListener("click", async () => save(await allRecords(), "results.jsonl", "application/jsonl"));
  addEventListener("hashchange", () => {
    if (FILTERS.some((name) => state.get(name)) && !state.get("case") && !scrollY) $("#results").scrollIntoView();
    show();
  });
  addEventListener("beforeprint", () => forPaper(true));
  addEventListener("afterprint", () => forPaper(false));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width && view.result) redraw();
    if (innerWidth !== width && !$("#compare").hidden) showComparison();
    width = innerWidth;
  });
  const { run } = JSON.parse(await inflate(blocks.find((script) => script.dataset.kind === "run")));
  runStarted = (Date.parse(run.started) || 0) / 1000;
  await show();
}

start();
