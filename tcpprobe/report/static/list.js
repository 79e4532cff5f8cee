/* The list of results: filters by verdict, level, RFC, need, tag, requirement and text, all in the hash. */

const rows = $$(".group tr[data-n]");
const rowOf = new Map(rows.map((row) => [row.dataset.id, row]));
let shown = rows;
let haystacks = null;

/* What any row has can be chosen; a choice of nothing is not shown. */
function offer(id, said) {
  const found = new Set(rows.flatMap((row) => said(row).split(" ")).filter(Boolean));
  for (const word of [...found].sort()) $(id).append(el("option", { value: word }, word));
  $(id).parentElement.hidden = !found.size;
}

function startList() {
  offer("#need", (row) => row.dataset.needs);
  offer("#tag", (row) => row.dataset.tags ?? "");
  if (rows.length > 300) {
    /* Long lists are laid out as they come into view; the guess keeps the scroll bar steady. */
    for (const group of $$(".group")) {
      group.classList.add("lazy");
      group.style.containIntrinsicSize = `auto ${2.5 + 1.9 * $$("tbody tr", group).length}rem`;
    }
  }
  const form = $("#filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => state.set(formState(), true));
  form.addEventListener("reset", (event) => { event.preventDefault(); clearFilters(); });
  $("#clear").addEventListener("click", clearFilters);
  for (const group of $$(".group tbody")) {
    group.addEventListener("click", (event) => {
      if (!event.target.closest("a") && !String(getSelection())) event.target.closest("tr")?.querySelector("a").click();
    });
  }
  /* The page's own links are written for those without JavaScript; followed here, they keep the theme, and to a
     scenario the filters. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("main a[href^='#'][href*='=']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const wanted = Object.fromEntries(new URLSearchParams(link.getAttribute("href").slice(1).replace(/\+/g, "%2B")));
    const filters = wanted.case ? {} : Object.fromEntries(FILTERS.map((name) => [name, ""]));
    state.set({ case: "", pkt: "", ...filters, ...wanted });
    if (!wanted.case) $("#results").scrollIntoView();
  });
}

const clearFilters = () => state.set(Object.fromEntries(FILTERS.map((name) => [name, ""])), true);

function formState() {
  const checked = (name) => $$(`#filters input[name=${name}]:checked`).map((box) => box.value).join(",");
  return { q: $("#q").value, v: checked("v"), l: checked("l"), rfc: $("#rfc").value, need: $("#need").value, tag: $("#tag").value, req: state.get("req") };
}

function applyFilters() {
  const text = state.get("q").toLowerCase().split(/\s+/).filter(Boolean);
  const [verdicts, levels] = [state.list("v"), state.list("l")];
  const [rfc, need, tag, req] = ["rfc", "need", "tag", "req"].map((name) => state.get(name));
  haystacks ??= rows.map((row) => `${row.textContent} ${row.dataset.more}`.toLowerCase());
  const cases = req ? new Set($$("a[data-v]", ruleRows.get(req)?.cells[4]).map((link) => link.textContent)) : null;
  shown = [];
  rows.forEach((row, index) => {
    const { v, l, needs, tags, more, id } = row.dataset;
    const keep = (!verdicts.length || verdicts.includes(v)) && (!levels.length || levels.includes(l))
      && (!rfc || row.closest(".group").dataset.rfc === rfc) && (!need || needs.split(" ").includes(need))
      && (!tag || (tags ?? "").split(" ").includes(tag))
      && (!cases || cases.has(id) || more.split(" ").includes(req)) && text.every((word) => haystacks[index].includes(word));
    if (row.hidden === keep) row.hidden = !keep;
    if (keep) shown.push(row);
  });
  for (const group of $$(".group")) group.hidden = !$("tr[data-n]:not([hidden])", group);
  const said = shown.length === rows.length ? `${rows.length.toLocaleString("en")} scenario${rows.length === 1 ? "" : "s"}` : `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  $("#shown").replaceChildren(said, req ? el("span", { class: "by" }, ` about ${req} `, el("button", { type: "button", class: "link", onclick: () => state.set({ req: "" }) }, "all")) : "");
  $("#none").hidden = shown.length > 0 || !rows.length;
  fillForm(text.length ? state.get("q") : "");
}

function fillForm(query) {
  if (document.activeElement !== $("#q")) $("#q").value = query;
  for (const name of ["v", "l"]) {
    const wanted = state.list(name);
    for (const box of $$(`#filters input[name=${name}]`)) box.checked = wanted.includes(box.value);
  }
  $("#rfc").value = state.get("rfc");
  $("#need").value = state.get("need");
  $("#tag").value = state.get("tag");
}

/* Where the open scenario stands among those that the filters show. */
function neighbours() {
  const open = rowOf.get(state.get("case"));
  const among = shown.includes(open) ? shown : rows;
  const index = among.indexOf(open);
  return { before: among[index - 1], after: among[index + 1], index, count: among.length };
}
