/* The results file inside the page: blocks of deflated lines, inflated when one of them is asked for. */

const BLOCK = Number(document.body.dataset.block);
const blocks = $$('script[type="application/x-tcpprobe"]:not([data-run])');
const inflated = new Map();

const bytesOf = (base64) => {
  const text = atob(base64.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};

const inflate = (script) => inflateText(script.textContent);

async function inflateText(base64) {
  const stream = new Blob([bytesOf(base64.trim())]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

async function block(index) {
  if (!inflated.has(index)) {
    const scripts = blocks.filter((script) => script.dataset.kind === "results");
    inflated.set(index, (await inflate(scripts[index])).split("\n").filter(Boolean));
    if (inflated.size > 8) inflated.delete(inflated.keys().next().value);
  }
  return inflated.get(index);
}

/* The result with that number; its packets become bytes. */
async function record(number) {
  const lines = await block(Math.floor(number / BLOCK));
  const { result } = JSON.parse(lines[number % BLOCK]);
  for (const entry of result.transcript) entry.packet = bytesOf(entry.packet);
  return result;
}

async function allRecords() {
  const parts = [];
  for (const script of blocks) parts.push(await inflate(script));
  return parts;
}
