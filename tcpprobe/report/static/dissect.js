/* An IP packet's layers: [{name, at, size, fields: [{name, value, at, size}]}], offsets into the packet. Never throws. */

const FLAG_LETTERS = "FSRPAUECN";
const FLAG_NAMES = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
const OPTION_NAMES = {
  0: "end of list", 1: "no operation", 2: "MSS", 3: "window scale", 4: "SACK permitted", 5: "SACK", 8: "timestamps",
  19: "MD5", 28: "user timeout", 29: "authentication", 30: "multipath", 34: "fast open", 172: "accurate ECN", 174: "accurate ECN",
};
const PROTOCOLS = { 0: "hop-by-hop", 1: "ICMP", 6: "TCP", 17: "UDP", 43: "routing", 44: "fragment", 58: "ICMPv6", 60: "destination options" };

class Cursor {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u8(at) { return this.view.getUint8(at); }
  u16(at) { return this.view.getUint16(at); }
  u32(at) { return this.view.getUint32(at); }
  hex(at, size) { return [...this.bytes.subarray(at, at + size)].map((byte) => byte.toString(16).padStart(2, "0")).join(""); }
}

const hex = (value, digits) => `0x${value.toString(16).padStart(digits, "0")}`;
const layer = (name, at, size) => ({ name, at, size, fields: [] });
const field = (into, name, value, at, size) => into.fields.push({ name, value: String(value), at, size });

function addressText(bytes) {
  if (bytes.length === 4) return bytes.join(".");
  const words = [];
  for (let i = 0; i < 16; i += 2) words.push((bytes[i] << 8 | bytes[i + 1]).toString(16));
  const zeros = [...words.join(":").matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)[0];
  const text = words.join(":");
  if (!zeros) return text;
  return `${text.slice(0, zeros.index)}::${text.slice(zeros.index + zeros[0].length + 1)}`;
}

function dissect(bytes, at = 0, quoted = "") {
  const cursor = new Cursor(bytes);
  const layers = [];
  try {
    const version = cursor.u8(at) >> 4;
    if (version === 4) readV4(cursor, at, layers, quoted);
    else if (version === 6) readV6(cursor, at, layers, quoted);
    else readData(cursor, at, bytes.length, layers, "not IP");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const end = layers.length ? layers.at(-1).at : at;
    readData(cursor, end, bytes.length, layers, "cut short");
  }
  return layers;
}

function readV4(c, at, layers, quoted) {
  const head = (c.u8(at) & 15) * 4;
  const ip = layer(`${quoted}IPv4`, at, Math.max(20, head));
  layers.push(ip);
  field(ip, "version", 4, at, 1);
  field(ip, "header length", `${head} bytes`, at, 1);
  field(ip, "DSCP", c.u8(at + 1) >> 2, at + 1, 1);
  field(ip, "ECN", ["not ECT", "ECT(1)", "ECT(0)", "CE"][c.u8(at + 1) & 3], at + 1, 1);
  field(ip, "total length", c.u16(at + 2), at + 2, 2);
  field(ip, "identification", hex(c.u16(at + 4), 4), at + 4, 2);
  const word = c.u16(at + 6);
  field(ip, "flags", [word & 0x8000 && "reserved", word & 0x4000 && "DF", word & 0x2000 && "MF"].filter(Boolean).join(" ") || "none", at + 6, 1);
  field(ip, "fragment offset", (word & 0x1fff) * 8, at + 6, 2);
  field(ip, "time to live", c.u8(at + 8), at + 8, 1);
  const protocol = c.u8(at + 9);
  field(ip, "protocol", `${protocol} ${PROTOCOLS[protocol] ?? ""}`.trim(), at + 9, 1);
  field(ip, "checksum", hex(c.u16(at + 10), 4), at + 10, 2);
  field(ip, "source", addressText(c.bytes.subarray(at + 12, at + 16)), at + 12, 4);
  field(ip, "destination", addressText(c.bytes.subarray(at + 16, at + 20)), at + 16, 4);
  if (ip.size > 20) field(ip, "options", c.hex(at + 20, ip.size - 20), at + 20, ip.size - 20);
  readPayload(c, (word & 0x1fff) ? -1 : protocol, at + ip.size, layers, quoted);
}

function readV6(c, at, layers, quoted) {
  const ip = layer(`${quoted}IPv6`, at, 40);
  layers.push(ip);
  const first = c.u32(at);
  field(ip, "version", 6, at, 1);
  field(ip, "DSCP", first >>> 22 & 63, at, 2);
  field(ip, "ECN", ["not ECT", "ECT(1)", "ECT(0)", "CE"][first >>> 20 & 3], at + 1, 1);
  field(ip, "flow label", hex(first & 0xfffff, 5), at + 1, 3);
  field(ip, "payload length", c.u16(at + 4), at + 4, 2);
  let next = c.u8(at + 6);
  field(ip, "next header", `${next} ${PROTOCOLS[next] ?? ""}`.trim(), at + 6, 1);
  field(ip, "hop limit", c.u8(at + 7), at + 7, 1);
  field(ip, "source", addressText(c.bytes.subarray(at + 8, at + 24)), at + 8, 16);
  field(ip, "destination", addressText(c.bytes.subarray(at + 24, at + 40)), at + 24, 16);
  let place = at + 40;
  while ([0, 43, 44, 60].includes(next)) {
    const size = next === 44 ? 8 : (c.u8(place + 1) + 1) * 8;
    const extension = layer(`${quoted}${PROTOCOLS[next]} header`, place, size);
    field(extension, "bytes", c.hex(place, size), place, size);
    layers.push(extension);
    const later = next === 44 && c.u16(place + 2) >> 3;
    next = later ? -1 : c.u8(place);
    place += size;
  }
  readPayload(c, next, place, layers, quoted);
}

