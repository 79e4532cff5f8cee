/* The requirements: the table twin holds the data, the map of squares points into it. */

const ruleRows = new Map($$("#rules tr[data-rule]").map((row) => [row.dataset.rule, row]));

function ruleOf(id) {
  const row = ruleRows.get(id);
  if (!row) return null;
  return {
    id, url: row.dataset.url, section: row.dataset.section, level: row.cells[1].textContent,
    text: row.cells[2].textContent, standing: row.cells[3].textContent, state: row.dataset.state,
  };
}

function startMap() {
  const map = $(".map");
  const said = $("#map-said");
  const say = (square) => {
    const rule = ruleOf(square.dataset.rule);
    said.replaceChildren(el("b", {}, rule.id), ` ${rule.level} – ${rule.standing}. ${rule.text}`);
  };
  const squares = $$("button.sq", map);
  if (squares.length) squares[0].tabIndex = 0;
  map.addEventListener("mouseover", (event) => event.target.dataset.rule && say(event.target));
  map.addEventListener("focusin", (event) => {
    if (!event.target.dataset.rule) return;
    for (const square of $$("button.sq[tabindex='0']", map)) square.tabIndex = -1;
    event.target.tabIndex = 0;
    say(event.target);
  });
  map.addEventListener("click", (event) => {
    if (event.target.dataset.rule) {
      state.set({ req: event.target.dataset.rule });
      $("#results").scrollIntoView();
    }
  });
  map.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.dataset.rule) return;
    event.preventDefault();
    event.stopPropagation();
    squares[squares.indexOf(event.target) + step]?.focus();
  });
}
