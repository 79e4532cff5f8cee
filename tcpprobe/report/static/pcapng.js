/* A pcapng capture (draft-ietf-opsawg-pcapng) of raw IP packets, made from the embedded results. Times count from the run's start. */

const RAW_IP = 101;

class Bytes {
  constructor() { this.parts = []; this.size = 0; }
  add(bytes) { this.parts.push(bytes); this.size += bytes.length; return this; }
  u16(...values) { return this.number(2, values); }
  u32(...values) { return this.number(4, values); }
  number(width, values) {
    const bytes = new Uint8Array(width * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, i) => (width === 2 ? view.setUint16(2 * i, value, true) : view.setUint32(4 * i, value, true)));
    return this.add(bytes);
  }
  padded(bytes) { return this.add(bytes).add(new Uint8Array((4 - (bytes.length % 4)) % 4)); }
  option(code, bytes) { return this.u16(code, bytes.length).padded(bytes); }
  join() {
    const whole = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) { whole.set(part, at); at += part.length; }
    return whole;
  }
}

function captureBlock(kind, body) {
  const size = body.size + 12;
  return new Bytes().u32(kind, size).add(body.join()).u32(size).join();
}

function comment(result, entry) {
  const words = [entry.kind];
  const step = result.steps[entry.step];
  if (step) words.push(`step ${entry.step + 1} (line ${step.line})`);
  if (entry.note) words.push(entry.note);
  const expected = step && entry.kind === "received" && step.expected ? `: expected ${step.expected}` : "";
  return plain(words.join(", ") + expected);
}

function pcapng(result, started) {
  const encoder = new TextEncoder();
  const file = new Bytes();
  const application = new Bytes().option(4, encoder.encode("tcpprobe")).u32(0).join();
  file.add(captureBlock(0x0a0d0d0a, new Bytes().u32(0x1a2b3c4d).u16(1, 0).u32(0xffffffff, 0xffffffff).add(application)));
  file.add(captureBlock(1, new Bytes().u16(RAW_IP, 0).u32(0).option(9, new Uint8Array([9])).u32(0)));
  for (const entry of result.transcript) {
    if (!entry.packet.length) continue;
    const stamp = BigInt(Math.round(started * 1000)) * 1000000n + BigInt(Math.round(entry.time * 1e9));
    const body = new Bytes().u32(0, Number(stamp >> 32n), Number(stamp & 0xffffffffn), entry.packet.length, entry.packet.length);
    body.padded(entry.packet).option(1, encoder.encode(comment(result, entry)).slice(0, 0xffff)).u32(0);
    file.add(captureBlock(6, body));
  }
  return file.join();
}