function readPayload(c, protocol, at, layers, quoted) {
  if (protocol === 6) readTcp(c, at, layers, quoted);
  else if (protocol === 1 || protocol === 58) readIcmp(c, at, layers, quoted, protocol);
  else readData(c, at, c.bytes.length, layers, `${quoted}payload`);
}

function readTcp(c, at, layers, quoted) {
  const size = c.bytes.length - at;
  const tcp = layer(`${quoted}TCP`, at, Math.min(20, size));
  layers.push(tcp);
  field(tcp, "source port", c.u16(at), at, 2);
  field(tcp, "destination port", c.u16(at + 2), at + 2, 2);
  field(tcp, "sequence number", c.u32(at + 4), at + 4, 4);
  field(tcp, "acknowledgment number", c.u32(at + 8), at + 8, 4);
  const word = c.u16(at + 12);
  const head = (word >> 12) * 4;
  field(tcp, "data offset", `${word >> 12} (${head} bytes)`, at + 12, 1);
  field(tcp, "reserved", word >> 9 & 7, at + 12, 1);
  field(tcp, "flags", FLAG_NAMES.filter((_, bit) => word >> bit & 1).join(" ") || "none", at + 12, 2);
  field(tcp, "window", c.u16(at + 14), at + 14, 2);
  field(tcp, "checksum", hex(c.u16(at + 16), 4), at + 16, 2);
  field(tcp, "urgent pointer", c.u16(at + 18), at + 18, 2);
  const end = Math.min(at + Math.max(20, head), c.bytes.length);
  tcp.size = end - at;
  readOptions(c, at + 20, end, tcp);
  if (end < c.bytes.length) readData(c, end, c.bytes.length, layers, `${quoted}data`);
}

function readOptions(c, start, end, tcp) {
  let at = start;
  while (at < end) {
    const kind = c.u8(at);
    const name = `option: ${OPTION_NAMES[kind] ?? `kind ${kind}`}`;
    if (kind < 2) {
      field(tcp, name, kind ? "" : "rest is padding", at, kind ? 1 : end - at);
      if (!kind) return;
      at += 1;
      continue;
    }
    const size = at + 1 < end ? c.u8(at + 1) : 0;
    if (size < 2 || at + size > end) {
      field(tcp, name, `length ${size} is wrong: ${c.hex(at, end - at)}`, at, end - at);
      return;
    }
    field(tcp, name, optionValue(c, kind, at + 2, size - 2), at, size);
    at += size;
  }
}

function optionValue(c, kind, at, size) {
  if (kind === 2 && size === 2) return c.u16(at);
  if (kind === 3 && size === 1) return `${c.u8(at)} (times ${2 ** Math.min(c.u8(at), 255)})`;
  if (kind === 8 && size === 8) return `value ${c.u32(at)}, echo ${c.u32(at + 4)}`;
  if (kind === 5 && size && size % 8 === 0) {
    const found = [];
    for (let i = 0; i < size; i += 8) found.push(`${c.u32(at + i)}..${c.u32(at + i + 4)}`);
    return found.join(" ");
  }
  return size ? c.hex(at, size) : "";
}

function readIcmp(c, at, layers, quoted, protocol) {
  const icmp = layer(`${quoted}${PROTOCOLS[protocol]}`, at, 8);
  layers.push(icmp);
  const type = c.u8(at);
  field(icmp, "type", type, at, 1);
  field(icmp, "code", c.u8(at + 1), at + 1, 1);
  field(icmp, "checksum", hex(c.u16(at + 2), 4), at + 2, 2);
  const tooBig = protocol === 58 ? type === 2 : type === 3 && c.u8(at + 1) === 4;
  if (tooBig) field(icmp, "MTU", protocol === 58 ? c.u32(at + 4) : c.u16(at + 6), at + 4, 4);
  else field(icmp, "rest of header", c.hex(at + 4, 4), at + 4, 4);
  const error = protocol === 58 ? type < 128 : [3, 4, 5, 11, 12].includes(type);
  if (error && !quoted && c.bytes.length > at + 8) layers.push(...dissect(c.bytes, at + 8, "quoted "));
  else readData(c, at + 8, c.bytes.length, layers, `${quoted}payload`);
}

function readData(c, at, end, layers, name) {
  if (at >= end) return;
  const data = layer(name, at, end - at);
  const text = [...c.bytes.subarray(at, Math.min(end, at + 64))].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
  field(data, `${end - at} bytes`, end - at > 64 ? `${text}…` : text, at, end - at);
  layers.push(data);
}

const [SYN, RST, ACK] = [2, 4, 16];

/* Of a TCP packet: {seq, ack, flags, window, size (octets of data), length (in sequence space), wscale, sack: edges}; else null. */
function segmentOf(bytes) {
  const tcp = dissect(bytes).find((found) => found.name === "TCP");
  if (!tcp || tcp.size < 20) return null;
  const c = new Cursor(bytes);
  const flags = c.u16(tcp.at + 12) & 511;
  const size = bytes.length - tcp.at - tcp.size;
  const found = {
    seq: c.u32(tcp.at + 4), ack: c.u32(tcp.at + 8), flags, window: c.u16(tcp.at + 14),
    size, length: size + (flags & 1) + (flags >> 1 & 1), wscale: undefined, sack: [],
  };
  for (const each of tcp.fields) {
    if (each.name === "option: window scale" && each.size === 3) found.wscale = c.u8(each.at + 2);
    if (each.name === "option: SACK") for (let at = each.at + 2; at + 4 <= each.at + each.size; at += 4) found.sack.push(c.u32(at));
  }
  return found;
}
