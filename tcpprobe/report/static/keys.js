/* The keyboard. Nothing is taken while something is typed or a modifier is held. */

const typing = (node) => node.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]");

const moveRow = (step) => {
  const visible = shown.filter((row) => !row.hidden);
  const at = visible.indexOf(document.activeElement.closest?.("tr"));
  const next = visible[at < 0 ? (step > 0 ? 0 : visible.length - 1) : at + step];
  if (!next) return;
  $("a", next).focus();
  next.scrollIntoView({ block: "nearest" });
};

const movePacket = (step) => {
  const next = view.selected + step;
  if (!view.result.transcript[next]) return;
  choose(next);
  $(".rung.selected")?.scrollIntoView({ block: "nearest" });
};

const moveCase = (row) => row && state.set({ case: row.dataset.id, pkt: "" });

const LIST_KEYS = { ArrowDown: () => moveRow(1), ArrowUp: () => moveRow(-1), j: () => moveRow(1), k: () => moveRow(-1) };
const CASE_KEYS = {
  ArrowDown: () => movePacket(1), ArrowUp: () => movePacket(-1), j: () => movePacket(1), k: () => movePacket(-1),
  ArrowRight: () => moveCase(neighbours().after), ArrowLeft: () => moveCase(neighbours().before),
  Escape: () => state.set({ case: "", pkt: "", scale: "" }), t: () => state.set({ scale: view.scale === "time" ? "" : "time" }, true),
};

const COMPARE_KEYS = { Escape: () => state.set({ diff: "" }) };

function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("#help").open) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const inside = Boolean(state.get("case"));
    const keys = inside ? CASE_KEYS : $("#compare").hidden ? LIST_KEYS : COMPARE_KEYS;
    const all = { "?": () => $("#help").showModal(), "/": focusSearch };
    const act = all[event.key] ?? keys[event.key];
    /* Arrows scroll the page until the list or a packet has been entered. */
    if (!act || (event.key.startsWith("Arrow") && scrolls(event, inside))) return;
    event.preventDefault();
    act();
  });
}

const scrolls = (event, inside) =>
  event.target.closest?.(".yaml, .hex, pre") || (!inside && !event.target.closest?.(".results")) || (inside && /Up|Down/.test(event.key) && !view.result?.transcript.length);

function focusSearch() {
  if (state.get("case")) state.set({ case: "", pkt: "" });
  requestAnimationFrame(() => { $("#q").focus(); $("#q").select(); });
}
