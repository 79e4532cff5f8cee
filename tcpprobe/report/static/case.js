/* One scenario in full. */

const view = { number: -1, result: null, selected: -1, scale: "" };

async function showCase(row) {
  const number = Number(row.dataset.n);
  const detail = $("#detail");
  if (view.number !== number) {
    const result = await record(number);
    view.number = number;
    view.result = result;
    view.selected = -1;
    view.scale = null;
    detail.replaceChildren(...caseParts(row, result));
    scrollTo(0, 0);
    detail.focus({ preventScroll: true });
    document.title = `${plain(result.id)} – tcpprobe`;
    tell(`${result.verdict}: ${plain(result.title)}`);
  }
  caseState();
}

/* What of the state can change while the scenario stays the same. */
function caseState() {
  const { result } = view;
  const scale = state.get("scale") === "time" ? "time" : "even";
  const wanted = state.get("pkt");
  const selected = wanted !== "" && result.transcript[Number(wanted)] ? Number(wanted) : nearest(result);
  if (scale === view.scale && selected === view.selected) return;
  Object.assign(view, { scale, selected });
  for (const button of $$("[data-scale]")) button.setAttribute("aria-pressed", button.dataset.scale === scale);
  redraw();
  showPacket();
}

/* So many packets fill a screen: then the ladder scrolls by itself, and the chosen packet stays beside it. */
const LONG = 60;

function nearest(result) {
  const { transcript } = result;
  const found = transcript.findIndex((entry) => /^(missed|nearest)/.test(entry.note));
  return found >= 0 ? found : transcript.findLastIndex((entry) => entry.packet.length);
}

function redraw() {
  drawLadder();
  if ($("#plots")) drawPlots();
}

const choose = (index) => state.set({ pkt: index }, true);

/* On paper a ladder is as wide as a sheet, and one that is longer than a sheet gives way to its table. */
const SHEET = 700;

function forPaper(printing) {
  if (!view.result?.transcript.length) return;
  if (printing) $("#ladder").replaceChildren(ladder(view.result, SHEET, view.scale, view.selected, choose));
  else drawLadder();
  if (view.result.transcript.length > LONG) $(".twin").open = printing;
}

function drawLadder() {
  const box = $("#ladder");
  if (!box || !view.result.transcript.length) return;
  const long = view.result.transcript.length > LONG;
  box.classList.toggle("long", long);
  box.replaceChildren(ladder(view.result, Math.max(320, Math.floor(box.clientWidth)), view.scale, view.selected, choose));
  if (!long) return;
  box.tabIndex = 0;
  const y = Number($(".rung.selected .hit", box)?.getAttribute("y") ?? 0);
  if (y < box.scrollTop || y > box.scrollTop + box.clientHeight - 2 * RUNG) box.scrollTop = y - box.clientHeight / 2;
}

function showPacket() {
  const entry = view.result.transcript[view.selected];
  for (const row of $$("#packets tr[data-index]")) {
    row.setAttribute("aria-selected", Number(row.dataset.index) === view.selected);
  }
  if (!entry) return;
  $("#packet-title").textContent = `Packet ${view.selected + 1}`;
  $("#packet-line").textContent = plain(entry.text);
  const step = failingStep(view.result);
  const wrong = /^(missed|nearest)/.test(entry.note) && step ? step.differences.map((one) => one.field) : [];
  $("#packet").replaceChildren(packetView(entry, wrong));
}

function caseParts(row, result) {
  const step = failingStep(result);
  return [
    caseHead(result),
    el("div", { class: "pair" },
      el("section", { class: "card" }, el("h2", {}, "What must be"), result.covers.map(mustBe)),
      el("section", { class: "card" }, el("h2", {}, "What was seen"), seenView(result, step))),
    section("Script", el("p", { class: "where" }, el("code", {}, `${result.file}:${(step ?? result).line}`), copyButton(() => `${result.file}:${(step ?? result).line}`)),
      result.steps.length ? scriptView(result) : el("p", { class: "quiet" }, "No steps.")),
    result.transcript.length ? exchange(result) : section("Exchange", el("p", { class: "quiet" }, "Nothing was sent.")),
    section("Again", el("p", { class: "command" }, el("code", {}, result.reproduce || "–"), result.reproduce ? copyButton(() => result.reproduce) : null),
      attemptsView(result), observationsView(result)),
  ];
}

const section = (title, ...children) => el("section", {}, el("h2", {}, title), ...children);

function caseHead(result) {
  const { before, after, index, count } = neighbours();
  const link = (row, text, name) => (row ? el("a", { href: state.href({ case: row.dataset.id, pkt: "" }), rel: name, title: row.dataset.id }, text) : el("span", { class: "quiet" }, text));
  const meta = [
    LEVELS[result.level] ?? result.level,
    sectionLink(result.rfc, result.section),
    `${seconds(result.duration)}`,
    result.needs.length ? `needs ${result.needs.join(", ")}` : null,
    result.variant ? `variant ${result.variant}` : null,
  ].filter(Boolean);
  return el("header", { class: `case-head tone-${result.verdict}` },
    el("nav", { class: "crumbs", "aria-label": "Scenarios" },
      el("a", { href: state.href({ case: "", pkt: "", scale: "" }) }, "← all results"),
      el("span", {}, link(before, "‹ previous", "prev"), ` ${index + 1} of ${count} `, link(after, "next ›", "next"))),
    el("p", { class: "overline" }, verdict(result.verdict), " ", el("code", {}, result.id)),
    el("h1", {}, result.title),
    result.reason ? el("p", { class: "judgement" }, result.reason) : null,
    el("p", { class: "meta" }, meta.map((part, at) => [at ? " · " : "", part])));
}

