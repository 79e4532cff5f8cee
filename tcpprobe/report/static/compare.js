/* Several runs on one page: what is not the same in all of them, and any scenario's plays side by side. */

const names = JSON.parse(document.body.dataset.names ?? "null");
const compared = { runs: null, found: null, drawn: null };
const GROUPS = { unchanged: "Otherwise different" };

async function ownRuns() {
  const scripts = $$('script[type="application/x-tcpprobe"][data-run]');
  const numbers = [...new Set(scripts.map((script) => script.dataset.run))];
  const texts = numbers.map((number) => scripts.filter((script) => script.dataset.run === number));
  const runs = [];
  for (const [index, each] of [...texts, blocks].entries()) {
    runs.push(runFrom((await Promise.all(each.map(inflate))).join(""), names?.[index] ?? "this report"));
  }
  return runs;
}

/* A run from the lines of its results file; a last line that is cut short is passed over. */
function runFrom(text, name) {
  const lines = text.split("\n").filter(Boolean);
  const found = { name, run: null, results: [], end: null };
  lines.forEach((line, number) => {
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      if (number === lines.length - 1) return;
      throw new Error(`line ${number + 1} is no line of tcpprobe results`);
    }
    if (record.run) found.run = record.run;
    else if (record.result) found.results.push(sound(record.result));
    else if (record.end) found.end = record.end;
  });
  if (!found.run || typeof found.run !== "object") throw new Error("there are no tcpprobe results inside");
  if (found.run.schema > 1) throw new Error("it was written by a newer tcpprobe");
  return found;
}

const listOf = (value) => (Array.isArray(value) ? value : []);
const textOf = (value) => (typeof value === "string" ? value : "");

/* A file that was dropped may hold anything: what the page uses is there, and of its kind. */
function sound(result) {
  return {
    ...result, id: textOf(result.id), title: textOf(result.title), verdict: textOf(result.verdict), reason: textOf(result.reason),
    covers: listOf(result.covers).map(textOf), steps: listOf(result.steps), connections: listOf(result.connections).map((one) => ({ ...one, local: textOf(one?.local), remote: textOf(one?.remote) })),
    transcript: listOf(result.transcript).map((entry) => ({ ...entry, time: Number(entry?.time) || 0, kind: textOf(entry?.kind), connection: textOf(entry?.connection), packet: textOf(entry?.packet), text: textOf(entry?.text), note: textOf(entry?.note) })),
  };
}

function useRuns(runs) {
  compared.runs = runs;
  compared.found = comparison(runs);
  compared.drawn = null;
}

const comparing = () => !state.get("case") && (names ? state.get("view") !== "run" : state.get("view") === "compare" && compared.runs !== null);

async function showComparison() {
  if (!compared.runs) useRuns(await ownRuns());
  const id = state.get("diff");
  const wanted = JSON.stringify([id, compared.runs.length, innerWidth]);
  if (compared.drawn === wanted) return;
  compared.drawn = wanted;
  const known = id && compared.runs.some(({ results }) => results.some((result) => plain(result.id) === id));
  const place = $("#compare");
  place.replaceChildren(...(known ? besideParts(id) : comparisonParts()));
  document.title = known ? `${plain(id)} – comparison` : "Comparison of TCP conformance";
  if (known) drawBeside(id);
}

function comparisonParts() {
  const { runs, found } = compared;
  const groups = CHANGES.map((change) => groupView(change, found)).filter(Boolean);
  return [
    el("section", { class: "masthead", "aria-labelledby": "compare-title" },
      el("p", { class: "overline" }, "TCP conformance"), el("h1", { id: "compare-title" }, `${runs.length} runs compared`),
      el("p", { class: "judgement" }, sentence(found)), runsTable(runs),
      names || !runs.length ? null : el("p", { class: "meta" }, el("a", { href: state.href({ view: "", diff: "" }) }, "← the report")),
      names ? el("p", { class: "meta" }, el("a", { href: state.href({ view: "run", diff: "" }) }, "The last run in full")) : null),
    ...groups,
    sameView(found),
  ];
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/* Newly broken and newly held are two numbers; their difference says nothing. */
function sentence(found) {
  const count = (what, change) => found[what].rows.filter((row) => row.change === change).length;
  const said = ["newly broken", "newly held"].map((change) => `${counted(count("requirements", change), "requirement")} ${change}`);
  const rest = found.requirements.rows.length - count("requirements", "newly broken") - count("requirements", "newly held");
  const others = rest ? ` ${counted(rest, "further requirement")} ${rest === 1 ? "differs" : "differ"}.` : "";
  return `${said.join("; ")}.${others} ${counted(found.requirements.same.length, "requirement")} and ${counted(found.cases.same.length, "scenario")} are the same.`;
}

function runsTable(runs) {
  const heads = ["run", "target", "started", "scenarios", "tcpprobe"];
  return el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "The runs" }, el("table", { class: "runs" },
    el("thead", {}, el("tr", {}, heads.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, runs.map(({ name, run, results, end }, index) => el("tr", {},
      el("th", { scope: "row" }, `${index + 1}  ${name}`), el("td", {}, `${textOf(run.target)} ${textOf(run.address)}`), el("td", {}, textOf(run.started).replace("T", " ").replace("+00:00", " UTC")),
      el("td", {}, results.length, !end || end.cut_short ? " (cut short)" : ""), el("td", {}, textOf(run.version)))))));
}

