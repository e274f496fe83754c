// Many consoles in one process: node fanout_client.js PORT CONTROL COOKIE CLIENTS EVENTS GAP KIND PID. Prints JSON.
// An event carries the second it was made: {"t": number} from the peer and the bare wire, {"at": instant} from the journal.
const fs = require("fs");
const http = require("http");
const WebSocket = require("ws");

const [, , port, control, cookie, clientsText, eventsText, gap, kind, pid] = process.argv;
const clients = Number(clientsText);
const events = Number(eventsText);
const wanted = clients * events;
const sampleEvery = Math.max(1, Math.floor(wanted / 200000));
const now = () => (performance.timeOrigin + performance.now()) / 1000;
const latencies = [];
let received = 0;
let bytes = 0;
let last = 0;
let finish;
const finished = new Promise((resolve) => (finish = resolve));

function heard(at) {
  received++;
  if (received % sampleEvery === 0) latencies.push(now() - at);
  if (received === wanted) {
    last = now();
    finish();
  }
}

function readNumber(text) {
  const start = text.indexOf('"t":') + 4;
  heard(parseFloat(text.slice(start, start + 22)));
}

function readInstants(text) {
  // Bundled events each have their own "at"; Date knows milliseconds, the rest is added.
  for (let start = text.indexOf('"at":"'); start >= 0; start = text.indexOf('"at":"', start + 6)) {
    const instant = text.slice(start + 6, text.indexOf('"', start + 6));
    const micros = /\.\d{3}(\d{3})/.exec(instant);
    heard(Date.parse(instant) / 1000 + (micros ? Number(micros[1]) / 1e6 : 0));
  }
}

function connect() {
  return new Promise((resolve, reject) => {
    const url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`;
    const socket = new WebSocket(url, { perMessageDeflate: false, headers: cookie ? { Cookie: cookie } : {} });
    socket.on("error", reject);
    socket.on("message", (data) => {
      const text = data.toString("latin1");
      if (text[0] === "0") socket.send("40");
      else if (text[0] === "2") socket.send("3");
      else if (text.startsWith("40")) resolve();
      else if (text.startsWith("44")) reject(new Error("refused"));
      else if (text.startsWith('42["ev"')) {
        bytes += data.length;
        readNumber(text);
      } else if (text.startsWith('42["news"')) {
        bytes += data.length;
        readInstants(text);
      }
    });
  });
}

function memory() {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}

function percentile(part) {
  latencies.sort((a, b) => a - b);
  return latencies.length ? latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] * 1000 : null;
}

async function main() {
  const before = memory();
  for (let start = 0; start < clients; start += 50) {
    await Promise.all(Array.from({ length: Math.min(50, clients - start) }, connect));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  const kilobytes = (memory() - before) / clients;
  const began = now();
  const path = `/fan?n=${events}&gap=${gap}&kind=${kind}`;
  http.request({ host: "127.0.0.1", port: control, method: "POST", path }, (response) => response.resume()).end();
  const limit = setTimeout(finish, 60000);
  await finished;
  clearTimeout(limit);
  const seconds = (last || now()) - began;
  const result = { received, wanted, per_second: received / seconds, p50: percentile(0.5), p99: percentile(0.99) };
  console.log(JSON.stringify({ ...result, bytes: bytes / Math.max(1, received), kilobytes }));
  process.exit(0);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