function sectionLink(rfc, name) {
  if (!/^\d+$/.test(rfc)) return name;
  const anchor = /^\w+(\.\w+)*$/.test(name) ? `#section-${name}` : "";
  return el("a", { href: `https://www.rfc-editor.org/rfc/rfc${rfc}.html${anchor}`, rel: "noreferrer" }, `RFC ${rfc}${name ? ` §${name}` : ""}`);
}

function mustBe(id) {
  const rule = ruleOf(plain(id));
  if (!rule) return el("div", { class: "rule" }, el("p", { class: "req" }, id));
  return el("div", { class: "rule" },
    el("p", { class: "says" }, rule.text || "Not in the catalogue."),
    el("p", { class: "req" }, el("a", { href: state.href({ case: "", pkt: "", req: rule.id }) }, rule.id), " ", rule.level, " ",
      rule.url ? el("a", { href: rule.url, rel: "noreferrer" }, rule.section ? `§${rule.section}` : "RFC") : null));
}

function seenView(result, step) {
  if (!step) {
    const met = result.steps.filter((one) => one.outcome === "met");
    if (result.verdict !== "pass" || !met.length) return el("p", {}, result.reason || "–");
    return el("ol", { class: "met" }, met.map((one) => el("li", { value: one.index + 1 }, one.expected || one.kind)));
  }
  const pairs = [["expected", step.expected], ["seen", step.seen], ["at", step.time === null ? "" : seconds(step.time)]];
  return [
    el("p", { class: "near-miss" }, nearMiss(result, step)),
    el("dl", { class: "seen" }, pairs.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    differencesView(step),
  ];
}

/* What came nearest to what was expected, in one sentence. */
function nearMiss(result, step) {
  const index = result.transcript.findIndex((entry) => /^(missed|nearest)/.test(entry.note));
  if (step.outcome !== "missed") return step.variant ? `It was met as ${step.variant}.` : null;
  if (index < 0) return step.kind === "expect" ? "Nothing came that was nearly that." : null;
  const link = el("a", { href: state.href({ pkt: index }), onclick: () => $("#packet-title").scrollIntoView() }, `Packet ${index + 1}`);
  const names = step.differences.map(({ field: name }) => name);
  const fields = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
  if (!fields) return [link, ` after ${seconds(result.transcript[index].time)} was not expected.`];
  return [link, ` after ${seconds(result.transcript[index].time)} came nearest; it differs in ${fields}.`];
}

function exchange(result) {
  const toggle = (name, text) => el("button", { type: "button", "data-scale": name, onclick: () => state.set({ scale: name === "time" ? "time" : "" }, true) }, text);
  const transcript = () => result.transcript.map((entry) => `${entry.time.toFixed(6)} ${entry.kind === "event" ? "*" : ""}${plain(entry.text)}${entry.note ? `  (${plain(entry.note)})` : ""}`).join("\n");
  const name = plain(result.id).replace(/[^\w.-]+/g, "_").slice(0, 80);
  const capture = () => save([pcapng(result, started())], `${name}.pcapng`, "application/vnd.tcpdump.pcap");
  return el("section", {},
    el("h2", {}, "Exchange"),
    el("div", { class: "tools" },
      el("span", { class: "toggle", role: "group", "aria-label": "Ladder's scale" }, toggle("even", "even"), toggle("time", "true to time")),
      el("button", { type: "button", id: "capture", onclick: capture }, "Save pcapng"), copyButton(transcript, "Copy transcript")),
    el("div", { id: "ladder", class: "ladder-box", role: "group", "aria-label": "Ladder" }),
    el("details", { class: "twin" }, el("summary", {}, "The same as a table"), packetTable(result)),
    el("div", { id: "plots", hidden: true }),
    el("h2", {}, el("span", { id: "packet-title" }, "Packet")),
    el("p", { class: "packet-line" }, el("code", { id: "packet-line" })),
    el("div", { id: "packet" }));
}

function packetTable(result) {
  const again = repeats(result);
  return el("table", { id: "packets" },
    el("thead", {}, el("tr", {}, ["#", "time", "", "what", "step", "note"].map((name) => el("th", { scope: "col" }, name || el("span", { class: "hidden" }, "direction"))))),
    el("tbody", {}, result.transcript.map((entry, index) =>
      el("tr", { "data-index": index, class: rungTone(entry, again[index]), onclick: () => choose(index) },
        el("td", {}, el("button", { type: "button", class: "link" }, index + 1)), el("td", {}, seconds(entry.time)), el("td", {}, entry.kind), el("td", {}, entry.text),
        el("td", {}, result.steps[entry.step] ? entry.step + 1 : ""), el("td", {}, [again[index] ? "again" : "", entry.note].filter(Boolean).join(", "))))));
}

function attemptsView(result) {
  if (result.attempts.length < 2) return null;
  return el("div", {}, el("h3", {}, `Played ${result.attempts.length} times`),
    el("ol", { class: "attempts" }, result.attempts.map((one) => el("li", {}, verdict(one.verdict), " ", one.reason))));
}

function observationsView(result) {
  const found = Object.entries(result.observations);
  if (!found.length) return null;
  return el("div", {}, el("h3", {}, "Measured"),
    el("dl", { class: "passport" }, found.map(([name, value]) => el("div", {}, el("dt", {}, name.replace(/_/g, " ")), el("dd", {}, typeof value === "number" ? Number(value.toPrecision(4)) : value)))));
}
