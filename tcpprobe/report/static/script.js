/* The steps as they are written, with what became of each; the failing one with a caret under what differs. */

const OUTCOMES = { met: "✓", done: "·", missed: "✕", "not reached": " " };

function scriptView(result) {
  const rows = [];
  for (const step of result.steps) {
    const lines = (step.source || "").replace(/\t/g, "    ").split(/\r?\n/);
    const carets = caretsOf(lines, step);
    lines.forEach((text, index) => {
      const tone = step.outcome === "missed" ? "missed" : step.outcome === "not reached" ? "later" : "";
      rows.push(
        el("div", { class: `line ${tone}` },
          el("span", { class: "mark", title: index ? null : step.outcome }, index ? " " : OUTCOMES[step.outcome] ?? " "),
          el("span", { class: "no" }, step.line + index), el("code", {}, text || " ")),
      );
      const caret = carets.get(index);
      if (caret) {
        rows.push(
          el("div", { class: "line caret", "aria-hidden": "true" }, el("span", { class: "mark" }, " "), el("span", { class: "no" }, " "),
            el("code", {}, " ".repeat(caret[0]) + "^".repeat(caret[1]))),
        );
      }
    });
  }
  return el("div", { class: "yaml", tabindex: 0, role: "group", "aria-label": "Steps of the scenario" }, rows);
}

function caretsOf(lines, step) {
  for (const { field: name } of step.differences) {
    for (const word of new Set([name, name.split(".").at(-1)])) {
      const place = fieldPlace(lines, word);
      if (place) return new Map([place]);
    }
  }
  if (step.outcome !== "missed") return new Map();
  const start = lines[0].length - lines[0].replace(/^[ -]+/, "").length;
  return new Map([[0, [start, Math.max(1, lines[0].trimEnd().length - start)]]]);
}

function fieldPlace(lines, name) {
  const word = name.replace(/[.*+?^${}()|[\]\\\/-]/g, "\\$&");
  const pattern = new RegExp(`(?<![\\w.])${word}\\s*:\\s*(\\[[^\\]]*\\]|"[^"]*"|'[^']*'|[^,}\\n]*)`);
  for (const [index, text] of lines.entries()) {
    const match = pattern.exec(text);
    if (match) return [index, [match.index, match[0].trimEnd().length]];
  }
  return null;
}

function differencesView(step) {
  if (!step.differences.length) return null;
  return el("table", { class: "differences" },
    el("caption", {}, "Field by field"),
    el("thead", {}, el("tr", {}, ["field", "expected", "seen"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, step.differences.map((one) =>
      el("tr", {}, el("th", { scope: "row" }, one.field), el("td", { class: "want" }, one.expected), el("td", { class: "got" }, one.seen)))));
}

/* The step that was missed, or that was met in a way that is only tolerated. */
function failingStep(result) {
  return result.steps.find((step) => step.outcome === "missed")
    ?? (/^(fail|warn)$/.test(result.verdict) ? result.steps.findLast((step) => step.variant) : undefined);
}