function groupView(change, found) {
  const [rules, cases] = ["requirements", "cases"].map((what) => found[what].rows.filter((row) => row.change === change));
  if (!rules.length && !cases.length) return null;
  const title = GROUPS[change] ?? change[0].toUpperCase() + change.slice(1);
  return el("section", { class: `change change-${change.replace(/ /g, "-")}` },
    el("h2", {}, title, " ", el("small", {}, `${counted(rules.length, "requirement")}, ${counted(cases.length, "scenario")}`)),
    rules.length ? changeTable("requirement", rules, ruleCell) : null, cases.length ? changeTable("scenario", cases, caseCell) : null);
}

function changeTable(what, rows, cell) {
  return el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `${what}s that differ` }, el("table", { class: "changes" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, what), compared.runs.map((_, index) => el("th", { scope: "col" }, `run ${index + 1}`)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, cell(row), row.cells.map((word) => el("td", {}, wordView(word))))))));
}

const ruleCell = (row) => el("th", { scope: "row" }, el("code", {}, row.id), el("span", { class: "says" }, ruleOf(plain(row.id))?.text ?? ""));

function caseCell(row) {
  const results = compared.runs.map((run) => run.results.find((result) => result.id === row.id)).filter(Boolean);
  const last = results.at(-1);
  return el("th", { scope: "row" }, el("a", { href: state.href({ diff: plain(row.id) }) }, last.title || row.id), " ", el("code", {}, row.id),
    el("span", { class: "says" }, last.reason));
}

const STANDING_GLYPH = { broken: "fail", deviates: "warn", inconclusive: "inconclusive", held: "pass", "not tested": "skip" };

function wordView(word) {
  if (word === null) return el("span", { class: "quiet" }, "–");
  if (word in GLYPHS) return verdict(word);
  const tone = STANDING_GLYPH[word] ?? "error";
  return el("span", { class: `v v-${tone}` }, el("i", { "aria-hidden": "true" }, GLYPHS[tone]), word);
}

/* The scenarios that are the same can be looked at too; their list is made when it is asked for. */
function sameView(found) {
  const list = el("ul", { class: "same" });
  const open = (event) => {
    if (event.target.open && !list.firstChild) list.append(...found.cases.same.map((id) => el("li", {}, el("a", { href: state.href({ diff: plain(id) }) }, id))));
  };
  return el("details", { ontoggle: open }, el("summary", {}, `${counted(found.cases.same.length, "scenario")} with the same verdict`), list);
}

const playsOf = (id) => compared.runs.map((run) => run.results.find((result) => plain(result.id) === id) ?? null);

function besideParts(id) {
  const plays = playsOf(id);
  const last = plays.findLast(Boolean);
  return [
    el("header", { class: "case-head" },
      el("nav", { class: "crumbs", "aria-label": "Comparison" }, el("a", { href: state.href({ diff: "" }) }, "← all that differs"),
        rowOf.has(id) ? el("a", { href: state.href({ case: id, diff: "" }) }, "the last run's play in full") : null),
      el("p", { class: "overline" }, el("code", {}, id)), el("h1", {}, last.title)),
    el("p", { class: "judgement", id: "parting" }),
    el("div", { class: "beside", tabindex: 0, role: "group", "aria-label": "Ladders side by side" }, plays.map((play, index) => el("section", {},
      el("h2", {}, `${index + 1}  ${compared.runs[index].name}`),
      el("p", { class: "said" }, play ? [verdict(play.verdict), " ", play.reason] : "not in this run"),
      el("div", { class: "ladder-box", "data-play": index })))),
  ];
}

function drawBeside(id) {
  const plays = playsOf(id);
  const there = plays.filter((play) => play?.transcript.length);
  for (const play of there) {
    for (const entry of play.transcript) if (typeof entry.packet === "string") entry.packet = packetBytes(entry.packet);
  }
  const transcripts = there.map((play) => play.transcript);
  const rows = transcripts.length ? folded(aligned(transcripts), transcripts) : [];
  const parted = transcripts.length > 1 ? parting(rows, transcripts) : -1;
  $("#parting").textContent = partingSentence(rows[parted], there, plays);
  for (const box of $$(".beside .ladder-box")) {
    const play = plays[Number(box.dataset.play)];
    if (!there.includes(play)) continue;
    const run = there.indexOf(play);
    const places = [];
    rows.forEach((row, at) => { if (row[run] !== null) places[row[run]] = at; });
    const width = Math.max(290, Math.floor(box.clientWidth));
    box.replaceChildren(ladder(play, width, "even", rows[parted]?.[run] ?? -1, () => {}, { places, count: rows.length, parted }));
  }
}

function packetBytes(text) {
  try {
    return bytesOf(text);
  } catch {
    return new Uint8Array();
  }
}

function partingSentence(row, there, plays) {
  if (there.length < 2) return "Only one of the runs has an exchange of this scenario.";
  if (!row) return "The exchanges are the same, packet by packet.";
  const said = row.map((index, run) => {
    const number = plays.indexOf(there[run]) + 1;
    if (index === null) return `in run ${number} there is nothing`;
    const entry = there[run].transcript[index];
    return `in run ${number} ${entry.kind === "event" ? "" : `${entry.kind} `}${plain(rungLabel(entry))}${entry.note ? ` (${plain(entry.note)})` : ""}`;
  });
  return `The first difference: ${said.join("; ")}.`;
}
