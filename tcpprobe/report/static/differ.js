/* Runs side by side: the same words for the same changes as tcpprobe.results.compare. Nothing is ever set off. */

const SAYS = { fail: "broken", warn: "deviates", inconclusive: "inconclusive", pass: "held", skip: "not tested", error: "not tested" };
const WEIGHT = ["broken", "deviates", "held", "inconclusive", "not tested"];
const CHANGES = ["newly broken", "newly held", "no longer tested", "newly tested", "changed", "unchanged"];

function changeOf(before = "not tested", after = "not tested") {
  if (before === after) return "unchanged";
  if (after === "broken" || (after === "deviates" && before !== "broken")) return "newly broken";
  if (after === "held" && (before === "broken" || before === "deviates")) return "newly held";
  if (after === "not tested") return "no longer tested";
  return before === "not tested" ? "newly tested" : "changed";
}

function standings(results) {
  const found = new Map();
  for (const { verdict: said, covers } of results) {
    for (const id of covers) {
      const weights = [WEIGHT.indexOf(SAYS[said] ?? "not tested"), WEIGHT.indexOf(found.get(id) ?? "not tested")];
      found.set(id, WEIGHT[Math.min(...weights)]);
    }
  }
  return found;
}

/* `found` and `said` are a map per run; rows of what is not the same in all, worst change first, and the ids of the rest. */
function rowsOf(found, said) {
  const ids = new Set(found.flatMap((each) => [...each.keys()]));
  const [rows, same] = [[], []];
  for (const id of ids) {
    const cells = found.map((each) => each.get(id) ?? null);
    if (new Set(cells).size === 1) same.push(id);
    else rows.push({ id, cells, change: changeOf(said[0].get(id), said.at(-1).get(id)) });
  }
  rows.sort((a, b) => CHANGES.indexOf(a.change) - CHANGES.indexOf(b.change) || (a.id < b.id ? -1 : 1));
  return { rows, same };
}

function comparison(runs) {
  const verdicts = runs.map(({ results }) => new Map(results.map((result) => [result.id, result.verdict])));
  const said = verdicts.map((each) => new Map([...each].map(([id, word]) => [id, SAYS[word] ?? "not tested"])));
  const weighed = runs.map(({ results }) => standings(results));
  return { cases: rowsOf(verdicts, said), requirements: rowsOf(weighed, weighed) };
}
