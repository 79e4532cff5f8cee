/* Elements and text. Nothing is ever parsed as HTML: text goes in as text nodes, attributes one by one. */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/* Controls, bidi overrides, ANSI escapes and lone surrogates are spelled, as the rest of the report does. */
const spelled = (text, keepLines) =>
  text.replace(/\p{C}|(?! )\p{Z}/gu, (char) => {
    if (keepLines && char === "\n") return char;
    const code = char.codePointAt(0);
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });

/* Of more the beginning is shown, and how many characters there are: a megabyte may come where a word was expected. */
const LONGEST = 10000;

function plain(text, keepLines = false, longest = LONGEST) {
  const whole = String(text);
  if (whole.length <= longest) return spelled(whole, keepLines);
  return `${spelled(whole.slice(0, longest), keepLines).slice(0, longest - 40)} … (${whole.length.toLocaleString("en")} characters)`;
}

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : plain(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : plain(child));
  }
  return node;
}

const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);
const pre = (text, attributes = {}) => {
  const node = el("pre", attributes);
  node.textContent = plain(text, true, 200000);
  return node;
};

const tell = (text) => {
  $("#status").textContent = text;
};

async function copy(text, button) {
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "copied";
  tell("Copied");
  setTimeout(() => { button.textContent = said; }, 1200);
}

const copyButton = (text, label = "copy") =>
  el("button", { type: "button", class: "copy", onclick: (event) => copy(text(), event.currentTarget) }, label);

function save(parts, name, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = el("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const seconds = (value) => {
  if (value < 0.01) return `${(value * 1000).toFixed(1)} ms`;
  if (value < 1) return `${(value * 1000).toFixed(0)} ms`;
  return `${value.toPrecision(3)} s`;
};

const GLYPHS = { fail: "✕", warn: "▲", inconclusive: "?", error: "!", skip: "–", pass: "✓" };
const LEVELS = { must: "MUST", should: "SHOULD", may: "MAY", info: "info" };
const verdict = (name) =>
  el("span", { class: `v v-${name in GLYPHS ? name : "error"}` }, el("i", { "aria-hidden": "true" }, GLYPHS[name] ?? "!"), name);
