/* One packet in full: its layers beside its bytes; pointing at a field shows which bytes it is, and the other way round. */

/* A scenario's word for a field to the field's name here. */
const FIELD_NAMES = {
  seq: "sequence number", ack: "acknowledgment number", flags: "flags", window: "window", urgent: "urgent pointer", checksum: "checksum",
  sport: "source port", dport: "destination port", data_offset: "data offset", ttl: "time to live", df: "flags", dscp: "DSCP", ecn: "ECN",
  id: "identification", mss: "option: MSS", wscale: "option: window scale", timestamps: "option: timestamps", sack: "option: SACK permitted",
  sack_blocks: "option: SACK", mtu: "MTU",
};

/* `wrong` are the fields, in a scenario's words, that were not as expected. */
function packetView(entry, wrong = []) {
  if (!entry.packet.length) return el("p", { class: "quiet" }, "An event: there is no packet.");
  const layers = dissect(entry.packet);
  const cells = [];
  let kept = [0, 0];
  /* Pointing lights up a field's bytes; choosing it keeps them lit. */
  const light = (at, size, keep = false) => {
    if (keep) kept = [at, size];
    const [start, length] = size ? [at, size] : kept;
    for (const [index, cell] of cells.entries()) cell.classList.toggle("lit", index >= start && index < start + length);
  };
  const names = new Set(wrong.map((name) => name.split(".").at(-1)).map((name) => FIELD_NAMES[name] ?? (/^(data|len)$/.test(name) ? "data" : name)));
  const tree = el("div", { class: "layers" }, layers.map((found) => layerView(found, light, names)));
  const bytes = hexView(entry.packet, layers, cells, tree);
  for (const row of $$("tr.wrong", tree)) {
    const start = Number(row.dataset.at);
    for (const cell of cells.slice(start, start + Number(row.dataset.size))) cell.classList.add("wrong");
  }
  return el("div", { class: "packet" }, tree, bytes);
}

function layerView(found, light, wrong) {
  const isWrong = (each) => !found.name.startsWith("quoted") && (wrong.has(each.name) || (wrong.has("data") && found.name === "data"))
    && (each.name !== "flags" || found.name === "TCP");
  const rows = found.fields.map((each) =>
    el(
      "tr",
      {
        class: isWrong(each) && "wrong", "data-at": each.at, "data-size": each.size, onclick: (event) => keepField(event.currentTarget, light),
        onmouseenter: () => light(each.at, each.size), onmouseleave: () => light(0, 0),
      },
      el("th", { scope: "row" }, el("button", { type: "button", class: "field" }, each.name)),
      el("td", {}, each.value),
    ),
  );
  return el(
    "details",
    { open: /^(TCP|ICMP|ICMPv6|data|not IP|cut short)$/.test(found.name) },
    el("summary", { onmouseenter: () => light(found.at, found.size), onmouseleave: () => light(0, 0) }, found.name, el("small", {}, ` ${found.size} bytes`)),
    el("table", {}, el("tbody", {}, rows)),
  );
}

function keepField(row, light) {
  const again = row.hasAttribute("aria-selected");
  for (const each of $$("tr[aria-selected]", row.closest(".layers"))) each.removeAttribute("aria-selected");
  if (!again) row.setAttribute("aria-selected", "true");
  light(Number(row.dataset.at), again ? 0 : Number(row.dataset.size), true);
}

function hexView(bytes, layers, cells, tree) {
  const point = (at) => {
    for (const row of $$("tr", tree)) {
      const start = Number(row.dataset.at);
      row.classList.toggle("lit", at >= start && at < start + Number(row.dataset.size));
    }
  };
  const owner = (at) => layers.findLastIndex((found) => at >= found.at) % 4;
  const lines = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const line = el("div", { class: "hexline" }, el("span", { class: "offset" }, start.toString(16).padStart(4, "0")));
    for (let at = start; at < Math.min(start + 16, bytes.length); at++) {
      const cell = el("b", { class: `layer-${owner(at)}`, onmouseenter: () => point(at), onmouseleave: () => point(-1) }, bytes[at].toString(16).padStart(2, "0"));
      cells.push(cell);
      line.append(cell);
    }
    for (let at = bytes.length; at < start + 16; at++) line.append(el("b", { "aria-hidden": "true" }, "  "));
    const text = [...bytes.subarray(start, start + 16)].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    line.append(el("span", { class: "ascii" }, text));
    lines.push(line);
  }
  return el("div", { class: "hex", tabindex: 0, role: "group", "aria-label": `${bytes.length} bytes in hexadecimal` }, lines);
}
